//! How a query is answered.

use std::num::NonZeroUsize;

use crate::index::SearchOptions;

/// How a [`HybridQuery`](super::HybridQuery) is answered.
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
    /// How many songs to return at most, which may be among them, and how to look for them. Songs
    /// that the query names are left out beside those of [`SearchOptions::exclude`].
    pub search: SearchOptions,
    /// At most this many songs of one artist. Songs without an artist are not counted together.
    pub max_per_artist: Option<NonZeroUsize>,
    /// One recording of a song only, the best: not its live recording, remix or remaster as well.
    /// Told by title and artist, as when tables are cleaned; songs without a title or an artist are
    /// all different.
    pub distinct_songs: bool,
    /// 0 ranks by score alone; towards 1, songs unlike those already picked are preferred.
    ///
    /// This is maximal marginal relevance (Carbonell and Goldstein 1998) over the best `4 * k`
    /// songs: the next pick has the greatest
    /// `(1 - diversity) * relevance - diversity * similarity`, with relevance the score scaled to
    /// 0..1 over that pool (raw image-to-song cosines span a few hundredths, song-to-song cosines
    /// far more) and similarity the greatest cosine to a pick so far, at least 0. It costs
    /// `O(k^2 * dim)` at worst, if nearly all songs of the pool are alike.
    pub diversity: f64,
}

impl QueryOptions {
    /// The best `k` songs.
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
