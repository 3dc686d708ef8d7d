//! Limits the number of songs per artist, and the recordings of a song to one.

use std::collections::{HashMap, HashSet};

use super::{QueryError, QueryOptions};
use crate::embedding::Embedding;
use crate::index::{Hits, SearchOptions, SongIndex, SongIndexError};
use crate::recording;
use crate::song::Value;

/// Returns the best songs within the artist cap and, if requested, only one recording of each song.
/// `search` determines how many songs to return and which may be among them.
///
/// It is not known beforehand how many hits this needs, so their number is doubled until there are
/// enough songs or the catalogue is exhausted. The result is exact, and one scan suffices in almost
/// every case.
pub(super) fn capped(
    index: &SongIndex,
    query: &Embedding,
    mut search: SearchOptions,
    options: &QueryOptions,
) -> Result<Hits, QueryError> {
    if options.max_per_artist.is_none() && !options.distinct_songs {
        return Ok(index.search(query, &search)?);
    }
    let wanted = search.k;
    loop {
        search.k = search.k.saturating_mul(2);
        let hits = index.search(query, &search)?;
        let at_the_end = hits.len() < search.k;
        let mut of_artist: HashMap<String, usize> = HashMap::new();
        let mut songs = HashSet::new();
        let mut kept = Vec::new();
        for (place, hit) in hits.iter().enumerate() {
            if kept.len() == wanted {
                break;
            }
            let artist = text(index, hit.row, "artist")?;
            let key = if options.distinct_songs
                && let (Some(title), Some(artist)) = (text(index, hit.row, "title")?, &artist)
            {
                recording::song_key(&title, artist)
            } else {
                None
            };
            if key.as_ref().is_some_and(|key| songs.contains(key)) {
                continue;
            }
            if let (Some(cap), Some(artist)) = (options.max_per_artist, &artist) {
                let count = of_artist.entry(artist.to_lowercase()).or_default();
                if *count == cap.get() {
                    continue;
                }
                *count += 1;
            }
            songs.extend(key);
            kept.push(place);
        }
        if kept.len() == wanted || at_the_end {
            return Ok(hits.pick(&kept));
        }
    }
}

fn text(index: &SongIndex, row: usize, column: &str) -> Result<Option<String>, SongIndexError> {
    Ok(match index.cell(row, column)? {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    })
}
