//! From songs to an index: each described, its sentences encoded, their mean its vector.
//!
//! A catalogue of more than one batch is built part by part, so that memory does not follow its
//! size, and a build that was killed goes on where it was: see [`parts`].
//!
//! * `build`: one build, over `batches` of songs, each `described` as it comes.
//! * `sentence_cache`: sentences and their vectors, each encoded once.
//! * `composition`: how the sentences of a song become its vector.
//! * `parts`: what is finished, for when a build is killed.
//! * `tally`: what the `report` counts; `build_progress`: how far it is.
//! * `visibility`: how much of a title can be seen.
//! * `options`: how songs become an index; `recipe`: how it is written down in one.

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

/// Writes an index of `songs` to `out`, whose vectors live in the space of `encoder`.
///
/// A song is described by its own [`description`](Song::description) where it has one, a sentence a
/// line, and otherwise by [`BuildOptions::describer`]; then come its title, tags and lyrics. The
/// index keeps the text, and [how it was made](SongIndex::recipe). [`WordWeights`] says what vector
/// becomes of it. The same songs, encoder and options give the same bytes on the same machine.
///
/// Until everything is written, whatever was at `out` stays as it was. Of more than one batch
/// ([`BuildOptions::batch_rows`]), finished ones are kept in [`parts_folder`] until then: if the
/// build is killed, the next one takes those whose songs, sentences and encoder are still the same.
/// That takes room for a second copy.
///
/// Costs one pass of the text tower for every distinct sentence: a few thousand for a catalogue of
/// any size with the embedded templates, and one more for each title. Memory is that of a batch,
/// and some 200 bytes a song.
///
/// # Errors
/// [`CatalogError::BadWordWeight`], [`CatalogError::NoSongs`] where there is nothing to write,
/// [`CatalogError::Index`] where the file cannot be written or two songs have one id,
/// [`CatalogError::Encode`] where the encoder fails, [`CatalogError::Describe`] where the describer
/// does, and [`CatalogError::Cancelled`].
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

/// [`build_index`] of songs that come one by one, to a place that was checked.
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

/// Builds an index of `songs`, described as those of `editor`, in the folder for temporary files
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

/// How songs are described by `options`, as an index says it.
#[cfg(feature = "starter")]
pub(super) fn recipe(options: &BuildOptions) -> String {
    Recipe::of(options).as_str().to_owned()
}

/// Before the long work: a place that cannot be written to is found out at once.
pub(super) fn check_place(out: &Path) -> Result<(), CatalogError> {
    drop(Draft::create(out)?);
    Ok(())
}
