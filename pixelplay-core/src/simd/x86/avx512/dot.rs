//! Dot products: [`Accumulator`] in the registers of AVX-512.

use std::arch::x86_64::{
    __m512, __m512d, _mm256_loadu_ps, _mm512_cvtps_pd, _mm512_fmadd_pd, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_reduce_add_ps, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_storeu_pd,
};

use crate::simd::instantiate::dot_kernels;
use crate::simd::kernels::dot::{Accumulator, F64_LANES, reduce_f32, reduce_f64};

// There are 32 registers, and rows and queries need some of them.
dot_kernels! {
    #[target_feature(enable = "avx512f")]
    f32: __m512, lanes 16, tile 4 x 4;
    f64: [__m512d; 2], tile 1 x 4;
}

impl Accumulator<16> for __m512 {
    type Total = f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller guarantees AVX-512F, here and below.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn accumulate(self, a: &[f32; 16], b: &[f32; 16]) -> Self {
        // SAFETY: as above; both arrays have the 16 values that are loaded.
        unsafe { _mm512_fmadd_ps(_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr()), self) }
    }

    #[inline(always)]
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(self) + reduce_f32([0.0; 16], a_tail, b_tail) }
    }
}

impl Accumulator<F64_LANES> for [__m512d; 2] {
    type Total = f64;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller guarantees AVX-512F, here and below.
        [unsafe { _mm512_setzero_pd() }; 2]
    }

    #[inline(always)]
    unsafe fn accumulate(mut self, a: &[f32; F64_LANES], b: &[f32; F64_LANES]) -> Self {
        let chunks = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
        for (sums, (a, b)) in self.iter_mut().zip(chunks) {
            // SAFETY: as above; each chunk has the 8 values that are loaded.
            unsafe {
                let a = _mm512_cvtps_pd(_mm256_loadu_ps(a.as_ptr()));
                let b = _mm512_cvtps_pd(_mm256_loadu_ps(b.as_ptr()));
                *sums = _mm512_fmadd_pd(a, b, *sums);
            }
        }
        self
    }

    #[inline(always)]
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> f64 {
        let mut sums = [0.0; F64_LANES];
        for (sums, register) in sums.as_chunks_mut::<8>().0.iter_mut().zip(self) {
            // SAFETY: as above; the chunk has space for the 8 values that are stored.
            unsafe { _mm512_storeu_pd(sums.as_mut_ptr(), register) };
        }
        reduce_f64(sums, a_tail, b_tail)
    }
}
