//! The only place that maps files into memory.

#![allow(
    unsafe_code,
    reason = "mapping a file is unsafe by nature; this is the only place that does it"
)]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file, read-only.
///
/// # Safety
/// Until the map is dropped, no process may truncate the file or write to it. (It is safe to
/// replace it by renaming another file over it: the map keeps the old file.)
pub(crate) unsafe fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: the caller guarantees that the file is not changed.
    unsafe { Mmap::map(file) }
}
