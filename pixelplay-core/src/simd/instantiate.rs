//! Macros that instantiate the generic kernels for one instruction set.
//!
//! The first argument of each macro is the attribute that its functions are compiled with, or
//! nothing for plain code. All functions are `unsafe`: the processor must have the instructions,
//! and the lengths must have been checked as by the method of the same name in [`super::Backend`].

/// Instantiates [`kernels::dot`](super::kernels::dot) for two accumulators. The arguments are the
/// number of values in each, and the numbers of rows and queries that are multiplied at once,
/// chosen so that their sums fit into registers.
macro_rules! dot_kernels {
    (
        $(#[$compiled:meta])*
        f32: $f32:ty, lanes $lanes:literal, tile $rows:literal x $queries:literal;
        f64: $f64:ty, tile $rows_f64:literal x $queries_f64:literal;
    ) => {
        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn dots(
            dim: usize,
            rows: &[f32],
            picked: Option<&[u32]>,
            queries: &[f32],
            out: &mut [f32],
        ) {
            use $crate::simd::kernels::dot;
            // SAFETY: this function is compiled for the instructions of the accumulator.
            unsafe {
                dot::dots::<$f32, $lanes, $rows, $queries>(dim, rows, picked, queries, out);
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn dots_f64(
            dim: usize,
            rows: &[f32],
            picked: Option<&[u32]>,
            queries: &[f32],
            out: &mut [f64],
        ) {
            use $crate::simd::kernels::dot::{self, F64_LANES};
            // SAFETY: as above.
            unsafe {
                dot::dots::<$f64, F64_LANES, $rows_f64, $queries_f64>(
                    dim, rows, picked, queries, out,
                );
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn dot_f64(a: &[f32], b: &[f32]) -> f64 {
            use $crate::simd::kernels::dot::{self, F64_LANES};
            // SAFETY: as above.
            unsafe { dot::dot::<$f64, F64_LANES>(a, b) }
        }
    };
}
pub(super) use dot_kernels;

/// Instantiates the kernels over [`Vector`](super::vector::Vector): matrix products with a given
/// number of rows and blocks of columns per tile, layer norm, softmax, and convolutions with a
/// given number of pixels per tile.
#[cfg(feature = "encoder")]
macro_rules! vector_kernels {
    (
        $(#[$compiled:meta])*
        $vector:ty, tile $rows:literal x $blocks:literal, pixels $pixels:literal
    ) => {
        impl $crate::simd::kernels::microkernel::Instantiate for $vector {
            #[inline]
            unsafe fn tile<const R: usize, const P: usize>(
                from: $crate::simd::kernels::microkernel::Operands<$crate::simd::Lanes>,
                out: &mut $crate::simd::kernels::microkernel::Tile<$crate::simd::Lanes>,
            ) {
                use $crate::simd::Lanes;
                use $crate::simd::kernels::microkernel::{self, Operands, Tile};

                $(#[$compiled])*
                #[inline(never)]
                unsafe fn compiled<const R: usize, const P: usize>(
                    from: Operands<Lanes>,
                    out: &mut Tile<Lanes>,
                ) {
                    // SAFETY: guaranteed by our caller.
                    unsafe { microkernel::microkernel::<$vector, R, P>(from, out) }
                }
                // SAFETY: our caller guarantees the instructions.
                unsafe { compiled::<R, P>(from, out) }
            }

            #[inline]
            unsafe fn epilogue(
                sums: &[$crate::simd::Lanes],
                bias: Option<&$crate::simd::Lanes>,
                epilogue: $crate::simd::Epilogue<'_>,
                out: &mut [$crate::simd::Lanes],
            ) {
                use $crate::simd::{Epilogue, Lanes, kernels};

                $(#[$compiled])*
                #[inline(never)]
                unsafe fn compiled(
                    sums: &[Lanes],
                    bias: Option<&Lanes>,
                    epilogue: Epilogue<'_>,
                    out: &mut [Lanes],
                ) {
                    // SAFETY: guaranteed by our caller.
                    unsafe { kernels::epilogue::apply::<$vector>(sums, bias, epilogue, out) }
                }
                // SAFETY: our caller guarantees the instructions.
                unsafe { compiled(sums, bias, epilogue, out) }
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn gemm(
            left: $crate::simd::Blocked<'_>,
            right: $crate::simd::Blocked<'_>,
            out: $crate::simd::BlockedMut<'_>,
            epilogue: $crate::simd::Epilogue<'_>,
        ) {
            use $crate::simd::kernels::{gemm, microkernel::Instantiate};
            let k = right.rows;
            // SAFETY: this function is compiled for the instructions of the vector; our caller
            // guarantees the rest.
            unsafe {
                gemm::gemm::<$vector, $rows, $blocks>(k, left, right, out, |sums, block, _, lines| {
                    <$vector>::epilogue(sums, epilogue.bias_of(block), epilogue, lines)
                });
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn layer_norm(
            norm: &$crate::simd::LayerNorm,
            input: $crate::simd::Blocked<'_>,
            out: $crate::simd::BlockedMut<'_>,
        ) {
            // SAFETY: as above.
            unsafe { $crate::simd::kernels::layer_norm::layer_norm::<$vector>(norm, input, out) }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn convolve_channels(
            shape: &$crate::simd::Convolution,
            input: &[$crate::simd::Lanes],
            weights: $crate::simd::BlockWeights<'_>,
            first: usize,
            out: &mut [$crate::simd::Lanes],
        ) {
            use $crate::simd::{Lanes, kernels::convolution};
            // SAFETY: as above.
            unsafe {
                convolution::convolve::<$vector, Lanes, $pixels>(shape, input, weights, first, out);
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn convolve_planes(
            shape: &$crate::simd::Convolution,
            input: &[f32],
            weights: $crate::simd::BlockWeights<'_>,
            first: usize,
            out: &mut [$crate::simd::Lanes],
        ) {
            use $crate::simd::kernels::convolution;
            // SAFETY: as above.
            unsafe {
                convolution::convolve::<$vector, f32, $pixels>(shape, input, weights, first, out);
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn softmax(
            rows: usize,
            scores: &mut [$crate::simd::Lanes],
            scale: f32,
            visible: &dyn Fn(usize) -> usize,
        ) {
            // SAFETY: as above.
            unsafe {
                $crate::simd::kernels::softmax::softmax::<$vector>(rows, scores, scale, visible);
            }
        }
    };
}
#[cfg(feature = "encoder")]
pub(super) use vector_kernels;

/// Instantiates the kernels over [`IntVector`](super::kernels::gemm_i8::IntVector), which are 8-bit
/// matrix products with a given number of rows and blocks of columns per tile, and quantization
/// over a vector.
#[cfg(feature = "encoder")]
macro_rules! int_kernels {
    ($(#[$compiled:meta])* $int:ty, $vector:ty, tile $rows:literal x $blocks:literal) => {
        impl $crate::simd::kernels::microkernel::Microkernel for $int {
            type Line = $crate::simd::Codes;
            type Sums = [i32; $crate::simd::WIDTH];
            const ZERO: Self::Sums = [0; $crate::simd::WIDTH];

            #[inline]
            unsafe fn tile<const R: usize, const P: usize>(
                from: $crate::simd::kernels::microkernel::Operands<Self::Line>,
                out: &mut $crate::simd::kernels::microkernel::Tile<Self::Sums>,
            ) {
                use $crate::simd::kernels::gemm_i8;
                use $crate::simd::kernels::microkernel::{Operands, Tile};
                use $crate::simd::{Codes, WIDTH};

                $(#[$compiled])*
                #[inline(never)]
                unsafe fn compiled<const R: usize, const P: usize>(
                    from: Operands<Codes>,
                    out: &mut Tile<[i32; WIDTH]>,
                ) {
                    // SAFETY: guaranteed by our caller.
                    unsafe { gemm_i8::microkernel::<$int, R, P>(from, out) }
                }
                // SAFETY: our caller guarantees the instructions.
                unsafe { compiled::<R, P>(from, out) }
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn gemm_i8(
            left: $crate::simd::Blocked<'_, $crate::simd::Codes>,
            right: $crate::simd::Blocked<'_, $crate::simd::Codes>,
            scales: $crate::simd::Dequantization<'_>,
            out: $crate::simd::BlockedMut<'_>,
            epilogue: $crate::simd::Epilogue<'_>,
        ) {
            use $crate::simd::kernels::gemm;
            use $crate::simd::kernels::microkernel::{Instantiate, MAX_ROWS};
            use $crate::simd::{Dequantization, Lanes, WIDTH};

            /// This is a separate function, because a closure is not compiled for the instructions
            /// of the function around it.
            $(#[$compiled])*
            unsafe fn dequantize(
                scales: Dequantization<'_>,
                sums: &[[i32; WIDTH]],
                block: usize,
                first: usize,
                out: &mut [Lanes],
            ) {
                scales.values(sums, block, first, out);
            }

            let quads = right.rows - 1;
            // SAFETY: this function is compiled for these instructions; our caller guarantees the
            // rest.
            unsafe {
                gemm::gemm::<$int, $rows, $blocks>(quads, left, right, out, |sums, block, first, lines| {
                    let mut values = [Lanes::ZERO; MAX_ROWS];
                    dequantize(scales, sums, block, first, &mut values);
                    let values = &values[..lines.len()];
                    <$vector>::epilogue(values, epilogue.bias_of(block), epilogue, lines);
                });
            }
        }

        $(#[$compiled])*
        pub(in $crate::simd) unsafe fn quantize(
            rows: usize,
            input: &[$crate::simd::Lanes],
            mask: &[$crate::simd::Lanes],
            out: &mut [$crate::simd::Codes],
            scales: &mut [$crate::simd::RowScale],
        ) {
            // SAFETY: as above.
            unsafe {
                $crate::simd::kernels::quantize::quantize::<$vector>(rows, input, mask, out, scales);
            }
        }
    };
}
#[cfg(feature = "encoder")]
pub(super) use int_kernels;
