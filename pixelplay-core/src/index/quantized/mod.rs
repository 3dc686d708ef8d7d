//! A batch's vectors as 8-bit integers (scalar quantization): a quarter of the bytes to read, with
//! a bound on the loss of precision.
//!
//! For a row `x`, the difference `d = R (x - centre)` is stored as `scale * code`, where `code` has
//! `dim` integers from -127 to 127. The centre is the mean of the batch: vectors of one encoder
//! have a large common component, which would otherwise use up the few steps available. `R` is a
//! [rotation] that makes all dimensions similar, for the same reason.
//!
//! [rotation]: self::rotation
//!
//! | column | type | |
//! |---|---|---|
//! | `_pp_rotated` | `fixed_size_list<uint8 not null>[dim]`, not null | code + 128 |
//! | `_pp_scale` | float32, not null | |
//! | `_pp_error` | float32, not null | at least `\|d - scale * code\|` |
//! | `_pp_length` | float32, not null | at least `\|scale * code\|` |
//! | `_pp_centre` | `list<float32 not null>`, not null | the centre in the first row of a batch, empty in the others |
//!
//! # The bound
//!
//! A query `q` is rotated too, and `r = R q` becomes `step * code_q`, with integers up to 2^14. A
//! rotation keeps dot products and lengths, so `<x - centre, q> = <d, r>`, and exactly,
//!
//! ```text
//! <x, q> = <centre, q> + scale * step * <code, code_q> + <scale * code, r - step * code_q> + <d - scale * code, r>
//! ```
//!
//! By Cauchy-Schwarz the third term is at most `length * |r - step * code_q|`, and the last at most
//! `error * |r|`. This holds for any codes, so only the columns `error` and `length` need to be
//! correct, which [`verify`](super::SongIndex::verify) checks. The dot product of the codes is
//! exact in integers. Rounding changes `d` and `r` by less than `1e-14` of their lengths, and the
//! length of `d` is at most `error + length`.
//!
//! The dot product is computed in two parts, `code_q = 128 * high + low`, each of which fits an
//! `i8`. `high` alone bounds all rows, with `step * 128 * high` in place of `step * code_q`; `low`
//! is added only for the remaining rows.
//!
//! This file quantizes vectors; `query` quantizes queries; `bounds` computes the bound; `rotation`
//! is `R`.

mod bounds;
mod query;
mod rotation;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, ListArray, UInt8Array};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};

pub(super) use self::bounds::QueryBounds;
pub(super) use self::query::QuantizedQuery;

use self::rotation::rotate;
use super::file::Record;
use super::file::layout::value_field;
use crate::simd::RowErrors;

const CODES: &str = "_pp_rotated";
const SCALE: &str = "_pp_scale";
const ERROR: &str = "_pp_error";
const LENGTH: &str = "_pp_length";
const CENTRE: &str = "_pp_centre";

/// The greatest code, and the offset that is added to stored codes.
const MAX_CODE: f64 = 127.0;
const ZERO_POINT: i32 = 128;
/// The weight of `high`, the first of the two parts of a query's code.
const HIGH: i32 = 128;
/// Exceeds the total rounding error of the `f64` sums here, both absolute and relative to the
/// magnitude of the sum: for 65,536 products the error is below 1e-11.
const ROUNDING: f64 = 1e-9;
/// The same for bounds in `f32`: each of eight operations loses at most `2^-24` of its operands.
/// For vectors that we quantized, the operands are at most 8: lengths are at most 1.001, so the
/// centre's is too, and a row is at most 2.01 from the centre; `error` is at most half a step,
/// 2.01/254, in each of 65,536 dimensions, so 2.02; and the codes' `length` is at most the sum of
/// both.
const F32_ROUNDING: f64 = 1e-5;
/// The loss of bounds in `f32` per unit of centre, error and length, if another program quantized
/// larger vectors.
const F32_SHARE: f64 = 1e-6;

/// Vectors as 8-bit integers, and bounds on how far they are from the original vectors.
#[derive(Debug)]
pub(super) struct QuantizedVectors {
    /// Shape `(rows, dim)`, with [`ZERO_POINT`] added.
    codes: ScalarBuffer<u8>,
    scales: ScalarBuffer<f32>,
    errors: ScalarBuffer<f32>,
    lengths: ScalarBuffer<f32>,
    /// Shape `(dim,)`.
    centre: ScalarBuffer<f32>,
}

