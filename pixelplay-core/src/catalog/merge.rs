//! Rows that are the same song, made one as they come.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::report::CleanReport;
use super::scale::Scales;
use super::table::Row;
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
    /// About how much memory all this takes.
    pub(super) bytes: usize,
}

/// What a song takes without its text, with its place among the known ids.
const SONG_BYTES: usize = size_of::<(Song, SongId, usize)>() + 64;
/// What a cell of an unknown column takes without its text: two strings on the heap, in a tree.
const EXTRA_BYTES: usize = 2 * size_of::<String>() + 96;

impl Songs {
    /// Adds the song of a row, or what it knows more than an earlier row of the same song.
    pub(super) fn add(
        &mut self,
        from: &Row,
        mut row: Song,
        scales: &mut Scales,
        report: &mut CleanReport,
    ) {
        let line = from.line;
        let at = match self.known.entry(row.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.songs.len());
                self.bytes += SONG_BYTES + from.text_len() + row.extra.len() * EXTRA_BYTES;
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
            self.bytes += 2 * (EXTRA_BYTES + other.len());
            self.genres
                .entry(at)
                .or_insert_with(|| vec![first.clone()])
                .push(other.clone());
        }
        scales.fill(at, song, &mut row);
        let before = song.extra.len();
        song.fill_gaps(row);
        if song.extra.len() > before {
            self.bytes += from.text_len() + (song.extra.len() - before) * EXTRA_BYTES;
        }
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
