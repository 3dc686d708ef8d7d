//! What a transformer does to single rows of a blocked matrix (see [`super::product`]), written
//! once over [`Vector`].

use super::curve;
use super::product::{Blocked, BlockedMut};
use super::vector::{Lanes, Vector, WIDTH};

/// What a layer norm multiplies with and adds; zeros where a row has no column any more.
#[derive(Debug)]
pub(crate) struct Norm {
    pub(crate) width: usize,
    pub(crate) scale: Vec<Lanes>,
    pub(crate) shift: Vec<Lanes>,
    pub(crate) eps: f32,
}

/// See [`super::Backend::layer_norm`].
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(super) unsafe fn layer_norm<V: Vector>(
    rows: usize,
    norm: &Norm,
    input: Blocked<'_>,
    mut out: BlockedMut<'_>,
) {
    const TOGETHER: usize = 4;
    let mut row = 0;
    while row < rows {
        // SAFETY: our caller promises that the processor has the instructions.
        unsafe {
            if row + TOGETHER <= rows {
                norm_rows::<V, TOGETHER>(row, norm, input, &mut out);
                row += TOGETHER;
            } else {
                norm_rows::<V, 1>(row, norm, input, &mut out);
                row += 1;
            }
        }
    }
}

/// `R` rows at once, since one row's sums wait for each other.
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
unsafe fn norm_rows<V: Vector, const R: usize>(
    row: usize,
    norm: &Norm,
    input: Blocked<'_>,
    out: &mut BlockedMut<'_>,
) {
    let blocks = norm.scale.len();
    let width = norm.width as f32;
    // SAFETY: our caller promises that the processor has the instructions.
    unsafe {
        let mut sums = [V::splat(0.0); R];
        for block in 0..blocks {
            let lines = &input.lines[block * input.stride + input.first + row..][..R];
            for r in 0..R {
                sums[r] = sums[r].add(V::load(&lines[r]));
            }
        }
        let mut means = [0.0; R];
        for r in 0..R {
            means[r] = total(sums[r]) / width;
            sums[r] = V::splat(0.0);
        }
        // Centred first: the mean of the squares less the square of the mean cancels where the mean
        // is large.
        for block in 0..blocks {
            let lines = &input.lines[block * input.stride + input.first + row..][..R];
            let inside = V::load(&INSIDE[(norm.width - block * WIDTH).min(WIDTH) - 1]);
            for r in 0..R {
                let centred = V::load(&lines[r]).sub(V::splat(means[r])).mul(inside);
                sums[r] = centred.mul_add(centred, sums[r]);
            }
        }
        let mut factors = [0.0; R];
        for r in 0..R {
            factors[r] = 1.0 / (total(sums[r]) / width + norm.eps).sqrt();
        }
        for block in 0..blocks {
            let lines = &input.lines[block * input.stride + input.first + row..][..R];
            let outs = &mut out.lines[block * out.stride + out.first + row..][..R];
            let (scale, shift) = (V::load(&norm.scale[block]), V::load(&norm.shift[block]));
            for r in 0..R {
                let centred = V::load(&lines[r]).sub(V::splat(means[r]));
                let value = centred.mul(V::splat(factors[r])).mul_add(scale, shift);
                value.store(&mut outs[r]);
            }
        }
    }
}

/// Line `n` has 1 in its first `n + 1` lanes.
const INSIDE: [Lanes; WIDTH] = {
    let mut lines = [Lanes::ZERO; WIDTH];
    let mut n = 0;
    while n < WIDTH {
        let mut lane = 0;
        while lane <= n {
            lines[n].0[lane] = 1.0;
            lane += 1;
        }
        n += 1;
    }
    lines
};

/// See [`super::Backend::softmax`].
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(super) unsafe fn softmax<V: Vector>(
    rows: usize,
    scores: &mut [Lanes],
    scale: f32,
    visible: &dyn Fn(usize) -> usize,
) {
    let blocks = scores.len() / rows;
    for row in 0..rows {
        let visible = visible(row).min(blocks * WIDTH);
        let seen = visible.div_ceil(WIDTH);
        let last = (seen - 1) * rows + row;
        let hidden = visible - (seen - 1) * WIDTH;
        scores[last].0[hidden..].fill(f32::NEG_INFINITY);
        // SAFETY: our caller promises that the processor has the instructions.
        unsafe {
            let mut greatest = V::splat(f32::NEG_INFINITY);
            for block in 0..seen {
                greatest = greatest.max(V::load(&scores[block * rows + row]));
            }
            let mut line = Lanes::ZERO;
            greatest.store(&mut line);
            let greatest = line.0.into_iter().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = V::splat(0.0);
            for block in 0..seen {
                let line = &mut scores[block * rows + row];
                let distance = V::load(line).sub(V::splat(greatest));
                curve::exp(distance.mul(V::splat(scale))).store(line);
                if block + 1 == seen {
                    line.0[hidden..].fill(0.0);
                }
                sum = sum.add(V::load(line));
            }
            let factor = V::splat(1.0 / total(sum));
            for block in 0..seen {
                let line = &mut scores[block * rows + row];
                V::load(line).mul(factor).store(line);
            }
        }
        for block in seen..blocks {
            scores[block * rows + row] = Lanes::ZERO;
        }
    }
}

/// All lanes added, in pairs.
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
unsafe fn total<V: Vector>(sums: V) -> f32 {
    let mut line = Lanes::ZERO;
    // SAFETY: our caller promises that the processor has the instructions.
    unsafe { sums.store(&mut line) };
    let mut sums = line.0;
    let mut width = WIDTH / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}
