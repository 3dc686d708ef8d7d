//! A question made of pictures, words and songs, answered by one scan.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::num::NonZeroUsize;

use crate::embedding::{Embedding, EmbeddingError, same_space};
use crate::index::{Filter, SearchOptions, SongHit, SongIndex, SongIndexError};
use crate::progress::{Cancelled, Progress};
use crate::recording;
use crate::song::SongId;

/// The share of the words in a question that has a picture and words.
///
/// CLIP puts words and songs (described in words) closer together than pictures and songs, so even
/// a small share of words is clearly heard.
pub const DEFAULT_TEXT_WEIGHT: f64 = 0.3;

/// How far a question leans towards what somebody likes unless it is said otherwise; a picture
/// counts 1.
pub const DEFAULT_TASTE_WEIGHT: f64 = 0.2;

/// The blend must keep at least this share of its parts' weight; below it, rounding decides the
/// direction.
const SHORTEST_BLEND: f64 = 1e-4;

/// The pool from which diverse answers are picked, in multiples of `k`.
const POOL_FACTOR: usize = 4;

/// A weighted blend of a picture, words and songs.
///
/// The blend is `(1 - a) * image + a * text`, or either alone with weight 1, plus every
/// [`like`](Self::like) times its weight, minus every [`unlike`](Self::unlike) times its weight.
/// All parts are unit vectors; the sum is scaled back to length 1 and searched once.
///
/// Songs that the question itself names are left out of the answer.
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

/// What somebody likes in general.
#[derive(Debug, Clone)]
struct Leaning {
    songs: Vec<(String, f64)>,
    weight: f64,
}

#[derive(Debug, Clone)]
struct Term {
    reference: Reference,
    weight: f64,
    towards: bool,
}

/// What can be liked or disliked: any embedding, or a song of the index by its id.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reference {
    /// A vector from the index's own space.
    Embedding(Embedding),
    /// The id of a song in the index that is searched.
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

/// How a [`HybridQuery`] is answered.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// How many songs to return at most.
    pub k: usize,
    /// Only songs that match.
    pub filter: Option<Filter>,
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
    /// Only songs with at least this score (cosine, corrected where a correction is asked for).
    pub min_score: Option<f64>,
    /// See [`SearchOptions::hubness_correction`]; 0, so none, by default.
    pub hubness_correction: f64,
    /// Threads for the scan; `None` takes rayon's pool.
    pub threads: Option<NonZeroUsize>,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            k: 10,
            filter: None,
            max_per_artist: None,
            distinct_songs: false,
            diversity: 0.0,
            min_score: None,
            hubness_correction: 0.0,
            threads: None,
        }
    }
}

impl Default for HybridQuery {
    fn default() -> Self {
        Self::new()
    }
}

impl HybridQuery {
    /// A question that asks nothing yet.
    pub fn new() -> Self {
        Self {
            image: None,
            text: None,
            text_weight: DEFAULT_TEXT_WEIGHT,
            terms: Vec::new(),
            leaning: None,
        }
    }

    /// Asks for what fits a picture.
    pub fn image(mut self, image: Embedding) -> Self {
        self.image = Some(image);
        self
    }

    /// Asks for what fits words.
    pub fn text(mut self, text: Embedding) -> Self {
        self.text = Some(text);
        self
    }

    /// Sets the share of the words beside a picture, 0 to 1; see [`DEFAULT_TEXT_WEIGHT`].
    pub fn text_weight(mut self, weight: f64) -> Self {
        self.text_weight = weight;
        self
    }

    /// Moves the question towards a song or a vector. A weight of 1 counts as much as a picture
    /// alone.
    pub fn like(self, reference: impl Into<Reference>, weight: f64) -> Self {
        self.term(reference.into(), weight, true)
    }

    /// Moves the question away from a song or a vector.
    pub fn unlike(self, reference: impl Into<Reference>, weight: f64) -> Self {
        self.term(reference.into(), weight, false)
    }

    /// Leans the question towards what somebody likes: song ids with weights, those that are
    /// disliked below 0, as `UserStore::taste` gives them.
    ///
    /// The songs' weighted sum is scaled to length `weight`, so that many favourites count no more
    /// than a few; a weight of 1 counts as much as a picture alone. Ids that the index does not
    /// have are passed over, and the songs may be among the hits: they were not asked for, they
    /// only tell what is liked.
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

    /// The blended vector of length 1 that will be searched.
    ///
    /// # Errors
    /// If nothing is asked, a weight is out of range, a song is not in `index`, a vector is from
    /// another space than `index`, or the parts cancel each other out.
    pub fn blend(&self, index: &SongIndex) -> Result<Embedding, QueryError> {
        Ok(self.resolve(index)?.0)
    }

