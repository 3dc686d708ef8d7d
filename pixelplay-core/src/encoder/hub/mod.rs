//! Checkpoints from the Hugging Face Hub, through the cache that all its clients share.
//!
//! What Python's `huggingface_hub` has downloaded is used without downloading it again, and the
//! other way round; the layout is drawn in `cache.rs`. Environment variables mean what they mean
//! there: see [`HubOptions`].

mod cache;
mod download;
mod error;
mod http;
mod name;
mod resolve;
mod settings;

use std::path::{Path, PathBuf};

pub use error::HubError;
pub use settings::{HubOptions, HubToken};

use super::error::EncodeError;
use super::{Encoder, EncoderOptions, weights};
use crate::progress::Progress;
use cache::Cache;
use download::Downloads;
use http::Client;
use name::{Repo, Revision};
use resolve::{Request, Resolved};
use settings::Settings;

/// A checkpoint in the cache.
#[derive(Debug)]
#[non_exhaustive]
pub struct HubSnapshot {
    /// The folder, as [`Encoder::open`] takes it.
    pub dir: PathBuf,
    /// The repository.
    pub repo: String,
    /// The revision asked for; `main` where none was.
    pub requested: String,
    /// The revision the files are of: the one asked for, or `refs/pr/NUMBER` where `main` has no
    /// safetensors and that pull request stands in for it, as [`Encoder::from_hub`] explains.
    pub revision: String,
    /// The commit that this revision was resolved to: name it as the revision to get the same files
    /// again.
    pub commit: String,
    /// Why the hub could not be asked, where that is why the commit is the one known from last
    /// time.
    pub unchecked: Option<HubError>,
}

impl Encoder {
    /// Opens a checkpoint of the Hugging Face Hub, downloading what the cache does not hold.
    ///
    /// `revision` is a branch, a tag, a commit or `refs/pr/NUMBER`, by default `main`. It is
    /// resolved to a commit once, all files are of that commit, and [`Encoder::name`] is
    /// `repo@commit`. A commit whose files are all in the cache is opened without the network.
    /// Where the hub cannot be reached, what the cache holds of a branch is opened.
    ///
    /// Where no revision is given and `main` has no safetensors, all files are taken from the open
    /// pull request in which the hub's own converter (the user `SFconvertbot`) adds them: pickled
    /// weights could run any code, and transformers does the same. `openai/clip-vit-base-patch32`
    /// is such a repository. [`HubSnapshot::revision`] tells, and the commit in the name is that of
    /// the pull request. Who opened it is checked whenever the hub is asked; without the hub, the
    /// pull request that the cache holds completely is opened, if there is but one. A revision that
    /// is named is never left, and [`HubOptions::follow_conversion`] turns it off.
    ///
    /// ```no_run
    /// use pixelplay_core::Encoder;
    ///
    /// let encoder = Encoder::from_hub("openai/clip-vit-large-patch14", None)?;
    /// println!("{} gives {} dimensions", encoder.name(), encoder.dim());
    /// # Ok::<(), pixelplay_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`download`] and [`Encoder::open_with`].
    pub fn from_hub(repo: &str, revision: Option<&str>) -> Result<Self, EncodeError> {
        let options = HubOptions { revision: revision.map(str::to_owned), ..HubOptions::default() };
        Self::from_hub_with(repo, &options, EncoderOptions::default(), &mut ())
    }

