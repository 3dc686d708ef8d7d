//! The one place that maps a file into memory.

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
/// Until the map is dropped nobody may truncate the file or write into it. (Replacing it, by
/// renaming another file over it, is fine: the map keeps the old one.)
pub(crate) unsafe fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: the caller promises that the file is left alone.
    unsafe { Mmap::map(file) }
}
