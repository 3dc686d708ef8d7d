//! Recognises files that are not text tables by their first bytes, with advice for each kind.

const DECOMPRESS: &str = "; decompress it first, or compress it with gzip";
const CONVERT: &str = "; save it as CSV in the program it comes from, or with pandas' `to_csv`";
const DOWNLOAD: &str = "; download the file itself, not the page about it";
const ENCODE: &str = "; save it as UTF-8, or as UTF-16 with a byte order mark";
const EXCEL: &str = "; in the spreadsheet program, save it as CSV UTF-8";

/// The first bytes of a kind of file, its name, and advice.
type Magic = (&'static [u8], &'static str, &'static str);

const MAGIC: &[Magic] = &[
    (b"PK\x05\x06", "an empty zip archive", ""),
    (
        b"PAR1",
        "a Parquet file",
        "; in Python, pass the result of `polars.read_parquet` or `pyarrow.parquet.read_table`; otherwise save it as CSV",
    ),
    (
        b"ARROW1",
        "an Arrow file",
        "; if it is an index, it can be searched as it is; otherwise save it as CSV",
    ),
    (b"\xff\xff\xff\xff", "an Arrow stream", CONVERT),
    (b"FEA1", "a Feather file", CONVERT),
    (b"SQLite format 3\0", "an SQLite database", CONVERT),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", EXCEL),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed", DECOMPRESS),
    (b"BZh", "bzip2-compressed", DECOMPRESS),
    (b"\xfd7zXZ\0", "xz-compressed", DECOMPRESS),
    (b"7z\xbc\xaf", "a 7-Zip archive", DECOMPRESS),
    (b"Rar!", "a RAR archive", DECOMPRESS),
    (b"\x1f\x8b", "gzipped twice", DECOMPRESS),
    (b"%PDF", "a PDF document", ""),
    (b"\x89PNG", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"\x89HDF", "an HDF5 file", CONVERT),
    (b"\x80\x04\x95", "a Python pickle", CONVERT),
    (b"\x80\x05\x95", "a Python pickle", CONVERT),
    (b"\x93NUMPY", "a NumPy array", "; import vectors together with a table of their songs"),
    (b"\xff\xfe\0\0", "UTF-32 text", ENCODE),
    (b"\0\0\xfe\xff", "UTF-32 text", ENCODE),
    (
        b"version https://git-lfs",
        "a Git LFS pointer",
        "; fetch the file itself with `git lfs pull`",
    ),
];

/// The first characters of other kinds of text, in lower case and without white space.
const MARKUP: &[Magic] = &[
    (b"<!doctype", "a web page", DOWNLOAD),
    (b"<html", "a web page", DOWNLOAD),
    (b"<?xml", "XML", CONVERT),
    (b"{\"", "JSON", CONVERT),
    (b"[{", "JSON", CONVERT),
    (b"[[", "JSON", CONVERT),
];

/// Names the kind of a file that is not a text table, with advice that continues the sentence.
/// `start` contains the first bytes of the file unchanged; `head` contains more of them, without
/// the byte order mark.
pub(super) fn recognise(start: &[u8], head: &[u8]) -> Option<(&'static str, &'static str)> {
    // Only `start` includes the byte order mark.
    let known = |&&(magic, ..): &&Magic| head.starts_with(magic) || start.starts_with(magic);
    if let Some(&(_, name, advice)) = MAGIC.iter().find(known) {
        return Some((name, advice));
    }
    if head.starts_with(b"PK\x03\x04") {
        let holds = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
        return Some(if holds(b"[Content_Types].xml") || holds(b"opendocument") {
            ("a spreadsheet", EXCEL)
        } else {
            ("a zip archive", "; unpack it and use the table inside")
        });
    }
    let squeezed: Vec<u8> = head
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(16)
        .map(u8::to_ascii_lowercase)
        .collect();
    if let Some(&(_, name, advice)) = MARKUP.iter().find(|(m, ..)| squeezed.starts_with(m)) {
        return Some((name, advice));
    }
    if head.contains(&0) {
        let wide =
            head.len() > 3 && (head[0] == 0) != (head[1] == 0) && (head[0] == 0) == (head[2] == 0);
        return Some(if wide {
            ("UTF-16 without a byte order mark", ENCODE)
        } else {
            ("binary data (it contains NUL characters)", "")
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_named() {
        let wide: Vec<u8> = "id,title".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, name) in [
            (&b"PK\x03\x04....[Content_Types].xml"[..], "a spreadsheet"),
            (b"PK\x03\x04....songs.csv", "a zip archive"),
            (b"PAR1rest", "a Parquet file"),
            (b"ARROW1\0\0", "an Arrow file"),
            (b" <!DOCTYPE html>", "a web page"),
            (b"<HTML>", "a web page"),
            (b"[\n  {\"id\": 1}]", "JSON"),
            (b"{ \"a\": 1}", "JSON"),
            (b"id,title\n1,\0\n", "binary data (it contains NUL characters)"),
            (&wide, "UTF-16 without a byte order mark"),
        ] {
            let found = recognise(&bytes[..4], bytes).map(|(name, _)| name);
            assert_eq!(found, Some(name));
        }
        assert_eq!(recognise(b"\xff\xfe\0\0", b"\0\0").unwrap().0, "UTF-32 text");
        for table in [&b"id,title\n"[..], b"", b"[deleted],title", b"{x},y"] {
            assert_eq!(recognise(&table[..table.len().min(4)], table), None);
        }
    }
}
