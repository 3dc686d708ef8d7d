//! Code shared by the tests of kernels: random parts of matrices, and reference results in `f64`.

use super::activation::Activation;
use crate::simd::vector::{Lanes, WIDTH};
use crate::simd::{Blocked, BlockedMut};

/// Some rows of a matrix that also has other rows, which must not affect the result.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) lines: Vec<Lanes>,
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl Part {
    pub(super) fn random(rows: usize, columns: usize, seed: &mut u64) -> Self {
        let first = (uniform(seed) * 3.0).abs() as usize;
        let stride = first + rows + (uniform(seed) * 3.0).abs() as usize;
        let lines = (0..columns.div_ceil(WIDTH) * stride)
            .map(|_| Lanes(std::array::from_fn(|_| uniform(seed))))
            .collect();
        Self { lines, stride, first, rows }
    }

    pub(super) fn view(&self) -> Blocked<'_> {
        Blocked::whole(&self.lines, self.stride).slice(self.first..self.first + self.rows)
    }

    pub(super) fn view_mut(&mut self) -> BlockedMut<'_> {
        let rows = self.first..self.first + self.rows;
        BlockedMut::whole(&mut self.lines, self.stride).slice(rows)
    }

    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        let line = self.lines[column / WIDTH * self.stride + self.first + row];
        f64::from(line.0[column % WIDTH])
    }
}

/// Returns a random value in [-1, 1).
pub(super) fn uniform(seed: &mut u64) -> f32 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Returns the relative error bound of a sum of `n` steps in `f32`, as a share of the sum of
/// absolute values.
pub(super) fn error_bound(n: usize) -> f64 {
    (2 * n + 8) as f64 * f64::from(f32::EPSILON) / 2.0
}

pub(super) fn activation(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
        Activation::Gelu => x * libm::erfc(-x / 2.0_f64.sqrt()) / 2.0,
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::GeluTanh => {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            x * (1.0 + u.tanh()) / 2.0
        }
    }
}
