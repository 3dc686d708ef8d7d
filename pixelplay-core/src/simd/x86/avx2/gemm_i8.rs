//! 8-bit matrix products: [`IntVector`] in the registers of AVX2.

use std::arch::x86_64::{
    __m256, __m256i, _mm256_abs_epi8, _mm256_add_epi32, _mm256_load_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_sign_epi8, _mm256_slli_epi32, _mm256_storeu_si256,
};

use crate::simd::instantiate::int_kernels;
use crate::simd::kernels::gemm_i8::IntVector;
use crate::simd::vector::{Codes, WIDTH};

int_kernels! {
    #[target_feature(enable = "avx2,fma")]
    [__m256i; 2], [__m256; 2], tile 4 x 1
}

/// The instruction that multiplies bytes adds two products in 16 bits, and 2 x 255 x 127 does not
/// fit into 16 bits. So 128 is subtracted from the codes, and 128 times the sums of the columns is
/// added at the end.
impl IntVector for [__m256i; 2] {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller guarantees AVX2, here and below.
        [unsafe { _mm256_setzero_si256() }; 2]
    }

    #[inline(always)]
    unsafe fn splat_codes(codes: [u8; 4]) -> Self {
        let less = codes.map(|code| code ^ 0x80);
        // SAFETY: as above.
        [unsafe { _mm256_set1_epi32(i32::from_ne_bytes(less)) }; 2]
    }

    #[inline(always)]
    unsafe fn load_weights(weights: &Codes) -> Self {
        let at = weights.0.as_ptr().cast::<__m256i>();
        // SAFETY: as above; there are 64 aligned bytes.
        unsafe { [_mm256_load_si256(at), _mm256_load_si256(at.add(1))] }
    }

    #[inline(always)]
    unsafe fn dot_add(self, codes: Self, weights: Self) -> Self {
        let mut sums = self;
        for i in 0..2 {
            // SAFETY: as above. Products are at most 128 * 127, and two of them fit.
            unsafe {
                let (size, signed) =
                    (_mm256_abs_epi8(codes[i]), _mm256_sign_epi8(weights[i], codes[i]));
                let pairs = _mm256_maddubs_epi16(size, signed);
                let quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                sums[i] = _mm256_add_epi32(sums[i], quads);
            }
        }
        sums
    }

    #[inline(always)]
    unsafe fn store(self, column_sums: &Codes, to: &mut [i32; WIDTH]) {
        let at = to.as_mut_ptr().cast::<__m256i>();
        // SAFETY: as above; there is space for 16 sums.
        unsafe {
            let sums = Self::load_weights(column_sums);
            for i in 0..2 {
                let times_128 = _mm256_slli_epi32::<7>(sums[i]);
                _mm256_storeu_si256(at.add(i), _mm256_add_epi32(self[i], times_128));
            }
        }
    }
}
