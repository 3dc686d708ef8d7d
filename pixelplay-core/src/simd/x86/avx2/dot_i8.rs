//! 8-bit dot products in the registers of AVX2.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_set1_epi32, _mm256_add_epi32, _mm256_cvtepi8_epi16,
    _mm256_cvtepu8_epi16, _mm256_hadd_epi32, _mm256_madd_epi16, _mm256_permute4x64_epi64,
    _mm256_setzero_si256, _mm256_storeu_si256,
};

use crate::simd::kernels::dot_i8::{LANES, Panel, QUAD, padded, row};
use crate::simd::x86::prefetch::prefetch_row;

#[target_feature(enable = "avx2")]
pub(in crate::simd) fn dots_i8(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    let dim = query.len();
    let (chunks, rest) = query.as_chunks::<16>();
    for (at, out) in out.iter_mut().enumerate() {
        prefetch_row(rows, picked, dim, at);
        let (row_chunks, row_rest) = row(rows, picked, dim, at).as_chunks::<16>();
        let mut sums = [_mm256_setzero_si256(); 2];
        for (c, (codes, values)) in row_chunks.iter().zip(chunks).enumerate() {
            let values = _mm256_cvtepi8_epi16(load(values));
            let codes = _mm256_cvtepu8_epi16(load(codes));
            sums[c % 2] = _mm256_add_epi32(sums[c % 2], _mm256_madd_epi16(codes, values));
        }
        *out = stored(_mm256_add_epi32(sums[0], sums[1])).iter().sum();
        for (&code, &value) in row_rest.iter().zip(rest) {
            *out += i32::from(code) * i32::from(value);
        }
    }
}

/// Processes two rows at a time. They take 8 registers for sums, 2 for codes and 1 for values,
/// which leaves some for intermediate results.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn panel_i8(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panel: &Panel,
    out: &mut [[i32; LANES]],
) {
    const ROWS: usize = 2;
    let count = out.len();
    let whole = dim / QUAD;
    let quads = &panel.quads[..dim.div_ceil(QUAD)];
    for at in (0..count).step_by(ROWS) {
        let mut group: [&[u8]; ROWS] = [&[]; ROWS];
        let mut row_quads: [&[[u8; QUAD]]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            group[r] = row(rows, picked, dim, (at + r).min(count - 1));
            row_quads[r] = &group[r].as_chunks::<QUAD>().0[..whole];
        }
        let mut sums = [[_mm256_setzero_si256(); PARTS]; ROWS];
        for q in 0..whole {
            let codes = [row_quads[0][q], row_quads[1][q]];
            add_quad(&mut sums, codes, &quads[q]);
        }
        if whole * QUAD < dim {
            let codes = [0, 1].map(|r| padded(&group[r][whole * QUAD..]));
            add_quad(&mut sums, codes, &quads[whole]);
        }
        for r in 0..ROWS.min(count - at) {
            for (half, sums) in sums[r].as_chunks::<2>().0.iter().enumerate() {
                // Each query has two sums. `hadd` adds them within the lower and the upper half of
                // the registers, which leaves queries 0 1 4 5 2 3 6 7.
                let sums = _mm256_hadd_epi32(sums[0], sums[1]);
                let sums = stored(_mm256_permute4x64_epi64::<0b11_01_10_00>(sums));
                out[at + r][half * 8..half * 8 + 8].copy_from_slice(&sums);
            }
        }
    }
}

/// The number of registers for the sums of a row with a panel. Each query has two sums.
const PARTS: usize = LANES / 4;

/// Adds the products of four values of each row and query.
#[target_feature(enable = "avx2")]
#[inline]
fn add_quad<const R: usize>(
    sums: &mut [[__m256i; PARTS]; R],
    codes: [[u8; QUAD]; R],
    quad: &[[i8; QUAD]; LANES],
) {
    let mut wide = [_mm256_setzero_si256(); R];
    for r in 0..R {
        wide[r] = _mm256_cvtepu8_epi16(_mm_set1_epi32(i32::from_le_bytes(codes[r])));
    }
    let parts = quad.as_flattened().as_chunks::<16>().0;
    for p in 0..PARTS {
        let values = _mm256_cvtepi8_epi16(load(&parts[p]));
        for r in 0..R {
            let products = _mm256_madd_epi16(wide[r], values);
            sums[r][p] = _mm256_add_epi32(sums[r][p], products);
        }
    }
}

#[inline(always)]
fn load<T>(values: &[T; 16]) -> __m128i
where
    T: Copy,
{
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: every x86-64 processor has SSE2, and there are 16 bytes.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn stored(values: __m256i) -> [i32; 8] {
    let mut out = [0; 8];
    // SAFETY: there is space for 8 values.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), values) };
    out
}
