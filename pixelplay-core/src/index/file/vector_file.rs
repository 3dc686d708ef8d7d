//! Reads single vectors from a mapped file.
//!
//! A search needs a few dozen vectors, scattered over the file, for exact scores. Touching a mapped
//! vector also maps the pages around it (at least 64 KiB, about 1 MiB on Linux 6.18), so after 20
//! searches of a million songs the process seemed to hold 1.8 GB of vectors. Reading from the file
//! costs about the same and leaves nothing mapped.

use std::fs::File;
use std::io;

/// Smaller matrices are used through the map: they are not worth a file handle.
const MIN_BYTES: usize = 64 << 20;

/// The open file behind a map.
#[derive(Debug)]
pub(super) struct VectorFile(File);

impl VectorFile {
    /// Returns `None` if the vectors take too few `bytes` to be worth reading from the file.
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
