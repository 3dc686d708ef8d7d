//! Describes songs as they arrive, one batch at a time.

use rayon::prelude::*;

use super::build_progress::BuildProgress;
use super::described::Described;
use super::options::BuildOptions;
use super::tally::BuildTally;
use crate::catalog::CatalogError;
use crate::song::Song;

/// An iterator that describes songs as they arrive.
pub(super) struct Batches<'a, S> {
    songs: S,
    options: &'a BuildOptions,
    /// Songs that have been described but not taken yet.
    waiting: Vec<Described>,
}

impl<'a, S: Iterator<Item = Result<Song, CatalogError>>> Batches<'a, S> {
    pub(super) fn new(songs: S, options: &'a BuildOptions) -> Self {
        Self { songs, options, waiting: Vec::new() }
    }

    /// Returns the next `rows` songs that can be described, or fewer at the end.
    pub(super) fn next(
        &mut self,
        rows: usize,
        tally: &mut BuildTally,
        done: &mut BuildProgress<'_>,
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
                .map(|song| Described::new(song, self.options))
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