    /// Answers the question: at most `k` songs, best first (or most diverse first), exact.
    ///
    /// # Errors
    /// As [`blend`](Self::blend), and if an option is out of range or the filter does not fit the
    /// index.
    pub fn search(
        &self,
        index: &SongIndex,
        options: &QueryOptions,
    ) -> Result<Vec<SongHit>, QueryError> {
        self.search_with(index, options, &mut ())
    }

    /// [`search`](Self::search) that reports and can be stopped where it may take long: while
    /// picking thousands of songs with [`diversity`](QueryOptions::diversity).
    ///
    /// # Errors
    /// As [`search`](Self::search), or [`SongIndexError::Cancelled`].
    pub fn search_with(
        &self,
        index: &SongIndex,
        options: &QueryOptions,
        progress: &mut dyn Progress,
    ) -> Result<Vec<SongHit>, QueryError> {
        if !(0.0..=1.0).contains(&options.diversity) {
            return Err(QueryError::BadDiversity { found: options.diversity });
        }
        let (query, named) = self.resolve(index)?;
        let wanted =
            if options.diversity > 0.0 { options.k.saturating_mul(POOL_FACTOR) } else { options.k };
        let pool = capped(index, &query, named, options, wanted)?;
        if options.diversity > 0.0 {
            diversify(index, pool, options.k, options.diversity, progress)
        } else {
            Ok(pool)
        }
    }

    /// The blended vector, and the songs that the question names.
    fn resolve(&self, index: &SongIndex) -> Result<(Embedding, Vec<SongId>), QueryError> {
        let leaning = match &self.leaning {
            Some(leaning) => leaning.resolve(index)?,
            None => None,
        };
        if self.image.is_none() && self.text.is_none() && self.terms.is_empty() && leaning.is_none()
        {
            return Err(QueryError::Empty);
        }
        if !(0.0..=1.0).contains(&self.text_weight) {
            return Err(QueryError::BadTextWeight { found: self.text_weight });
        }
        let (image_weight, text_weight) = match (&self.image, &self.text) {
            (Some(_), Some(_)) => (1.0 - self.text_weight, self.text_weight),
            _ => (1.0, 1.0),
        };
        let mut sum = vec![0.0_f64; index.dim()];
        let mut weight_of_all = 0.0;
        let mut add = |part: &Embedding, weight: f64| -> Result<(), QueryError> {
            same_space((index.dim(), index.fingerprint()), (part.dim(), part.fingerprint()))?;
            for (sum, &value) in sum.iter_mut().zip(part.as_slice()) {
                *sum += weight * f64::from(value);
            }
            weight_of_all += weight.abs();
            Ok(())
        };
        if let Some(image) = &self.image {
            add(image, image_weight)?;
        }
        if let Some(text) = &self.text {
            add(text, text_weight)?;
        }
        let mut named = Vec::new();
        for term in &self.terms {
            if !(term.weight.is_finite() && term.weight >= 0.0) {
                return Err(QueryError::BadWeight { found: term.weight });
            }
            let signed = if term.towards { term.weight } else { -term.weight };
            match &term.reference {
                Reference::Embedding(embedding) => add(embedding, signed)?,
                Reference::Song(id) => {
                    let row = index
                        .row(id)
                        .ok_or_else(|| SongIndexError::UnknownId { id: id.clone() })?;
                    named.extend(SongId::new(id));
                    add(&index.embedding(row)?, signed)?;
                }
            }
        }
        if let Some((leaning, weight)) = leaning {
            for (sum, value) in sum.iter_mut().zip(leaning) {
                *sum += weight * value;
            }
            weight_of_all += weight;
        }
        let length = length_of(&sum);
        // Written so that NaN, from weights too great for f64, is refused as well.
        if !(length > SHORTEST_BLEND * weight_of_all && length.is_finite()) {
            return Err(QueryError::CancelsOut);
        }
        #[expect(clippy::cast_possible_truncation, reason = "embeddings are f32")]
        let values = sum.iter().map(|v| (v / length) as f32).collect();
        let blend = Embedding::normalize(values, index.fingerprint().cloned())?;
        Ok((blend, named))
    }
}

impl Leaning {
    /// The direction of length 1, and its weight; none if no song is in the index, or they cancel
    /// each other out.
    fn resolve(&self, index: &SongIndex) -> Result<Option<(Vec<f64>, f64)>, QueryError> {
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(QueryError::BadWeight { found: self.weight });
        }
        let mut sum = vec![0.0_f64; index.dim()];
        let mut weight_of_all = 0.0;
        for (id, weight) in &self.songs {
            if !weight.is_finite() {
                return Err(QueryError::BadWeight { found: *weight });
            }
            let Some(row) = index.row(id) else {
                continue;
            };
            for (sum, &value) in sum.iter_mut().zip(index.embedding(row)?.as_slice()) {
                *sum += weight * f64::from(value);
            }
            weight_of_all += weight.abs();
        }
        let length = length_of(&sum);
        if !(length > SHORTEST_BLEND * weight_of_all && length.is_finite()) {
            return Ok(None);
        }
        for value in &mut sum {
            *value /= length;
        }
        Ok(Some((sum, self.weight)))
    }
}

