//! Builds an index from songs: each is described, its sentences are encoded, and their mean becomes
//! its vector.
//!
//! A catalogue of more than one batch is built part by part. Memory does not grow with its size,
//! and a build that was killed continues where it stopped: see [`parts`].
//!
//! * `build`: one build, over `batches` of songs, each `described` as it comes.
//! * `sentence_cache`: sentences and their vectors; each is encoded once.
//! * `composition`: how the sentences of a song become its vector.
//! * `parts`: the finished parts, in case a build is killed.
//! * `tally`: the counts of the `report`; `build_progress`: how far a build is.
//! * `visibility`: how much of a title can be seen.
//! * `options`: how songs become an index; `recipe`: how an index records it.

mod batches;
mod build;
mod build_progress;
mod composition;
mod described;
mod options;
mod parts;
mod recipe;
mod report;
mod sentence_cache;
mod tally;
mod visibility;

use std::path::Path;

pub use options::{BuildOptions, WordWeights};
pub use parts::parts_folder;
pub use report::{BuildReport, Likeness};

use super::CatalogError;
use super::clean::Merged;
use crate::encoder::Encoder;
use crate::index::publish::Draft;
use crate::index::{EditReport, SongIndex, SongIndexEditor, SongIndexError};
use crate::progress::Progress;
use crate::song::Song;
use build::Build;
use recipe::Recipe;

/// Writes an index of `songs` to `out`, with vectors in the space of `encoder`.
///
/// A song is described by its own [`description`](Song::description) if it has one, one sentence
/// per line, and otherwise by [`BuildOptions::describer`]. Then come its title, tags and lyrics.
/// The index stores the text, and [how it was made](SongIndex::recipe). [`WordWeights`] decides how
/// the text becomes a vector. The same songs, encoder and options yield the same bytes on the same
/// machine.
///
/// A file that was at `out` stays until the new one is complete. If there is more than one batch
/// ([`BuildOptions::batch_rows`]), finished batches are kept in [`parts_folder`] until then: if the
/// build is killed, the next one reuses those whose songs, sentences and encoder have not changed.
/// This needs disk space for a second copy.
///
/// It takes one pass of the text tower for every distinct sentence: a few thousand for a catalogue
/// of any size with the embedded templates, and one more for each title. It needs the memory of one
/// batch, and some 200 bytes per song.
///
/// # Errors
/// Returns [`CatalogError::BadWordWeight`], [`CatalogError::NoSongs`] if there is nothing to write,
/// [`CatalogError::Index`] if the file cannot be written or two songs have the same id,
/// [`CatalogError::Encode`] if the encoder fails, [`CatalogError::Describe`] if the describer
/// fails, and [`CatalogError::Cancelled`].
pub fn build_index(
    songs: &[Song],
    encoder: &Encoder,
    out: impl AsRef<Path>,
    options: &BuildOptions,
    progress: &mut dyn Progress,
) -> Result<BuildReport, CatalogError> {
    let out = out.as_ref();
    check_place(out)?;
    let extra = songs.iter().flat_map(|song| song.extra.keys().cloned());
    let recipe = Some(Recipe::of(options));
    let build = Build { out, count: songs.len(), extra: extra.collect(), encoder, options, recipe };
    build.run(songs.iter().cloned().map(Ok), progress)
}

/// [`build_index`] for songs that come one by one, to a path that was already checked.
pub(super) fn build_merged(
    songs: Merged,
    encoder: &Encoder,
    out: &Path,
    options: &BuildOptions,
    progress: &mut dyn Progress,
) -> Result<BuildReport, CatalogError> {
    let recipe = Some(Recipe::of(options));
    let extra = songs.extra.clone();
    let build = Build { out, count: songs.count, extra, encoder, options, recipe };
    build.run(songs.songs()?, progress)
}

/// Builds an index of `songs`, described like those of `editor`, in the folder for temporary files
/// and adds it.
pub(super) fn add_songs(
    songs: &[Song],
    editor: SongIndexEditor,
    encoder: &Encoder,
    options: BuildOptions,
    progress: &mut dyn Progress,
) -> Result<(BuildReport, EditReport), CatalogError> {
    let (options, recipe) = recipe::as_built(editor.index(), options)?;
    let folder = tempfile::Builder::new()
        .prefix("pixelplay-")
        .tempdir()
        .map_err(SongIndexError::io("write", &std::env::temp_dir()))?;
    let path = folder.path().join("songs.arrow");
    let extra = songs.iter().flat_map(|song| song.extra.keys().cloned());
    let build = Build {
        out: &path,
        count: songs.len(),
        extra: extra.collect(),
        encoder,
        options: &options,
        recipe,
    };
    let built = match build.run(songs.iter().cloned().map(Ok), progress) {
        Err(CatalogError::NoSongs { left_out, .. }) => {
            Err(CatalogError::NoSongs { out: editor.index().path().to_owned(), left_out })
        }
        built => built,
    }?;
    let edited = editor.add(&SongIndex::open(&path)?, progress)?;
    Ok((built, edited))
}

/// Returns the recipe that an index built with `options` stores.
#[cfg(feature = "starter")]
pub(super) fn recipe(options: &BuildOptions) -> String {
    Recipe::of(options).as_str().to_owned()
}

/// Checks before the long work that the path can be written to.
pub(super) fn check_place(out: &Path) -> Result<(), CatalogError> {
    drop(Draft::create(out)?);
    Ok(())
}
