//! The kernels of [`super::int8`] for AVX2, and for the dot-product instructions of AVX-512 (VNNI).

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _MM_HINT_T0, _mm_add_epi32, _mm_loadu_si128, _mm_prefetch,
    _mm_set1_epi32, _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_madd_epi16, _mm256_permute4x64_epi64, _mm256_setzero_si256, _mm256_storeu_si256,
    _mm512_add_epi32, _mm512_castsi512_si256, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64,
    _mm512_loadu_si512, _mm512_maskz_loadu_epi8, _mm512_reduce_add_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::int8::{self, Cutoffs, LANES, Measures, Panel, QUAD, padded, row};

/// How many rows ahead memory is asked: no prefetcher guesses picked rows, and none keeps up with neighbouring ones.
const AHEAD: usize = 16;
const CACHE_LINE: usize = 64;

/// Asks for a row that comes up soon.
#[inline(always)]
fn prefetch(rows: &[u8], picked: Option<&[u32]>, dim: usize, at: usize) {
    let at = match picked {
        None => at,
        Some(picked) => match picked.get(at) {
            Some(&at) => at as usize,
            None => return,
        },
    };
    let Some(row) = rows.get(at * dim..(at + 1) * dim) else {
        return;
    };
    for line in row.chunks(CACHE_LINE) {
        // SAFETY: every x86-64 has SSE, and the address is that of a value.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dots_vnni(rows: &[u8], picked: Option<&[u32]>, query: &[i8], out: &mut [i32]) {
    const ROWS: usize = 4;
    let dim = query.len();
    let (chunks, rest) = query.as_chunks::<64>();
    let mask = !(u64::MAX << rest.len());
    // SAFETY: only the bytes of the mask are read, which are those of `rest`.
    let rest_of_query = unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr()) };
    let mut groups = out.chunks_exact_mut(ROWS);
    let mut at = 0;
    for out in &mut groups {
        for r in 0..ROWS {
            prefetch(rows, picked, dim, at + AHEAD + r);
        }
        // Filled in loops: closures do not become part of a function that is compiled for other instructions than the
        // rest, and cost a fifth of it here.
        let mut group: [&[u8]; ROWS] = [&[]; ROWS];
        let mut row_chunks: [&[[u8; 64]]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            group[r] = row(rows, picked, dim, at + r);
            row_chunks[r] = &group[r].as_chunks::<64>().0[..chunks.len()];
        }
        let mut sums = [_mm512_setzero_si512(); ROWS];
        for (c, chunk) in chunks.iter().enumerate() {
            // SAFETY: each chunk has the 64 bytes that are loaded.
            let values = unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) };
            for r in 0..ROWS {
                // SAFETY: as above.
                let codes = unsafe { _mm512_loadu_si512(row_chunks[r][c].as_ptr().cast()) };
                sums[r] = _mm512_dpbusd_epi32(sums[r], codes, values);
            }
        }
        for r in 0..ROWS {
            if mask != 0 {
                let rest = &group[r][dim - rest.len()..];
                // SAFETY: only the bytes of the mask are read, which are those of `rest`.
                let codes = unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast()) };
                sums[r] = _mm512_dpbusd_epi32(sums[r], codes, rest_of_query);
            }
        }
        // SAFETY: there is room for 4 sums.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), sum_each(sums)) };
        at += ROWS;
    }
    for out in groups.into_remainder() {
        let row = row(rows, picked, dim, at);
        let (row_chunks, row_rest) = row.as_chunks::<64>();
        let mut sum = _mm512_setzero_si512();
        for (codes, values) in row_chunks.iter().zip(chunks) {
            // SAFETY: as above.
            let (codes, values) = unsafe {
                (
                    _mm512_loadu_si512(codes.as_ptr().cast()),
                    _mm512_loadu_si512(values.as_ptr().cast()),
                )
            };
            sum = _mm512_dpbusd_epi32(sum, codes, values);
        }
        // SAFETY: as above.
        let codes = unsafe { _mm512_maskz_loadu_epi8(mask, row_rest.as_ptr().cast()) };
        *out = _mm512_reduce_add_epi32(_mm512_dpbusd_epi32(sum, codes, rest_of_query));
        at += 1;
    }
}

/// The sum of the values of each register: all four together take fewer steps than one after the other.
#[target_feature(enable = "avx512f")]
#[inline]
fn sum_each([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    // In each of the four parts: one partial sum of each.
    let parts = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let halves = _mm256_add_epi32(
        _mm512_castsi512_si256(parts),
        _mm512_extracti64x4_epi64::<1>(parts),
    );
    _mm_add_epi32(
        _mm256_castsi256_si128(halves),
        _mm256_extracti128_si256::<1>(halves),
    )
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

/// `R` rows and `P` panels at a time: their `R * P` registers of sums, and a few for what is multiplied, are what there
/// is.
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
            prefetch(rows, picked, dim, at + R + r);
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
    const ROWS: usize = 4;
    let dim = query.len();
    let (chunks, rest) = query.as_chunks::<16>();
    let count = out.len();
    for at in (0..count).step_by(ROWS) {
        for r in 0..ROWS {
            prefetch(rows, picked, dim, at + AHEAD + r);
        }
        let mut group: [&[u8]; ROWS] = [&[]; ROWS];
        let mut row_chunks: [&[[u8; 16]]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            group[r] = row(rows, picked, dim, (at + r).min(count - 1));
            row_chunks[r] = &group[r].as_chunks::<16>().0[..chunks.len()];
        }
        let mut sums = [_mm256_setzero_si256(); ROWS];
        for (c, values) in chunks.iter().enumerate() {
            let values = _mm256_cvtepi8_epi16(load(values));
            for r in 0..ROWS {
                let codes = _mm256_cvtepu8_epi16(load(&row_chunks[r][c]));
                sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(codes, values));
            }
        }
        for r in 0..ROWS.min(count - at) {
            let products = group[r][dim - rest.len()..].iter().zip(rest);
            let of_rest: i32 = products.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
            out[at + r] = of_rest + stored(sums[r]).iter().sum::<i32>();
        }
    }
}

/// Two rows at a time: their 8 registers of sums, 2 of codes and 1 of values leave room for what is in between.
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
                // Each query has two sums. `hadd` adds them within the lower and the upper half of the registers, which
                // leaves queries 0 1 4 5 2 3 6 7.
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
