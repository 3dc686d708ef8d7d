//! A correction for songs that are found for nearly every query.
//!
//! Nearest neighbour normalisation (Chowdhury, Wang, Xie, Sun, Tessler and others, *Nearest
//! Neighbor Normalization Improves Multimodal Retrieval*, 2024): the bias of a song is its average
//! score with the nearest queries of a query bank. A song that is close to many queries has a large
//! bias, and a search subtracts a share of it from the song's score.
//!
//! | column | type | |
//! |---|---|---|
//! | `_pp_bias` | float32, not null | the mean of the song's greatest cosines with the queries of the bank |
//!
//! The schema's metadata key `pixelplay.query_bank` names the bank: biases from different banks
//! cannot be compared.

use std::ops::Range;

use arrow_schema::{DataType, Field, Schema};
use rayon::prelude::*;

use crate::embedding::{Embedding, same_space};
use crate::index::error::SongIndexError;
use crate::index::file::layout::KEY_QUERY_BANK;
use crate::index::song_index::SongIndex;
use crate::simd::Backend;

const BIAS: &str = "_pp_bias";
/// Slightly more than the product of two lengths of at most 1.001; a mean of such products is no
/// greater.
const MAX_BIAS: f32 = 1.0021;

/// Typical queries, and the number of nearest ones that determine a song's bias.
///
/// A good bank has a few hundred pictures of the kind that users will search with; a handful is not
/// enough.
#[derive(Debug, Clone)]
pub struct QueryBank {
    queries: Vec<Embedding>,
    nearest: usize,
}

impl QueryBank {
    /// Creates a bank. A song's bias is the mean of its cosines with the `nearest` queries that are
    /// nearest to it; 10 is a good number.
    ///
    /// # Errors
    /// If there are fewer than `nearest` queries, if `nearest` is 0, or if the queries come from
    /// different spaces.
    pub fn new(queries: Vec<Embedding>, nearest: usize) -> Result<Self, SongIndexError> {
        let first = match queries.first() {
            Some(first) if (1..=queries.len()).contains(&nearest) => first,
            _ => {
                return Err(SongIndexError::BadQueryBank { queries: queries.len(), nearest });
            }
        };
        let space = (first.dim(), first.fingerprint());
        for query in &queries {
            same_space(space, (query.dim(), query.fingerprint()))?;
        }
        Ok(Self { queries, nearest })
    }

    /// Returns the id of the bank: BLAKE3, in hex, of `nearest` as 8 bytes and all values, little
    /// endian.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(&(self.nearest as u64).to_le_bytes());
        for query in &self.queries {
            for value in query.as_slice() {
                hash.update(&value.to_le_bytes());
            }
        }
        hash.finalize().to_hex().to_string()
    }

    /// Returns the queries.
    #[must_use]
    pub fn queries(&self) -> &[Embedding] {
        &self.queries
    }

    /// Returns the biases of vectors, shape `(n, dim)`. They do not depend on the processor or the
    /// number of threads.
    pub(crate) fn biases(&self, vectors: &[f32], dim: usize) -> Vec<f32> {
        const ROWS_A_TASK: usize = 256;
        let backend = Backend::detect();
        let queries: Vec<f32> =
            self.queries.iter().flat_map(|query| query.as_slice().iter().copied()).collect();
        let of_some = |vectors: &[f32]| {
            let rows = vectors.len() / dim;
            let mut scores = vec![0.0; rows * self.queries.len()];
            backend.dots_f64(dim, vectors, None, &queries, &mut scores);
            let bias = |row: usize| {
                let mut scores: Vec<f64> = scores.iter().skip(row).step_by(rows).copied().collect();
                let (greater, least, _) =
                    scores.select_nth_unstable_by(self.nearest - 1, |a, b| b.total_cmp(a));
                // Sorted, so that the sum does not depend on the order of selection.
                greater.sort_unstable_by(f64::total_cmp);
                let sum = greater.iter().sum::<f64>() + *least;
                #[expect(clippy::cast_possible_truncation, reason = "biases are stored as f32")]
                let bias = (sum / self.nearest as f64) as f32;
                bias
            };
            (0..rows).map(bias).collect::<Vec<f32>>()
        };
        vectors.par_chunks(ROWS_A_TASK * dim).flat_map_iter(of_some).collect()
    }
}

