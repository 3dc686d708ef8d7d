//! Activation functions, and the exponential function that they use, 16 values at a time.

use crate::simd::vector::Vector;

/// The activation function between the two layers of an MLP, or after a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// `x * sigmoid(1.702 x)`.
    QuickGelu,
    /// `x * (1 + erf(x / sqrt 2)) / 2`.
    Gelu,
    /// `x * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
    GeluTanh,
    /// `x` clamped to the range from 0 to 6.
    Relu6,
}

/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(in crate::simd) unsafe fn apply<V: Vector>(activation: Activation, x: V) -> V {
    // SAFETY: our caller guarantees that the processor has the instructions.
    unsafe {
        match activation {
            Activation::QuickGelu => x.div(exp(x.mul(V::splat(-1.702))).add(V::splat(1.0))),
            Activation::Gelu => gelu(x),
            // `x` comes second: if either operand is NaN, `min` and `max` return the second.
            Activation::Relu6 => V::splat(6.0).min(V::splat(0.0).max(x)),
            Activation::GeluTanh => {
                // (1 + tanh u) / 2 is the sigmoid of 2 u.
                const TWICE: f32 = -1.595_769_2;
                let inner = x.mul(x).mul_add(V::splat(0.044_715), V::splat(1.0));
                let exponent = x.mul(inner).mul(V::splat(TWICE));
                x.div(exp(exponent).add(V::splat(1.0)))
            }
        }
    }
}

/// Computes `e^x`, accurate to 2 units in the last place if the result is a normal number. Smaller
/// results become the smallest normal number, and results above `e^88` become `e^88`. NaN stays
/// NaN.
///
/// # Safety
/// See [`Vector`].
#[inline(always)]
pub(in crate::simd) unsafe fn exp<V: Vector>(x: V) -> V {
    // 1.5 * 2^23, where adjacent numbers are 1 apart, plus the bias of the exponent.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Cephes' expf: (e^r - 1 - r) / r^2 where |r| <= ln(2) / 2.
    const POLYNOMIAL: [f32; 6] =
        [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    // SAFETY: our caller guarantees that the processor has the instructions.
    unsafe {
        // `x` comes second: if either operand is NaN, `min` and `max` return the second.
        let x = V::splat(88.0).min(V::splat(-87.3).max(x));
        let rounded = x.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(ROUND));
        let n = rounded.sub(V::splat(ROUND));
        let r = n.neg_mul_add(V::splat(LN_2_HIGH), x);
        let r = n.neg_mul_add(V::splat(LN_2_LOW), r);
        let mut sum = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            sum = sum.mul_add(r, V::splat(*coefficient));
        }
        let power = sum.mul_add(r.mul(r), r).add(V::splat(1.0));
        power.mul(rounded.to_exponent())
    }
}

/// # Safety
/// See [`Vector`].
#[inline(always)]
unsafe fn gelu<V: Vector>(x: V) -> V {
    // erfc(z) e^(z^2) / t in powers of t = 1 / (1 + 0.4 z), least squares on Chebyshev points
    // weighted towards the greatest relative error, which is 6.2e-8 for 0 <= z <= 10.
    const POLYNOMIAL: [f32; 9] = [
        0.041_253_157,
        -0.140_319_8,
        0.083_988_43,
        0.087_963_07,
        0.079_757_35,
        0.193_392_84,
        0.201_887_68,
        0.226_443_1,
        0.225_634_23,
    ];
    // SAFETY: our caller guarantees that the processor has the instructions.
    unsafe {
        let size = x.max(V::splat(0.0).sub(x));
        let z = size.mul(V::splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = V::splat(1.0).div(z.mul_add(V::splat(0.4), V::splat(1.0)));
        let mut sum = V::splat(POLYNOMIAL[0]);
        for coefficient in &POLYNOMIAL[1..] {
            sum = sum.mul_add(t, V::splat(*coefficient));
        }
        let complement = sum.mul(t).mul(exp(V::splat(0.0).sub(z.mul(z))));
        // x (1 - erfc(z) / 2) above 0, x erfc(z) / 2 below.
        let tail = size.mul(V::splat(0.5));
        complement.neg_mul_add(tail, V::splat(0.0).max(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::kernels::oracle;
    use crate::simd::{Backend, Blocked, BlockedMut, Epilogue, Lanes, WIDTH};

    #[test]
    fn not_a_number_stays_that() {
        for backend in Backend::available() {
            for activation in
                [Activation::QuickGelu, Activation::Gelu, Activation::GeluTanh, Activation::Relu6]
            {
                let [x] = apply(backend, activation, [f32::NAN]);
                assert!(x.is_nan(), "{backend}, {activation:?}");
            }
        }
    }

    /// Returns the activation at several points, through a product with the identity matrix.
    fn apply<const N: usize>(
        backend: Backend,
        activation: Activation,
        values: [f32; N],
    ) -> [f32; N] {
        let mut out = vec![Lanes::ZERO; N];
        let left: Vec<Lanes> = values.iter().map(|&v| Lanes([v; WIDTH])).collect();
        let one = [Lanes([1.0; WIDTH])];
        let (left, right) = (Blocked::whole(&left, N), Blocked::whole(&one, 1));
        let epilogue = Epilogue { activation: Some(activation), ..Epilogue::default() };
        backend.gemm(left, right, BlockedMut::whole(&mut out, N), epilogue);
        std::array::from_fn(|at| out[at].0[5])
    }

    #[test]
    fn relu6_is_exact() {
        for backend in Backend::available() {
            let values = [-1e30, -1.0, -0.0, 0.0, 1e-30, 3.25, 6.0, 6.000_001, 1e30];
            let expected = [0.0, 0.0, 0.0, 0.0, 1e-30, 3.25, 6.0, 6.0, 6.0];
            assert_eq!(apply(backend, Activation::Relu6, values), expected, "{backend}");
        }
    }

    #[test]
    fn activations_are_those_of_f64() {
        for backend in Backend::available() {
            for activation in [Activation::QuickGelu, Activation::Gelu, Activation::GeluTanh] {
                let mut worst = (0.0_f64, 0.0_f32);
                for chunk in 0..4000 {
                    let values: [f32; 32] =
                        std::array::from_fn(|at| (chunk * 32 + at) as f32 / 4000.0 - 16.0);
                    for (x, y) in values.into_iter().zip(apply(backend, activation, values)) {
                        let expected = oracle::activation(activation, f64::from(x));
                        // The error is compared with the value plus an eighth of the argument,
                        // since parts of the argument cancel in the value.
                        let slack = expected.abs() + f64::from(x.abs()) / 8.0 + 1e-30;
                        let error = (f64::from(y) - expected).abs() / slack;
                        if error > worst.0 {
                            worst = (error, x);
                        }
                    }
                }
                assert!(worst.0 < 6e-7, "{backend}, {activation:?}: {worst:?}");
                // Far above 0 the activation returns its argument, and far below 0 it returns
                // almost 0.
                assert_eq!(apply(backend, activation, [1e30, 0.0]), [1e30, 0.0]);
                let [least] = apply(backend, activation, [-1e4]);
                assert!((-1e-30..=0.0).contains(&least), "{backend}, {activation:?}: {least}");
            }
        }
    }
}
