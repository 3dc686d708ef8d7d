//! The embedded catalogue, built into the user's cache on first use.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::CatalogError;
use super::build::{BuildOptions, build_index};
use super::clean::{CleanOptions, clean_reader};
use super::templates::EMBEDDED;
use crate::encoder::Encoder;
use crate::index::SongIndex;
use crate::progress::OnProgress;

/// Where the cache is, where the user says so; otherwise `pixelplay` in the platform's cache folder.
const CACHE_VARIABLE: &str = "PIXELPLAY_CACHE";

/// Opens an index of the embedded starter catalogue in the space of `encoder`.
///
/// The first call builds it, a pass of the text tower for each of its sentences, and keeps it in the
/// folder named by the environment variable `PIXELPLAY_CACHE`, or else in `pixelplay` in the user's
/// cache folder (`~/.cache` or `XDG_CACHE_HOME`, on Windows `AppData\Local`). Later calls open the
/// file and check every byte; one that is damaged is built anew. Each encoder has its own file, and
/// so has each version of the catalogue and of this crate. Several processes may do all this at once.
///
/// # Errors
/// [`CatalogError::Cache`] where the folder cannot be written to. There is no silent second choice:
/// in a folder for temporary files, open to all, anybody could have put another file in place.
/// Otherwise as [`build_index`].
pub fn starter_index(
    encoder: &Encoder,
    on_progress: &mut OnProgress<'_>,
) -> Result<SongIndex, CatalogError> {
    let folder = cache_folder(std::env::var_os(CACHE_VARIABLE).map(PathBuf::from))?;
    starter_index_in(&folder, encoder, on_progress)
}

fn cache_folder(chosen: Option<PathBuf>) -> Result<PathBuf, CatalogError> {
    if let Some(folder) = chosen.filter(|folder| !folder.as_os_str().is_empty()) {
        return Ok(folder);
    }
    match etcetera::choose_base_strategy() {
        Ok(platform) => Ok(platform.cache_dir().join("pixelplay")),
        Err(source) => Err(CatalogError::Cache {
            path: PathBuf::from("the user's cache folder"),
            source: source.into(),
        }),
    }
}

fn starter_index_in(
    folder: &Path,
    encoder: &Encoder,
    on_progress: &mut OnProgress<'_>,
) -> Result<SongIndex, CatalogError> {
    let path = folder.join(file_name(encoder));
    if let Some(index) = open_whole(&path, encoder) {
        return Ok(index);
    }
    let unusable = |source| CatalogError::Cache {
        path: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|error| unusable(error.into()))?;
    let songs = clean_reader(
        pixelplay_data::STARTER_CSV,
        "the starter catalogue",
        &CleanOptions::default(),
        on_progress,
    )?
    .songs;
    let options = BuildOptions::default();
    match build_index(&songs, &path, encoder, &options, on_progress) {
        Ok(_) => {}
        Err(CatalogError::Index(source)) => return Err(unusable(source.into())),
        Err(other) => return Err(other),
    }
    SongIndex::open(&path).map_err(|error| unusable(error.into()))
}

/// The index at `path`, unless it is missing, damaged or foreign; whatever is wrong with it, it can be built anew.
fn open_whole(path: &Path, encoder: &Encoder) -> Option<SongIndex> {
    let index = SongIndex::open(path).ok()?;
    let fits = index.fingerprint() == Some(encoder.fingerprint()) && index.verify().is_ok();
    fits.then_some(index)
}

/// A name that changes with everything that the bytes of the file depend on.
fn file_name(encoder: &Encoder) -> String {
    let mut hash = blake3::Hasher::new();
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let fingerprint = encoder.fingerprint().as_str().as_bytes();
    for part in [
        pixelplay_data::STARTER_CSV,
        EMBEDDED.as_bytes(),
        fingerprint,
        version,
    ] {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    format!("starter-{}.arrow", &hash.finalize().to_hex()[..16])
}
