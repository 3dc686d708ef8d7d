//! Rows that are the same song.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::report::CleanReport;
use crate::song::{COLUMNS, Song, SongId};

/// The column in which the genres of a song's repeats are collected, `pop; rock`.
const GENRES: &str = "genres";

/// Makes one song of all rows with one id.
pub(super) fn merge(rows: Vec<(u64, Song)>, report: &mut CleanReport) -> Vec<Song> {
    let mut songs: Vec<Song> = Vec::new();
    let mut known: HashMap<SongId, usize> = HashMap::new();
    let mut genres: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (line, row) in rows {
        let at = match known.entry(row.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(songs.len());
                songs.push(row);
                continue;
            }
            Entry::Occupied(place) => *place.get(),
        };
        let song = &mut songs[at];
        report.merged.add(line);
        if song.title != row.title || song.artist != row.artist {
            report.conflicting.add(line);
        }
        if let (Some(first), Some(other)) = (&song.genre, &row.genre)
            && first != other
        {
            let all = genres.entry(at).or_insert_with(|| vec![first.clone()]);
            if !all.contains(other) {
                all.push(other.clone());
            }
        }
        fill(song, row);
    }
    for (at, all) in genres {
        songs[at]
            .extra
            .entry(GENRES.to_owned())
            .or_insert_with(|| all.join("; "));
    }
    songs
}

/// Fills what `song` lacks from another row of the same song.
fn fill(song: &mut Song, row: Song) {
    for &(column, _) in COLUMNS {
        if song.get(column).is_none()
            && let Some(value) = row.get(column)
        {
            song.set(column, value);
        }
    }
    for (name, text) in row.extra {
        song.extra.entry(name).or_insert(text);
    }
}
