//! Queries that combine pictures, texts and songs, answered with one scan.
//!
//! | | |
//! |---|---|
//! | this file | the query |
//! | `blend` | blends its parts into one vector |
//! | `options` | the options for answering it |
//! | `cap` | limits the songs per artist and the recordings per song |
//! | `diversity` | picks diverse songs |

mod blend;
mod cap;
mod diversity;
mod error;
mod options;

pub use self::error::QueryError;
pub use self::options::QueryOptions;

use self::blend::Leaning;
use self::cap::capped;
use self::diversity::diversify;
use crate::embedding::Embedding;
use crate::index::{Hits, SongIndex};
use crate::progress::Progress;

/// The weight of the text in a query that has a picture and a text.
///
/// CLIP places texts and songs (which are described in text) closer together than pictures and
/// songs, so even a small text weight has a clear effect.
pub const DEFAULT_TEXT_WEIGHT: f64 = 0.3;

/// The default weight of a user's taste in a query. A picture has weight 1.
pub const DEFAULT_TASTE_WEIGHT: f64 = 0.2;

/// The size of the pool from which diverse songs are picked, as a multiple of `k`.
const POOL_FACTOR: usize = 4;

/// A weighted blend of a picture, a text and songs.
///
/// The blend is `(1 - a) * image + a * text`, or only one of them with weight 1, plus every
/// [`like`](Self::like) times its weight, minus every [`unlike`](Self::unlike) times its weight.
/// All parts are unit vectors; the sum is scaled back to length 1 and searched once.
///
/// Songs named in the query are left out of the results.
///
/// ```
/// use pixelplay_core::index::WriterOptions;
/// use pixelplay_core::{Embedding, HybridQuery, QueryOptions, Song, SongId, SongIndex, SongIndexWriter};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("songs.arrow");
/// let options = WriterOptions { normalize: true, ..WriterOptions::new(2) };
/// let mut writer = SongIndexWriter::create(&path, options)?;
/// for (id, vector) in [("east", [1.0, 0.0]), ("north", [0.0, 1.0]), ("north-east", [1.0, 1.0])] {
///     writer.push(&Song::new(SongId::new(id).unwrap()), &vector)?;
/// }
/// writer.finish()?;
///
/// // Towards one song, a little away from a direction; the song itself is not among the hits.
/// let index = SongIndex::open(&path)?;
/// let hits = HybridQuery::new()
///     .like("east", 1.0)
///     .unlike(Embedding::new(vec![0.0, 1.0], None)?, 0.2)
///     .search(&index, &QueryOptions::default())?;
/// assert_eq!(hits[0].id.as_str(), "north-east");
/// assert_eq!(hits.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is searched"]
pub struct HybridQuery {
    image: Option<Embedding>,
    text: Option<Embedding>,
    text_weight: f64,
    terms: Vec<Term>,
    leaning: Option<Leaning>,
}

#[derive(Debug, Clone)]
struct Term {
    reference: Reference,
    weight: f64,
    towards: bool,
}

/// Something to like or unlike: an embedding, or a song of the index, given by its id.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reference {
    /// A vector from the index's own space.
    Embedding(Embedding),
    /// The id of a song in the searched index.
    Song(String),
}

impl From<Embedding> for Reference {
    fn from(embedding: Embedding) -> Self {
        Self::Embedding(embedding)
    }
}

impl From<&Embedding> for Reference {
    fn from(embedding: &Embedding) -> Self {
        Self::Embedding(embedding.clone())
    }
}

impl From<&str> for Reference {
    fn from(id: &str) -> Self {
        Self::Song(id.to_owned())
    }
}

impl From<String> for Reference {
    fn from(id: String) -> Self {
        Self::Song(id)
    }
}

impl Default for HybridQuery {
    fn default() -> Self {
        Self::new()
    }
}

impl HybridQuery {
    /// Creates an empty query.
    pub fn new() -> Self {
        Self {
            image: None,
            text: None,
            text_weight: DEFAULT_TEXT_WEIGHT,
            terms: Vec::new(),
            leaning: None,
        }
    }

