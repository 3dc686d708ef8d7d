//! Reads single vectors of a mapped file.
//!
//! A search needs some tens of them, all over the file, for exact scores. Where they are mapped,
//! touching one maps what lies around it too (64 KiB at least, about 1 MiB on Linux 6.18), so that
//! after 20 searches of a million songs the process seemed to hold 1.8 GB of vectors. Reading costs
//! about the same and leaves nothing behind.

use std::fs::File;
use std::io;

/// Smaller matrices are used where they are mapped: they are not worth a file handle.
const MIN_BYTES: usize = 64 << 20;

/// The open file behind a map.
#[derive(Debug)]
pub(super) struct VectorFile(File);

impl VectorFile {
    /// `None` if `bytes` of vectors are better used where they are.
    pub(super) fn new(file: File, bytes: usize) -> Option<Self> {
        let can_read = cfg!(any(unix, windows)) && cfg!(target_endian = "little");
        (can_read && bytes >= MIN_BYTES).then_some(Self(file))
    }

    /// Reads the values that begin at the byte `at`.
    pub(super) fn read(&self, at: usize, values: &mut [f32]) -> io::Result<()> {
        self.read_exact_at(bytemuck::cast_slice_mut(values), at as u64)
    }

    #[cfg(unix)]
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, at)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.0, bytes, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes = &mut bytes[read..];
                    at += read as u64;
                }
            }
        }
        Ok(())
    }

    #[cfg(not(any(unix, windows)))]
    fn read_exact_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
