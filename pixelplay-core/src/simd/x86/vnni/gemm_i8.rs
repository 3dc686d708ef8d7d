//! [`Integers`] for AVX2, and for the dot-product instructions of AVX-512 (VNNI).

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_abs_epi8, _mm256_add_epi32, _mm256_load_si256, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_sign_epi8, _mm256_slli_epi32, _mm256_storeu_si256, _mm512_dpbusd_epi32,
    _mm512_load_si512, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
};

use super::codes::{self, ColumnScales, Integers, RowScale};
use super::product::{self, Blocked, BlockedMut, Finish, Multiply, Piece, Source};
use super::vector::{Codes, Lanes, Vector, WIDTH};

impl Integers for __m512i {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller promises AVX-512 with VNNI, here and below.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn left(codes: [u8; 4]) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_set1_epi32(i32::from_ne_bytes(codes)) }
    }

    #[inline(always)]
    unsafe fn right(integers: &Codes) -> Self {
        // SAFETY: as above; there are 64 aligned bytes.
        unsafe { _mm512_load_si512(integers.0.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn add_products(self, left: Self, right: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_dpbusd_epi32(self, left, right) }
    }

    #[inline(always)]
    unsafe fn store(self, _: &Codes, to: &mut [i32; WIDTH]) {
        // SAFETY: as above; there is room for 16 sums.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self) };
    }
}

/// The instruction that multiplies bytes adds two products in 16 bits, where 2 x 255 x 127 has no
/// room. So 128 is taken from the codes, and 128 times the sums of the columns is added at the end.
impl Integers for [__m256i; 2] {
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: our caller promises AVX2, here and below.
        [unsafe { _mm256_setzero_si256() }; 2]
    }

    #[inline(always)]
    unsafe fn left(codes: [u8; 4]) -> Self {
        let less = codes.map(|code| code ^ 0x80);
        // SAFETY: as above.
        [unsafe { _mm256_set1_epi32(i32::from_ne_bytes(less)) }; 2]
    }

    #[inline(always)]
    unsafe fn right(integers: &Codes) -> Self {
        let at = integers.0.as_ptr().cast::<__m256i>();
        // SAFETY: as above; there are 64 aligned bytes.
        unsafe { [_mm256_load_si256(at), _mm256_load_si256(at.add(1))] }
    }

    #[inline(always)]
    unsafe fn add_products(self, left: Self, right: Self) -> Self {
        let mut sums = self;
        for i in 0..2 {
            // SAFETY: as above. Products are at most 128 * 127, and two of them fit.
            unsafe {
                let (size, signed) =
                    (_mm256_abs_epi8(left[i]), _mm256_sign_epi8(right[i], left[i]));
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
        // SAFETY: as above; there is room for 16 sums.
        unsafe {
            let sums = Self::right(column_sums);
            for i in 0..2 {
                let times_128 = _mm256_slli_epi32::<7>(sums[i]);
                _mm256_storeu_si256(at.add(i), _mm256_add_epi32(self[i], times_128));
            }
        }
    }
}

macro_rules! compiled {
    ($($feature:literal, $integers:ty, $vector:ty, $rows:literal, $blocks:literal: $product:ident, $values:ident, $quantize:ident;)*) => {
        $(
            impl Multiply for $integers {
                type Line = Codes;
                type Sums = [i32; WIDTH];
                const ZERO: [i32; WIDTH] = [0; WIDTH];

                #[inline]
                unsafe fn piece<const R: usize, const P: usize>(
                    from: Source<Codes>,
                    out: &mut Piece<[i32; WIDTH]>,
                ) {
                    #[target_feature(enable = $feature)]
                    #[inline(never)]
                    unsafe fn compiled<const R: usize, const P: usize>(
                        from: Source<Codes>,
                        out: &mut Piece<[i32; WIDTH]>,
                    ) {
                        // SAFETY: as our caller promises.
                        unsafe { codes::piece::<$integers, R, P>(from, out) }
                    }
                    // SAFETY: our caller promises the instructions.
                    unsafe { compiled::<R, P>(from, out) }
                }
            }

            /// In a function of its own: a closure is not compiled for the instructions of what it
            /// stands in.
            #[target_feature(enable = $feature)]
            fn $values(
                scales: ColumnScales<'_>,
                sums: &[[i32; WIDTH]],
                block: usize,
                first: usize,
                out: &mut [Lanes],
            ) {
                scales.values(sums, block, first, out);
            }

            #[target_feature(enable = $feature)]
            pub(super) unsafe fn $product(
                rows: usize,
                left: Blocked<'_, Codes>,
                right: Blocked<'_, Codes>,
                scales: ColumnScales<'_>,
                out: BlockedMut<'_>,
                finish: Finish<'_>,
            ) {
                // SAFETY: this function is compiled for these instructions; the rest is promised by
                // our caller.
                unsafe {
                    product::product::<$integers, $rows, $blocks>(rows, right.stride - 1, left, right, out, |sums, block, first, lines| {
                        let mut values = [Lanes::ZERO; product::MOST_ROWS];
                        $values(scales, sums, block, first, &mut values);
                        <$vector>::finish(&values[..lines.len()], finish.of(block), finish, lines);
                    });
                }
            }

            #[target_feature(enable = $feature)]
            pub(super) fn $quantize(
                rows: usize,
                input: &[Lanes],
                coded: &[Lanes],
                out: &mut [Codes],
                scales: &mut [RowScale],
            ) {
                // SAFETY: as above.
                unsafe { codes::quantize::<$vector>(rows, input, coded, out, scales) }
            }
        )*
    };
}

compiled! {
    "avx2,fma", [__m256i; 2], [std::arch::x86_64::__m256; 2], 4, 1: product_codes_avx2, values_avx2, quantize_avx2;
    "avx512f,avx512bw,avx512vnni", __m512i, std::arch::x86_64::__m512, 14, 2: product_codes_vnni, values_avx512, quantize_avx512;
}