    /// Searches for songs that fit a picture.
    pub fn image(mut self, image: Embedding) -> Self {
        self.image = Some(image);
        self
    }

    /// Searches for songs that fit a text.
    pub fn text(mut self, text: Embedding) -> Self {
        self.text = Some(text);
        self
    }

    /// Sets the weight of the text relative to the picture, 0 to 1; see [`DEFAULT_TEXT_WEIGHT`].
    pub fn text_weight(mut self, weight: f64) -> Self {
        self.text_weight = weight;
        self
    }

    /// Moves the query towards a song or a vector. A weight of 1 counts as much as a picture alone.
    pub fn like(self, reference: impl Into<Reference>, weight: f64) -> Self {
        self.term(reference.into(), weight, true)
    }

    /// Moves the query away from a song or a vector.
    pub fn unlike(self, reference: impl Into<Reference>, weight: f64) -> Self {
        self.term(reference.into(), weight, false)
    }

    /// Moves the query towards a user's taste, given as song ids with weights, as returned by
    /// `UserStore::taste`. Disliked songs have negative weights.
    ///
    /// The weighted sum of the songs is scaled to length `weight`, so that many favourites count no
    /// more than a few; a weight of 1 counts as much as a picture alone. Ids that are not in the
    /// index are ignored. The songs may be among the hits, because they only describe the taste and
    /// are not named in the query.
    ///
    /// ```
    /// use pixelplay_core::HybridQuery;
    ///
    /// # let embedding = pixelplay_core::Embedding::new(vec![1.0, 0.0], None)?;
    /// let query = HybridQuery::new()
    ///     .image(embedding)
    ///     .lean_towards([("a-favourite", 1.0), ("disliked", -0.5)], 0.3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lean_towards<Id: Into<String>>(
        mut self,
        songs: impl IntoIterator<Item = (Id, f64)>,
        weight: f64,
    ) -> Self {
        let songs = songs.into_iter().map(|(id, weight)| (id.into(), weight));
        self.leaning = Some(Leaning { songs: songs.collect(), weight });
        self
    }

    fn term(mut self, reference: Reference, weight: f64, towards: bool) -> Self {
        self.terms.push(Term { reference, weight, towards });
        self
    }

    /// Returns the blended vector, of length 1, that is searched for.
    ///
    /// # Errors
    /// If the query is empty, a weight is out of range, a song is not in `index`, a vector is from
    /// a different space than `index`, or the parts cancel each other out.
    pub fn blend(&self, index: &SongIndex) -> Result<Embedding, QueryError> {
        Ok(self.resolve(index)?.0)
    }

    /// Returns exactly the best songs, at most `k`, best first (or most diverse first).
    ///
    /// # Errors
    /// The same as [`blend`](Self::blend). Also fails if an option is out of range or the filter
    /// does not fit the index.
    pub fn search(&self, index: &SongIndex, options: &QueryOptions) -> Result<Hits, QueryError> {
        self.search_with(index, options, &mut ())
    }

    /// Like [`search`](Self::search), with progress reports and cancellation while thousands of
    /// songs are picked with [`diversity`](QueryOptions::diversity), which may take a long time.
    ///
    /// # Errors
    /// The same as [`search`](Self::search), or
    /// [`SongIndexError::Cancelled`](crate::index::SongIndexError::Cancelled).
    pub fn search_with(
        &self,
        index: &SongIndex,
        options: &QueryOptions,
        progress: &mut dyn Progress,
    ) -> Result<Hits, QueryError> {
        if !(0.0..=1.0).contains(&options.diversity) {
            return Err(QueryError::BadDiversity { found: options.diversity });
        }
        let (query, named) = self.resolve(index)?;
        let mut search = options.search.clone();
        search.exclude.extend(named);
        if options.diversity > 0.0 {
            search.k = search.k.saturating_mul(POOL_FACTOR);
            let pool = capped(index, &query, search, options)?;
            diversify(index, &pool, options.search.k, options.diversity, progress)
        } else {
            capped(index, &query, search, options)
        }
    }
}
