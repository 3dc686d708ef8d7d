//! Dot products: [`Accumulator`] in the registers of AVX2.

use std::arch::x86_64::{
    __m256, __m256d, _mm_loadu_ps, _mm256_cvtps_pd, _mm256_fmadd_pd, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_setzero_pd, _mm256_setzero_ps, _mm256_storeu_pd, _mm256_storeu_ps,
};

use crate::simd::instantiate::dot_kernels;
use crate::simd::kernels::dot::{Accumulator, F64_LANES, reduce_f32, reduce_f64};

// There are 16 registers, and rows and queries need some of them.
dot_kernels! {
    #[target_feature(enable = "avx2,fma")]
    f32: __m256, lanes 8, tile 3 x 4;
    f64: [__m256d; 4], tile 1 x 2;
}

impl Accumulator<8> for __m256 {
    type Total = f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller guarantees AVX2 and FMA, here and below.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn accumulate(self, a: &[f32; 8], b: &[f32; 8]) -> Self {
        // SAFETY: as above; both arrays have the 8 values that are loaded.
        unsafe { _mm256_fmadd_ps(_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr()), self) }
    }

    #[inline(always)]
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> f32 {
        let mut sums = [0.0; 8];
        // SAFETY: as above; the array has space for the 8 values that are stored.
        unsafe { _mm256_storeu_ps(sums.as_mut_ptr(), self) };
        reduce_f32(sums, a_tail, b_tail)
    }
}

impl Accumulator<F64_LANES> for [__m256d; 4] {
    type Total = f64;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller guarantees AVX2 and FMA, here and below.
        [unsafe { _mm256_setzero_pd() }; 4]
    }

    #[inline(always)]
    unsafe fn accumulate(mut self, a: &[f32; F64_LANES], b: &[f32; F64_LANES]) -> Self {
        let chunks = a.as_chunks::<4>().0.iter().zip(b.as_chunks::<4>().0);
        for (sums, (a, b)) in self.iter_mut().zip(chunks) {
            // SAFETY: as above; each chunk has the 4 values that are loaded.
            unsafe {
                let a = _mm256_cvtps_pd(_mm_loadu_ps(a.as_ptr()));
                let b = _mm256_cvtps_pd(_mm_loadu_ps(b.as_ptr()));
                *sums = _mm256_fmadd_pd(a, b, *sums);
            }
        }
        self
    }

    #[inline(always)]
    unsafe fn reduce(self, a_tail: &[f32], b_tail: &[f32]) -> f64 {
        let mut sums = [0.0; F64_LANES];
        for (sums, register) in sums.as_chunks_mut::<4>().0.iter_mut().zip(self) {
            // SAFETY: as above; the chunk has space for the 4 values that are stored.
            unsafe { _mm256_storeu_pd(sums.as_mut_ptr(), register) };
        }
        reduce_f64(sums, a_tail, b_tail)
    }
}
