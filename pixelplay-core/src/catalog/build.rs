//! From songs to an index: each described, its sentences encoded, their mean its vector.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::clean::{CleanOptions, clean_with, step};
use super::report::{CleanReport, counted};
use super::source::refuse_same_file;
use super::templates::Templates;
use super::{CatalogError, describe};
use crate::embedding::{Embedding, normalize_in_place, same_space};
use crate::encoder::{EncodeOptions, Encoder};
use crate::index::{
    EditReport, SongIndex, SongIndexEditor, SongIndexError, SongIndexWriter, WriterOptions,
};
use crate::progress::OnProgress;
use crate::song::{COLUMNS, Song};

/// How to describe, encode and write songs.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The phrases for songs without a description of their own.
    pub templates: Templates,
    /// Whether `TITLE by ARTIST` is one more sentence of each song. Names pull a song towards pictures
    /// of what they mean, whatever it sounds like; so they stay out unless asked for.
    pub names: bool,
    /// How the sentences go through the encoder.
    pub encode: EncodeOptions,
    /// See [`WriterOptions::batch_rows`].
    pub batch_rows: usize,
}

impl Default for BuildOptions {
    /// The embedded templates, no names, and the encoder's and the writer's own defaults.
    fn default() -> Self {
        Self {
            templates: Templates::default(),
            names: false,
            encode: EncodeOptions::default(),
            batch_rows: WriterOptions::new(1).batch_rows,
        }
    }
}

/// What [`build_index`] put into the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BuildReport {
    /// Songs written.
    pub songs: usize,
    /// Distinct sentences; each was encoded once.
    pub sentences: usize,
    /// Distinct descriptions, and so vectors: how many songs the index can tell apart.
    pub descriptions: usize,
    /// Songs left out because nothing is known that a description could be made of.
    pub left_out: usize,
    /// The ids of the first five of them.
    pub left_out_ids: Vec<String>,
}

impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} written, with {} of {}",
            counted(self.songs as u64, "song"),
            counted(self.descriptions as u64, "distinct description"),
            counted(self.sentences as u64, "sentence"),
        )?;
        if self.left_out > 0 {
            let more = if self.left_out > self.left_out_ids.len() {
                ", ..."
            } else {
                ""
            };
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
/// line, and otherwise by [`describe`]; the index keeps the text. Its vector is the mean of the unit
/// vectors of its sentences, scaled to length 1. The same songs, encoder and options give the same
/// bytes on the same machine.
///
/// Until everything is written, whatever was at `out` stays as it was. Costs one pass of the text
/// tower for every distinct sentence (a few thousand for a catalogue of any size with the embedded
/// templates), and 4 bytes x `dim` of memory for each.
///
/// # Errors
/// [`CatalogError::NoSongs`] where there is nothing to write, [`CatalogError::Index`] where the file
/// cannot be written or two songs have one id, [`CatalogError::Encode`] where the encoder fails, and
/// [`CatalogError::Cancelled`].
pub fn build_index(
    songs: &[Song],
    out: impl AsRef<Path>,
    encoder: &Encoder,
    options: &BuildOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<BuildReport, CatalogError> {
    let out = out.as_ref();
    let described = Described::new(songs, options, on_progress)?;
    let report = described.report(songs);
    if report.songs == 0 {
        return Err(CatalogError::NoSongs {
            out: out.to_owned(),
            left_out: report.left_out,
        });
    }
    // Before the long work: a folder that cannot be written to is found out at once.
    let mut writer = SongIndexWriter::create(out, writer_options(songs, encoder, options))?;
    let vectors =
        encoder.encode_texts(&described.sentences, options.encode.clone(), on_progress)?;
    for (at, (song, sentences)) in songs.iter().zip(&described.songs).enumerate() {
        if at.is_multiple_of(1024) {
            step(
                on_progress,
                "writing songs",
                at as u64,
                Some(songs.len() as u64),
            )?;
        }
        if sentences.is_empty() {
            continue;
        }
        let vector = mean(sentences.iter().map(|&at| &vectors[at]), encoder.dim())?;
        let mut song = song.clone();
        let text: Vec<_> = sentences
            .iter()
            .map(|&at| described.sentences[at].as_str())
            .collect();
        song.description = Some(text.join("\n"));
        writer.push(&song, &vector)?;
    }
    let songs = songs.len() as u64;
    step(on_progress, "writing songs", songs, Some(songs))?;
    writer.finish()?;
    Ok(report)
}

/// [`clean`](super::clean()) and [`build_index`] in one; returns what both report.
///
/// # Errors
/// As the two of them, and [`CatalogError::OutIsTable`] where the index would replace the table.
pub fn build_index_from_csv(
    csv: impl AsRef<Path>,
    out: impl AsRef<Path>,
    encoder: &Encoder,
    clean_options: &CleanOptions,
    options: &BuildOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<(CleanReport, BuildReport), CatalogError> {
    let (csv, out) = (csv.as_ref(), out.as_ref());
    refuse_same_file(csv, out)?;
    let cleaned = clean_with(csv, clean_options, on_progress)?;
    let built = build_index(&cleaned.songs, out, encoder, options, on_progress)?;
    Ok((cleaned.report, built))
}

/// [`clean`](super::clean()), [`build_index`] and [`SongIndexEditor::add`] in one: adds the songs of a table to an index;
/// returns what the three report.
///
/// Other writers of the index wait while the songs are encoded; readers do not. The new songs go through a file in the
/// folder for temporary files.
///
/// # Errors
/// As the three of them; before anything is encoded, [`CatalogError::Embedding`] if the index is of another encoder, and
/// [`SongIndexError::KnownIds`] if it has songs of the table that are not to be replaced.
pub fn add_from_csv(
    csv: impl AsRef<Path>,
    editor: SongIndexEditor,
    encoder: &Encoder,
    clean_options: &CleanOptions,
    options: &BuildOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<(CleanReport, BuildReport, EditReport), CatalogError> {
    let index = editor.index();
    same_space(
        (index.dim(), index.fingerprint()),
        (encoder.dim(), Some(encoder.fingerprint())),
    )?;
    let cleaned = clean_with(csv.as_ref(), clean_options, on_progress)?;
    editor.known_rows(cleaned.songs.iter().map(|song| song.id.as_str()))?;

    let folder = tempfile::Builder::new()
        .prefix("pixelplay-")
        .tempdir()
        .map_err(SongIndexError::io("write", &std::env::temp_dir()))?;
    let path = folder.path().join("songs.arrow");
    let built = match build_index(&cleaned.songs, &path, encoder, options, on_progress) {
        Err(CatalogError::NoSongs { left_out, .. }) => Err(CatalogError::NoSongs {
            out: index.path().to_owned(),
            left_out,
        }),
        built => built,
    }?;
    let edited = editor.add(&SongIndex::open(&path)?, on_progress)?;
    Ok((cleaned.report, built, edited))
}

/// The sentences of all songs, each kept once.
struct Described {
    sentences: Vec<String>,
    /// For each song, which of the sentences are its own.
    songs: Vec<Vec<usize>>,
}

impl Described {
    fn new(
        songs: &[Song],
        options: &BuildOptions,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Self, CatalogError> {
        let mut sentences = Vec::new();
        let mut known = HashMap::new();
        let mut described = Vec::with_capacity(songs.len());
        for (at, song) in songs.iter().enumerate() {
            if at.is_multiple_of(1024) {
                let total = Some(songs.len() as u64);
                step(on_progress, "describing songs", at as u64, total)?;
            }
            let mut own = Vec::new();
            for sentence in description(song, options) {
                own.push(*known.entry(sentence).or_insert_with_key(|sentence| {
                    sentences.push(sentence.clone());
                    sentences.len() - 1
                }));
            }
            described.push(own);
        }
        Ok(Self {
            sentences,
            songs: described,
        })
    }

    fn report(&self, songs: &[Song]) -> BuildReport {
        const MOST_IDS: usize = 5;
        let empty = || {
            let songs = songs.iter().zip(&self.songs);
            songs.filter(|(_, own)| own.is_empty())
        };
        let left_out = empty().count();
        let told = self.songs.iter().filter(|own| !own.is_empty());
        BuildReport {
            songs: songs.len() - left_out,
            sentences: self.sentences.len(),
            descriptions: told.collect::<HashSet<_>>().len(),
            left_out,
            left_out_ids: empty()
                .take(MOST_IDS)
                .map(|(song, _)| song.id.to_string())
                .collect(),
        }
    }
}

fn description(song: &Song, options: &BuildOptions) -> Vec<String> {
    let own = song.description.as_deref().unwrap_or_default();
    let mut sentences: Vec<_> = own
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if sentences.is_empty() {
        sentences = describe(song, &options.templates);
    }
    if options.names
        && let (Some(title), Some(artist)) = (&song.title, &song.artist)
    {
        sentences.push(format!("{title} by {artist}"));
    }
    sentences
}

fn writer_options(songs: &[Song], encoder: &Encoder, options: &BuildOptions) -> WriterOptions {
    let extra: BTreeSet<&String> = songs.iter().flat_map(|song| song.extra.keys()).collect();
    let known = COLUMNS.iter().map(|&(name, _)| name.to_owned());
    WriterOptions {
        fingerprint: Some(encoder.fingerprint().clone()),
        batch_rows: options.batch_rows,
        columns: known.chain(extra.into_iter().cloned()).collect(),
        ..WriterOptions::new(encoder.dim())
    }
}

/// The direction of the mean of unit vectors, summed in `f64`.
fn mean<'a>(
    vectors: impl Iterator<Item = &'a Embedding>,
    dim: usize,
) -> Result<Vec<f32>, CatalogError> {
    let mut sum = vec![0.0_f64; dim];
    for vector in vectors {
        for (sum, &value) in sum.iter_mut().zip(vector.as_slice()) {
            *sum += f64::from(value);
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to f32 is the point"
    )]
    let mut mean: Vec<f32> = sum.into_iter().map(|value| value as f32).collect();
    normalize_in_place(&mut mean)?;
    Ok(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;

    #[test]
    fn the_mean_is_the_middle_direction() {
        let a = Embedding::new(vec![1.0, 0.0], None).unwrap();
        let b = Embedding::new(vec![0.0, 1.0], None).unwrap();
        let close = |found: Vec<f32>, expected: [f32; 2]| {
            let far = found.iter().zip(expected).map(|(x, y)| (x - y).abs());
            assert!(far.fold(0.0, f32::max) < 1e-6, "{found:?} {expected:?}");
        };
        close(mean([&a, &b].into_iter(), 2).unwrap(), [0.5_f32.sqrt(); 2]);
        let five = 5.0_f32.sqrt();
        close(
            mean([&a, &a, &b].into_iter(), 2).unwrap(),
            [2.0 / five, 1.0 / five],
        );
        let c = Embedding::new(vec![-1.0, 0.0], None).unwrap();
        assert!(mean([&a, &c].into_iter(), 2).is_err());
    }

    #[test]
    fn own_descriptions_go_before_templates_and_names_come_when_asked() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Rain".into());
        song.artist = Some("Ana".into());
        song.energy = Some(0.5);
        let mut options = BuildOptions::default();
        let templated = description(&song, &options);
        assert_eq!(templated, describe(&song, &options.templates));
        song.description = Some(" \n".into());
        assert_eq!(description(&song, &options), templated);
        song.description = Some("rain on a window\n\n a dark street ".into());
        assert_eq!(
            description(&song, &options),
            ["rain on a window", "a dark street"]
        );
        options.names = true;
        assert_eq!(description(&song, &options)[2], "Rain by Ana");
    }
}