fn length_of(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The best `wanted` songs that keep to the artist cap, each song once where that is asked for.
///
/// How deep to look for them is not known beforehand, so the depth doubles until the answer is full
/// or the catalogue is at its end: the answer is exact, and one scan does in almost every case.
fn capped(
    index: &SongIndex,
    query: &Embedding,
    exclude: Vec<SongId>,
    options: &QueryOptions,
    wanted: usize,
) -> Result<Vec<SongHit>, QueryError> {
    let mut search = SearchOptions {
        k: wanted,
        filter: options.filter.clone(),
        exclude,
        min_score: options.min_score,
        hubness_correction: options.hubness_correction,
        threads: options.threads,
        ..SearchOptions::default()
    };
    if options.max_per_artist.is_none() && !options.distinct_songs {
        return Ok(index.search(query, &search)?);
    }
    loop {
        search.k = search.k.saturating_mul(2);
        let hits = index.search(query, &search)?;
        let at_the_end = hits.len() < search.k;
        let mut of_artist: HashMap<String, usize> = HashMap::new();
        let mut songs = HashSet::new();
        let mut kept = Vec::new();
        for hit in hits {
            if kept.len() == wanted {
                break;
            }
            let song = index.song(hit.row)?;
            let key = match (&song.title, &song.artist) {
                (Some(title), Some(artist)) if options.distinct_songs => {
                    recording::song_key(title, artist)
                }
                _ => None,
            };
            if key.as_ref().is_some_and(|key| songs.contains(key)) {
                continue;
            }
            if let (Some(cap), Some(artist)) = (options.max_per_artist, &song.artist) {
                let count = of_artist.entry(artist.to_lowercase()).or_default();
                if *count == cap.get() {
                    continue;
                }
                *count += 1;
            }
            songs.extend(key);
            kept.push(hit);
        }
        if kept.len() == wanted || at_the_end {
            return Ok(kept);
        }
    }
}

/// A song that may be picked.
struct Candidate {
    /// No less than what picking it would gain: as many picks as it has seen can only have lowered
    /// it.
    gain: f64,
    /// Its place in the pool.
    rank: usize,
    /// Its similarity to the picks it has seen. It starts at 0, so an opposite counts no more than
    /// a stranger: what differs enough need not differ as much as it can.
    nearest: f64,
    seen: usize,
}

/// Of equal gains the better ranked is the greater.
impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_gain = self.gain.total_cmp(&other.gain);
        by_gain.then(other.rank.cmp(&self.rank))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// Picks `k` of `pool` (best first) by maximal marginal relevance; see [`QueryOptions::diversity`].
///
/// A gain never grows with more picks, so a song is compared with new picks only when it comes up
/// to be picked, and picked if it is still the best then (accelerated greedy search, Minoux 1978):
/// the same picks as if every song were compared with every pick, and far fewer comparisons.
fn diversify(
    index: &SongIndex,
    pool: Vec<SongHit>,
    k: usize,
    diversity: f64,
    progress: &mut dyn Progress,
) -> Result<Vec<SongHit>, QueryError> {
    const LOOKS_A_REPORT: usize = 256;
    let (Some(best), Some(worst)) = (pool.first(), pool.last()) else {
        return Ok(pool);
    };
    let top = best.corrected_score;
    let span = top - worst.corrected_score;
    let gain = |rank: usize, nearest: f64| {
        let relevance =
            if span > 0.0 { 1.0 - (top - pool[rank].corrected_score) / span } else { 1.0 };
        (1.0 - diversity) * relevance - diversity * nearest
    };
    let vector = |rank: usize| index.vector(pool[rank].row);
    let mut left: BinaryHeap<Candidate> = (0..pool.len())
        .map(|rank| Candidate { gain: gain(rank, 0.0), rank, nearest: 0.0, seen: 0 })
        .collect();
    let wanted = k.min(pool.len());
    let mut picks: Vec<usize> = Vec::with_capacity(wanted);
    let mut looks = 0_usize;
    while picks.len() < wanted
        && let Some(mut next) = left.pop()
    {
        if looks.is_multiple_of(LOOKS_A_REPORT) {
            progress.at("picking songs that differ", picks.len() as u64, Some(wanted as u64))?;
        }
        looks += 1;
        if next.seen == picks.len() {
            picks.push(next.rank);
            continue;
        }
        for &pick in &picks[next.seen..] {
            next.nearest = next.nearest.max(cosine(vector(next.rank), vector(pick)));
        }
        next.seen = picks.len();
        next.gain = gain(next.rank, next.nearest);
        left.push(next);
    }
    Ok(picks.into_iter().map(|rank| pool[rank].clone()).collect())
}

/// In sixteen sums, so that the compiler may use wide registers; `f32` is exact enough to tell how
/// alike two songs are.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Neither a picture nor words nor songs were given.
    #[error("the query is empty; give it an image, a text, or something to like or unlike")]
    Empty,
    /// The share of the words is not between 0 and 1.
    #[error("the text weight must be between 0 and 1, found {found}")]
    BadTextWeight {
        /// The weight given.
        found: f64,
    },
    /// A weight is negative, infinite or NaN.
    #[error("a weight must be finite and at least 0, found {found}")]
    BadWeight {
        /// The weight given.
        found: f64,
    },
    /// The diversity is not between 0 and 1.
    #[error("the diversity must be between 0 and 1, found {found}")]
    BadDiversity {
        /// The diversity given.
        found: f64,
    },
    /// The parts add up to nothing that stands above rounding.
    #[error("the parts of the query cancel each other out, or all weigh nothing; change a weight")]
    CancelsOut,
    /// A vector cannot be used with this index.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The index could not answer.
    #[error(transparent)]
    Index(#[from] SongIndexError),
}

impl From<Cancelled> for QueryError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Index(cancelled.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{SongIndexWriter, WriterOptions};
    use crate::song::Song;
    use proptest::prelude::*;
    use std::ops::ControlFlow;

    /// Compares every song with every pick, as the definition says.
    fn by_definition(index: &SongIndex, pool: &[SongHit], k: usize, diversity: f64) -> Vec<usize> {
        let (top, last) = (pool[0].score, pool[pool.len() - 1].score);
        let mut left: Vec<&SongHit> = pool.iter().collect();
        let mut picks: Vec<&SongHit> = Vec::new();
        while picks.len() < k && !left.is_empty() {
            let gain = |hit: &SongHit| {
                let relevance = match top > last {
                    true => 1.0 - (top - hit.score) / (top - last),
                    false => 1.0,
                };
                let similar =
                    |pick: &&SongHit| cosine(index.vector(hit.row), index.vector(pick.row));
                let nearest = picks.iter().map(similar).fold(0.0, f64::max);
                (1.0 - diversity) * relevance - diversity * nearest
            };
            let mut best = 0;
            for at in 1..left.len() {
                if gain(left[at]) > gain(left[best]) {
                    best = at;
                }
            }
            picks.push(left.remove(best));
        }
        picks.iter().map(|hit| hit.row).collect()
    }

    fn index(vectors: &[[i8; 3]]) -> (tempfile::TempDir, SongIndex) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("songs.arrow");
        let options = WriterOptions { normalize: true, ..WriterOptions::new(3) };
        let mut writer = SongIndexWriter::create(&path, options).unwrap();
        for (row, vector) in vectors.iter().enumerate() {
            let song = Song::new(SongId::new(row.to_string()).unwrap());
            writer.push(&song, &vector.map(f32::from)).unwrap();
        }
        writer.finish().unwrap();
        let index = SongIndex::open(&path).unwrap();
        (folder, index)
    }

    proptest! {
        #[test]
        fn the_picks_are_those_of_the_definition(
            // Few directions, so that many gains are equal.
            vectors in prop::collection::vec([-2_i8..3, -2_i8..3, 1_i8..3], 1..60),
            diversity in prop_oneof![Just(1.0), 0.01_f64..1.0],
            k in 1_usize..40,
        ) {
            let (_folder, index) = index(&vectors);
            let query = Embedding::normalize(vec![1.0, 0.5, 0.25], None).unwrap();
            let pool = index.search(&query, &SearchOptions { k: 4 * k, ..SearchOptions::default() }).unwrap();
            let picks = diversify(&index, pool.clone(), k, diversity, &mut ()).unwrap();
            let picks: Vec<usize> = picks.iter().map(|hit| hit.row).collect();
            prop_assert_eq!(picks, by_definition(&index, &pool, k, diversity));
        }
    }

    #[test]
    fn picking_can_be_stopped() {
        let (_folder, index) = index(&[[1, 0, 1]; 50]);
        let query = HybridQuery::new().image(index.embedding(0).unwrap());
        let options = QueryOptions { diversity: 0.5, ..QueryOptions::default() };
        let stopped = query.search_with(&index, &options, &mut |_: crate::progress::Update| {
            ControlFlow::Break(())
        });
        assert!(matches!(stopped, Err(QueryError::Index(SongIndexError::Cancelled))));
        let calm = QueryOptions::default();
        assert!(
            query
                .search_with(
                    &index,
                    &calm,
                    &mut |_: crate::progress::Update| ControlFlow::Break(())
                )
                .is_ok()
        );
    }
}
