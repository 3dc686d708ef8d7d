//! Resizing in the registers of AVX2.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_packs_epi32,
    _mm_packus_epi16, _mm_set1_epi32, _mm_slli_epi32, _mm_srai_epi32, _mm256_add_epi32,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_madd_epi16, _mm256_permutevar8x32_epi32, _mm256_setr_epi8, _mm256_setr_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8,
};

use crate::simd::kernels::resample::{self, FRACTION_BITS, LOW_BITS, Taps};

/// The number of bytes in four pixels. [`LOAD`] is the size of the load that reads them.
const QUAD: usize = 12;
const LOAD: usize = 16;

/// [`resample::convolve_row`] for `R` rows of the same length, which share the loads of the
/// weights.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn convolve_rows<const R: usize>(
    rows: [&[u8]; R],
    offset: usize,
    taps: &[Taps],
    outs: [&mut [u8]; R],
) {
    // The result in 16-bit lanes: red of pixels 0 and 1, green of both, blue of both, zeros; then
    // the same for pixels 2 and 3.
    let pairs = _mm256_setr_epi8(
        0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
        6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
    );
    let high_pairs = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    let low_pairs = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    let len = rows[0].len();
    for (at, taps) in taps.iter().enumerate() {
        let start = (taps.first() - offset) * 3;
        // If a load would reach beyond the row, the rest of the row is copied first.
        let whole = (len + QUAD).saturating_sub(start + LOAD) / QUAD;
        let mut high = [_mm256_setzero_si256(); R];
        let mut low = [_mm256_setzero_si256(); R];
        for (quad, weights) in taps.quads().iter().enumerate() {
            let from = start + quad * QUAD;
            // SAFETY: a quad has the 16 bytes that are loaded.
            let weights = unsafe { _mm_loadu_si128(weights.as_ptr().cast()) };
            let weights = _mm256_broadcastsi128_si256(weights);
            let high_weights = _mm256_permutevar8x32_epi32(weights, high_pairs);
            let low_weights = _mm256_permutevar8x32_epi32(weights, low_pairs);
            for r in 0..R {
                let bytes = if quad < whole {
                    load(&rows[r][from..])
                } else {
                    let mut left = [0; LOAD];
                    let bytes = &rows[r][from.min(len)..(from + QUAD).min(len)];
                    left[..bytes.len()].copy_from_slice(bytes);
                    load(&left)
                };
                let levels = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), pairs);
                high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(levels, high_weights));
                low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(levels, low_weights));
            }
        }
        for r in 0..R {
            let pixel = round(high[r], low[r]).to_le_bytes();
            outs[r][at * 3..][..3].copy_from_slice(&pixel[..3]);
        }
    }
}

/// Loads the first 16 bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn load(bytes: &[u8]) -> __m128i {
    assert!(bytes.len() >= LOAD);
    // SAFETY: the slice has the bytes that are loaded.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Combines the high and low parts of the sums, rounds and clips them, and returns red, green and
/// blue.
#[target_feature(enable = "avx2")]
#[inline]
fn round(high: __m256i, low: __m256i) -> i32 {
    let [high, low] = [high, low].map(|sums| {
        _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums))
    });
    let sums = _mm_add_epi32(_mm_slli_epi32::<{ LOW_BITS as i32 }>(high), low);
    let half = _mm_set1_epi32(1 << (FRACTION_BITS - 1));
    let levels = _mm_srai_epi32::<{ FRACTION_BITS as i32 }>(_mm_add_epi32(sums, half));
    let words = _mm_packs_epi32(levels, levels);
    _mm_cvtsi128_si32(_mm_packus_epi16(words, words))
}

/// [`resample::convolve_vertical`], vectorised by the compiler.
#[target_feature(enable = "avx2")]
pub(in crate::simd) fn convolve_vertical<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    weights: &[i32],
    sums: &mut [i32],
    out: &mut [u8],
) {
    resample::convolve_vertical(rows, weights, sums, out);
}