    /// Opens a checkpoint of the Hugging Face Hub, and says how.
    ///
    /// # Errors
    /// See [`download`] and [`Encoder::open_with`].
    pub fn from_hub_with(
        repo: &str,
        hub: &HubOptions,
        options: EncoderOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, EncodeError> {
        download(repo, hub, progress)?.open(options)
    }
}

impl HubSnapshot {
    /// Opens the checkpoint; [`Encoder::name`] is `repo@commit`.
    ///
    /// # Errors
    /// See [`Encoder::open_with`].
    pub fn open(&self, options: EncoderOptions) -> Result<Encoder, EncodeError> {
        let name = format!("{}@{}", self.repo, self.commit);
        Encoder::open_named(&self.dir, name, options)
    }
}

/// Puts a checkpoint of the Hugging Face Hub into the cache: the files that [`Encoder::open`]
/// reads, and no others.
///
/// A file appears in the cache when its size and hash are what the hub says, never before; a
/// download that breaks off or is stopped is gone on with the next time. Several processes may do
/// this at once.
///
/// # Errors
/// [`EncodeError::Hub`], which says what to do; [`EncodeError::BadJson`] if the list of the
/// weights' shards is damaged.
pub fn download(
    repo: &str,
    options: &HubOptions,
    progress: &mut dyn Progress,
) -> Result<HubSnapshot, EncodeError> {
    let repo = Repo::parse(repo)?;
    let revision = Revision::parse(options.revision.as_deref().unwrap_or("main"))?;
    let request = Request {
        repo: &repo,
        revision: &revision,
        follow: options.revision.is_none() && options.follow_conversion,
    };
    let settings = Settings::new(options)?;
    let cache = Cache::new(&settings, &repo);
    let snapshot = |resolved: &Resolved, unchecked| HubSnapshot {
        dir: cache.snapshot(&resolved.commit),
        repo: repo.as_str().to_owned(),
        requested: revision.as_str().to_owned(),
        revision: resolved.revision.as_str().to_owned(),
        commit: resolved.commit.as_str().to_owned(),
        unchecked,
    };
    let not_cached = |file: &str, source: Option<HubError>| HubError::NotCached {
        repo: repo.as_str().to_owned(),
        revision: revision.as_str().to_owned(),
        cache: settings.cache.clone(),
        file: file.to_owned(),
        source: source.map(Box::new),
    };

    let cached = request.in_cache(&cache)?;
    if settings.offline || (cached.is_ok() && revision.as_commit().is_some()) {
        let resolved = cached.map_err(|file| not_cached(&file, None))?;
        return Ok(snapshot(&resolved, None));
    }

    let client = Client::new(&settings, &repo);
    // Somebody who has a copy should not have to wait for a hub that is down.
    let retries = if cached.is_ok() { 0 } else { settings.retries };
    let mut on_tick = || Ok(progress.at("asking the hub", 0, None)?);
    on_tick()?;
    let on_hub = request.on_hub(&client, &cache, retries, &mut on_tick);
    let resolved = match (on_hub, cached) {
        (Ok(resolved), _) => resolved,
        (Err(error), Ok(cached)) if error.leaves_cache_valid() => {
            return Ok(snapshot(&cached, Some(error)));
        }
        (Err(error @ (HubError::Network { .. } | HubError::Status { .. })), Err(file)) => {
            return Err(not_cached(&file, Some(error)).into());
        }
        (Err(error), _) => return Err(error.into()),
    };

    let mut downloads = Downloads {
        client,
        settings: &settings,
        cache: &cache,
        commit: resolved.commit.clone(),
        progress,
    };
    if let Some(file) = collect(&mut |file| downloads.file(file))? {
        return Err(lacks(&mut downloads, &repo, file)?.into());
    }
    // Last, so that a ref never names half a snapshot.
    cache.set_ref(&resolved.revision, &resolved.commit);
    cache.set_ref(&revision, &resolved.requested);
    Ok(snapshot(&resolved, None))
}

const SHARD: &str = "shard that model.safetensors.index.json lists";

/// Gets the files of a checkpoint, the small ones first; `get` answers `None` for a file that does
/// not exist. Returns the first file without which there is no checkpoint.
fn collect(
    get: &mut dyn FnMut(&str) -> Result<Option<PathBuf>, HubError>,
) -> Result<Option<&'static str>, EncodeError> {
    if get("config.json")?.is_none() {
        return Ok(Some("config.json"));
    }
    if get("preprocessor_config.json")?.is_none() && get("processor_config.json")?.is_none() {
        return Ok(Some("preprocessor_config.json"));
    }
    if get("tokenizer.json")?.is_none()
        && (get("vocab.json")?.is_none() || get("merges.txt")?.is_none())
    {
        return Ok(Some("tokenizer.json"));
    }
    if get("model.safetensors")?.is_some() {
        return Ok(None);
    }
    let Some(index) = get("model.safetensors.index.json")? else {
        return Ok(Some("model.safetensors"));
    };
    for shard in weights::shards(Path::new(&index))? {
        if get(&shard)?.is_none() {
            return Ok(Some(SHARD));
        }
    }
    Ok(None)
}

/// What to say of a repository that lacks a file.
fn lacks(
    downloads: &mut Downloads<'_>,
    repo: &Repo,
    file: &'static str,
) -> Result<HubError, HubError> {
    let (repo, commit) = (repo.as_str().to_owned(), downloads.commit.as_str().to_owned());
    if file == "model.safetensors" {
        for pickle in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
            if downloads.exists(pickle)? {
                return Ok(HubError::PickledWeights {
                    repo,
                    commit,
                    file: pickle,
                    // Not being told is no failure: it is only advice.
                    safetensors: (downloads.client.conversion().ok().flatten())
                        .map(|revision| revision.as_str().to_owned()),
                });
            }
        }
    }
    Ok(HubError::MissingFile { repo, commit, file })
}
