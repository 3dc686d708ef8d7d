//! The kernels of [`super::int8`] for AVX2, and for the dot-product instructions of AVX-512 (VNNI).

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _MM_HINT_T1, _mm_add_epi32, _mm_loadu_si128, _mm_prefetch,
    _mm_set1_epi32, _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_madd_epi16, _mm256_permute4x64_epi64, _mm256_setzero_si256, _mm256_storeu_si256,
    _mm512_add_epi32, _mm512_castsi512_si256, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64,
    _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_reduce_add_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::int8::{self, Cutoffs, LANES, Measures, Panel, QUAD, padded, row};

/// How many bytes ahead memory is asked for neighbouring rows, which processors do by themselves,
/// but not as far. (Rows are multiplied one after the other: with four at a time, no prefetcher
/// kept up, and memory delivered half as much.)
const BYTES_AHEAD: usize = 8 << 10;
/// How many rows ahead memory is asked for picked rows, which nobody can guess.
const ROWS_AHEAD: usize = 16;
const CACHE_LINE: usize = 64;

/// Asks for what comes up soon after row `at`.
#[inline(always)]
fn prefetch(rows: &[u8], picked: Option<&[u32]>, dim: usize, at: usize) {
    let start = match picked {
        None => at * dim + BYTES_AHEAD,
        Some(picked) => match picked.get(at + ROWS_AHEAD) {
            Some(&at) => at as usize * dim,
            None => return,
        },
    };
    for offset in (start..start + dim).step_by(CACHE_LINE) {
        let address = rows.as_ptr().wrapping_add(offset);
        // SAFETY: every x86-64 has SSE, and an address that is none is passed over.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dots_vnni(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    const ROWS: usize = 4;
    let dim = query.len();
    let mut at = 0;
    let (groups, rest) = out.as_chunks_mut::<ROWS>();
    for out in groups {
        // Filled in a loop: closures do not become part of a function that is compiled for other
        // instructions than the rest, and cost a fifth of it here.
        let mut sums = [_mm512_setzero_si512(); ROWS];
        for sum in &mut sums {
            prefetch(rows, picked, dim, at);
            *sum = products_vnni(row(rows, picked, dim, at), query);
            at += 1;
        }
        // SAFETY: there is room for 4 sums.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), sum_each(sums)) };
    }
    for out in rest {
        let products = products_vnni(row(rows, picked, dim, at), query);
        *out = _mm512_reduce_add_epi32(products);
        at += 1;
    }
}

/// 16 sums, which together are the dot product of two vectors of equal length.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn products_vnni(row: &[u8], query: &[i8]) -> __m512i {
    let (row, row_rest) = row.as_chunks::<64>();
    let (query, query_rest) = query.as_chunks::<64>();
    let mut sums = _mm512_setzero_si512();
    for (codes, values) in row.iter().zip(query) {
        // SAFETY: each chunk has the 64 bytes that are loaded.
        let (codes, values) = unsafe {
            (_mm512_loadu_si512(codes.as_ptr().cast()), _mm512_loadu_si512(values.as_ptr().cast()))
        };
        sums = _mm512_dpbusd_epi32(sums, codes, values);
    }
    if query_rest.is_empty() {
        return sums;
    }
    let mask = !(u64::MAX << query_rest.len().min(row_rest.len()));
    // SAFETY: only the bytes of the mask are read, which both have.
    let (codes, values) = unsafe {
        (
            _mm512_maskz_loadu_epi8(mask, row_rest.as_ptr().cast()),
            _mm512_maskz_loadu_epi8(mask, query_rest.as_ptr()),
        )
    };
    _mm512_dpbusd_epi32(sums, codes, values)
}

/// The sum of the values of each register: all four together take fewer steps than one after the
/// other.
#[target_feature(enable = "avx512f")]
#[inline]
fn sum_each([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    // In each of the four parts: one partial sum of each.
    let parts = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let halves =
        _mm256_add_epi32(_mm512_castsi512_si256(parts), _mm512_extracti64x4_epi64::<1>(parts));
    _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn panels_vnni(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panels: [&Panel; 2],
    outs: [&mut [[i32; LANES]]; 2],
) {
    block_vnni::<8, 2>(dim, rows, picked, panels, outs);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn panel_vnni(
    dim: usize,
    rows: &[u8],
    picked: Option<&[u32]>,
    panel: &Panel,
    out: &mut [[i32; LANES]],
) {
    block_vnni::<12, 1>(dim, rows, picked, [panel], [out]);
}

/// `R` rows and `P` panels at a time: their `R * P` registers of sums, and a few for what is
/// multiplied, are what there is.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn block_vnni<const R: usize, const P: usize>(
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
            prefetch(rows, picked, dim, at + r);
        }
        // The last group begins with rows that were done before, rather than being a special case.
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
                // SAFETY: there is room for 16 sums.
                unsafe { _mm512_storeu_si512(outs[p][at + r].as_mut_ptr().cast(), sum) };
            }
        }
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn dots_avx2(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    let dim = query.len();
    let (chunks, rest) = query.as_chunks::<16>();
    for (at, out) in out.iter_mut().enumerate() {
        prefetch(rows, picked, dim, at);
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

/// Two rows at a time: their 8 registers of sums, 2 of codes and 1 of values leave room for what is
/// in between.
#[target_feature(enable = "avx2")]
pub(super) fn panel_avx2(
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
            add_quad_avx2(&mut sums, codes, &quads[q]);
        }
        if whole * QUAD < dim {
            let codes = [0, 1].map(|r| padded(&group[r][whole * QUAD..]));
            add_quad_avx2(&mut sums, codes, &quads[whole]);
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

/// How many registers hold the sums of a row with a panel, two sums for each query.
const PARTS: usize = LANES / 4;

/// Adds the products of four values of each row and query.
#[target_feature(enable = "avx2")]
#[inline]
fn add_quad_avx2<const R: usize>(
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
    // SAFETY: every x86-64 has SSE2, and there are 16 bytes.
    unsafe { _mm_loadu_si128(values.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn stored(values: __m256i) -> [i32; 8] {
    let mut out = [0; 8];
    // SAFETY: there is room for 8 values.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), values) };
    out
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn screen_panel_avx512(
    dots: &[[i32; LANES]],
    measures: &Measures<'_>,
    picked: Option<&[u32]>,
    cutoffs: &Cutoffs<LANES>,
    passed: &mut Vec<(usize, usize)>,
) {
    int8::screen_panel(dots, measures, picked, cutoffs, passed);
}
