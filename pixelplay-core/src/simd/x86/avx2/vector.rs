//! [`Vector`] for AVX2 and AVX-512.

use std::arch::x86_64::{
    __m256, __m512, _mm_packus_epi16, _mm_storeu_si128, _mm256_add_ps, _mm256_castps_si256,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cvttps_epi32, _mm256_div_ps,
    _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_load_ps, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_packus_epi32, _mm256_permute4x64_epi64, _mm256_set1_ps,
    _mm256_slli_epi32, _mm256_store_ps, _mm256_sub_ps, _mm512_add_ps, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_cvttps_epi32, _mm512_cvtusepi32_epi8, _mm512_div_ps,
    _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_load_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_slli_epi32, _mm512_store_ps, _mm512_sub_ps,
};

use super::product::{self, Blocked, BlockedMut, Finish, Piece, Source};
use super::rows::{self, Norm};
use super::vector::{Lanes, Vector};

macro_rules! lanewise {
    ($($name:ident($($other:ident),*) = $avx2:ident, $avx512:ident;)*) => {
        impl Vector for [__m256; 2] {
            #[inline(always)]
            unsafe fn to_bytes(self) -> [u8; 16] {
                let mut bytes = [0; 16];
                // SAFETY: our caller promises AVX2; there is room for 16 bytes.
                unsafe {
                    let words = _mm256_packus_epi32(
                        _mm256_cvttps_epi32(self[0]),
                        _mm256_cvttps_epi32(self[1]),
                    );
                    // Packing goes by halves of the registers: quarters 0 and 2 are of the first
                    // values.
                    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
                    let codes = _mm_packus_epi16(
                        _mm256_castsi256_si128(words),
                        _mm256_extracti128_si256::<1>(words),
                    );
                    _mm_storeu_si128(bytes.as_mut_ptr().cast(), codes);
                }
                bytes
            }

            $(
                #[inline(always)]
                unsafe fn $name(self, $($other: Self),*) -> Self {
                    // SAFETY: our caller promises AVX2 and FMA.
                    unsafe { [$avx2(self[0], $($other[0]),*), $avx2(self[1], $($other[1]),*)] }
                }
            )*

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
                // SAFETY: as above; there is aligned room for 16 values.
                unsafe {
                    _mm256_store_ps(at, self[0]);
                    _mm256_store_ps(at.add(8), self[1]);
                }
            }

            #[inline(always)]
            unsafe fn to_exponent(self) -> Self {
                // SAFETY: as above.
                let shift = |v| unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(v))) };
                [shift(self[0]), shift(self[1])]
            }

            #[inline]
            unsafe fn float_piece<const R: usize, const P: usize>(from: Source<Lanes>, out: &mut Piece<Lanes>) {
                #[target_feature(enable = "avx2,fma")]
                #[inline(never)]
                unsafe fn compiled<const R: usize, const P: usize>(from: Source<Lanes>, out: &mut Piece<Lanes>) {
                    // SAFETY: as our caller promises.
                    unsafe { product::piece::<[__m256; 2], R, P>(from, out) }
                }
                // SAFETY: our caller promises the instructions.
                unsafe { compiled::<R, P>(from, out) }
            }

            #[inline]
            unsafe fn finish(
                sums: &[Lanes],
                bias: Option<&Lanes>,
                finish: Finish<'_>,
                out: &mut [Lanes],
            ) {
                #[target_feature(enable = "avx2,fma")]
                #[inline(never)]
                unsafe fn compiled(
                    sums: &[Lanes],
                    bias: Option<&Lanes>,
                    finish: Finish<'_>,
                    out: &mut [Lanes],
                ) {
                    // SAFETY: as our caller promises.
                    unsafe { product::finish::<[__m256; 2]>(sums, bias, finish, out) }
                }
                // SAFETY: our caller promises the instructions.
                unsafe { compiled(sums, bias, finish, out) }
            }
        }

        impl Vector for __m512 {
            #[inline(always)]
            unsafe fn to_bytes(self) -> [u8; 16] {
                let mut bytes = [0; 16];
                // SAFETY: our caller promises AVX-512F; there is room for 16 bytes.
                unsafe {
                    let codes = _mm512_cvtusepi32_epi8(_mm512_cvttps_epi32(self));
                    _mm_storeu_si128(bytes.as_mut_ptr().cast(), codes);
                }
                bytes
            }

            $(
                #[inline(always)]
                unsafe fn $name(self, $($other: Self),*) -> Self {
                    // SAFETY: our caller promises AVX-512F.
                    unsafe { $avx512(self, $($other),*) }
                }
            )*

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
                // SAFETY: as above; there is aligned room for 16 values.
                unsafe { _mm512_store_ps(to.0.as_mut_ptr(), self) }
            }

            #[inline(always)]
            unsafe fn to_exponent(self) -> Self {
                // SAFETY: as above.
                unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(self))) }
            }

            #[inline]
            unsafe fn float_piece<const R: usize, const P: usize>(from: Source<Lanes>, out: &mut Piece<Lanes>) {
                #[target_feature(enable = "avx512f")]
                #[inline(never)]
                unsafe fn compiled<const R: usize, const P: usize>(from: Source<Lanes>, out: &mut Piece<Lanes>) {
                    // SAFETY: as our caller promises.
                    unsafe { product::piece::<__m512, R, P>(from, out) }
                }
                // SAFETY: our caller promises the instructions.
                unsafe { compiled::<R, P>(from, out) }
            }

            #[inline]
            unsafe fn finish(
                sums: &[Lanes],
                bias: Option<&Lanes>,
                finish: Finish<'_>,
                out: &mut [Lanes],
            ) {
                #[target_feature(enable = "avx512f")]
                #[inline(never)]
                unsafe fn compiled(
                    sums: &[Lanes],
                    bias: Option<&Lanes>,
                    finish: Finish<'_>,
                    out: &mut [Lanes],
                ) {
                    // SAFETY: as our caller promises.
                    unsafe { product::finish::<__m512>(sums, bias, finish, out) }
                }
                // SAFETY: our caller promises the instructions.
                unsafe { compiled(sums, bias, finish, out) }
            }
        }
    };
}

