//! The header of a safetensors file.

use std::io::Read;
use std::path::Path;

use safetensors::SafeTensorError;
use safetensors::tensor::Metadata;

use crate::encoder::error::EncodeError;

/// The maximum length of a header, the same as in the safetensors crate.
const MAX_HEADER: u64 = 100_000_000;

pub(super) struct Header {
    /// Bytes before the first tensor.
    pub(super) len: u64,
    pub(super) metadata: Metadata,
}

/// Reads only the header of a safetensors file of `file_len` bytes.
///
/// The crate's own reader needs the whole file in memory. This function makes the same checks:
/// `Metadata` rejects offsets that overlap, leave gaps or do not fit shape and type.
pub(super) fn read_header(
    path: &Path,
    reader: &mut impl Read,
    file_len: u64,
) -> Result<Header, EncodeError> {
    let bad = |source: SafeTensorError| EncodeError::BadWeights {
        path: path.to_owned(),
        source: source.into(),
    };
    let mut prefix = [0; 8];
    if file_len < prefix.len() as u64 {
        return Err(bad(SafeTensorError::HeaderTooSmall));
    }
    reader.read_exact(&mut prefix).map_err(EncodeError::io(path))?;
    let json_len = u64::from_le_bytes(prefix);
    if json_len > MAX_HEADER {
        return Err(bad(SafeTensorError::HeaderTooLarge));
    }
    let len = json_len + prefix.len() as u64;
    if len > file_len {
        return Err(bad(SafeTensorError::InvalidHeaderLength));
    }
    let mut json = Vec::new();
    reader.take(json_len).read_to_end(&mut json).map_err(EncodeError::io(path))?;
    let metadata: Metadata = serde_json::from_slice(&json)
        .map_err(|e| bad(SafeTensorError::InvalidHeaderDeserialization(e)))?;
    if len.checked_add(metadata.data_len() as u64) != Some(file_len) {
        return Err(bad(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(Header { len, metadata })
}
