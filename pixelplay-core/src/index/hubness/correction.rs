//! A correction for songs that turn up for everything.
//!
//! Nearest neighbour normalisation (Chowdhury, Wang, Xie, Sun, Tessler and others, *Nearest
//! Neighbor Normalization Improves Multimodal Retrieval*, 2024): what a song scores with the
//! queries of a bank that are nearest to it, on average, is its bias. A song that is near to many
//! queries has a great one, and a search subtracts a share of it from the song's score.
//!
//! | column | type | |
//! |---|---|---|
//! | `_pp_bias` | float32, not null | the mean of the song's greatest cosines with the queries of the bank |
//!
//! The metadata of the schema, `pixelplay.query_bank`, names the bank: biases of different banks
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
/// A little more than the product of two lengths of at most 1.001, as is the mean of some.
const MAX_BIAS: f32 = 1.0021;

/// Queries that stand for those that will be asked, and how many of them make a song's bias.
///
/// Some hundreds of pictures of the kind that will be asked for are a good bank; a handful is not.
#[derive(Debug, Clone)]
pub struct QueryBank {
    queries: Vec<Embedding>,
    nearest: usize,
}

impl QueryBank {
    /// A song's bias is the mean of its cosines with the `nearest` queries that are nearest to it;
    /// 10 is a good number.
    ///
    /// # Errors
    /// If there are fewer queries than that, `nearest` is 0, or the queries are not of one space.
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

    /// Names the bank: BLAKE3, in hex, of `nearest` as 8 bytes and all values as they lie in
    /// memory, little endian.
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

    /// Its queries.
    #[must_use]
    pub fn queries(&self) -> &[Embedding] {
        &self.queries
    }

    /// The biases of vectors, shape `(n, dim)`. The same on every processor and at any number of
    /// threads.
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
                // Sorted, so that the sum does not depend on how they were selected.
                greater.sort_unstable_by(f64::total_cmp);
                let sum = greater.iter().sum::<f64>() + *least;
                #[expect(clippy::cast_possible_truncation, reason = "stored as such")]
                let bias = (sum / self.nearest as f64) as f32;
                bias
            };
            (0..rows).map(bias).collect::<Vec<f32>>()
        };
        vectors.par_chunks(ROWS_A_TASK * dim).flat_map_iter(of_some).collect()
    }
}

impl SongIndex {
    /// The [id](QueryBank::id) of the query bank that the songs' biases are from, where
    /// [`SongIndexEditor::correct_hubness`](crate::index::SongIndexEditor::correct_hubness) has
    /// written them.
    #[must_use]
    pub fn query_bank(&self) -> Option<&str> {
        common_bank(self.opened.shards.iter().map(|shard| {
            let has_biases = shard.segment.batches.iter().all(|b| b.biases.is_some());
            shard.segment.query_bank.as_deref().filter(|_| has_biases)
        }))
    }

    /// What to subtract from a row's score: its bias times `weight`.
    pub(crate) fn correction(&self, row: usize, weight: f64) -> Result<f64, SongIndexError> {
        if weight == 0.0 {
            return Ok(0.0);
        }
        let (shard, batch, at) = self.locate(row);
        match batch.biases.as_ref().map(|biases| biases[at]) {
            Some(bias) if bias.abs() <= MAX_BIAS => Ok(f64::from(bias) * weight),
            found => Err(SongIndexError::damaged(
                &shard.segment.path,
                format_args!("row {row} has the bias {found:?}"),
            )),
        }
    }
}

/// The query bank that all of some songs have their biases from.
pub(crate) fn common_bank<'a>(mut banks: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let first = banks.next()??;
    banks.all(|bank| bank == Some(first)).then_some(first)
}

/// What the scores of a batch's rows are corrected by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Corrections<'a> {
    pub(crate) biases: &'a [f32],
    pub(crate) weight: f64,
}

impl Corrections<'_> {
    /// `errors` lowered by the corrections, so that the bound made of them is one of the corrected
    /// scores; see [`quantized`](crate::index::quantized).
    ///
    /// The bound has `error * |q|`, and `|q|` is 1 within 0.002 in whatever way it was rounded up,
    /// so of each correction that much is left out. That is a hundred times what rounding takes.
    #[expect(clippy::cast_possible_truncation, reason = "the margin has room for it")]
    pub(crate) fn lower(&self, rows: Range<usize>, errors: &[f32], lowered: &mut Vec<f32>) {
        const MARGIN: f32 = 0.003;
        let weight = self.weight as f32;
        lowered.clear();
        lowered.extend(errors.iter().zip(&self.biases[rows]).map(|(error, bias)| {
            let correction = bias * weight;
            error - (correction - correction.abs() * MARGIN)
        }));
    }

    /// Subtracts the corrections of rows from their scores in `f32`, all at most about 1: the
    /// product, its factor and the difference are rounded, which moves a score by less than
    /// [`ROUNDING`](Self::ROUNDING).
    #[expect(clippy::cast_possible_truncation, reason = "counted in the rounding")]
    pub(crate) fn subtract(&self, rows: impl Iterator<Item = usize>, scores: &mut [f32]) {
        let weight = self.weight as f32;
        for (score, row) in scores.iter_mut().zip(rows) {
            *score -= self.biases[row] * weight;
        }
    }

    /// Of one of the rows.
    pub(crate) fn of(&self, row: usize) -> f64 {
        f64::from(self.biases[row]) * self.weight
    }

    /// `2^-21`.
    pub(crate) const ROUNDING: f64 = 1.0 / (1 << 21) as f64;
}

/// The column of biases.
pub(crate) fn field() -> Field {
    Field::new(BIAS, DataType::Float32, false)
}

/// Where the column stands in a schema, and whose biases they are; `None` unless both are as we
/// write them.
pub(crate) fn find(schema: &Schema) -> Option<(usize, String)> {
    let (at, found) = schema.column_with_name(BIAS)?;
    let bank = schema.metadata.get(KEY_QUERY_BANK)?;
    (*found == field()).then(|| (at, bank.clone()))
}
