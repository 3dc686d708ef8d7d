//! Options for answering a query.

use std::num::NonZeroUsize;

use crate::index::SearchOptions;

/// Options for answering a [`HybridQuery`](super::HybridQuery).
///
/// ```
/// use pixelplay_core::index::SearchOptions;
/// use pixelplay_core::QueryOptions;
///
/// let five_that_differ = QueryOptions { diversity: 0.5, ..QueryOptions::top(5) };
/// let loud = SearchOptions { min_score: Some(0.2), ..SearchOptions::top(5) };
/// let loud = QueryOptions { distinct_songs: true, ..QueryOptions::from(loud) };
/// # assert_eq!((five_that_differ.search.k, loud.search.k), (5, 5));
/// ```
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    /// The maximum number of songs to return, which songs may be among them, and how to search.
    /// Songs named in the query are left out in addition to those in [`SearchOptions::exclude`].
    pub search: SearchOptions,
    /// The maximum number of songs per artist. Songs without an artist are not limited.
    pub max_per_artist: Option<NonZeroUsize>,
    /// Whether to return only the best recording of each song, and not also a live recording, remix
    /// or remaster. Recordings are matched by title and artist, as when tables are cleaned. Songs
    /// without a title or an artist all count as different.
    pub distinct_songs: bool,
    /// How much to prefer songs that differ from those already picked. 0 ranks by score alone, and
    /// 1 by difference alone.
    ///
    /// This is maximal marginal relevance (Carbonell and Goldstein 1998) over the best `4 * k`
    /// songs: the next pick has the greatest
    /// `(1 - diversity) * relevance - diversity * similarity`. Relevance is the score scaled to
    /// 0..1 over the pool, because image-to-song cosines span only a few hundredths, and
    /// song-to-song cosines far more. Similarity is the greatest cosine to a previous pick, at
    /// least 0. The cost is `O(k^2 * dim)` in the worst case, when nearly all songs in the pool are
    /// similar.
    pub diversity: f64,
}

impl QueryOptions {
    /// Returns options for the best `k` songs.
    #[must_use]
    pub fn top(k: usize) -> Self {
        SearchOptions::top(k).into()
    }
}

impl From<SearchOptions> for QueryOptions {
    fn from(search: SearchOptions) -> Self {
        Self { search, ..Self::default() }
    }
}
