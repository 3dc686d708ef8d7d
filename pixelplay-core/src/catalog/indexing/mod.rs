//! Builds an index from songs: each is described, its sentences are encoded, and their mean becomes
//! its vector.
//!
//! A catalogue of more than one batch is built in parts, so its vectors need not fit in memory, and
//! if a build is killed, the next one continues where it stopped; see [`parts`].
//!
//! * `build`: one build over `batches` of songs, each `described` as it arrives.
//! * `sentence_cache`: sentences and their vectors; each is encoded once.
//! * `composition`: how the sentences of a song become its vector.
//! * `parts`: the finished parts, kept in case a build is killed.
//! * `tally`: the counts for the `report`; `build_progress`: the progress of a build.
//! * `visibility`: how visible the thing named by a title is.
//! * `options`: how songs are turned into an index; `recipe`: how an index records these options.

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
pub(super) use visibility::Visibility;

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
/// per line, and otherwise by [`BuildOptions::describer`]. Its title, tags and lyrics follow. The
/// index stores these texts, and [how they were made](SongIndex::recipe). [`WordWeights`]
/// determines how the texts are combined into a vector. The same songs, encoder and options yield
/// the same bytes on the same machine.
///
/// An existing file at `out` stays until the new one is complete. If there is more than one batch
/// ([`BuildOptions::batch_rows`]), finished batches are kept in [`parts_folder`] until then: if the
/// build is killed, the next one reuses the batches whose songs, sentences and encoder have not
/// changed. This needs disk space for a second copy of the index.
///
/// A build takes one pass of the text tower per distinct sentence. With the embedded templates
/// there are a few thousand of these for a catalogue of any size, plus one per title. It needs
/// memory for one batch, and about 200 bytes per song.
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

/// Does the work of [`build_index`] for songs that arrive one by one. The path must already have
/// been checked.
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

/// Builds an index of `songs` in the folder for temporary files, describing them like those of
/// `editor`, and adds it.
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

/// Checks, before the long work, that the path can be written to.
pub(super) fn check_place(out: &Path) -> Result<(), CatalogError> {
    drop(Draft::create(out)?);
    Ok(())
}
