//! From songs to an index: each described, its sentences encoded, their mean its vector.
//!
//! A catalogue of more than one batch is built part by part, so that memory does not follow its
//! size, and a build that was killed goes on where it was: see [`parts`].

mod parts;
mod sentences;
mod tally;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use self::parts::Parts;
use self::sentences::Sentences;
use self::tally::Tally;
use super::clean::{CleanOptions, clean_spooled, clean_with};
use super::describe::lines;
use super::report::{CleanReport, counted};
use super::source::{self, refuse_same_file};
use super::{CatalogError, Describer};
use crate::embedding::same_space;
use crate::encoder::{EncodeOptions, Encoder};
use crate::index::publish::{Draft, folder_of};
use crate::index::{
    EditReport, SongIndex, SongIndexEditor, SongIndexError, SongIndexWriter, WriterOptions,
};
use crate::progress::Progress;
use crate::song::{COLUMNS, Song};

pub use self::parts::parts_folder;
pub use self::tally::Likeness;

/// How to describe, encode and write songs.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// How songs without a description of their own are described.
    pub describer: Describer,
    /// Whether `TITLE by ARTIST` is one more sentence of each song. Names pull a song towards
    /// pictures of what they mean, whatever it sounds like; so they stay out unless asked for.
    pub names: bool,
    /// How the sentences go through the encoder.
    pub encode: EncodeOptions,
    /// See [`WriterOptions::batch_rows`]. Also after how many songs a build can go on that was
    /// interrupted.
    pub batch_rows: usize,
}

impl Default for BuildOptions {
    /// The embedded templates, no names, and the encoder's and the writer's own defaults.
    fn default() -> Self {
        Self {
            describer: Describer::default(),
            names: false,
            encode: EncodeOptions::default(),
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}

/// What [`build_index`] put into the index, and how well its songs can be told apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// Songs written.
    pub songs: usize,
    /// Distinct sentences.
    pub sentences: usize,
    /// Distinct descriptions.
    pub descriptions: usize,
    /// Distinct vectors: how many songs the index can tell apart.
    pub vectors: usize,
    /// How alike the songs are to each other; `None` for a single one.
    pub likeness: Option<Likeness>,
    /// Songs left out because nothing is known that a description could be made of.
    pub left_out: usize,
    /// The ids of the first five of them.
    pub left_out_ids: Vec<String>,
    /// Songs that an earlier build, interrupted, had finished.
    pub resumed: usize,
}

impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} written, with {} and {} of {}",
            counted(self.songs as u64, "song"),
            counted(self.vectors as u64, "distinct vector"),
            counted(self.descriptions as u64, "distinct description"),
            counted(self.sentences as u64, "sentence"),
        )?;
        if let Some(Likeness { mean, low, high }) = self.likeness {
            writeln!(
                f,
                "  cosine of two songs: {mean:.2} on average, for nine pairs in ten {low:.2} to {high:.2}"
            )?;
        }
        if self.resumed > 0 {
            let songs = counted(self.resumed as u64, "song");
            writeln!(f, "  {songs} taken from the build that was interrupted")?;
        }
        if self.left_out > 0 {
            let more = if self.left_out > self.left_out_ids.len() { ", ..." } else { "" };
            writeln!(
                f,
                "  {} left out, nothing to describe by: {}{more}",
                counted(self.left_out as u64, "song"),
                self.left_out_ids.join(", ")
            )?;
        }
        Ok(())
    }
}

/// Writes an index of `songs` to `out`, whose vectors live in the space of `encoder`.
///
/// A song is described by its own [`description`](Song::description) where it has one, a sentence a
/// line (lyrics do too), and otherwise by [`BuildOptions::describer`]; the index keeps the text.
/// Its vector is the mean of the unit vectors of its sentences, scaled to length 1. The same songs,
/// encoder and options give the same bytes on the same machine.
///
/// Until everything is written, whatever was at `out` stays as it was. Of more than one batch
/// ([`BuildOptions::batch_rows`]), finished ones are kept in [`parts_folder`] until then: if the
/// build is killed, the next one takes those whose songs, sentences and encoder are still the same.
/// That takes room for a second copy.
///
/// Costs one pass of the text tower for every distinct sentence (a few thousand for a catalogue of
/// any size with the embedded templates), and the memory of a batch.
///
/// # Errors
/// [`CatalogError::NoSongs`] where there is nothing to write, [`CatalogError::Index`] where the
/// file cannot be written or two songs have one id, [`CatalogError::Encode`] where the encoder
/// fails, [`CatalogError::Describe`] where the describer does, and [`CatalogError::Cancelled`].
pub fn build_index(
    songs: &[Song],
    out: impl AsRef<Path>,
    encoder: &Encoder,
    options: &BuildOptions,
    progress: &mut dyn Progress,
) -> Result<BuildReport, CatalogError> {
    let out = out.as_ref();
    check_place(out)?;
    let extra = songs.iter().flat_map(|song| song.extra.keys().cloned());
    let build = Build { out, count: songs.len(), extra: extra.collect(), encoder, options };
    build.run(songs.iter().cloned().map(Ok), progress)
}

