//! [`Vector`] in the registers of AVX2, and the kernels over it.

use std::arch::x86_64::{
    __m256, _mm_packus_epi16, _mm_storeu_si128, _mm256_add_ps, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cvttps_epi32, _mm256_div_ps,
    _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_ps, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_packus_epi32, _mm256_permute4x64_epi64, _mm256_set1_ps,
    _mm256_slli_epi32, _mm256_store_ps, _mm256_sub_ps,
};

use crate::simd::instantiate::vector_kernels;
use crate::simd::vector::{Lanes, Vector, WIDTH};

// 12 of 16 registers contain sums, and the others contain factors. A block takes two registers.
vector_kernels! {
    #[target_feature(enable = "avx2,fma")]
    [__m256; 2], tile 6 x 1, pixels 6
}

/// Defines methods that do the same with each of the two registers.
macro_rules! lanewise {
    ($($name:ident($($other:ident),*) = $intrinsic:ident;)*) => {
        $(
            #[inline(always)]
            unsafe fn $name(self, $($other: Self),*) -> Self {
                // SAFETY: our caller guarantees AVX2 and FMA.
                unsafe {
                    [$intrinsic(self[0], $($other[0]),*), $intrinsic(self[1], $($other[1]),*)]
                }
            }
        )*
    };
}

impl Vector for [__m256; 2] {
    #[inline(always)]
    unsafe fn to_bytes(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        // SAFETY: our caller guarantees AVX2; there is space for 16 bytes.
        unsafe {
            let words =
                _mm256_packus_epi32(_mm256_cvttps_epi32(self[0]), _mm256_cvttps_epi32(self[1]));
            // Packing works on halves of the registers: quarters 0 and 2 hold the first values.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let codes = _mm_packus_epi16(
                _mm256_castsi256_si128(words),
                _mm256_extracti128_si256::<1>(words),
            );
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), codes);
        }
        bytes
    }

    lanewise! {
        add(other) = _mm256_add_ps;
        sub(other) = _mm256_sub_ps;
        mul(other) = _mm256_mul_ps;
        div(other) = _mm256_div_ps;
        max(other) = _mm256_max_ps;
        min(other) = _mm256_min_ps;
        mul_add(factor, addend) = _mm256_fmadd_ps;
        neg_mul_add(factor, addend) = _mm256_fnmadd_ps;
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as above.
        [unsafe { _mm256_set1_ps(value) }; 2]
    }

    #[inline(always)]
    unsafe fn load(from: &Lanes) -> Self {
        let at = from.0.as_ptr();
        // SAFETY: as above; there are 16 aligned values.
        unsafe { [_mm256_load_ps(at), _mm256_load_ps(at.add(8))] }
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut Lanes) {
        let at = to.0.as_mut_ptr();
        // SAFETY: as above; there is aligned space for 16 values.
        unsafe {
            _mm256_store_ps(at, self[0]);
            _mm256_store_ps(at.add(8), self[1]);
        }
    }

    #[inline(always)]
    unsafe fn to_exponent(self) -> Self {
        // SAFETY: as above.
        let shift =
            |v| unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(v))) };
        [shift(self[0]), shift(self[1])]
    }
}
