//! Attention, head by head, on blocks as the projections leave them.

use std::ops::Range;

use rayon::prelude::*;

use super::linear::Heads;
use super::matrix::Matrix;
use crate::simd::{Backend, Blocked, BlockedMut, Finish, Lanes, WIDTH};

/// So many queries meet all keys at once, and their scores stay in the cache.
const QUERIES: usize = 64;

/// Neighbouring rows that attend to each other.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    pub(super) rows: Range<usize>,
    /// The row that is pooled, counted from the first.
    pub(super) pooled: usize,
}

/// Who looks at whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention {
    pub(super) backend: Backend,
    pub(super) heads: Heads,
    /// Whether a row sees only those up to itself.
    pub(super) causal: bool,
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
    /// Attends from all rows; or from the pooled ones alone, then `queries` has a row for each
    /// sequence.
    ///
    /// `queries` begins with what the rows ask, `projected` has keys and values behind such blocks
    /// of its own.
    pub(super) fn run(
        self,
        sequences: &[Sequence],
        pooled_only: bool,
        queries: &Matrix,
        projected: &Matrix,
        out: &mut Matrix,
        scratch: &mut Vec<Lanes>,
    ) {
        let Heads { count, width } = self.heads;
        let blocks = self.heads.blocks_each();
        let longest = sequences.iter().map(|s| s.rows.len()).max().unwrap_or(0);
        let room = longest.div_ceil(WIDTH) * (width + QUERIES.min(longest));
        scratch.resize(count * room, Lanes::ZERO);
        let part = |of: &'_ Matrix, at: usize| of.rows * blocks * at..of.rows * blocks * (at + 1);
        let one = |(head, (out, scratch)): (usize, (&mut [Lanes], &mut [Lanes]))| {
            let blocked = |of: &Matrix, at: usize| part(of, at * count + head);
            let head = Head {
                backend: self.backend,
                width,
                causal: self.causal,
                queries: queries.view_of(blocked(queries, 0)),
                keys: projected.view_of(blocked(projected, 1)),
                values: projected.view_of(blocked(projected, 2)),
            };
            for (index, sequence) in sequences.iter().enumerate() {
                match pooled_only {
                    true => head.attend(
                        sequence,
                        index,
                        sequence.pooled..sequence.pooled + 1,
                        out,
                        scratch,
                    ),
                    false => head.attend(
                        sequence,
                        sequence.rows.start,
                        0..sequence.rows.len(),
                        out,
                        scratch,
                    ),
                }
            }
        };
        let heads = out.lines.par_chunks_mut(blocks * out.rows);
        heads.zip(scratch.par_chunks_mut(room)).enumerate().for_each(one);
    }
}

impl Head<'_> {
    /// Attends from the `positions` of a sequence, whose queries and results lie from row `first`
    /// on.
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
        self.turn_keys(sequence, keys);
        let scale = 1.0 / (self.width as f32).sqrt();
        let stride = self.queries.stride;
        for start in (0..positions.len()).step_by(QUERIES) {
            let count = QUERIES.min(positions.len() - start);
            let scores = &mut scratch[..panels * count];
            let queries = Blocked { first: first + start, ..self.queries };
            let right = Blocked { lines: keys, stride: self.width, first: 0 };
            let plain = Finish::default();
            let out_scores = BlockedMut { lines: &mut *scores, stride: count, first: 0 };
            self.backend.product(count, self.width, queries, right, out_scores, plain);
            let position = positions.start + start;
            self.backend.softmax(count, scores, scale, &|row| match self.causal {
                true => position + row + 1,
                false => len,
            });
            let left = Blocked { lines: scores, stride: count, first: 0 };
            let values = Blocked { first: sequence.rows.start, ..self.values };
            let out = BlockedMut { lines: &mut *out, stride, first: first + start };
            self.backend.product(count, len, left, values, out, plain);
        }
    }

    /// Puts 16 keys side by side, as a right factor has them.
    fn turn_keys(&self, sequence: &Sequence, turned: &mut [Lanes]) {
        for (panel, turned) in turned.chunks_exact_mut(self.width).enumerate() {
            let start = sequence.rows.start + panel * WIDTH;
            let end = (start + WIDTH).min(sequence.rows.end);
            for (block, turned) in turned.chunks_mut(WIDTH).enumerate() {
                let keys = &self.keys.lines[block * self.keys.stride..][start..end];
                for (column, line) in turned.iter_mut().enumerate() {
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
