//! Rows that are the same song, made one as they come.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::report::CleanReport;
use super::scale::Scales;
use crate::song::{Song, SongId};

/// The column in which the genres of a song's repeats are collected, `pop; rock`.
pub(super) const GENRES: &str = "genres";

/// The songs so far. Memory follows the distinct songs, not the rows.
#[derive(Default)]
pub(super) struct Songs {
    songs: Vec<Song>,
    known: HashMap<SongId, usize>,
    /// The genres of songs that have several, in the order of their rows.
    genres: BTreeMap<usize, Vec<String>>,
    seen_genres: HashSet<(usize, String)>,
}

impl Songs {
    /// Adds the song of a row, or what it knows more than an earlier row of the same song.
    pub(super) fn add(
        &mut self,
        line: u64,
        mut row: Song,
        scales: &mut Scales,
        report: &mut CleanReport,
    ) {
        let at = match self.known.entry(row.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.songs.len());
                self.songs.push(row);
                return;
            }
            Entry::Occupied(place) => *place.get(),
        };
        let song = &mut self.songs[at];
        report.merged.add(line);
        if song.title != row.title || song.artist != row.artist {
            report.conflicting.add(line);
        }
        if let (Some(first), Some(other)) = (&song.genre, &row.genre)
            && first != other
            && self.seen_genres.insert((at, other.clone()))
        {
            self.genres
                .entry(at)
                .or_insert_with(|| vec![first.clone()])
                .push(other.clone());
        }
        scales.fill(at, song, &mut row);
        song.fill_gaps(row);
    }

    /// The songs in the order of their first rows, features on 0-1.
    pub(super) fn finish(self, scales: Scales, report: &mut CleanReport) -> Vec<Song> {
        let mut songs = self.songs;
        scales.settle(&mut songs, report);
        for (at, all) in self.genres {
            songs[at]
                .extra
                .entry(GENRES.to_owned())
                .or_insert_with(|| all.join("; "));
        }
        report.kept = songs.len() as u64;
        songs
    }
}
