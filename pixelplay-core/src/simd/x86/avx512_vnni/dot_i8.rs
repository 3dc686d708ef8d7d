//! 8-bit dot products with the dot-product instruction of AVX-512 (VNNI).

use std::arch::x86_64::{
    __m128i, __m512i, _mm_add_epi32, _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm512_add_epi32, _mm512_castsi512_si256, _mm512_dpbusd_epi32,
    _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
    _mm512_reduce_add_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use crate::simd::kernels::dot_i8::{LANES, Panel, QUAD, padded, row};
use crate::simd::kernels::screen::{self, RowErrors, Thresholds};
use crate::simd::x86::prefetch::prefetch_row;

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn dots_i8(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    const ROWS: usize = 4;
    let dim = query.len();
    let mut at = 0;
    let (groups, rest) = out.as_chunks_mut::<ROWS>();
    for out in groups {
        // Filled in a loop instead of with a closure: closures are not inlined into a function that
        // is compiled for other instructions than the rest of the program. Here this would cost a
        // fifth of the time.
        let mut sums = [_mm512_setzero_si512(); ROWS];
        for sum in &mut sums {
            prefetch_row(rows, picked, dim, at);
            *sum = products(row(rows, picked, dim, at), query);
            at += 1;
        }
        // SAFETY: there is space for 4 sums.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), sum_each(sums)) };
    }
    for out in rest {
        *out = _mm512_reduce_add_epi32(products(row(rows, picked, dim, at), query));
        at += 1;
    }
}

/// Computes 16 sums that add up to the dot product of two vectors of equal length.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn products(row: &[u8], query: &[i8]) -> __m512i {
    let (row, row_tail) = row.as_chunks::<64>();
    let (query, query_tail) = query.as_chunks::<64>();
    let mut sums = _mm512_setzero_si512();
    for (codes, values) in row.iter().zip(query) {
        // SAFETY: each chunk has the 64 bytes that are loaded.
        let (codes, values) = unsafe {
            (_mm512_loadu_si512(codes.as_ptr().cast()), _mm512_loadu_si512(values.as_ptr().cast()))
        };
        sums = _mm512_dpbusd_epi32(sums, codes, values);
    }
    if query_tail.is_empty() {
        return sums;
    }
    let mask = !(u64::MAX << query_tail.len().min(row_tail.len()));
    // SAFETY: only the bytes of the mask are read, and both slices have them.
    let (codes, values) = unsafe {
        (
            _mm512_maskz_loadu_epi8(mask, row_tail.as_ptr().cast()),
            _mm512_maskz_loadu_epi8(mask, query_tail.as_ptr()),
        )
    };
    _mm512_dpbusd_epi32(sums, codes, values)
}

/// Sums the values of each register. Reducing all four together takes fewer steps than one after
/// another.
#[target_feature(enable = "avx512f")]
#[inline]
fn sum_each([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    // Each of the four parts contains one partial sum of each register.
    let parts = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let halves =
        _mm256_add_epi32(_mm512_castsi512_si256(parts), _mm512_extracti64x4_epi64::<1>(parts));
    _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn panels_i8(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panels: [&Panel; 2],
    outs: [&mut [[i32; LANES]]; 2],
) {
    microkernel::<8, 2>(dim, rows, picked, panels, outs);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn panel_i8(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panel: &Panel,
    out: &mut [[i32; LANES]],
) {
    microkernel::<12, 1>(dim, rows, picked, [panel], [out]);
}

/// Processes `R` rows and `P` panels at a time. Their `R * P` sums and a few factors use all
/// registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn microkernel<const R: usize, const P: usize>(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panels: [&Panel; P],
    outs: [&mut [[i32; LANES]]; P],
) {
    let count = outs[0].len();
    let whole = dim / QUAD;
    let quads = panels.map(|panel| &panel.quads[..dim.div_ceil(QUAD)]);
    for at in (0..count).step_by(R) {
        for r in 0..R {
            prefetch_row(rows, picked, dim, at + r);
        }
        // The last group overlaps with rows that were already done, rather than being a special
        // case.
        let mut group: [&[u8]; R] = [&[]; R];
        let mut row_quads: [&[[u8; QUAD]]; R] = [&[]; R];
        for r in 0..R {
            group[r] = row(rows, picked, dim, (at + r).min(count - 1));
            row_quads[r] = &group[r].as_chunks::<QUAD>().0[..whole];
        }
        let mut sums = [[_mm512_setzero_si512(); P]; R];
        for q in 0..whole {
            let values: [__m512i; P] = {
                let mut values = [_mm512_setzero_si512(); P];
                for p in 0..P {
                    // SAFETY: a quad of a panel has 64 bytes.
                    values[p] = unsafe { _mm512_loadu_si512(quads[p][q].as_ptr().cast()) };
                }
                values
            };
            for r in 0..R {
                let codes = _mm512_set1_epi32(i32::from_le_bytes(row_quads[r][q]));
                for p in 0..P {
                    sums[r][p] = _mm512_dpbusd_epi32(sums[r][p], codes, values[p]);
                }
            }
        }
        for r in 0..R.min(count - at) {
            for p in 0..P {
                let mut sum = sums[r][p];
                if whole * QUAD < dim {
                    let codes = i32::from_le_bytes(padded(&group[r][whole * QUAD..]));
                    // SAFETY: as above.
                    let values = unsafe { _mm512_loadu_si512(quads[p][whole].as_ptr().cast()) };
                    sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(codes), values);
                }
                // SAFETY: there is space for 16 sums.
                unsafe { _mm512_storeu_si512(outs[p][at + r].as_mut_ptr().cast(), sum) };
            }
        }
    }
}

/// The compiler vectorises this for AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(in crate::simd) fn screen_panel(
    dots: &[[i32; LANES]],
    row_errors: &RowErrors<'_>,
    picked: Option<&[u32]>,
    thresholds: &Thresholds<LANES>,
    passed: &mut Vec<(usize, usize)>,
) {
    screen::screen_panel(dots, row_errors, picked, thresholds, passed);
}
