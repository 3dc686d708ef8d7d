//! Search results.

use std::fmt;
use std::ops::Deref;

use crate::index::error::SongIndexError;
use crate::index::song_index::SongIndex;
use crate::printable::printable;
use crate::song::{Song, SongId};

/// A song found by a search. It keeps its index open.
#[derive(Clone)]
#[non_exhaustive]
pub struct SongHit {
    pub(super) index: SongIndex,
    /// The row in the index.
    pub row: usize,
    /// The song's id.
    pub id: SongId,
    /// The cosine between its vector and the query: greater is closer, and 1 means the same
    /// direction.
    pub score: f64,
    /// The value that songs are ranked by: the score minus the correction of
    /// [`SearchOptions::hubness_correction`](super::SearchOptions::hubness_correction).
    pub corrected_score: f64,
    /// How well the song matches compared with the rest of the catalogue, from 0 to 100. 50 is the
    /// average song.
    ///
    /// Cosines between pictures and texts mean little to a person: CLIP's lie between 0.15 and
    /// 0.35. The percentage compares the score with the same query's scores for up to 512 songs,
    /// evenly spaced over the whole catalogue: `100 * Phi((score - mean) / (2 * sd))`, where `Phi`
    /// is the normal distribution function. The percentage does not depend on `k`, filter, threads
    /// or backend. If all scores are equal, it is 50.
    pub match_percent: f64,
}

impl SongHit {
    /// Reads the song, with all its columns, from the index.
    ///
    /// # Errors
    /// The same as for [`SongIndex::song`].
    pub fn song(&self) -> Result<Song, SongIndexError> {
        self.index.song(self.row)
    }
}

/// Compares only the results, not the open indexes they came from.
impl PartialEq for SongHit {
    fn eq(&self, other: &Self) -> bool {
        let all = |hit: &Self| (hit.row, hit.score, hit.corrected_score, hit.match_percent);
        self.id == other.id && all(self) == all(other)
    }
}

impl fmt::Debug for SongHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SongHit")
            .field("row", &self.row)
            .field("id", &self.id)
            .field("score", &self.score)
            .field("corrected_score", &self.corrected_score)
            .field("match_percent", &self.match_percent)
            .finish_non_exhaustive()
    }
}

/// The results of a search, best first. Dereferences to a slice of [`SongHit`]s, and prints as a
/// list of songs.
///
/// ```
/// # use pixelplay_core::index::{SearchOptions, SongIndex, WriterOptions, write_index};
/// # use pixelplay_core::{Song, SongId};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("songs.arrow");
/// # let song = |id, title: &str| Song { title: Some(title.into()), artist: Some("Ada".into()), ..Song::new(SongId::new(id).unwrap()) };
/// # write_index(&path, &[song("a", "Storm"), song("b", "Dawn")], &[0.6, 0.8, 0.8, 0.6], WriterOptions::new(2))?;
/// let index = SongIndex::open(&path)?;
/// let hits = index.search(&index.embedding(0)?, &SearchOptions::default())?;
/// assert_eq!(hits.to_string(), "  1   64%  Storm, Ada\n  2   36%  Dawn, Ada");
/// for hit in &hits {
///     println!("{:.3}  {:?}", hit.score, hit.song()?.year);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Hits {
    pub(super) index: SongIndex,
    pub(super) hits: Vec<SongHit>,
}

impl Hits {
    /// Returns the index that was searched.
    #[must_use]
    pub fn index(&self) -> &SongIndex {
        &self.index
    }

    /// Returns the hits at these positions, in the given order.
    ///
    /// # Panics
    /// If a position does not exist.
    #[must_use]
    pub fn pick(&self, places: &[usize]) -> Self {
        let hits = places.iter().map(|&place| self.hits[place].clone()).collect();
        Self { index: self.index.clone(), hits }
    }
}

impl Deref for Hits {
    type Target = [SongHit];

    fn deref(&self) -> &[SongHit] {
        &self.hits
    }
}

impl IntoIterator for Hits {
    type Item = SongHit;
    type IntoIter = std::vec::IntoIter<SongHit>;

    fn into_iter(self) -> Self::IntoIter {
        self.hits.into_iter()
    }
}

impl<'a> IntoIterator for &'a Hits {
    type Item = &'a SongHit;
    type IntoIter = std::slice::Iter<'a, SongHit>;

    fn into_iter(self) -> Self::IntoIter {
        self.hits.iter()
    }
}

/// Compares the results.
impl PartialEq for Hits {
    fn eq(&self, other: &Self) -> bool {
        self.hits == other.hits
    }
}

impl fmt::Debug for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.hits).finish()
    }
}

/// Writes rank, match percentage, title and artist, one song per line. The text goes through
/// [`printable`], since an untrusted index must not be able to control the terminal.
impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, hit) in self.hits.iter().enumerate() {
            // A damaged column should not prevent printing; `SongHit::song` reports it.
            let song = hit.song().unwrap_or_else(|_| Song::new(hit.id.clone()));
            let title = song.title.as_deref().unwrap_or(hit.id.as_str());
            let by = song.artist.map(|artist| format!(", {artist}")).unwrap_or_default();
            let line = format!("{:3}  {:3.0}%  {title}{by}", at + 1, hit.match_percent);
            let end = if at > 0 { "\n" } else { "" };
            write!(f, "{end}{}", printable(&line))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::index::{SearchOptions, SongIndex, WriterOptions, write_index};
    use crate::song::{Song, SongId};

    #[test]
    fn a_list_of_songs_cannot_steer_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("songs.arrow");
        let song = Song {
            title: Some("Rain\u{1b}[2J\u{202e}".into()),
            artist: Some("Ana\u{2067}".into()),
            ..Song::new(SongId::new("a").unwrap())
        };
        write_index(&path, &[song], &[1.0, 0.0], WriterOptions::new(2)).unwrap();
        let index = SongIndex::open(&path).unwrap();
        let hits = index.search(&index.embedding(0).unwrap(), &SearchOptions::default()).unwrap();
        assert!(hits.to_string().ends_with("Rain\u{fffd}[2J, Ana"), "{hits}");
    }
}
