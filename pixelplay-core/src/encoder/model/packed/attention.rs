//! Attention, head by head, on the blocks that the projections produce.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::ColumnGroups;
use super::matrix::Matrix;
use super::workspace::Ctx;
use crate::simd::{Backend, Blocked, BlockedMut, Epilogue, Lanes, WIDTH};

/// The number of queries that are multiplied by all keys at once. It is small enough for their
/// scores to stay in the cache.
const QUERY_BLOCK: usize = 64;

/// Consecutive rows that attend to each other.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    pub(super) rows: Range<usize>,
    /// The row that is pooled, relative to the first row.
    pub(super) pooled: usize,
}

/// Which rows attend to which.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    pub(super) heads: ColumnGroups,
    /// Whether a row attends only to rows up to itself.
    pub(super) causal: bool,
}

/// The rows of the sequences whose queries are used.
#[derive(Debug, Clone, Copy)]
pub(super) enum Queries<'a> {
    /// All rows; their queries are the first blocks of the projection.
    All,
    /// Only the pooled rows; the matrix has one row for each sequence.
    Pooled(&'a Matrix),
}

/// The blocks of one head.
struct Head<'a> {
    backend: Backend,
    width: usize,
    causal: bool,
    queries: Blocked<'a>,
    keys: Blocked<'a>,
    values: Blocked<'a>,
}

impl Attention {
    /// Attends to the keys and values of `projected`, where they come after the queries, each with
    /// the same number of blocks.
    pub(super) fn run(
        self,
        ctx: &mut Ctx,
        sequences: &[Sequence],
        from: Queries<'_>,
        projected: &Matrix,
        out: &mut Matrix,
    ) {
        let ColumnGroups { count, width } = self.heads;
        let blocks = self.heads.blocks_per_group();
        let longest = sequences.iter().map(|s| s.rows.len()).max().unwrap_or(0);
        let scratch_each = longest.div_ceil(WIDTH) * (width + QUERY_BLOCK.min(longest));
        let Ctx { backend, scratch, .. } = ctx;
        scratch.resize(count * scratch_each, Lanes::ZERO);
        let queries = match from {
            Queries::All => projected,
            Queries::Pooled(queries) => queries,
        };
        let part = |of: &Matrix, at: usize| of.rows * blocks * at..of.rows * blocks * (at + 1);
        let one = |(head, (out, scratch)): (usize, (&mut [Lanes], &mut [Lanes]))| {
            let blocked = |of: &Matrix, at: usize| part(of, at * count + head);
            let head = Head {
                backend: *backend,
                width,
                causal: self.causal,
                queries: queries.view_of(blocked(queries, 0)),
                keys: projected.view_of(blocked(projected, 1)),
                values: projected.view_of(blocked(projected, 2)),
            };
            for (index, sequence) in sequences.iter().enumerate() {
                let (first, positions) = match from {
                    Queries::All => (sequence.rows.start, 0..sequence.rows.len()),
                    Queries::Pooled(_) => (index, sequence.pooled..sequence.pooled + 1),
                };
                head.attend(sequence, first, positions, out, scratch);
            }
        };
        let heads = out.lines.par_chunks_mut(blocks * out.rows);
        heads.zip(scratch.par_chunks_mut(scratch_each)).enumerate().for_each(one);
    }
}

impl Head<'_> {
    /// Attends from the `positions` of a sequence, whose queries and results start at row `first`.
    fn attend(
        &self,
        sequence: &Sequence,
        first: usize,
        positions: Range<usize>,
        out: &mut [Lanes],
        scratch: &mut [Lanes],
    ) {
        let len = sequence.rows.len();
        let panels = len.div_ceil(WIDTH);
        let (keys, scratch) = scratch.split_at_mut(panels * self.width);
        self.transpose_keys(sequence, keys);
        let keys = Blocked::whole(keys, self.width);
        let scale = 1.0 / (self.width as f32).sqrt();
        let mut out = BlockedMut::whole(out, self.queries.rows());
        let plain = Epilogue::default();
        for start in (0..positions.len()).step_by(QUERY_BLOCK) {
            let count = QUERY_BLOCK.min(positions.len() - start);
            let rows = first + start..first + start + count;
            let scores = &mut scratch[..panels * count];
            let queries = self.queries.slice(rows.clone());
            self.backend.gemm(queries, keys, BlockedMut::whole(scores, count), plain);
            let position = positions.start + start;
            self.backend.softmax(count, scores, scale, &|row| match self.causal {
                true => position + row + 1,
                false => len,
            });
            let values = self.values.slice(sequence.rows.clone());
            let out = out.reborrow().slice(rows);
            self.backend.gemm(Blocked::whole(scores, count), values, out, plain);
        }
    }

    /// Transposes the keys into the layout of a right factor, 16 keys side by side.
    fn transpose_keys(&self, sequence: &Sequence, transposed: &mut [Lanes]) {
        for (panel, transposed) in transposed.chunks_exact_mut(self.width).enumerate() {
            let start = sequence.rows.start + panel * WIDTH;
            let end = (start + WIDTH).min(sequence.rows.end);
            for (block, transposed) in transposed.chunks_mut(WIDTH).enumerate() {
                let keys = &self.keys.block(block)[start..end];
                for (column, line) in transposed.iter_mut().enumerate() {
                    let mut values = Lanes::ZERO;
                    for (value, key) in values.0.iter_mut().zip(keys) {
                        *value = key.0[column];
                    }
                    *line = values;
                }
            }
        }
    }
}
