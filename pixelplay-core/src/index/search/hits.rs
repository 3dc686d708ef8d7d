//! What a search found.

use std::fmt;
use std::ops::Deref;

use crate::index::error::SongIndexError;
use crate::index::song_index::SongIndex;
use crate::song::{Song, SongId};

/// A song found by a search. It keeps its index open.
#[derive(Clone)]
#[non_exhaustive]
pub struct SongHit {
    pub(super) index: SongIndex,
    /// Its row in the index.
    pub row: usize,
    /// Its id.
    pub id: SongId,
    /// The cosine between its vector and the query: greater is closer, 1 is the same direction.
    pub score: f64,
    /// What songs are ranked by: the score less the correction of
    /// [`SearchOptions::hubness_correction`](super::SearchOptions::hubness_correction).
    pub corrected_score: f64,
    /// How well it matches compared with the rest of the catalogue, 0 to 100: 50 is the average
    /// song.
    ///
    /// Cosines of pictures with texts mean little to a person: CLIP's lie between 0.15 and 0.35. So
    /// the score is placed among the scores that the same query gives to up to 512 songs, evenly
    /// spaced over the whole catalogue: `100 * Phi((score - mean) / (2 * sd))`, with the normal
    /// distribution function `Phi`. It does not depend on `k`, filter, threads or backend. Where
    /// there is no spread it is 50.
    pub match_percent: f64,
}

impl SongHit {
    /// Reads all that is known of the song from its index.
    ///
    /// # Errors
    /// As [`SongIndex::song`].
    pub fn song(&self) -> Result<Song, SongIndexError> {
        self.index.song(self.row)
    }
}

/// By what was found, not by which open index.
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

/// What a search found, best first: a slice of [`SongHit`]s, printed as a list of songs.
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
    /// The index that was searched.
    #[must_use]
    pub fn index(&self) -> &SongIndex {
        &self.index
    }

    /// Some of the hits, by their places, in the order given.
    ///
    /// # Panics
    /// If there is no such place.
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

/// By what was found.
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

/// Rank, match percentage, title and artist of each, a line a song. Anybody may have written the
/// index, so nothing in it steers a terminal: control characters are replaced.
impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, hit) in self.hits.iter().enumerate() {
            // A damaged column is no reason to print nothing; `SongHit::song` says what it is.
            let song = hit.song().unwrap_or_else(|_| Song::new(hit.id.clone()));
            let title = song.title.as_deref().unwrap_or(hit.id.as_str());
            let by = song.artist.map(|artist| format!(", {artist}")).unwrap_or_default();
            let line = format!("{:3}  {:3.0}%  {title}{by}", at + 1, hit.match_percent);
            let end = if at > 0 { "\n" } else { "" };
            write!(f, "{end}{}", line.replace(char::is_control, "\u{fffd}"))?;
        }
        Ok(())
    }
}
