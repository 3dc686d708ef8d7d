//! Loads the bytes of an index file into memory, and opens it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use arrow_buffer::{Buffer, MutableBuffer};

use super::parser::Parser;
use super::segment::{Segment, Stamp};
use super::vector_file::VectorFile;
use crate::index::error::SongIndexError;

/// Loads the bytes of an open file into memory.
pub(crate) type Load<'a> = &'a dyn Fn(File) -> io::Result<Loaded>;

pub(crate) struct Loaded {
    bytes: Buffer,
    /// The file, if `bytes` is a map of it.
    file: Option<File>,
}

impl Segment {
    /// Opens a file and checks its structure and metadata.
    pub(crate) fn open(path: &Path, load: Load<'_>) -> Result<Self, SongIndexError> {
        // Check the file type before opening, since opening a pipe blocks until another process
        // writes to it.
        let metadata = fs::metadata(path).map_err(SongIndexError::io("open", path))?;
        if !metadata.is_file() {
            return Err(SongIndexError::unusable(
                path,
                "it is neither a regular file nor a folder",
            ));
        }
        let file = File::open(path).map_err(SongIndexError::io("open", path))?;
        let stamp = Stamp::of(file.metadata());
        let Loaded { bytes, file } = load(file).map_err(SongIndexError::io("read", path))?;
        let mut segment = Parser { path, bytes }.parse()?;
        segment.stamp = stamp;
        // If any batch is not quantized, searches scan its vectors, so they are paged in anyway.
        if segment.batches.iter().all(|batch| batch.quantized.is_some()) {
            let vectors = segment.batches.iter().map(|batch| batch.vectors.len());
            let bytes = vectors.sum::<usize>() * size_of::<f32>();
            segment.vector_file = file.and_then(|file| VectorFile::new(file, bytes));
        }
        Ok(segment)
    }
}

/// Reads a whole file into memory with the alignment that Arrow needs, which a `Vec<u8>` does not
/// have.
pub(crate) fn read(mut file: File) -> io::Result<Loaded> {
    let too_large = || io::Error::from(io::ErrorKind::OutOfMemory);
    let len = usize::try_from(file.metadata()?.len()).map_err(|_| too_large())?;
    let mut bytes = MutableBuffer::try_from_len_zeroed(len).map_err(|_| too_large())?;
    file.read_exact(&mut bytes)?;
    Ok(Loaded { bytes: bytes.into(), file: None })
}

/// Maps a whole file.
///
/// # Safety
/// No process may truncate the file or write to it while the buffer, or anything made from it, is
/// alive.
#[expect(unsafe_code, reason = "the caller's obligations are part of the signature")]
pub(crate) unsafe fn map(file: File) -> io::Result<Loaded> {
    // SAFETY: our caller guarantees this for as long as the buffer lives, and the map lives no
    // longer.
    let map = unsafe { crate::mmap::map_file(&file)? };
    Ok(Loaded { bytes: Buffer::from(bytes::Bytes::from_owner(map)), file: Some(file) })
}
