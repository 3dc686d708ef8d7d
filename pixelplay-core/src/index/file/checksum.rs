//! The checksums of an index file: of its metadata, and of each batch while it is written.

use std::io::{self, Write};

use super::layout::message_len;

/// The checksum of everything but the bodies: the start of the file up to the first batch; the
/// position, message and checksum of each batch; and the number of rows.
///
/// The footer itself cannot be hashed, since it contains the hash. Instead, its schema must equal
/// the one at the start of the file, and everything else in it is hashed here.
#[derive(Debug)]
pub(crate) struct MetadataHash(blake3::Hasher);

impl MetadataHash {
    pub(crate) fn new(file_start: &[u8]) -> Self {
        let mut hash = Self(blake3::Hasher::new());
        hash.bytes(file_start);
        hash
    }

    pub(crate) fn batch(&mut self, offset: u64, body_len: u64, message: &[u8], checksum: &str) {
        self.number(offset);
        self.number(body_len);
        self.bytes(message);
        self.bytes(checksum.as_bytes());
    }

    pub(crate) fn finish(mut self, rows: u64) -> String {
        self.number(rows);
        self.0.finalize().to_hex().to_string()
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }
}

/// Forwards what the Arrow writer writes, and hashes it piece by piece: first the start of the
/// file, then each batch.
pub(crate) struct HashingWriter<W> {
    inner: W,
    written: u64,
    piece_at: u64,
    piece: blake3::Hasher,
    /// The first bytes of the piece, up to the end of its message.
    head: Vec<u8>,
}

/// One finished piece.
pub(crate) struct Piece {
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) message: Vec<u8>,
    pub(crate) checksum: String,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, written: 0, piece_at: 0, piece: blake3::Hasher::new(), head: Vec::new() }
    }

    pub(crate) fn into_inner(self) -> W {
        self.inner
    }

    /// Ends the current piece and begins the next one.
    pub(crate) fn end_piece(&mut self) -> Piece {
        let piece = Piece {
            at: self.piece_at,
            len: self.written - self.piece_at,
            message: std::mem::take(&mut self.head),
            checksum: self.piece.finalize().to_hex().to_string(),
        };
        self.piece_at = self.written;
        self.piece.reset();
        piece
    }

    /// Returns how many bytes of the piece to keep: all of them at the start of the file, later
    /// only the message.
    fn wanted_head(&self) -> usize {
        if self.piece_at == 0 { usize::MAX } else { message_len(&self.head).unwrap_or(8) }
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        let mut bytes = &bytes[..taken];
        self.written += taken as u64;
        self.piece.update(bytes);
        // Runs at most twice: the length of the message is known only after its first 8 bytes.
        while self.head.len() < self.wanted_head() && !bytes.is_empty() {
            let (head, rest) =
                bytes.split_at(bytes.len().min(self.wanted_head() - self.head.len()));
            self.head.extend_from_slice(head);
            bytes = rest;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
