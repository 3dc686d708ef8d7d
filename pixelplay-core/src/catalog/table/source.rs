//! Turns a file into a stream of text: handles compression, byte order marks and limits.

use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use flate2::read::MultiGzDecoder;

use super::foreign;
use super::limit::{Limited, read_error};
use super::options::CleanOptions;
use crate::catalog::CatalogError;

/// How many bytes of the text are inspected before it is read.
const HEAD_BYTES: u64 = 64 << 10;

/// A table as decompressed bytes in UTF-8, possibly with parts in Windows-1252.
pub(crate) struct Source<'a> {
    pub(crate) reader: BufReader<Box<dyn Read + 'a>>,
    /// The first bytes of `reader`, for looking ahead.
    pub(crate) head: Vec<u8>,
    /// The encoding that the byte order mark names, if there is one.
    pub(crate) encoding: Option<&'static str>,
    pub(crate) gzip: bool,
}

/// Decompresses `reader` if it is gzip, removes a byte order mark, and rejects input that is not
/// text.
pub(crate) fn open<'a>(
    reader: impl Read + 'a,
    path: &Path,
    options: &CleanOptions,
) -> Result<Source<'a>, CatalogError> {
    let failed = |source| read_error(source, path, options);
    let (magic, reader) = peek(reader, 2).map_err(failed)?;
    let gzip = magic == [0x1f, 0x8b];
    let whole: Box<dyn Read + 'a> =
        if gzip { Box::new(MultiGzDecoder::new(BufReader::new(reader))) } else { Box::new(reader) };
    let limited = Limited::new(whole, options.max_bytes);
    let (start, bytes) = peek(limited, 4).map_err(failed)?;
    let encoding = encoding_rs::Encoding::for_bom(&start).map(|(encoding, _)| encoding.name());
    let (head, text) = peek(without_mark(bytes), HEAD_BYTES).map_err(failed)?;
    if let Some((found, advice)) = foreign::recognise(&start, &head) {
        return Err(CatalogError::NotText { path: path.to_owned(), found, advice });
    }
    Ok(Source { reader: BufReader::with_capacity(64 << 10, Box::new(text)), head, encoding, gzip })
}

/// Converts UTF-16 to UTF-8; input without a byte order mark is unchanged.
fn without_mark<R: Read>(reader: R) -> DecodeReaderBytes<R, Vec<u8>> {
    DecodeReaderBytesBuilder::new()
        .utf8_passthru(true)
        .strip_bom(true)
        .bom_override(true)
        .build(reader)
}

/// Returns the first bytes of `reader`, and a reader that still has them.
fn peek<R: Read>(mut reader: R, count: u64) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::new();
    reader.by_ref().take(count).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8], max_bytes: u64) -> Result<(String, bool), CatalogError> {
        let options = CleanOptions { max_bytes, ..CleanOptions::default() };
        let path = Path::new("t.csv");
        let mut source = open(bytes, path, &options)?;
        let mut text = Vec::new();
        source.reader.read_to_end(&mut text).map_err(|error| read_error(error, path, &options))?;
        assert!(text.starts_with(&source.head));
        Ok((String::from_utf8(text).unwrap(), source.gzip))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn byte_order_marks_decide_and_are_taken_off() {
        let text = "Beyoncé".repeat(40_000);
        let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let marked = format!("\u{feff}{text}");
            marked.encode_utf16().flat_map(to_bytes).collect()
        };
        for bytes in [
            text.as_bytes().to_vec(),
            format!("\u{feff}{text}").into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            gzip(text.as_bytes()),
            gzip(&utf16(u16::to_le_bytes)),
        ] {
            assert!(read(&bytes, 1 << 20).unwrap().0 == text);
        }
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes_even_in_several_members() {
        let mut bytes = gzip(b"id,title\n");
        bytes.extend(gzip(b"1,x\n"));
        let (text, gzipped) = read(&bytes, 100).unwrap();
        assert_eq!((text.as_str(), gzipped), ("id,title\n1,x\n", true));
        let whole = gzip(&b"id,title\n".repeat(1000));
        assert!(matches!(read(&whole[..whole.len() - 9], 1 << 20), Err(CatalogError::Read { .. })));
    }

    #[test]
    fn the_limit_counts_decompressed_bytes() {
        let text = vec![b'a'; 1 << 20];
        for bytes in [text.clone(), gzip(&text)] {
            assert!(read(&bytes, 1 << 20).is_ok());
            assert!(matches!(read(&bytes, (1 << 20) - 1), Err(CatalogError::TooLarge { .. })));
        }
        for endless in [gzip(&[b'a'; 100]), vec![b'a'; 100]] {
            let options = CleanOptions { max_bytes: 1 << 20, ..CleanOptions::default() };
            let bytes = endless.into_iter().cycle().map(Ok::<_, io::Error>);
            let path = Path::new("t.csv");
            let mut source = open(Bytes(bytes), path, &options).unwrap_or_else(|e| panic!("{e}"));
            let error = io::copy(&mut source.reader, &mut io::sink()).unwrap_err();
            assert!(matches!(read_error(error, path, &options), CatalogError::TooLarge { .. }));
        }
    }

    /// A reader over an iterator of bytes.
    struct Bytes<I>(I);

    impl<I: Iterator<Item = io::Result<u8>>> Read for Bytes<I> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for place in &mut *buffer {
                match self.0.next() {
                    Some(byte) => *place = byte?,
                    None => break,
                }
            }
            Ok(buffer.len())
        }
    }
}