/// Returns the columns that hold quantized vectors.
pub(super) fn fields(dim: i32) -> [Field; 5] {
    let real = |name| Field::new(name, DataType::Float32, false);
    [
        Field::new(CODES, DataType::FixedSizeList(code_field(), dim), false),
        real(SCALE),
        real(ERROR),
        real(LENGTH),
        Field::new(CENTRE, DataType::List(value_field()), false),
    ]
}

fn code_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::UInt8, false))
}

/// Returns the positions of the columns of quantized vectors in a schema, in the order of
/// [`fields`]; `None` unless all of them are present with the types that we write.
pub(super) fn find(schema: &Schema, dim: usize) -> Option<[usize; 5]> {
    let mut places = [0; 5];
    for (place, field) in places.iter_mut().zip(fields(i32::try_from(dim).ok()?)) {
        let (at, found) = schema.column_with_name(field.name())?;
        if *found != field {
            return None;
        }
        *place = at;
    }
    Some(places)
}

impl QuantizedVectors {
    /// Reads the columns at the positions that [`find`] returned.
    pub(super) fn read(
        record: &Record,
        bytes: &Buffer,
        columns: [usize; 5],
        dim: usize,
    ) -> Result<Self, &'static str> {
        let [codes, scales, errors, lengths, centre] = columns;
        let real = |column| record.numbers(bytes, column);
        Ok(Self {
            codes: record.lists(bytes, codes, dim)?,
            scales: real(scales)?,
            errors: real(errors)?,
            lengths: real(lengths)?,
            centre: record.first_list(bytes, centre, dim)?,
        })
    }

    /// Quantizes finite vectors of length close to 1, shape `(rows, dim)`.
    pub(super) fn new(vectors: &[f32], dim: usize) -> Self {
        let rows = vectors.len() / dim;
        let mut sums = vec![0.0; dim];
        for vector in vectors.chunks_exact(dim) {
            for (sum, &value) in sums.iter_mut().zip(vector) {
                *sum += f64::from(value);
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any centre is valid; errors are measured from the rounded one"
        )]
        let centre: Vec<f32> = sums.iter().map(|sum| (sum / rows.max(1) as f64) as f32).collect();
        let mut codes = Vec::with_capacity(vectors.len());
        let mut row_errors = [(); 3].map(|()| Vec::with_capacity(rows));
        let mut differences = vec![0.0; dim];
        for vector in vectors.chunks_exact(dim) {
            for ((difference, &x), &c) in differences.iter_mut().zip(vector).zip(&centre) {
                *difference = f64::from(x) - f64::from(c);
            }
            rotate(&mut differences);
            let row = encode(&differences, &mut codes);
            for (all, one) in row_errors.iter_mut().zip(row) {
                all.push(one);
            }
        }
        let [scales, errors, lengths] = row_errors.map(ScalarBuffer::from);
        Self { codes: codes.into(), scales, errors, lengths, centre: centre.into() }
    }

    /// Returns the columns in the order of [`fields`].
    pub(super) fn into_arrays(self, dim: i32) -> [ArrayRef; 5] {
        let rows = self.scales.len();
        let codes = UInt8Array::new(self.codes, None);
        let real = |values| -> ArrayRef { Arc::new(Float32Array::new(values, None)) };
        let in_first = (0..rows).map(|row| if row == 0 { self.centre.len() } else { 0 });
        let centre = Float32Array::new(self.centre.clone(), None);
        [
            Arc::new(FixedSizeListArray::new(code_field(), dim, Arc::new(codes), None)),
            real(self.scales),
            real(self.errors),
            real(self.lengths),
            Arc::new(ListArray::new(
                value_field(),
                OffsetBuffer::from_lengths(in_first),
                Arc::new(centre),
                None,
            )),
        ]
    }

    /// Shape `(dim,)`.
    pub(super) fn centre(&self) -> &[f32] {
        &self.centre
    }

    /// Shape `(rows, dim)`.
    pub(super) fn all_codes(&self) -> &[u8] {
        &self.codes
    }

    /// Returns the codes of some rows, shape `(rows, dim)`, and the errors of each row.
    pub(super) fn rows(&self, range: Range<usize>) -> (&[u8], RowErrors<'_>) {
        let dim = self.centre.len();
        let row_errors = RowErrors {
            scales: &self.scales[range.clone()],
            errors: &self.errors[range.clone()],
            lengths: &self.lengths[range.clone()],
        };
        (&self.codes[range.start * dim..range.end * dim], row_errors)
    }

    /// Returns the codes of one row.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        let dim = self.centre.len();
        &self.codes[row * dim..(row + 1) * dim]
    }

    /// Returns whether the row's `error` and `length` are valid upper bounds.
    pub(super) fn bounds_hold(&self, row: usize, vector: &[f32]) -> bool {
        let scale = f64::from(self.scales[row]);
        let (mut error, mut length) = (0.0, 0.0);
        let values = vector.iter().zip(&self.centre[..]);
        let mut differences: Vec<f64> =
            values.map(|(&x, &c)| f64::from(x) - f64::from(c)).collect();
        rotate(&mut differences);
        for (difference, &code) in differences.iter().zip(self.row(row)) {
            let coded = scale * f64::from(i32::from(code) - ZERO_POINT);
            error += (difference - coded).powi(2);
            length += coded.powi(2);
        }
        let promises = [self.errors[row], self.lengths[row]].map(f64::from);
        // Half of the rounding margin of the bounds.
        let rounding = ROUNDING / 2.0 * (1.0 + promises[0] + promises[1]);
        let kept = |(found, promise): (f64, f64)| found.sqrt() <= promise + rounding;
        [error, length].into_iter().zip(promises).all(kept)
    }
}

