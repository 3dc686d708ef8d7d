//! What the encoder computes with: [`Backend`]'s operations on blocked matrices.

use super::codes::{self, ColumnScales, Plain, RowScale};
use super::product::{self, Blocked, BlockedMut, Finish};
use super::rows::{self, Norm};
use super::vector::{Codes, Lanes, Vector, WIDTH};
use super::{Backend, Isa};
#[cfg(target_arch = "x86_64")]
use super::{x86_codes, x86_vector};

/// How many products are added up before they are added to what is there: two blocks of so many
/// lines of the right factor, and some hundred rows of the left one, fit into a processor's own
/// cache. A multiple of [`WIDTH`].
const DEPTH: usize = 768;

impl Backend {
    /// The product of `rows` rows of `k` columns with as many blocks of 16 columns as `out` has.
    ///
    /// Each value is summed over `k` in order, [`DEPTH`] products at a time, whatever else is
    /// computed beside it.
    ///
    /// # Panics
    /// If a factor has fewer rows or columns, the right one fewer blocks than `out`, or there is no
    /// bias for a block.
    #[track_caller]
    pub(crate) fn product(
        self,
        rows: usize,
        k: usize,
        left: Blocked<'_>,
        right: Blocked<'_>,
        out: BlockedMut<'_>,
        finish: Finish<'_>,
    ) {
        if rows == 0 || out.lines.is_empty() {
            return;
        }
        assert!(k > 0 && out.lines.len().is_multiple_of(out.stride));
        let blocks = out.lines.len() / out.stride;
        assert!(out.first + rows <= out.stride);
        assert!(left.has(k.div_ceil(WIDTH), rows) && right.has(blocks, k));
        assert!(finish.bias.is_none_or(|bias| bias.len() >= blocks));
        let mut done = 0;
        while done < k {
            let deep = (k - done).min(DEPTH);
            let left = Blocked { lines: &left.lines[done / WIDTH * left.stride..], ..left };
            let right = Blocked { first: right.first + done, ..right };
            let out = BlockedMut { lines: &mut *out.lines, ..out };
            let finish = Finish {
                bias: finish.bias.filter(|_| done == 0),
                add: finish.add || done > 0,
                curve: finish.curve.filter(|_| done + deep == k),
            };
            match self.0 {
                // SAFETY: the portable vectors need no special instructions, and the lengths were
                // checked, here and below.
                Isa::Portable => unsafe {
                    product::product::<[f32; WIDTH], 2, 1>(
                        rows,
                        deep,
                        left,
                        right,
                        out,
                        |sums, block, _, lines| {
                            <[f32; WIDTH]>::finish(sums, finish.of(block), finish, lines);
                        },
                    );
                },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: only `available` makes an `Avx2`, after it has seen that the processor
                // has AVX2 and FMA.
                Isa::Avx2 => unsafe {
                    x86_vector::product_avx2(rows, deep, left, right, out, finish);
                },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: only `available` makes these, after it has seen that the processor has
                // AVX-512F.
                Isa::Avx512 | Isa::Avx512Vnni => unsafe {
                    x86_vector::product_avx512(rows, deep, left, right, out, finish);
                },
            }
            done += deep;
        }
    }

