//! One file of weights, open or embedded, and the location of a tensor in it.

use std::fs::File;
use std::path::PathBuf;

use safetensors::Dtype;

use super::eight_bits::EightBits;
use crate::encoder::error::EncodeError;

/// One file of weights.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) bytes: Bytes,
}

/// The content of a file of weights.
pub(super) enum Bytes {
    #[cfg(feature = "mini")]
    Embedded(&'static [u8]),
    /// Computed from the tensors of a file when the checkpoint was opened.
    Owned(Vec<u8>),
    /// One tensor of a file, as floats.
    EightBits(EightBits),
    File(File),
}

/// The location, type and shape of a tensor.
#[derive(Clone)]
pub(super) struct Location {
    /// The index of the source that contains the tensor.
    pub(super) source: usize,
    /// The offset of the first byte in the source.
    pub(super) start: u64,
    pub(super) len: usize,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
}

impl Source {
    /// Returns `len` bytes of the source from `start` on. They may be read into `buffer`.
    pub(super) fn bytes_at<'a>(
        &'a self,
        start: u64,
        len: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], EncodeError> {
        let truncated = || EncodeError::BadWeights {
            path: self.path.clone(),
            source: "the file has become shorter since it was opened".into(),
        };
        let part = |bytes: &'a [u8]| {
            let start = usize::try_from(start).ok();
            start.and_then(|start| bytes.get(start..)?.get(..len)).ok_or_else(truncated)
        };
        match &self.bytes {
            #[cfg(feature = "mini")]
            Bytes::Embedded(bytes) => part(bytes),
            Bytes::Owned(bytes) => part(bytes),
            Bytes::EightBits(tensor) => {
                let start = usize::try_from(start).ok();
                let bytes = start.and_then(|start| Some(start..start.checked_add(len)?));
                bytes.and_then(|bytes| tensor.floats(bytes, buffer)).ok_or_else(truncated)
            }
            Bytes::File(file) => {
                buffer.resize(len, 0);
                read_exact_at(file, buffer, start).map_err(|e| match e.kind() {
                    std::io::ErrorKind::UnexpectedEof => truncated(),
                    _ => EncodeError::io(&self.path)(e),
                })?;
                Ok(buffer)
            }
        }
    }
}

/// Reads without moving the file's cursor.
#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, start)
}

/// Reads, and moves the file's cursor, which no code relies on.
#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, start) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                start += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
