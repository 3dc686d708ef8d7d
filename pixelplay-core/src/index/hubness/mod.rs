//! Measures how evenly searches use a catalogue.
//!
//! In spaces with many dimensions, a few points ("hubs") are among the nearest neighbours of nearly
//! every point, while many points are never among them (Radovanović, Nanopoulos, Ivanović, *Hubs in
//! Space*, JMLR 11, 2010).
//!
//! This file counts how often songs are found; `correction` ranks hubs lower.

pub(super) mod correction;

use std::fmt;

use serde::Serialize;

pub use self::correction::QueryBank;
pub(super) use self::correction::{Corrections, common_bank, field, find};

use super::{SearchOptions, SongHit, SongIndex, SongIndexError};
use crate::embedding::Embedding;

/// How often each song is among the results of some queries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hubness {
    /// The number of queries.
    pub queries: usize,
    /// For each row, the number of queries whose results include the song; `N_k` in the literature.
    pub counts: Vec<u32>,
}

impl SongIndex {
    /// Counts, for every song, how many of the queries have it among their `options.k` results.
    ///
    /// This runs a [`search_many`](Self::search_many), and takes 4 bytes per song. Use queries that
    /// are typical of later searches: pictures, if users will search with pictures.
    ///
    /// # Errors
    /// The same as for [`search_many`](Self::search_many).
    pub fn hubness(
        &self,
        queries: &[Embedding],
        options: &SearchOptions,
    ) -> Result<Hubness, SongIndexError> {
        let mut hubness = Hubness::new(self.len());
        for hits in self.search_many(queries, options)? {
            hubness.add(&hits);
        }
        Ok(hubness)
    }
}

impl Hubness {
    /// Starts counting for a catalogue of `songs` songs.
    #[must_use]
    pub fn new(songs: usize) -> Self {
        Self { queries: 0, counts: vec![0; songs] }
    }

    /// Counts the results of one more query.
    ///
    /// # Panics
    /// If a row is not below the number of songs given to [`new`](Self::new).
    pub fn add(&mut self, hits: &[SongHit]) {
        self.queries += 1;
        for hit in hits {
            self.counts[hit.row] += 1;
        }
    }

    /// Returns the figures, with the ten songs of the index that are found most often.
    ///
    /// # Errors
    /// If those songs cannot be read.
    ///
    /// # Panics
    /// If the index has fewer songs than the catalogue that the counts are for.
    pub fn report(&self, index: &SongIndex) -> Result<HubnessReport, SongIndexError> {
        const MAX_HUBS: usize = 10;
        let shown = self.counts.iter().copied().enumerate();
        let mut hubs: Vec<_> = shown.filter(|&(_, count)| count > 0).collect();
        let songs_ever_shown = hubs.len();
        hubs.sort_by_key(|&(row, count)| (std::cmp::Reverse(count), row));
        hubs.truncate(MAX_HUBS);
        let hubs = hubs.into_iter().map(|(row, queries)| {
            let song = index.song(row)?;
            Ok(HubSong { id: song.id.to_string(), title: song.title, artist: song.artist, queries })
        });
        Ok(HubnessReport {
            queries: self.queries,
            songs: self.counts.len(),
            songs_ever_shown,
            share_ever_shown: 1.0 - self.never(),
            skewness: self.skewness(),
            gini: self.gini(),
            hubs: hubs.collect::<Result<_, SongIndexError>>()?,
        })
    }

    /// Returns the share of songs that no query finds, 0 to 1; 0 for an empty catalogue.
    #[must_use]
    pub fn never(&self) -> f64 {
        let never = self.counts.iter().filter(|&&count| count == 0).count();
        never as f64 / self.counts.len().max(1) as f64
    }

    /// Returns the skewness of the counts: their third standardised moment. It is 0 if all songs
    /// are found equally often, and above 1 if there are hubs.
    #[must_use]
    pub fn skewness(&self) -> f64 {
        let n = self.counts.len().max(1) as f64;
        let counts = || self.counts.iter().map(|&count| f64::from(count));
        let mean = counts().sum::<f64>() / n;
        let moment = |power| counts().map(|count| (count - mean).powi(power)).sum::<f64>() / n;
        let variance = moment(2);
        if variance == 0.0 {
            return 0.0;
        }
        moment(3) / variance.powf(1.5)
    }

    /// Returns the Gini coefficient of the counts: 0 if all songs are found equally often, close to
    /// 1 if a few songs take nearly all results.
    #[must_use]
    pub fn gini(&self) -> f64 {
        let mut sorted = self.counts.clone();
        sorted.sort_unstable();
        let total: f64 = sorted.iter().map(|&count| f64::from(count)).sum();
        if total == 0.0 {
            return 0.0;
        }
        let n = sorted.len() as f64;
        let ranked = (1_u32..).zip(&sorted);
        let weighted: f64 = ranked.map(|(rank, &count)| f64::from(rank) * f64::from(count)).sum();
        (2.0 * weighted / total - n - 1.0) / n
    }
}

/// Figures on how evenly queries use a catalogue.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HubnessReport {
    /// The number of queries.
    pub queries: usize,
    /// The number of songs.
    pub songs: usize,
    /// The number of songs that at least one query finds.
    pub songs_ever_shown: usize,
    /// The share of songs that at least one query finds, from 0 to 1.
    pub share_ever_shown: f64,
    /// See [`Hubness::skewness`].
    pub skewness: f64,
    /// See [`Hubness::gini`].
    pub gini: f64,
    /// The songs that are found most often, at most ten.
    pub hubs: Vec<HubSong>,
}

/// A song that is found by many queries.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HubSong {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Its artist.
    pub artist: Option<String>,
    /// The number of queries that find it.
    pub queries: u32,
}

impl fmt::Display for HubnessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.share_ever_shown;
        writeln!(
            f,
            "{} of {} songs ({percent:.2}%) are found by at least one of {} queries",
            self.songs_ever_shown, self.songs, self.queries
        )?;
        writeln!(
            f,
            "unevenness: skewness {:.2}, Gini coefficient {:.3}",
            self.skewness, self.gini
        )?;
        for hub in &self.hubs {
            let title = hub.title.as_ref().unwrap_or(&hub.id);
            let artist = hub.artist.as_deref().unwrap_or("unknown");
            writeln!(f, "{:>7} times: {title} ({artist})", hub.queries)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hubness(counts: &[u32]) -> Hubness {
        Hubness { queries: 4, counts: counts.to_vec() }
    }

    #[test]
    fn known_values() {
        // Computed by hand: mean 1, deviations -1 -1 -1 3, variance 3, third moment 6.
        let one_takes_all = hubness(&[0, 4, 0, 0]);
        assert!((one_takes_all.skewness() - 6.0 / 27.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(one_takes_all.never(), 0.75);
        assert_eq!(one_takes_all.gini(), 0.75);
        // Half the mean absolute difference of all nine pairs (3 + 2 + 1, twice), over the mean.
        assert!((hubness(&[3, 0, 1]).gini() - 12.0 / 9.0 / 2.0 / (4.0 / 3.0)).abs() < 1e-12);
        for even in [&[2, 2, 2][..], &[0, 0], &[]] {
            let even = hubness(even);
            assert_eq!((even.skewness(), even.gini()), (0.0, 0.0));
        }
    }
}
