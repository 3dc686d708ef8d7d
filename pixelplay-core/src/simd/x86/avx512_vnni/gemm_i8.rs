//! 8-bit matrix products: [`IntVector`] with the dot-product instruction of AVX-512 (VNNI).

use std::arch::x86_64::{
    __m512, __m512i, _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512,
};

use crate::simd::instantiate::int_kernels;
use crate::simd::kernels::gemm_i8::IntVector;
use crate::simd::vector::{Codes, WIDTH};

int_kernels! {
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    __m512i, __m512, tile 14 x 2
}

impl IntVector for __m512i {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller guarantees AVX-512 with VNNI, here and below.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn splat_codes(codes: [u8; 4]) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_set1_epi32(i32::from_ne_bytes(codes)) }
    }

    #[inline(always)]
    unsafe fn load_weights(weights: &Codes) -> Self {
        // SAFETY: as above; there are 64 aligned bytes.
        unsafe { _mm512_load_si512(weights.0.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn dot_add(self, codes: Self, weights: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_dpbusd_epi32(self, codes, weights) }
    }

    #[inline(always)]
    unsafe fn store(self, _: &Codes, to: &mut [i32; WIDTH]) {
        // SAFETY: as above; there is space for 16 sums.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self) };
    }
}