impl SongIndex {
    /// Returns the [id](QueryBank::id) of the query bank that the songs' biases come from, if
    /// [`SongIndexEditor::correct_hubness`](crate::index::SongIndexEditor::correct_hubness) has
    /// written them.
    #[must_use]
    pub fn query_bank(&self) -> Option<&str> {
        common_bank(self.opened.shards.iter().map(|shard| {
            let has_biases = shard.segment.batches.iter().all(|b| b.biases.is_some());
            shard.segment.query_bank.as_deref().filter(|_| has_biases)
        }))
    }

    /// Returns what to subtract from a row's score: its bias times `weight`.
    pub(crate) fn correction(&self, row: usize, weight: f64) -> Result<f64, SongIndexError> {
        if weight == 0.0 {
            return Ok(0.0);
        }
        let (shard, batch, at) = self.locate(row);
        match batch.biases.as_ref().map(|biases| biases[at]) {
            Some(bias) if bias.abs() <= MAX_BIAS => Ok(f64::from(bias) * weight),
            found => Err(SongIndexError::damaged(
                &shard.segment.path,
                format_args!("row {row} has the invalid bias {found:?}"),
            )),
        }
    }
}

/// Returns the query bank if all biases come from the same one.
pub(crate) fn common_bank<'a>(mut banks: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let first = banks.next()??;
    banks.all(|bank| bank == Some(first)).then_some(first)
}

/// The corrections of the scores of a batch's rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corrections<'a> {
    pub(crate) biases: &'a [f32],
    pub(crate) weight: f64,
}

impl Corrections<'_> {
    /// Lowers `errors` by the corrections, so that they bound the corrected scores; see
    /// [`quantized`](crate::index::quantized).
    ///
    /// The bound contains `error * |q|`, and `|q|` is within 0.002 of 1 even after rounding up, so
    /// that share of each correction is left out. This is a hundred times more than rounding needs.
    #[expect(clippy::cast_possible_truncation, reason = "covered by the margin")]
    pub(crate) fn lower(&self, rows: Range<usize>, errors: &[f32], lowered: &mut Vec<f32>) {
        const MARGIN: f32 = 0.003;
        let weight = self.weight as f32;
        lowered.clear();
        lowered.extend(errors.iter().zip(&self.biases[rows]).map(|(error, bias)| {
            let correction = bias * weight;
            error - (correction - correction.abs() * MARGIN)
        }));
    }

    /// Subtracts the corrections of rows from their scores in `f32`, where all values are at most
    /// about 1. The product, its factor and the difference are rounded, which changes a score by
    /// less than [`ROUNDING`](Self::ROUNDING).
    #[expect(clippy::cast_possible_truncation, reason = "covered by `ROUNDING`")]
    pub(crate) fn subtract(&self, rows: impl Iterator<Item = usize>, scores: &mut [f32]) {
        let weight = self.weight as f32;
        for (score, row) in scores.iter_mut().zip(rows) {
            *score -= self.biases[row] * weight;
        }
    }

    /// Returns the correction of one of the rows.
    pub(crate) fn of(&self, row: usize) -> f64 {
        f64::from(self.biases[row]) * self.weight
    }

    /// `2^-21`.
    pub(crate) const ROUNDING: f64 = 1.0 / (1 << 21) as f64;
}

/// Returns the column of biases.
pub(crate) fn field() -> Field {
    Field::new(BIAS, DataType::Float32, false)
}

/// Returns the position of the column in a schema, and the query bank of its biases; `None` unless
/// both have the form that we write.
pub(crate) fn find(schema: &Schema) -> Option<(usize, String)> {
    let (at, found) = schema.column_with_name(BIAS)?;
    let bank = schema.metadata.get(KEY_QUERY_BANK)?;
    (*found == field()).then(|| (at, bank.clone()))
}
