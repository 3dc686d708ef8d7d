//! One build: describes, encodes and writes one batch after another.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::batches::Batches;
use super::build_progress::BuildProgress;
use super::described::Described;
use super::options::BuildOptions;
use super::parts::Parts;
use super::recipe::Recipe;
use super::report::BuildReport;
use super::sentence_cache::Sentences;
use super::tally::BuildTally;
use crate::catalog::CatalogError;
use crate::catalog::clean::song_bytes;
use crate::catalog::digest::PartsHasher;
use crate::encoder::Encoder;
use crate::index::publish::folder_of;
use crate::index::{SongIndexWriter, WriterOptions};
use crate::progress::Progress;
use crate::song::{COLUMNS, Song};

/// One build of an index.
pub(super) struct Build<'a> {
    pub(super) out: &'a Path,
    /// The expected number of songs.
    pub(super) count: usize,
    /// The unknown columns of the songs.
    pub(super) extra: BTreeSet<String>,
    pub(super) encoder: &'a Encoder,
    pub(super) options: &'a BuildOptions,
    /// The recipe that the index stores: how its songs were described.
    pub(super) recipe: Option<Recipe>,
}

impl Build<'_> {
    pub(super) fn run(
        &self,
        songs: impl Iterator<Item = Result<Song, CatalogError>>,
        progress: &mut dyn Progress,
    ) -> Result<BuildReport, CatalogError> {
        self.options.words.check()?;
        let batch_rows = self.options.batch_rows.max(1);
        let mut parts =
            (self.count > batch_rows).then(|| Parts::open(self.out, progress)).transpose()?;
        let mut sentences = Sentences::new(self.encoder, self.options, self.recipe.as_ref());
        let mut tally = BuildTally::default();
        let mut batches = Batches::new(songs, self.options);
        let mut done = BuildProgress::new(self.count, progress);
        loop {
            let batch = batches.next(batch_rows, &mut tally, &mut done)?;
            if batch.is_empty() {
                break;
            }
            match &mut parts {
                None => {
                    // This batch contains all songs, so it is too late to stop.
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

    /// Writes one batch to its own index file.
    fn write(
        &self,
        path: &Path,
        batch: &[Described],
        sentences: &mut Sentences<'_>,
        tally: &mut BuildTally,
        done: &mut BuildProgress<'_>,
    ) -> Result<(), CatalogError> {
        /// The number of songs encoded at once. This takes a fraction of a second, and little
        /// memory even if no two songs share a sentence.
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
                .map(|described| sentences.vector(described))
                .collect::<Result<_, _>>()?;
            for (described, vector) in songs.iter().zip(&vectors) {
                tally.add(described, vector, self.out)?;
                let mut song = described.song.clone();
                song.description = Some(described.text());
                writer.push(&song, vector)?;
            }
        }
        Ok(writer.finish()?)
    }

    /// Returns a key for the batch's file name: a hash of everything that determines the content of
    /// the file.
    fn key(&self, batch: &[Described]) -> Result<String, CatalogError> {
        let mut hasher = PartsHasher::default();
        hasher.add(concat!("pixelplay ", env!("CARGO_PKG_VERSION"), " part").as_bytes());
        hasher.add(self.encoder.fingerprint().as_str().as_bytes());
        hasher.add(self.encoder.arithmetic().as_bytes());
        hasher.add(self.recipe.as_ref().map(Recipe::as_str).unwrap_or_default().as_bytes());
        for name in &self.extra {
            hasher.add(name.as_bytes());
        }
        for Described { song, sentences } in batch {
            hasher.add(&song_bytes(song).map_err(|source| CatalogError::Spool {
                folder: folder_of(self.out).to_owned(),
                source,
            })?);
            for sentence in sentences {
                hasher.add(sentence.source.name().as_bytes());
                hasher.add(sentence.text.as_bytes());
            }
        }
        Ok(hasher.hex())
    }

    fn writer_options(&self) -> WriterOptions {
        let known = COLUMNS.iter().map(|&(name, _)| name.to_owned());
        WriterOptions {
            fingerprint: Some(self.encoder.fingerprint().clone()),
            recipe: self.recipe.as_ref().map(|recipe| recipe.as_str().to_owned()),
            batch_rows: self.options.batch_rows,
            columns: known.chain(self.extra.iter().cloned()).collect(),
            ..WriterOptions::new(self.encoder.dim())
        }
    }
}