lanewise! {
    add(other) = _mm256_add_ps, _mm512_add_ps;
    sub(other) = _mm256_sub_ps, _mm512_sub_ps;
    mul(other) = _mm256_mul_ps, _mm512_mul_ps;
    div(other) = _mm256_div_ps, _mm512_div_ps;
    max(other) = _mm256_max_ps, _mm512_max_ps;
    min(other) = _mm256_min_ps, _mm512_min_ps;
    mul_add(factor, addend) = _mm256_fmadd_ps, _mm512_fmadd_ps;
    neg_mul_add(factor, addend) = _mm256_fnmadd_ps, _mm512_fnmadd_ps;
}

macro_rules! compiled {
    ($($feature:literal, $vector:ty, $rows:literal, $blocks:literal:
       $product:ident, $layer_norm:ident, $softmax:ident;)*) => {
        $(
            #[target_feature(enable = $feature)]
            pub(super) unsafe fn $product(
                rows: usize,
                k: usize,
                left: Blocked<'_>,
                right: Blocked<'_>,
                out: BlockedMut<'_>,
                finish: Finish<'_>,
            ) {
                // SAFETY: this function is compiled for these instructions; the rest is promised by
                // our caller.
                unsafe {
                    product::product::<$vector, $rows, $blocks>(rows, k, left, right, out, |sums, block, _, lines| {
                        <$vector>::finish(sums, finish.of(block), finish, lines)
                    });
                }
            }

            #[target_feature(enable = $feature)]
            pub(super) fn $layer_norm(rows: usize, norm: &Norm, input: Blocked<'_>, out: BlockedMut<'_>) {
                // SAFETY: as above.
                unsafe { rows::layer_norm::<$vector>(rows, norm, input, out) }
            }

            #[target_feature(enable = $feature)]
            pub(super) fn $softmax(
                rows: usize,
                scores: &mut [Lanes],
                scale: f32,
                visible: &dyn Fn(usize) -> usize,
            ) {
                // SAFETY: as above.
                unsafe { rows::softmax::<$vector>(rows, scores, scale, visible) }
            }
        )*
    };
}

// As many sums as the registers hold beside what is multiplied: 12 of 16 with AVX2, where a block
// takes two, and 28 of 32 with AVX-512.
compiled! {
    "avx2,fma", [__m256; 2], 6, 1: product_avx2, layer_norm_avx2, softmax_avx2;
    "avx512f", __m512, 14, 2: product_avx512, layer_norm_avx512, softmax_avx512;
}
