//! [`Sums`] in the registers of AVX2 and AVX-512, and the kernels compiled for them.

use std::arch::x86_64::{
    __m256, __m256d, __m512, __m512d, _mm_loadu_ps, _mm256_cvtps_pd, _mm256_fmadd_pd,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_pd, _mm256_setzero_ps, _mm256_storeu_pd,
    _mm256_storeu_ps, _mm512_cvtps_pd, _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_reduce_add_ps, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_storeu_pd,
};

use super::kernel::{self, F64_LANES, Sums, total_f32, total_f64};

impl Sums<8> for __m256 {
    type Total = f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller promises AVX2 and FMA, here and below.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn add(self, a: &[f32; 8], b: &[f32; 8]) -> Self {
        // SAFETY: as above; both arrays have the 8 values that are loaded.
        unsafe { _mm256_fmadd_ps(_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr()), self) }
    }

    #[inline(always)]
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> f32 {
        let mut sums = [0.0; 8];
        // SAFETY: as above; the array has room for the 8 values that are stored.
        unsafe { _mm256_storeu_ps(sums.as_mut_ptr(), self) };
        total_f32(sums, a_rest, b_rest)
    }
}

impl Sums<16> for __m512 {
    type Total = f32;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller promises AVX-512F, here and below.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn add(self, a: &[f32; 16], b: &[f32; 16]) -> Self {
        // SAFETY: as above; both arrays have the 16 values that are loaded.
        unsafe { _mm512_fmadd_ps(_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr()), self) }
    }

    #[inline(always)]
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(self) + total_f32([0.0; 16], a_rest, b_rest) }
    }
}

impl Sums<F64_LANES> for [__m256d; 4] {
    type Total = f64;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller promises AVX2 and FMA, here and below.
        [unsafe { _mm256_setzero_pd() }; 4]
    }

    #[inline(always)]
    unsafe fn add(mut self, a: &[f32; F64_LANES], b: &[f32; F64_LANES]) -> Self {
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
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> f64 {
        let mut sums = [0.0; F64_LANES];
        for (sums, register) in sums.as_chunks_mut::<4>().0.iter_mut().zip(self) {
            // SAFETY: as above; the chunk has room for the 4 values that are stored.
            unsafe { _mm256_storeu_pd(sums.as_mut_ptr(), register) };
        }
        total_f64(sums, a_rest, b_rest)
    }
}

impl Sums<F64_LANES> for [__m512d; 2] {
    type Total = f64;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller promises AVX-512F, here and below.
        [unsafe { _mm512_setzero_pd() }; 2]
    }

    #[inline(always)]
    unsafe fn add(mut self, a: &[f32; F64_LANES], b: &[f32; F64_LANES]) -> Self {
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
    unsafe fn total(self, a_rest: &[f32], b_rest: &[f32]) -> f64 {
        let mut sums = [0.0; F64_LANES];
        for (sums, register) in sums.as_chunks_mut::<8>().0.iter_mut().zip(self) {
            // SAFETY: as above; the chunk has room for the 8 values that are stored.
            unsafe { _mm512_storeu_pd(sums.as_mut_ptr(), register) };
        }
        total_f64(sums, a_rest, b_rest)
    }
}

// Rows and queries at a time are as many as the registers hold sums of: 16 with AVX2, 32 with
// AVX-512, some of which rows and queries themselves take.

#[target_feature(enable = "avx2,fma")]
pub(super) fn dots_avx2(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [f32],
) {
    // SAFETY: this function is compiled for, and so only called with, AVX2 and FMA.
    unsafe { kernel::dots::<__m256, 8, 3, 4>(dim, rows, picked, queries, out) }
}

#[target_feature(enable = "avx512f")]
pub(super) fn dots_avx512(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [f32],
) {
    // SAFETY: this function is compiled for, and so only called with, AVX-512F.
    unsafe { kernel::dots::<__m512, 16, 4, 4>(dim, rows, picked, queries, out) }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn dots_f64_avx2(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [f64],
) {
    // SAFETY: as in `dots_avx2`.
    unsafe { kernel::dots::<[__m256d; 4], F64_LANES, 1, 2>(dim, rows, picked, queries, out) }
}

#[target_feature(enable = "avx512f")]
pub(super) fn dots_f64_avx512(
    dim: usize,
    rows: &[f32],
    picked: Option<&[u32]>,
    queries: &[f32],
    out: &mut [f64],
) {
    // SAFETY: as in `dots_avx512`.
    unsafe { kernel::dots::<[__m512d; 2], F64_LANES, 1, 4>(dim, rows, picked, queries, out) }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn dot_f64_avx2(a: &[f32], b: &[f32]) -> f64 {
    // SAFETY: as in `dots_avx2`.
    unsafe { kernel::dot::<[__m256d; 4], F64_LANES>(a, b) }
}

#[target_feature(enable = "avx512f")]
pub(super) fn dot_f64_avx512(a: &[f32], b: &[f32]) -> f64 {
    // SAFETY: as in `dots_avx512`.
    unsafe { kernel::dot::<[__m512d; 2], F64_LANES>(a, b) }
}