    /// Gives each row mean 0 and variance 1, then scales and shifts each column.
    ///
    /// # Panics
    /// If there are fewer rows or columns than asked for.
    #[track_caller]
    pub(crate) fn layer_norm(
        self,
        rows: usize,
        norm: &Norm,
        input: Blocked<'_>,
        out: BlockedMut<'_>,
    ) {
        let blocks = norm.width.div_ceil(WIDTH);
        assert!(norm.scale.len() == blocks && norm.shift.len() == blocks);
        assert!(input.has(blocks, rows) && out.as_blocked().has(blocks, rows));
        match self.0 {
            // SAFETY: as in `product`.
            Isa::Portable => unsafe {
                rows::layer_norm::<[f32; WIDTH]>(rows, norm, input, out);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `product`.
            Isa::Avx2 => unsafe { x86_vector::layer_norm_avx2(rows, norm, input, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `product`.
            Isa::Avx512 | Isa::Avx512Vnni => unsafe {
                x86_vector::layer_norm_avx512(rows, norm, input, out);
            },
        }
    }

    /// Replaces scores by their softmax, after multiplying them with `scale`: in each row over its
    /// first `visible(row)` columns, of which there is at least one; those behind become 0. A
    /// blocked matrix of `rows` rows.
    ///
    /// # Panics
    /// If the scores are not that.
    #[track_caller]
    pub(crate) fn softmax(
        self,
        rows: usize,
        scores: &mut [Lanes],
        scale: f32,
        visible: &dyn Fn(usize) -> usize,
    ) {
        assert!(rows > 0 && scores.len().is_multiple_of(rows));
        match self.0 {
            // SAFETY: as in `product`.
            Isa::Portable => unsafe {
                rows::softmax::<[f32; WIDTH]>(rows, scores, scale, visible);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `product`.
            Isa::Avx2 => unsafe { x86_vector::softmax_avx2(rows, scores, scale, visible) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `product`.
            Isa::Avx512 | Isa::Avx512Vnni => unsafe {
                x86_vector::softmax_avx512(rows, scores, scale, visible);
            },
        }
    }
}

impl Backend {
    /// [`product`](Self::product) of a left factor in codes and a right one in integers (see
    /// [`super::codes`]), whose blocks follow each other: all of their lines but the first have 4
    /// bytes of `k`. The integers are summed exactly.
    ///
    /// # Panics
    /// As [`product`](Self::product); and if there are too many quads to be sure that no sum
    /// overflows.
    #[track_caller]
    pub(crate) fn product_codes(
        self,
        rows: usize,
        left: Blocked<'_, Codes>,
        right: Blocked<'_, Codes>,
        scales: ColumnScales<'_>,
        out: BlockedMut<'_>,
        finish: Finish<'_>,
    ) {
        if rows == 0 || out.lines.is_empty() {
            return;
        }
        let quads = right.stride - 1;
        // The largest product is 255 * 127; 65,536 of them stay below 2^31.
        assert!((1..=1 << 14).contains(&quads) && out.lines.len().is_multiple_of(out.stride));
        let blocks = out.lines.len() / out.stride;
        assert!(out.first + rows <= out.stride);
        assert!(left.has(quads.div_ceil(WIDTH), rows) && right.has(blocks, quads + 1));
        assert!(finish.bias.is_none_or(|bias| bias.len() >= blocks));
        assert!(
            scales.steps.len() >= blocks
                && scales.sums.len() >= blocks
                && scales.rows.len() == rows
        );
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `available` has seen AVX2 before it makes an `Avx512` too, and the lengths
            // were checked, here and below.
            Isa::Avx2 | Isa::Avx512 => unsafe {
                x86_codes::product_codes_avx2(rows, left, right, scales, out, finish);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only `available` makes an `Avx512Vnni`, after it has seen AVX-512F, BW and
            // VNNI.
            Isa::Avx512Vnni => unsafe {
                x86_codes::product_codes_vnni(rows, left, right, scales, out, finish);
            },
            // SAFETY: the portable integers need no special instructions.
            Isa::Portable => unsafe {
                product::product::<Plain, 2, 1>(
                    rows,
                    quads,
                    left,
                    right,
                    out,
                    |sums, block, first, lines| {
                        let mut values = [Lanes::ZERO; product::MOST_ROWS];
                        scales.values(sums, block, first, &mut values);
                        <[f32; WIDTH]>::finish(
                            &values[..lines.len()],
                            finish.of(block),
                            finish,
                            lines,
                        );
                    },
                );
            },
        }
    }

    /// Turns each row of a blocked matrix into codes: its least value into 0, its greatest into 255. `coded` has 1 for each
    /// column that counts, and 0 for those that are taken for 0. A row with a value that is not finite becomes NaN when
    /// it is turned back.
    ///
    /// # Panics
    /// If there is no scale for each row, or no room for every 64 columns.
    #[track_caller]
    pub(crate) fn quantize(
        self,
        rows: usize,
        input: &[Lanes],
        coded: &[Lanes],
        out: &mut [Codes],
        scales: &mut [RowScale],
    ) {
        assert!(rows > 0 && input.len().is_multiple_of(rows) && scales.len() == rows);
        assert_eq!(coded.len(), input.len() / rows);
        assert_eq!(out.len(), coded.len().div_ceil(4) * rows);
        match self.0 {
            // SAFETY: as in `product`.
            Isa::Portable => unsafe {
                codes::quantize::<[f32; WIDTH]>(rows, input, coded, out, scales);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `product_codes`.
            Isa::Avx2 | Isa::Avx512 => unsafe {
                x86_codes::quantize_avx2(rows, input, coded, out, scales)
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `product_codes`.
            Isa::Avx512Vnni => unsafe {
                x86_codes::quantize_avx512(rows, input, coded, out, scales)
            },
        }
    }
}

impl<L> Blocked<'_, L> {
    /// Whether there are so many blocks of so many rows.
    pub(super) fn has(&self, blocks: usize, rows: usize) -> bool {
        let before = blocks.saturating_sub(1).checked_mul(self.stride);
        before.is_some_and(|before| {
            self.first + rows <= self.stride && before + self.first + rows <= self.lines.len()
        })
    }
}

impl BlockedMut<'_> {
    /// The same to be read.
    pub(crate) fn as_blocked(&self) -> Blocked<'_> {
        Blocked { lines: self.lines, stride: self.stride, first: self.first }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::curve::Curve;

    /// Some rows of some matrix, among others that must not matter.
    struct Part {
        lines: Vec<Lanes>,
        stride: usize,
        first: usize,
    }

    impl Part {
        fn random(rows: usize, columns: usize, seed: &mut u64) -> Self {
            let first = (next(seed) * 3.0).abs() as usize;
            let stride = first + rows + (next(seed) * 3.0).abs() as usize;
            let lines = (0..columns.div_ceil(WIDTH) * stride)
                .map(|_| Lanes(std::array::from_fn(|_| next(seed))))
                .collect();
            Self { lines, stride, first }
        }

        fn view(&self) -> Blocked<'_> {
            Blocked { lines: &self.lines, stride: self.stride, first: self.first }
        }

        fn view_mut(&mut self) -> BlockedMut<'_> {
            BlockedMut { lines: &mut self.lines, stride: self.stride, first: self.first }
        }

        fn at(&self, row: usize, column: usize) -> f64 {
            let line = self.lines[column / WIDTH * self.stride + self.first + row];
            f64::from(line.0[column % WIDTH])
        }
    }

    /// In [-1, 1).
    fn next(seed: &mut u64) -> f32 {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// What is added up in `n` steps of `f32` strays by at most this part of the sum of the sizes.
    fn bound(n: usize) -> f64 {
        (2 * n + 8) as f64 * f64::from(f32::EPSILON) / 2.0
    }

    fn curved(curve: Curve, x: f64) -> f64 {
        match curve {
            Curve::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
            Curve::Gelu => x * libm::erfc(-x / 2.0_f64.sqrt()) / 2.0,
            Curve::GeluTanh => {
                let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                x * (1.0 + u.tanh()) / 2.0
            }
        }
    }

    proptest! {
        #[test]
        fn products_are_those_of_f64(
            rows in 1_usize..40,
            k in 1_usize..70,
            columns in 1_usize..70,
            has_bias in any::<bool>(),
            add in any::<bool>(),
            mut seed in any::<u64>(),
        ) {
            let (left, right) = (Part::random(rows, k, &mut seed), Part::random(k, columns, &mut seed));
            let before = Part::random(rows, columns, &mut seed);
            let bias: Vec<Lanes> = (0..columns.div_ceil(WIDTH))
                .map(|_| Lanes(std::array::from_fn(|_| next(&mut seed))))
                .collect();
            for backend in Backend::available() {
                let mut out = Part { lines: before.lines.clone(), ..before };
                let finish = Finish { bias: has_bias.then_some(&bias), curve: None, add };
                backend.product(rows, k, left.view(), right.view(), out.view_mut(), finish);
                for row in 0..rows {
                    for column in 0..columns {
                        let products = (0..k).map(|at| left.at(row, at) * right.at(at, column));
                        let mut sum: f64 = products.clone().sum();
                        let mut sizes: f64 = products.map(f64::abs).sum();
                        let bias = f64::from(bias[column / WIDTH].0[column % WIDTH]);
                        for (added, value) in [(has_bias, bias), (add, before.at(row, column))] {
                            if added {
                                sum += value;
                                sizes += value.abs();
                            }
                        }
                        let error = (out.at(row, column) - sum).abs();
                        prop_assert!(error <= bound(k) * sizes, "{backend}: {error} at {row}, {column}");
                    }
                }
                // What lies around is left alone.
                for (at, (line, old)) in out.lines.iter().zip(&before.lines).enumerate() {
                    let inside = (out.first..out.first + rows).contains(&(at % out.stride));
                    prop_assert!(inside || line == old);
                }
            }
        }

        #[test]
        fn a_row_does_not_depend_on_its_neighbours(
            rows in 1_usize..60,
            k in 1_usize..40,
            columns in 1_usize..80,
            mut seed in any::<u64>(),
        ) {
            let (left, right) = (Part::random(rows, k, &mut seed), Part::random(k, columns, &mut seed));
            let finish = Finish { curve: Some(Curve::Gelu), ..Finish::default() };
            for backend in Backend::available() {
                let mut all = Part::random(rows, columns, &mut seed);
                backend.product(rows, k, left.view(), right.view(), all.view_mut(), finish);
                for row in 0..rows {
                    let mut alone = Part { lines: vec![Lanes::ZERO; columns.div_ceil(WIDTH)], stride: 1, first: 0 };
                    let left = Blocked { first: left.first + row, ..left.view() };
                    backend.product(1, k, left, right.view(), alone.view_mut(), finish);
                    for column in 0..columns {
                        prop_assert_eq!(alone.at(0, column).to_bits(), all.at(row, column).to_bits());
                    }
                }
            }
        }

        #[test]
        fn layer_norms_are_those_of_f64(
            rows in 1_usize..20,
            width in 1_usize..70,
            mean in -100.0_f32..100.0,
            mut seed in any::<u64>(),
        ) {
            let mut input = Part::random(rows, width, &mut seed);
            for (at, line) in input.lines.iter_mut().enumerate() {
                let block = at / input.stride;
                for (lane, value) in line.0.iter_mut().enumerate() {
                    *value = if block * WIDTH + lane < width { *value + mean } else { 0.0 };
                }
            }
            let lines = |seed: &mut u64| -> Vec<Lanes> {
                let value = |at| if at < width { next(seed) } else { 0.0 };
                let values: Vec<f32> = (0..width.next_multiple_of(WIDTH)).map(value).collect();
                values.as_chunks().0.iter().map(|chunk| Lanes(*chunk)).collect()
            };
            let norm = Norm { width, scale: lines(&mut seed), shift: lines(&mut seed), eps: 1e-5 };
            for backend in Backend::available() {
                let mut out = Part::random(rows, width, &mut seed);
                backend.layer_norm(rows, &norm, input.view(), out.view_mut());
                for row in 0..rows {
                    let values = (0..width).map(|column| input.at(row, column));
                    let mean = values.clone().sum::<f64>() / width as f64;
                    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / width as f64;
                    let deviation = (variance + f64::from(norm.eps)).sqrt();
                    // Of the mean in f32, and of everything else.
                    let slack = bound(width) * (mean.abs() + 1.0) / deviation + 1e-5;
                    for column in 0..width.next_multiple_of(WIDTH) {
                        let of = |lines: &[Lanes]| f64::from(lines[column / WIDTH].0[column % WIDTH]);
                        let expected = match column < width {
                            true => (input.at(row, column) - mean) / deviation * of(&norm.scale) + of(&norm.shift),
                            false => 0.0,
                        };
                        let error = (out.at(row, column) - expected).abs();
                        prop_assert!(error <= slack, "{backend}: {error}, at most {slack}");
                    }
                }
            }
        }

        #[test]
        fn softmax_is_that_of_f64_and_hides_what_is_hidden(
            rows in 1_usize..20,
            columns in 1_usize..70,
            visible in prop::collection::vec(any::<prop::sample::Index>(), 20),
            mut seed in any::<u64>(),
        ) {
            let columns = columns.next_multiple_of(WIDTH);
            let mut scores = Part::random(rows, columns, &mut seed);
            (scores.stride, scores.first) = (rows, 0);
            scores.lines.truncate(columns / WIDTH * rows);
            let visible = |row: usize| visible[row].index(columns) + 1;
            for backend in Backend::available() {
                let mut out = Part { lines: scores.lines.clone(), ..scores };
                backend.softmax(rows, &mut out.lines, 7.0, &visible);
                for row in 0..rows {
                    let power = |column| (7.0 * scores.at(row, column)).exp();
                    let sum: f64 = (0..visible(row)).map(power).sum();
                    for column in 0..columns {
                        let expected = if column < visible(row) { power(column) / sum } else { 0.0 };
                        let error = (out.at(row, column) - expected).abs();
                        prop_assert!(error <= 5e-6 * expected, "{backend}: {error} of {expected}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn products_of_codes_are_exact(
            rows in 1_usize..40,
            quads in 1_usize..40,
            blocks in 1_usize..5,
            extreme in any::<bool>(),
            mut seed in any::<u64>(),
        ) {
            let mut byte = |from: f32, to: f32| match extreme {
                true => if next(&mut seed) < 0.0 { from } else { to },
                false => (from + (next(&mut seed) + 1.0) / 2.0 * (to - from)).round(),
            };
            let mut codes = |count: usize, from, to| -> Vec<Codes> {
                let mut one = || (byte(from, to) as i16).to_le_bytes()[0];
                (0..count).map(|_| Codes(std::array::from_fn(|_| std::array::from_fn(|_| one())))).collect()
            };
            let left = codes(quads.div_ceil(WIDTH) * rows, 0.0, 255.0);
            let mut right = codes(blocks * (quads + 1), -127.0, 127.0);
            let weight = |right: &[Codes], block: usize, k: usize, lane: usize| {
                i32::from(right[block * (quads + 1) + 1 + k / 4].0[lane][k % 4].cast_signed())
            };
            for block in 0..blocks {
                let sum = |lane| (0..quads * 4).map(|k| weight(&right, block, k, lane)).sum::<i32>();
                right[block * (quads + 1)] = Codes(std::array::from_fn(|lane| sum(lane).to_ne_bytes()));
            }
            let scales = vec![RowScale { least: 0.0, step: 1.0 }; rows];
            let ones = vec![Lanes([1.0; WIDTH]); blocks];
            let scales = ColumnScales { rows: &scales, steps: &ones, sums: &ones };
            for backend in Backend::available() {
                let mut out = vec![Lanes::ZERO; blocks * rows];
                let left_view = Blocked { lines: &left, stride: rows, first: 0 };
                let right_view = Blocked { lines: &right, stride: quads + 1, first: 0 };
                let target = BlockedMut { lines: &mut out, stride: rows, first: 0 };
                backend.product_codes(rows, left_view, right_view, scales, target, Finish::default());
                for row in 0..rows {
                    for column in 0..blocks * WIDTH {
                        let (block, lane) = (column / WIDTH, column % WIDTH);
                        let code = |k: usize| i32::from(left[k / 64 * rows + row].0[k % 64 / 4][k % 4]);
                        let products = (0..quads * 4).map(|k| code(k) * weight(&right, block, k, lane));
                        let expected = products.sum::<i32>() as f32;
                        prop_assert_eq!(out[block * rows + row].0[lane], expected, "{}", backend);
                    }
                }
            }
        }

        #[test]
        fn codes_are_within_half_a_step(
            rows in 1_usize..10,
            columns in 1_usize..150,
            offset in -10.0_f32..10.0,
            mut seed in any::<u64>(),
        ) {
            let blocks = columns.div_ceil(WIDTH);
            let input: Vec<Lanes> = (0..blocks * rows)
                .map(|_| Lanes(std::array::from_fn(|_| next(&mut seed) + offset)))
                .collect();
            for backend in Backend::available() {
                let mut out = vec![Codes::ZERO; blocks.div_ceil(4) * rows];
                let mut scales = vec![RowScale::default(); rows];
                let coded: Vec<Lanes> = (0..blocks)
                    .map(|block| Lanes(std::array::from_fn(|lane| f32::from((block + lane) % 9 != 0))))
                    .collect();
                backend.quantize(rows, &input, &coded, &mut out, &mut scales);
                for row in 0..rows {
                    let RowScale { least, step } = scales[row];
                    for column in 0..blocks * WIDTH {
                        let value = input[column / WIDTH * rows + row].0[column % WIDTH]
                            * coded[column / WIDTH].0[column % WIDTH];
                        let code = out[column / 64 * rows + row].0[column % 64 / 4][column % 4];
                        let error = (least + f32::from(code) * step - value).abs();
                        prop_assert!(error <= step * 0.501 + 2e-6, "{backend}: {error}, step {step}");
                    }
                }
            }
        }
    }

    /// Sums of more products than are added up at once: bias once, what was there once, the curve
    /// last, and other rows and blocks change nothing.
    #[test]
    fn deep_products_are_those_of_f64() {
        let mut seed = 5;
        for k in [DEPTH - 1, DEPTH, DEPTH + 1, DEPTH + WIDTH, 2 * DEPTH, 2 * DEPTH + 5] {
            let (rows, columns) = (17, 70);
            let left = Part::random(rows, k, &mut seed);
            let right = Part::random(k, columns, &mut seed);
            let before = Part::random(rows, columns, &mut seed);
            let bias: Vec<Lanes> = (0..columns.div_ceil(WIDTH))
                .map(|_| Lanes(std::array::from_fn(|_| next(&mut seed))))
                .collect();
            for backend in Backend::available() {
                for (add, curve) in [(true, None), (false, Some(Curve::QuickGelu))] {
                    let finish = Finish { bias: Some(&bias), curve, add };
                    let mut out = Part { lines: before.lines.clone(), ..before };
                    backend.product(rows, k, left.view(), right.view(), out.view_mut(), finish);
                    for row in 0..rows {
                        let mut alone = Part {
                            lines: (0..columns.div_ceil(WIDTH))
                                .map(|block| {
                                    before.lines[block * before.stride + before.first + row]
                                })
                                .collect(),
                            stride: 1,
                            first: 0,
                        };
                        let own = Blocked { first: left.first + row, ..left.view() };
                        backend.product(1, k, own, right.view(), alone.view_mut(), finish);
                        for column in 0..columns {
                            let products = (0..k).map(|at| left.at(row, at) * right.at(at, column));
                            let bias = f64::from(bias[column / WIDTH].0[column % WIDTH]);
                            let there = if add { before.at(row, column) } else { 0.0 };
                            let sum = products.clone().sum::<f64>() + bias + there;
                            let sizes =
                                products.map(f64::abs).sum::<f64>() + bias.abs() + there.abs();
                            let expected = curve.map_or(sum, |curve| curved(curve, sum));
                            let found = out.at(row, column);
                            // No curve is steeper than 1.2.
                            let error = (found - expected).abs() / 1.2;
                            assert!(
                                error <= bound(k) * sizes,
                                "{backend}, {k}: {error} at {row}, {column}"
                            );
                            assert_eq!(
                                found.to_bits(),
                                alone.at(0, column).to_bits(),
                                "{backend}, {k}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_no_code_can_say_is_not_hidden() {
        for backend in Backend::available() {
            for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut input = vec![Lanes([0.5; WIDTH]); 2];
                input[1].0[7] = broken;
                let mut scales = vec![RowScale::default(); 2];
                let coded = [Lanes([1.0; WIDTH])];
                backend.quantize(2, &input, &coded, &mut [Codes::ZERO; 2], &mut scales);
                assert!(!scales[0].least.is_nan() && scales[1].least.is_nan(), "{backend}");
            }
        }
    }

    #[test]
    fn not_a_number_stays_that() {
        let line = |value| vec![Lanes([value; WIDTH])];
        for backend in Backend::available() {
            for curve in [Curve::QuickGelu, Curve::Gelu, Curve::GeluTanh] {
                let [x] = apply(backend, curve, [f32::NAN]);
                assert!(x.is_nan(), "{backend}, {curve:?}");
            }
            let mut scores = line(0.5);
            scores[0].0[3] = f32::NAN;
            backend.softmax(1, &mut scores, 1.0, &|_| WIDTH);
            assert!(scores[0].0.iter().all(|value| value.is_nan()));
        }
    }

    /// The curve at some places, through a product with the unit matrix.
    fn apply<const N: usize>(backend: Backend, curve: Curve, values: [f32; N]) -> [f32; N] {
        let mut out = vec![Lanes::ZERO; N];
        let left: Vec<Lanes> = values.iter().map(|&v| Lanes([v; WIDTH])).collect();
        let rows = |lines| Blocked { lines, stride: N, first: 0 };
        let one = [Lanes([1.0; WIDTH])];
        let right = Blocked { lines: &one, stride: 1, first: 0 };
        let finish = Finish { curve: Some(curve), ..Finish::default() };
        let target = BlockedMut { lines: &mut out, stride: N, first: 0 };
        backend.product(N, 1, rows(&left), right, target, finish);
        std::array::from_fn(|at| out[at].0[5])
    }

    #[test]
    fn curves_are_those_of_f64() {
        for backend in Backend::available() {
            for curve in [Curve::QuickGelu, Curve::Gelu, Curve::GeluTanh] {
                let mut worst = (0.0_f64, 0.0_f32);
                for chunk in 0..4000 {
                    let values: [f32; 32] =
                        std::array::from_fn(|at| (chunk * 32 + at) as f32 / 4000.0 - 16.0);
                    for (x, y) in values.into_iter().zip(apply(backend, curve, values)) {
                        let expected = curved(curve, f64::from(x));
                        // Of the value; and of what cancels in it, which is never more than the
                        // argument.
                        let slack = expected.abs() + f64::from(x.abs()) / 8.0 + 1e-30;
                        let error = (f64::from(y) - expected).abs() / slack;
                        if error > worst.0 {
                            worst = (error, x);
                        }
                    }
                }
                assert!(worst.0 < 6e-7, "{backend}, {curve:?}: {worst:?}");
                // Where nothing is left of it, and where nothing is taken.
                assert_eq!(apply(backend, curve, [1e30, 0.0]), [1e30, 0.0]);
                let [least] = apply(backend, curve, [-1e4]);
                assert!((-1e-30..=0.0).contains(&least), "{backend}, {curve:?}: {least}");
            }
        }
    }
}
