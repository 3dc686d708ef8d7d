//! The embedded catalogue. Its index is built in the user's cache on first use.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::CatalogError;
use super::digest::PartsHasher;
use super::indexing::{BuildOptions, build_index, recipe};
use super::song_table::SongTable;
use crate::encoder::Encoder;
use crate::index::SongIndex;
use crate::progress::Progress;

/// The environment variable that names the cache folder. The default is `pixelplay` in the
/// platform's cache folder.
const CACHE_VARIABLE: &str = "PIXELPLAY_CACHE";

/// Opens an index of the embedded starter catalogue in the space of `encoder`.
///
/// The first call builds it, which takes one pass of the text tower for each sentence, and keeps it
/// in the folder named by the environment variable `PIXELPLAY_CACHE`, or else in the folder
/// `pixelplay` in the user's cache folder (`XDG_CACHE_HOME` or `~/.cache`; on Windows,
/// `AppData\Local`). Later calls open the file and check every byte; a damaged file is rebuilt.
/// There is a separate file for each encoder and for each version of the catalogue and of this
/// crate. Several processes may call this at the same time.
///
/// ```no_run
/// use pixelplay_core::{Encoder, catalog::starter_index};
///
/// let encoder = Encoder::mini()?;
/// let index = starter_index(&encoder, &mut ())?;
/// println!("{} songs", index.len());
/// # Ok::<(), pixelplay_core::Error>(())
/// ```
///
/// # Errors
/// Returns [`CatalogError::Cache`] if the folder cannot be written to. There is no silent fallback:
/// in a shared folder for temporary files, another user could have planted a file in advance. If no
/// folder can be used, call [`starter_index_in`] with a new folder that only this process can
/// access. Also returns the errors of [`build_index`].
pub fn starter_index(
    encoder: &Encoder,
    progress: &mut dyn Progress,
) -> Result<SongIndex, CatalogError> {
    let folder = cache_folder(std::env::var_os(CACHE_VARIABLE).map(PathBuf::from))?;
    starter_index_in(&folder, encoder, progress)
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

/// Like [`starter_index`], but keeps the index in `folder`, which is created if needed.
///
/// # Errors
/// The same as for [`starter_index`].
pub fn starter_index_in(
    folder: &Path,
    encoder: &Encoder,
    progress: &mut dyn Progress,
) -> Result<SongIndex, CatalogError> {
    let path = folder.join(file_name(encoder));
    if let Some(index) = open_whole(&path, encoder) {
        return Ok(index);
    }
    let unusable = |source| CatalogError::Cache { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(|error| unusable(error.into()))?;
    let table = SongTable::from_reader(pixelplay_data::STARTER_CSV, "the starter catalogue");
    let songs = table.clean(progress)?.songs;
    match build_index(&songs, encoder, &path, &BuildOptions::default(), progress) {
        Ok(_) => {}
        Err(CatalogError::Index(source)) => return Err(unusable(source.into())),
        Err(other) => return Err(other),
    }
    SongIndex::open(&path).map_err(|error| unusable(error.into()))
}

/// Opens the index at `path`. Returns `None` if it is missing, damaged or from another encoder,
/// since it can be rebuilt in each of these cases.
fn open_whole(path: &Path, encoder: &Encoder) -> Option<SongIndex> {
    let index = SongIndex::open(path).ok()?;
    let fits = index.fingerprint() == Some(encoder.fingerprint()) && index.verify().is_ok();
    fits.then_some(index)
}

/// Returns a file name that changes whenever the content of the file would change.
fn file_name(encoder: &Encoder) -> String {
    let mut hasher = PartsHasher::default();
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let fingerprint = encoder.fingerprint().as_str().as_bytes();
    let arithmetic = encoder.arithmetic();
    for part in [
        pixelplay_data::STARTER_CSV,
        recipe(&BuildOptions::default()).as_bytes(),
        fingerprint,
        arithmetic.as_bytes(),
        version,
    ] {
        hasher.add(part);
    }
    format!("starter-{}.arrow", &hasher.hex()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{EncoderOptions, Precision};
    use std::collections::HashSet;
    use std::ops::ControlFlow;

    fn mini() -> Encoder {
        Encoder::mini().unwrap()
    }

    fn only_file(folder: &Path) -> PathBuf {
        let mut files = std::fs::read_dir(folder).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }

    /// Opens an existing index; fails instead of building one.
    fn open_only(folder: &Path, encoder: &Encoder) -> Result<SongIndex, CatalogError> {
        starter_index_in(folder, encoder, &mut |_: crate::progress::Update| ControlFlow::Break(()))
    }

    #[test]
    fn every_starter_song_is_clean_and_can_be_told_apart() {
        let cleaned =
            SongTable::from_reader(pixelplay_data::STARTER_CSV, "starter").clean(&mut ()).unwrap();
        let report = &cleaned.report;
        println!("{report}");
        assert_eq!(report.kept, report.rows_read);
        assert!(report.kept >= 300);
        assert!(report.cells_cleared.is_empty() && report.rescaled.is_empty());
        assert!(report.ignored.is_empty());
        let templates = crate::catalog::Templates::default();
        let unknown: Vec<_> = cleaned
            .songs
            .iter()
            .filter_map(|song| song.genre.as_deref())
            .filter(|genre| templates.genre(genre).is_none())
            .collect();
        assert!(unknown.is_empty(), "no scenes for {unknown:?}");
        let told: Vec<_> =
            cleaned.songs.iter().map(|song| crate::catalog::describe(song, &templates)).collect();
        let sentences: HashSet<_> = told.iter().flatten().collect();
        let descriptions: HashSet<_> = told.iter().collect();
        println!("{} distinct sentences", sentences.len());
        assert_eq!(descriptions.len(), told.len());
    }

    #[test]
    fn it_is_built_once_and_again_when_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("not yet there");
        let encoder = mini();
        assert!(matches!(open_only(&folder, &encoder), Err(CatalogError::Cancelled)));
        let built = starter_index_in(&folder, &encoder, &mut ()).unwrap();
        assert_eq!(open_only(&folder, &encoder).unwrap().len(), built.len());

        let file = only_file(&folder);
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [&flipped[..], &whole[..whole.len() / 2], b"", b"something else"] {
            std::fs::write(&file, damaged).unwrap();
            assert!(open_only(&folder, &encoder).is_err());
        }
        starter_index_in(&folder, &encoder, &mut ()).unwrap();
        assert_eq!(std::fs::read(only_file(&folder)).unwrap(), whole);

        // These vectors are in the same space, but not identical bit for bit.
        let int8 = Encoder::mini_with(EncoderOptions {
            precision: Precision::Int8,
            ..EncoderOptions::default()
        })
        .unwrap();
        assert_eq!(int8.fingerprint(), encoder.fingerprint());
        assert!(open_only(&folder, &int8).is_err());
    }

    #[test]
    fn two_at_once_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let encoder = mini();
        let lengths: Vec<_> = std::thread::scope(|scope| {
            let build = || starter_index_in(folder.path(), &encoder, &mut ()).unwrap().len();
            let threads: Vec<_> = (0..2).map(|_| scope.spawn(build)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(lengths[0], lengths[1]);
        open_only(folder.path(), &encoder).unwrap();
        only_file(folder.path());
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named_with_the_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for folder in [file.path().to_owned(), file.path().join("below")] {
            let error = starter_index_in(&folder, &mini(), &mut ()).unwrap_err();
            assert!(matches!(error, CatalogError::Cache { .. }));
            assert!(error.to_string().contains(CACHE_VARIABLE), "{error}");
        }
        // The folder exists, but the file cannot be created because a folder has the same name.
        let folder = tempfile::tempdir().unwrap();
        let encoder = mini();
        std::fs::create_dir(folder.path().join(file_name(&encoder))).unwrap();
        let error = starter_index_in(folder.path(), &encoder, &mut ()).unwrap_err();
        assert!(matches!(error, CatalogError::Cache { .. }), "{error}");
    }

    #[test]
    fn the_environment_decides_where_the_cache_is() {
        let chosen = cache_folder(Some("/srv/pixelplay".into())).unwrap();
        assert_eq!(chosen, Path::new("/srv/pixelplay"));
        for none in [None, Some(PathBuf::new())] {
            assert!(cache_folder(none).unwrap().ends_with("pixelplay"));
        }
    }
}
