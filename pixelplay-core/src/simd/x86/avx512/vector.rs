//! [`Vector`] in the registers of AVX-512, and the kernels over it.

use std::arch::x86_64::{
    __m512, _mm_storeu_si128, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_cvttps_epi32, _mm512_cvtusepi32_epi8, _mm512_div_ps, _mm512_fmadd_ps, _mm512_fnmadd_ps,
    _mm512_load_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_slli_epi32,
    _mm512_store_ps, _mm512_sub_ps,
};

use crate::simd::instantiate::vector_kernels;
use crate::simd::vector::{Lanes, Vector, WIDTH};

// 28 of 32 registers contain sums, and the others contain factors.
vector_kernels! {
    #[target_feature(enable = "avx512f")]
    __m512, tile 14 x 2, pixels 8
}

/// Defines methods that consist of one instruction each.
macro_rules! lanewise {
    ($($name:ident($($other:ident),*) = $intrinsic:ident;)*) => {
        $(
            #[inline(always)]
            unsafe fn $name(self, $($other: Self),*) -> Self {
                // SAFETY: our caller guarantees AVX-512F.
                unsafe { $intrinsic(self, $($other),*) }
            }
        )*
    };
}

impl Vector for __m512 {
    #[inline(always)]
    unsafe fn to_bytes(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        // SAFETY: our caller guarantees AVX-512F; there is space for 16 bytes.
        unsafe {
            let codes = _mm512_cvtusepi32_epi8(_mm512_cvttps_epi32(self));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), codes);
        }
        bytes
    }

    lanewise! {
        add(other) = _mm512_add_ps;
        sub(other) = _mm512_sub_ps;
        mul(other) = _mm512_mul_ps;
        div(other) = _mm512_div_ps;
        max(other) = _mm512_max_ps;
        min(other) = _mm512_min_ps;
        mul_add(factor, addend) = _mm512_fmadd_ps;
        neg_mul_add(factor, addend) = _mm512_fnmadd_ps;
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: &Lanes) -> Self {
        // SAFETY: as above; there are 16 aligned values.
        unsafe { _mm512_load_ps(from.0.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn store(self, to: &mut Lanes) {
        // SAFETY: as above; there is aligned space for 16 values.
        unsafe { _mm512_store_ps(to.0.as_mut_ptr(), self) }
    }

    #[inline(always)]
    unsafe fn to_exponent(self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(self))) }
    }
}