/// Appends the codes of `x - centre` after [`rotate`], and returns scale, error and length.
fn encode(differences: &[f64], codes: &mut Vec<u8>) -> [f32; 3] {
    let most = differences.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the error is measured with the rounded scale"
    )]
    let scale = (most / MAX_CODE) as f32;
    // 0 if the row is the centre: all codes are then 0.
    let per_code = if scale > 0.0 { 1.0 / f64::from(scale) } else { 0.0 };
    let (mut error, mut length) = (0.0, 0.0);
    codes.extend(differences.iter().map(|difference| {
        // Rounds to nearest by truncation: a conversion is one instruction, unlike `round`.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 to 255, and saturating if rounding goes beyond"
        )]
        let code = (difference * per_code + (f64::from(ZERO_POINT) + 0.5)) as u8;
        let coded = f64::from(scale) * f64::from(i32::from(code) - ZERO_POINT);
        error += (difference - coded).powi(2);
        length += coded.powi(2);
        code
    }));
    #[expect(clippy::cast_possible_truncation, reason = "rounded up by `next_up`")]
    let at_least = |square: f64| ((square.sqrt() + ROUNDING) as f32).next_up();
    [scale, at_least(error), at_least(length)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embedding::normalize_in_place;
    use crate::simd::{Backend, Thresholds, screen};

    /// Vectors in which a few values may be far greater or far smaller than the others.
    fn vectors(dim: usize) -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![
            6 => -1.0_f32..1.0,
            1 => -1e4_f32..1e4,
            1 => -1e-30_f32..1e-30,
            1 => Just(0.0_f32),
        ];
        prop::collection::vec(value, dim).prop_filter_map("zeros", |mut vector| {
            normalize_in_place(&mut vector).ok().map(|()| vector)
        })
    }

    fn all_bounds(
        query: &QuantizedQuery,
        vectors: &QuantizedVectors,
        offset: f64,
    ) -> Vec<(f64, f64)> {
        let dots = [&query.high, &query.low].map(|part| {
            let mut dots = vec![0; vectors.scales.len()];
            Backend::detect().dots_i8(&vectors.codes, None, part, &mut dots);
            dots
        });
        let parts = dots[0].iter().zip(&dots[1]).enumerate();
        parts
            .map(|(row, (&high, &low))| query.bounds_of_parts(vectors, row, [high, low], offset))
            .collect()
    }

    proptest! {
        #[test]
        fn scores_lie_within_their_bounds_and_pass_their_own_threshold(
            (rows, query) in (1_usize..100).prop_flat_map(|dim| {
                (prop::collection::vec(vectors(dim), 1..20), vectors(dim))
            }),
        ) {
            let dim = query.len();
            let vectors = QuantizedVectors::new(&rows.concat(), dim);
            let codes = QuantizedQuery::new(&query);
            let backend = Backend::detect();
            let exact = |row: &[f32]| -> f64 {
                row.iter().zip(&query).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            };
            let offset = exact(vectors.centre());
            let query_bounds = QueryBounds::new(&codes, offset);
            let (all, row_errors) = vectors.rows(0..rows.len());
            let mut dots = vec![0; rows.len()];
            backend.dots_i8(all, None, &codes.high, &mut dots);
            let bounds = all_bounds(&codes, &vectors, offset);
            for (at, row) in rows.iter().enumerate() {
                prop_assert!(vectors.bounds_hold(at, row));
                let score = exact(row);
                let (least, most) = bounds[at];
                prop_assert!(least <= score && score <= most, "{least} {score} {most}");
                let one = codes.bounds(backend, &vectors, at, dots[at] + codes.bias(), offset);
                prop_assert_eq!(one, bounds[at]);

                let thresholds = Thresholds {
                    bias: [codes.bias()],
                    error_weight: [query_bounds.error_weight],
                    length_weight: [query_bounds.length_weight],
                    least: [query_bounds.least(score)],
                };
                let mut passed = Vec::new();
                screen(&dots, &row_errors, None, &thresholds, &mut passed);
                prop_assert!(passed.contains(&at), "{score}");
            }
        }
    }

    #[test]
    fn ordinary_vectors_are_known_to_two_percent() {
        let dim = 512;
        let mut vector: Vec<f32> = (0..2 * dim).map(|i| ((i * i) as f32).sin()).collect();
        let (row, query) = vector.split_at_mut(dim);
        normalize_in_place(row).unwrap();
        normalize_in_place(query).unwrap();
        // Add the negated row, so that the centre is not the row itself.
        let rows: Vec<f32> = row.iter().copied().chain(row.iter().map(|x| -x)).collect();
        let vectors = QuantizedVectors::new(&rows, dim);
        for (least, most) in all_bounds(&QuantizedQuery::new(query), &vectors, 0.0) {
            assert!(most - least < 0.02, "{least} {most}");
        }
    }

    #[test]
    fn true_bounds_of_huge_numbers_lose_no_row_to_rounding() {
        let far = 1_064_841_152.0;
        // In one dimension, the rotation only flips the sign.
        let vectors = QuantizedVectors {
            codes: vec![255].into(),
            scales: vec![far / 127.0].into(),
            errors: vec![1.0001].into(),
            lengths: vec![far].into(),
            centre: vec![far].into(),
        };
        assert!(vectors.bounds_hold(0, &[1.0]));
        let query = QuantizedQuery::new(&[1.0]);
        let offset = f64::from(far);
        let (least, most) = all_bounds(&query, &vectors, offset)[0];
        assert!(least <= 1.0 && 1.0 <= most);
        let query_bounds = QueryBounds::new(&query, offset);
        let thresholds = Thresholds {
            bias: [query.bias()],
            error_weight: [query_bounds.error_weight],
            length_weight: [query_bounds.length_weight],
            least: [query_bounds.least(0.9999)],
        };
        let (codes, row_errors) = vectors.rows(0..1);
        let mut dots = [0];
        Backend::detect().dots_i8(codes, None, &query.high, &mut dots);
        let mut passed = Vec::new();
        screen(&dots, &row_errors, None, &thresholds, &mut passed);
        assert_eq!(passed, [0]);
    }

    #[test]
    fn bounds_that_promise_too_much_are_found_out() {
        let rows = [0.6, 0.8, 1.0, 0.0];
        let mut vectors = QuantizedVectors::new(&rows, 2);
        assert!(vectors.bounds_hold(0, &rows[..2]) && vectors.bounds_hold(1, &rows[2..]));
        assert!(!vectors.bounds_hold(0, &rows[2..]));
        vectors.lengths = vec![0.0, 0.0].into();
        assert!(!vectors.bounds_hold(0, &rows[..2]));
    }
}
