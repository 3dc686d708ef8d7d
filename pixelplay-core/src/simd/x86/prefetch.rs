//! Prefetches the rows of a scan before they are multiplied.

use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};

/// How many bytes ahead consecutive rows are prefetched. Processors also do this themselves, but
/// not as far ahead. (Rows are multiplied one at a time. With four at a time, no prefetcher kept
/// up, and memory throughput was halved.)
const BYTES_AHEAD: usize = 8 << 10;
/// How many rows ahead picked rows are prefetched. The processor cannot predict them.
const ROWS_AHEAD: usize = 16;
const CACHE_LINE: usize = 64;

/// Prefetches data that is needed soon after row `at`.
#[inline(always)]
pub(super) fn prefetch_row(rows: &[u8], picked: Option<&[u32]>, dim: usize, at: usize) {
    let start = match picked {
        None => at * dim + BYTES_AHEAD,
        Some(picked) => match picked.get(at + ROWS_AHEAD) {
            Some(&at) => at as usize * dim,
            None => return,
        },
    };
    for offset in (start..start + dim).step_by(CACHE_LINE) {
        let address = rows.as_ptr().wrapping_add(offset);
        // SAFETY: every x86-64 processor has SSE, and prefetching an invalid address does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
}
