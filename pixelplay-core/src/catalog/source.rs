//! From a file as people have it to text: compression, encoding, and what is no text at all.

use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::CatalogError;
use super::error::PARQUET;

/// The text of a table, and how it was found.
pub(super) struct Text {
    pub(super) text: String,
    /// The encoding, and whether the file was compressed, in words.
    pub(super) encoding: String,
    /// What a reader of the report should know about it.
    pub(super) note: Option<String>,
}

/// Reads all of `reader`, decompresses it where it is gzip, and decodes it.
pub(super) fn read_text(
    reader: impl Read,
    path: &Path,
    max_bytes: u64,
) -> Result<Text, CatalogError> {
    let failed = |source: io::Error| CatalogError::Read {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(reader);
    let mut magic = Vec::with_capacity(2);
    reader
        .by_ref()
        .take(2)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    let gzip = magic == [0x1f, 0x8b];
    let whole = magic.as_slice().chain(reader);

    // One byte past the limit tells a file that just fits from one that does not; it also stops a gzip bomb.
    let mut bytes = Vec::new();
    let past_limit = max_bytes.saturating_add(1);
    let read = if gzip {
        MultiGzDecoder::new(whole)
            .take(past_limit)
            .read_to_end(&mut bytes)
    } else {
        whole.take(past_limit).read_to_end(&mut bytes)
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > max_bytes {
        return Err(CatalogError::TooLarge {
            path: path.to_owned(),
            limit: max_bytes,
        });
    }
    if let Some(found) = foreign(&bytes) {
        return Err(CatalogError::NotText {
            path: path.to_owned(),
            found,
        });
    }
    let (text, mut encoding, note) = decode(bytes);
    if text.contains('\0') {
        return Err(CatalogError::NotText {
            path: path.to_owned(),
            found: "binary data (it holds NUL characters)",
        });
    }
    if text.trim().is_empty() {
        return Err(CatalogError::Empty {
            path: path.to_owned(),
        });
    }
    if gzip {
        encoding.push_str(", gzip");
    }
    Ok(Text {
        text,
        encoding,
        note,
    })
}

/// Names a file that is known not to be a table of text by its first bytes.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (
            b"PK\x03\x04",
            "a zip archive (perhaps an Excel workbook or a zipped CSV)",
        ),
        (b"PAR1", PARQUET),
        (b"ARROW1", "an Arrow file"),
        (b"FEA1", "a Feather file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
        (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
        (b"BZh", "bzip2-compressed"),
        (b"\xfd7zXZ\0", "xz-compressed"),
        (b"7z\xbc\xaf", "a 7-Zip archive"),
        (b"\x1f\x8b", "gzipped twice"),
        (b"%PDF", "a PDF document"),
        (b"\x89PNG", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"<!DOCTYPE", "a web page"),
        (b"<!doctype", "a web page"),
        (b"<html", "a web page"),
        (b"{\"", "JSON"),
        (b"[{", "JSON"),
        (
            b"version https://git-lfs",
            "a Git LFS pointer; fetch the file itself",
        ),
    ];
    MAGIC
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|&(_, name)| name)
}

fn decode(bytes: Vec<u8>) -> (String, String, Option<String>) {
    if let Some((encoding, bom)) = encoding_rs::Encoding::for_bom(&bytes) {
        let (text, malformed) = encoding.decode_without_bom_handling(&bytes[bom..]);
        let note = malformed.then(|| "malformed characters were replaced by \u{fffd}".to_owned());
        return (text.into_owned(), encoding.name().to_owned(), note);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, "UTF-8".to_owned(), None),
        Err(error) => error.into_bytes(),
    };
    // A UTF-8 file with a few broken bytes still has well-formed accents elsewhere, and must not be
    // turned into mojibake as a whole; a Windows-1252 file hardly ever has one.
    let (mut accents, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        accents += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if accents > broken {
        (
            String::from_utf8_lossy(&bytes).into_owned(),
            "UTF-8".to_owned(),
            Some(format!(
                "{broken} places are not valid UTF-8; they were replaced by \u{fffd}"
            )),
        )
    } else {
        (
            encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned(),
            "windows-1252".to_owned(),
            Some("not valid UTF-8, so read as Windows-1252 (Latin-1)".to_owned()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8]) -> Result<Text, CatalogError> {
        read_text(bytes, Path::new("t.csv"), 1 << 20)
    }

    /// The same bytes over and over.
    struct Endless {
        bytes: Vec<u8>,
        at: usize,
    }

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for place in &mut *buffer {
                *place = self.bytes[self.at % self.bytes.len()];
                self.at += 1;
            }
            Ok(buffer.len())
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn encodings_are_recognised_and_named() {
        let plain = read("Beyoncé".as_bytes()).unwrap();
        assert_eq!(
            (plain.text.as_str(), plain.encoding.as_str()),
            ("Beyoncé", "UTF-8")
        );
        assert!(plain.note.is_none());
        assert_eq!(read("\u{feff}Beyoncé".as_bytes()).unwrap().text, "Beyoncé");
        let latin = read(b"Beyonc\xe9 \x96 x").unwrap();
        assert_eq!(latin.text, "Beyoncé – x");
        assert_eq!(latin.encoding, "windows-1252");
        assert!(latin.note.is_some());
        let wide: Vec<u8> = "\u{feff}Beyoncé"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(&wide).unwrap().text, "Beyoncé");
    }

    #[test]
    fn one_broken_byte_does_not_garble_every_accent() {
        let mut bytes = "Beyoncé,Sigur Rós".as_bytes().to_vec();
        bytes.push(0xff);
        let text = read(&bytes).unwrap();
        assert_eq!(text.text, "Beyoncé,Sigur Rós\u{fffd}");
        assert!(text.note.unwrap().starts_with("1 places"));
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes_even_in_several_members() {
        let mut bytes = gzip(b"id,title\n");
        bytes.extend(gzip(b"1,x\n"));
        let text = read(&bytes).unwrap();
        assert_eq!(text.text, "id,title\n1,x\n");
        assert_eq!(text.encoding, "UTF-8, gzip");
    }

    #[test]
    fn damage_bombs_and_foreign_files_are_refused_by_name() {
        let whole = gzip(&b"id,title\n".repeat(1000));
        assert!(matches!(
            read(&whole[..whole.len() - 9]),
            Err(CatalogError::Read { .. })
        ));
        assert!(matches!(
            read(&gzip(&vec![b'a'; (1 << 20) + 1])),
            Err(CatalogError::TooLarge {
                limit: 0x10_0000,
                ..
            })
        ));
        assert_eq!(read(&vec![b'a'; 1 << 20]).unwrap().text.len(), 1 << 20);
        for endless in [vec![b'a'; 100], gzip(&[b'a'; 100])] {
            let endless = Endless {
                bytes: endless,
                at: 0,
            };
            assert!(matches!(
                read_text(endless, Path::new("t.csv"), 1 << 20),
                Err(CatalogError::TooLarge { .. })
            ));
        }
        for (bytes, word) in [
            (&b"PK\x03\x04rest"[..], "zip"),
            (b"PAR1rest", "Parquet"),
            (&gzip(b"PAR1"), "Parquet"),
            (b"id,title\n1,\0\n", "NUL"),
            (b"[{\"id\": 1}]", "JSON"),
        ] {
            let error = read(bytes).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
        for empty in [&b""[..], b"  \n\r\n", b"\xef\xbb\xbf", &gzip(b"")] {
            assert!(matches!(read(empty), Err(CatalogError::Empty { .. })));
        }
    }
}
