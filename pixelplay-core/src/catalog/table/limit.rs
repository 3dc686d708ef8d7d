//! A limit on the number of bytes read from a table.

use std::io::{self, Read};
use std::path::Path;

use super::options::CleanOptions;
use crate::catalog::CatalogError;

/// The error of a reader that exceeded its limit; it is wrapped in an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("past the limit")]
struct PastLimit;

/// A reader that fails after a given number of bytes. This also stops gzip bombs.
pub(super) struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Limited<R> {
    pub(super) fn new(inner: R, bytes: u64) -> Self {
        Self { inner, left: bytes }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left =
            self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(PastLimit))?;
        Ok(read)
    }
}

/// Converts the error that stopped a reader, which comes either from our own limit or from the
/// system.
pub(super) fn read_error(source: io::Error, path: &Path, options: &CleanOptions) -> CatalogError {
    let path = path.to_owned();
    if source.get_ref().is_some_and(|inner| inner.is::<PastLimit>()) {
        return CatalogError::TooLarge { path, limit: options.max_bytes };
    }
    CatalogError::Read { path, source }
}