/// [`clean`](super::clean()) and [`build_index`] in one; returns what both report.
///
/// The songs wait in a file beside `out`, of some 300 bytes each, so that memory need not hold
/// them: a million take less than a gigabyte in all.
///
/// # Errors
/// As the two of them, [`CatalogError::Spool`], and [`CatalogError::OutIsTable`] where the index
/// would replace the table.
pub fn build_index_from_csv(
    csv: impl AsRef<Path>,
    out: impl AsRef<Path>,
    encoder: &Encoder,
    clean_options: &CleanOptions,
    options: &BuildOptions,
    progress: &mut dyn Progress,
) -> Result<(CleanReport, BuildReport), CatalogError> {
    let (csv, out) = (csv.as_ref(), out.as_ref());
    refuse_same_file(csv, out)?;
    let reader = source::open_file(csv)?;
    build_index_from_reader(reader, csv, out, encoder, clean_options, options, progress)
}

/// [`build_index_from_csv`] of a table that is no file; `name` is what errors and the report call
/// it.
///
/// # Errors
/// As [`clean_reader`](super::clean_reader) and [`build_index`], and [`CatalogError::Spool`].
pub fn build_index_from_reader(
    reader: impl Read,
    name: impl AsRef<Path>,
    out: impl AsRef<Path>,
    encoder: &Encoder,
    clean_options: &CleanOptions,
    options: &BuildOptions,
    progress: &mut dyn Progress,
) -> Result<(CleanReport, BuildReport), CatalogError> {
    let out = out.as_ref();
    check_place(out)?;
    let folder = folder_of(out);
    let (merged, cleaned) = clean_spooled(reader, name.as_ref(), clean_options, folder, progress)?;
    let build = Build { out, count: merged.count, extra: merged.extra.clone(), encoder, options };
    let built = build.run(merged.songs()?, progress)?;
    Ok((cleaned, built))
}

/// [`clean`](super::clean()), [`build_index`] and [`SongIndexEditor::add`] in one: adds the songs
/// of a table to an index; returns what the three report.
///
/// Other writers of the index wait while the songs are encoded; readers do not. The new songs go
/// through a file in the folder for temporary files.
///
/// # Errors
/// As the three of them; before anything is encoded, [`CatalogError::Embedding`] if the index is of
/// another encoder, and [`SongIndexError::KnownIds`] if it has songs of the table that are not to
/// be replaced.
pub fn add_from_csv(
    csv: impl AsRef<Path>,
    editor: SongIndexEditor,
    encoder: &Encoder,
    clean_options: &CleanOptions,
    options: &BuildOptions,
    progress: &mut dyn Progress,
) -> Result<(CleanReport, BuildReport, EditReport), CatalogError> {
    let index = editor.index();
    same_space((index.dim(), index.fingerprint()), (encoder.dim(), Some(encoder.fingerprint())))?;
    let cleaned = clean_with(csv.as_ref(), clean_options, progress)?;
    editor.known_rows(cleaned.songs.iter().map(|song| song.id.as_str()))?;

    let folder = tempfile::Builder::new()
        .prefix("pixelplay-")
        .tempdir()
        .map_err(SongIndexError::io("write", &std::env::temp_dir()))?;
    let path = folder.path().join("songs.arrow");
    let built = match build_index(&cleaned.songs, &path, encoder, options, progress) {
        Err(CatalogError::NoSongs { left_out, .. }) => {
            Err(CatalogError::NoSongs { out: index.path().to_owned(), left_out })
        }
        built => built,
    }?;
    let edited = editor.add(&SongIndex::open(&path)?, progress)?;
    Ok((cleaned.report, built, edited))
}

