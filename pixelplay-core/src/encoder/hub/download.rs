//! Downloads a checkpoint into the cache.

use std::path::PathBuf;

use super::cache::Cache;
use super::collect::collect;
use super::error::HubError;
use super::fetch::Downloads;
use super::http::Client;
use super::name::{Repo, Revision};
use super::resolve::{Request, Resolved};
use super::settings::{HubOptions, Settings};
use crate::encoder::files;
use crate::progress::Progress;

/// A checkpoint in the cache.
#[derive(Debug)]
#[non_exhaustive]
pub struct HubSnapshot {
    /// The folder, for use with [`Encoder::open`](crate::Encoder::open).
    pub dir: PathBuf,
    /// The repository.
    pub repo: String,
    /// The requested revision; `main` if none was given.
    pub requested: String,
    /// The revision of the files: the requested one, or `refs/pr/NUMBER` if `main` has no
    /// safetensors and that pull request is used instead, as
    /// [`Encoder::from_hub`](crate::Encoder::from_hub) explains.
    pub revision: String,
    /// The commit that this revision was resolved to. Pass it as the revision to get the same files
    /// again.
    pub commit: String,
    /// Why the hub could not be asked, if the commit is only the last known one.
    pub unchecked: Option<HubError>,
}

/// Downloads a checkpoint from the Hugging Face Hub into the cache: only the files that
/// [`Encoder::open`](crate::Encoder::open) reads.
///
/// A file appears in the cache only after its size and hash were verified against those from the
/// hub. An interrupted or cancelled download is continued the next time. Several processes may
/// download at the same time.
///
/// # Errors
/// A [`HubError`], whose message says what to do; [`HubError::BadJson`] if the list of the weights'
/// shards is damaged.
pub fn download(
    repo: &str,
    options: &HubOptions,
    progress: &mut dyn Progress,
) -> Result<HubSnapshot, HubError> {
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
    // Users who have a copy should not have to wait for a hub that is down.
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
            return Err(not_cached(&file, Some(error)));
        }
        (Err(error), _) => return Err(error),
    };

    let mut downloads = Downloads {
        client,
        settings: &settings,
        cache: &cache,
        commit: resolved.commit.clone(),
        progress,
    };
    if let Some(file) = collect(&mut |file| downloads.file(file))? {
        return Err(lacks(&mut downloads, &repo, file)?);
    }
    // The ref is written last, so that it never names an incomplete snapshot.
    cache.set_ref(&resolved.revision, &resolved.commit);
    cache.set_ref(&revision, &resolved.requested);
    Ok(snapshot(&resolved, None))
}

/// Returns the error for a repository that lacks a file.
fn lacks(
    downloads: &mut Downloads<'_>,
    repo: &Repo,
    file: &'static str,
) -> Result<HubError, HubError> {
    let (repo, commit) = (repo.as_str().to_owned(), downloads.commit.as_str().to_owned());
    if file == files::WEIGHTS {
        for pickle in files::PICKLES {
            if downloads.exists(pickle)? {
                return Ok(HubError::PickledWeights {
                    repo,
                    commit,
                    file: pickle,
                    // The pull request is only a suggestion, so an error here is ignored.
                    safetensors: (downloads.client.conversion().ok().flatten())
                        .map(|revision| revision.as_str().to_owned()),
                });
            }
        }
    }
    Ok(HubError::MissingFile { repo, commit, file })
}