/// Before the long work: a place that cannot be written to is found out at once.
fn check_place(out: &Path) -> Result<(), CatalogError> {
    drop(Draft::create(out)?);
    Ok(())
}

/// One build of an index.
struct Build<'a> {
    out: &'a Path,
    /// How many songs will come.
    count: usize,
    /// Their unknown columns.
    extra: BTreeSet<String>,
    encoder: &'a Encoder,
    options: &'a BuildOptions,
}

/// A song with the sentences it is described by.
struct Described {
    song: Song,
    sentences: Vec<String>,
}

impl Build<'_> {
    fn run(
        &self,
        songs: impl Iterator<Item = Result<Song, CatalogError>>,
        progress: &mut dyn Progress,
    ) -> Result<BuildReport, CatalogError> {
        let batch_rows = self.options.batch_rows.max(1);
        let mut parts =
            (self.count > batch_rows).then(|| Parts::open(self.out, progress)).transpose()?;
        let mut sentences = Sentences::new(self.encoder, self.options.encode.clone());
        let mut tally = Tally::default();
        let mut songs = Describing { songs, options: self.options, waiting: Vec::new() };
        let mut done = Done { songs: 0, told: 0, of: self.count, progress };
        loop {
            let batch = songs.next_batch(batch_rows, &mut tally, &mut done)?;
            if batch.is_empty() {
                break;
            }
            match &mut parts {
                None => {
                    // All songs are in this one; whoever stops now comes too late.
                    self.write(self.out, &batch, &mut sentences, &mut tally, &mut done)?;
                    break;
                }
                Some(parts) => {
                    let key = self.key(&batch)?;
                    let path = parts.next(&key);
                    match Parts::finished(&path, batch.len()) {
                        Some(index) => tally.add_finished(&batch, &index, self.out)?,
                        None => self.write(&path, &batch, &mut sentences, &mut tally, &mut done)?,
                    }
                    done.all()?;
                }
            }
        }
        if tally.is_empty() {
            return Err(CatalogError::NoSongs {
                out: self.out.to_owned(),
                left_out: tally.left_out(),
            });
        }
        let _ = done.all();
        if let Some(parts) = parts {
            parts.join(self.out, batch_rows, tally.songs(), done.progress)?;
        }
        Ok(tally.report())
    }

    /// Writes one batch to an index of its own.
    fn write(
        &self,
        path: &Path,
        batch: &[Described],
        sentences: &mut Sentences<'_>,
        tally: &mut Tally,
        done: &mut Done<'_>,
    ) -> Result<(), CatalogError> {
        /// A fraction of a second of work for the encoder, and little memory where every song has
        /// sentences of its own.
        const ENCODED_AT_ONCE: usize = 1024;
        let mut writer = SongIndexWriter::create(path, self.writer_options())?;
        for (at, songs) in batch.chunks(ENCODED_AT_ONCE).enumerate() {
            let before = (at * ENCODED_AT_ONCE) as f64;
            sentences.learn(songs, |share| {
                let encoded = before + share * songs.len() as f64;
                done.within(batch.len(), encoded / batch.len() as f64)
            })?;
            let vectors: Vec<_> = songs
                .par_iter()
                .map(|described| sentences.mean(&described.sentences))
                .collect::<Result<_, _>>()?;
            for (described, vector) in songs.iter().zip(&vectors) {
                tally.add(described, vector, self.out)?;
                let mut song = described.song.clone();
                song.description = Some(described.sentences.join("\n"));
                writer.push(&song, vector)?;
            }
        }
        Ok(writer.finish()?)
    }

    /// What a batch's file depends on, as a name.
    fn key(&self, batch: &[Described]) -> Result<String, CatalogError> {
        let mut hash = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(concat!("pixelplay ", env!("CARGO_PKG_VERSION"), " part").as_bytes());
        add(self.encoder.fingerprint().as_str().as_bytes());
        add(self.encoder.arithmetic().as_bytes());
        for name in &self.extra {
            add(name.as_bytes());
        }
        for Described { song, sentences } in batch {
            add(&super::spool::bytes(song).map_err(|source| CatalogError::Spool {
                folder: folder_of(self.out).to_owned(),
                source,
            })?);
            for sentence in sentences {
                add(sentence.as_bytes());
            }
        }
        Ok(hash.finalize().to_hex()[..32].to_owned())
    }

    fn writer_options(&self) -> WriterOptions {
        let known = COLUMNS.iter().map(|&(name, _)| name.to_owned());
        WriterOptions {
            fingerprint: Some(self.encoder.fingerprint().clone()),
            batch_rows: self.options.batch_rows,
            columns: known.chain(self.extra.iter().cloned()).collect(),
            ..WriterOptions::new(self.encoder.dim())
        }
    }
}

/// Songs that get their sentences as they come.
struct Describing<'a, S> {
    songs: S,
    options: &'a BuildOptions,
    /// Described and not taken yet.
    waiting: Vec<Described>,
}

impl<S: Iterator<Item = Result<Song, CatalogError>>> Describing<'_, S> {
    /// The next songs of which something can be said, `rows` of them unless there are no more.
    fn next_batch(
        &mut self,
        rows: usize,
        tally: &mut Tally,
        done: &mut Done<'_>,
    ) -> Result<Vec<Described>, CatalogError> {
        const DESCRIBED_AT_ONCE: usize = 1024;
        let mut batch = std::mem::take(&mut self.waiting);
        while batch.len() < rows {
            done.report()?;
            let songs: Vec<Song> =
                self.songs.by_ref().take(DESCRIBED_AT_ONCE).collect::<Result<_, _>>()?;
            if songs.is_empty() {
                break;
            }
            done.songs += songs.len();
            let described: Vec<_> = songs
                .into_par_iter()
                .map(|song| {
                    let sentences = description(&song, self.options)?;
                    Ok(Described { song, sentences })
                })
                .collect::<Result<_, CatalogError>>()?;
            for described in described {
                if described.sentences.is_empty() {
                    tally.leave_out(&described.song);
                } else {
                    batch.push(described);
                }
            }
        }
        self.waiting = batch.split_off(rows.min(batch.len()));
        Ok(batch)
    }
}

/// How far a build is.
struct Done<'a> {
    /// Songs that were described.
    songs: usize,
    /// Songs that are known to be done, and told of: never fewer than before.
    told: usize,
    of: usize,
    progress: &'a mut dyn Progress,
}

impl Done<'_> {
    /// All songs that were described are done.
    fn all(&mut self) -> Result<(), CatalogError> {
        self.told = self.songs;
        self.report()
    }

    /// Of the last songs that were described, `batch` of them, a share is encoded.
    fn within(&mut self, batch: usize, share: f64) -> Result<(), CatalogError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rough place between two numbers of songs"
        )]
        let encoded = (batch as f64 * share) as usize;
        let done = self.songs.saturating_sub(batch) + encoded;
        self.told = self.told.max(done.min(self.of));
        self.report()
    }

    fn report(&mut self) -> Result<(), CatalogError> {
        let total = Some(self.of as u64);
        Ok(self.progress.at("building the index", self.told as u64, total)?)
    }
}

fn description(song: &Song, options: &BuildOptions) -> Result<Vec<String>, CatalogError> {
    let mut sentences: Vec<_> = lines(song.description.as_deref().unwrap_or_default()).collect();
    if sentences.is_empty() {
        sentences = options.describer.sentences(song)?;
    }
    if options.names
        && let (Some(title), Some(artist)) = (&song.title, &song.artist)
    {
        sentences.push(format!("{title} by {artist}"));
    }
    Ok(sentences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Templates, describe};
    use crate::song::SongId;

    #[test]
    fn own_descriptions_go_before_templates_and_names_come_when_asked() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Rain".into());
        song.artist = Some("Ana".into());
        song.energy = Some(0.5);
        let mut options = BuildOptions::default();
        let templated = description(&song, &options).unwrap();
        assert_eq!(templated, describe(&song, &Templates::default()));
        song.description = Some(" \n".into());
        assert_eq!(description(&song, &options).unwrap(), templated);
        song.description = Some("rain on a window\n\n a dark street ".into());
        assert_eq!(description(&song, &options).unwrap(), ["rain on a window", "a dark street"]);
        options.names = true;
        assert_eq!(description(&song, &options).unwrap()[2], "Rain by Ana");
    }
}
