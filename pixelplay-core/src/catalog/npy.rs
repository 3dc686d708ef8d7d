//! Reads the vectors of a NumPy file row by row.
//!
//! The format is public (`numpy.lib.format`) and small: magic, version, length of the header, the
//! header as a Python dict of three keys, the numbers. All that a file may hold beside that is
//! refused: objects (pickles, which could run code elsewhere), records, more or fewer axes than
//! two. The numbers are read as they are needed.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use half::f16;

use super::CatalogError;
use crate::index::SongIndexError;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself refuses to read longer ones from strangers.
const MAX_HEADER: usize = 10_000;

/// An open file of shape `(rows, dim)`.
pub(super) struct Npy {
    path: PathBuf,
    file: BufReader<File>,
    pub(super) rows: usize,
    pub(super) dim: usize,
    number: Number,
    /// One row as it lies in the file.
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    size: usize,
    big_endian: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Header {
    number: Number,
    shape: (usize, usize),
}

impl Npy {
    /// Reads the header and checks that the file has the length it promises.
    pub(super) fn open(path: &Path) -> Result<Self, CatalogError> {
        let failed = |source| CatalogError::from(SongIndexError::io("read", path)(source));
        let bad = |what: String| CatalogError::BadVectors { path: path.to_owned(), what };
        let metadata = fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(bad("it is not a regular file".to_owned()));
        }
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let (header, header_len) = match read_header(&mut file) {
            Ok(found) => found,
            Err(HeaderError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(failed(error));
            }
            Err(HeaderError::Io(_)) => return Err(bad("it ends within its header".to_owned())),
            Err(HeaderError::Bad(what)) => return Err(bad(what)),
        };
        let (rows, dim) = header.shape;
        let row_len = dim.checked_mul(header.number.size);
        let promised = row_len
            .and_then(|len| len.checked_mul(rows))
            .and_then(|len| len.checked_add(header_len))
            .map(|len| len as u64);
        if promised != Some(metadata.len()) {
            return Err(bad(format!(
                "its header promises {rows} rows of {dim} numbers, which is {} the file of {} bytes holds",
                if promised.is_none_or(|len| len > metadata.len()) {
                    "more than"
                } else {
                    "less than"
                },
                metadata.len()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            rows,
            dim,
            number: header.number,
            // The file was just seen to be at least that long, unless it has no rows.
            bytes: vec![0; if rows == 0 { 0 } else { row_len.unwrap_or(0) }],
        })
    }

    /// Reads the next row into `row`; to be called as often as there are rows.
    pub(super) fn read_row(&mut self, row: &mut Vec<f32>) -> Result<(), CatalogError> {
        self.file.read_exact(&mut self.bytes).map_err(SongIndexError::io("read", &self.path))?;
        row.clear();
        let Number { size, big_endian } = self.number;
        row.extend(self.bytes.chunks_exact(size).map(|bytes| number(bytes, big_endian)));
        Ok(())
    }
}

/// A number of 2, 4 or 8 bytes; one that is too great for `f32` becomes infinite, and is refused
/// with its row.
fn number(bytes: &[u8], big_endian: bool) -> f32 {
    let mut little = [0; 8];
    let little = &mut little[..bytes.len()];
    little.copy_from_slice(bytes);
    if big_endian {
        little.reverse();
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
    match *little {
        [a, b] => f16::from_le_bytes([a, b]).to_f32(),
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        _ => f32::NAN,
    }
}

enum HeaderError {
    Io(io::Error),
    Bad(String),
}

impl From<io::Error> for HeaderError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<&str> for HeaderError {
    fn from(what: &str) -> Self {
        Self::Bad(what.to_owned())
    }
}

impl From<String> for HeaderError {
    fn from(what: String) -> Self {
        Self::Bad(what)
    }
}

/// Returns the header, and where the numbers begin.
fn read_header(file: &mut impl Read) -> Result<(Header, usize), HeaderError> {
    let mut magic = [0; 6];
    file.read_exact(&mut magic)?;
    if magic.starts_with(b"PK") {
        return Err(
            "it is an .npz archive (or another zip file); save one array with numpy.save".into()
        );
    }
    if magic != *MAGIC {
        return Err("it is no NumPy file (.npy)".into());
    }
    let mut version = [0; 2];
    file.read_exact(&mut version)?;
    let (start, len) = match version {
        [1, 0] => {
            let mut len = [0; 2];
            file.read_exact(&mut len)?;
            (10, u32::from(u16::from_le_bytes(len)))
        }
        [2 | 3, 0] => {
            let mut len = [0; 4];
            file.read_exact(&mut len)?;
            (12, u32::from_le_bytes(len))
        }
        [major, minor] => {
            return Err(format!(
                "it has version {major}.{minor} of the format, expected 1.0 to 3.0"
            )
            .into());
        }
    };
    let len = usize::try_from(len)
        .ok()
        .filter(|&len| len <= MAX_HEADER)
        .ok_or("its header is too long")?;
    let mut header = vec![0; len];
    file.read_exact(&mut header)?;
    let header = std::str::from_utf8(&header).map_err(|_| "its header is not text")?;
    Ok((parse_header(header)?, start + len))
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }`.
fn parse_header(text: &str) -> Result<Header, String> {
    let mut rest = Rest(text);
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    rest.expect("{")?;
    while !rest.take("}") {
        let key = rest.string()?;
        rest.expect(":")?;
        let is_new = match key {
            "descr" => descr.replace(rest.descr()?).is_none(),
            "fortran_order" => fortran.replace(rest.flag()?).is_none(),
            "shape" => shape.replace(rest.shape()?).is_none(),
            _ => false,
        };
        if !is_new {
            return Err("its header has a key that does not belong there".to_owned());
        }
        if !rest.take(",") {
            rest.expect("}")?;
            break;
        }
    }
    if !rest.0.trim_start().is_empty() {
        return Err("its header goes on after its end".to_owned());
    }
    let (Some(number), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err("its header lacks `descr`, `fortran_order` or `shape`".to_owned());
    };
    let &[rows, dim] = shape.as_slice() else {
        return Err(format!(
            "it has {} axes, expected 2: one row a song, one column a dimension",
            shape.len()
        ));
    };
    if fortran {
        return Err(
            "it is stored column by column (Fortran order); save numpy.ascontiguousarray of it"
                .to_owned(),
        );
    }
    if dim == 0 {
        return Err("its vectors have no dimensions".to_owned());
    }
    Ok(Header { number, shape: (rows, dim) })
}

struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn take(&mut self, sign: &str) -> bool {
        match self.0.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        match self.take(sign) {
            true => Ok(()),
            false => Err(format!("its header lacks a `{sign}`")),
        }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        for quote in ["'", "\""] {
            if self.take(quote)
                && let Some((inner, rest)) = self.0.split_once(quote)
            {
                self.0 = rest;
                return Ok(inner);
            }
        }
        Err("its header is no dict of the three known keys".to_owned())
    }

    fn descr(&mut self) -> Result<Number, String> {
        if self.take("[") {
            return Err("it holds records, expected plain numbers".to_owned());
        }
        let descr = self.string()?;
        let size = match descr.get(1..) {
            Some("f2") => 2,
            Some("f4") => 4,
            Some("f8") => 8,
            Some("O") => {
                return Err("it holds Python objects (a pickle), expected numbers".to_owned());
            }
            _ => {
                return Err(format!(
                    "it holds numbers of type {:?}, expected float16, float32 or float64",
                    descr.chars().take(20).collect::<String>()
                ));
            }
        };
        match descr.as_bytes()[0] {
            b'<' => Ok(Number { size, big_endian: false }),
            b'>' => Ok(Number { size, big_endian: true }),
            _ => Err("its numbers have an unknown byte order".to_owned()),
        }
    }

    fn flag(&mut self) -> Result<bool, String> {
        if self.take("True") {
            return Ok(true);
        }
        match self.take("False") {
            true => Ok(false),
            false => Err("`fortran_order` is neither True nor False".to_owned()),
        }
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        const MOST_AXES: usize = 64;
        let mut shape = Vec::new();
        self.expect("(")?;
        while !self.take(")") {
            let rest = self.0.trim_start();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let axis = rest[..digits]
                .parse()
                .map_err(|_| "its shape holds something else than sizes".to_owned())?;
            shape.push(axis);
            self.0 = &rest[digits..];
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
            if shape.len() > MOST_AXES {
                return Err("it has too many axes".to_owned());
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }";

    /// As `numpy.save` lays it out.
    fn file(version: u8, header: &str, numbers: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(numbers);
        bytes
    }

    fn open(bytes: &[u8]) -> Result<Npy, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        Npy::open(file.path()).map_err(|error| error.to_string())
    }

    fn rows(bytes: &[u8]) -> Vec<Vec<f32>> {
        let mut npy = open(bytes).unwrap();
        let count = npy.rows;
        let mut row = Vec::new();
        let read = |_| {
            npy.read_row(&mut row).unwrap();
            row.clone()
        };
        (0..count).map(read).collect()
    }

    #[test]
    fn every_float_type_byte_order_and_version_is_read() {
        let expected = [vec![1.0, -0.5], vec![65504.0, 2.0_f32.powi(-24)]];
        let values: Vec<f32> = expected.concat();
        let half: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
        let cases: [(&str, Vec<u8>); 6] = [
            ("<f2", half.iter().flat_map(|v| v.to_le_bytes()).collect()),
            (">f2", half.iter().flat_map(|v| v.to_be_bytes()).collect()),
            ("<f4", values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            (">f4", values.iter().flat_map(|v| v.to_be_bytes()).collect()),
            ("<f8", values.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect()),
            (">f8", values.iter().flat_map(|&v| f64::from(v).to_be_bytes()).collect()),
        ];
        for (descr, numbers) in cases {
            let header =
                format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 2), }}   \n");
            for version in 1..=3 {
                assert_eq!(rows(&file(version, &header, &numbers)), expected, "{descr} {version}");
            }
        }
    }

    #[test]
    fn a_file_of_numpy_is_read() {
        // Written by NumPy 2.4.6: `numpy.save(f, numpy.array([[1, 2], [3, 4.5]], "f2"))`, and
        // `numpy.lib.format.write_array(f, numpy.array([[1, 2], [3, 4.5]], ">f8"), version=(2, 0))`.
        let header = |descr: &str, len: usize| {
            let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 2), }}");
            format!("{text:len$}\n")
        };
        let half = [0x00, 0x3c, 0x00, 0x40, 0x00, 0x42, 0x80, 0x44];
        let double = [0x3ff0_u64 << 48, 0x4000 << 48, 0x4008 << 48, 0x4012 << 48];
        let double: Vec<u8> = double.iter().flat_map(|bits| bits.to_be_bytes()).collect();
        for whole in [file(1, &header("<f2", 117), &half), file(2, &header(">f8", 115), &double)] {
            assert_eq!(rows(&whole), [[1.0, 2.0], [3.0, 4.5]]);
        }
    }

    #[test]
    fn headers_that_numpy_would_write_otherwise_are_read_too() {
        let expected = parse_header(GOOD).unwrap();
        assert_eq!(expected.shape, (3, 512));
        for same in [
            "{'shape': (3, 512), 'fortran_order': False, 'descr': '<f4'}",
            "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(3,512,)}\n",
        ] {
            assert_eq!(parse_header(same), Ok(Header { ..parse_header(GOOD).unwrap() }), "{same}");
        }
    }

    #[test]
    fn what_is_not_two_axes_of_floats_is_refused_by_name() {
        let with = |from: &str, to: &str| GOOD.replace(from, to);
        for (header, words) in [
            (with("<f4", "|O"), "pickle"),
            (with("<f4", "<i8"), "\"<i8\""),
            (with("<f4", "=f4"), "byte order"),
            (with("<f4", "é4"), "type"),
            (with("<f4", ""), "type"),
            (with("'<f4'", "[('x', '<f4')]"), "records"),
            (with("False", "True"), "Fortran"),
            (with("False", "0"), "neither"),
            (with("(3, 512)", "(3,)"), "1 axes"),
            (with("(3, 512)", "()"), "0 axes"),
            (with("(3, 512)", "(3, 4, 5)"), "3 axes"),
            (with("(3, 512)", "(3, 0)"), "no dimensions"),
            (with("(3, 512)", "(-3, 512)"), "sizes"),
            (with("(3, 512)", "(99999999999999999999, 512)"), "sizes"),
            (with("(3, 512)", "(3 512)"), "`)`"),
            (with("(3, 512)", &format!("({})", "1,".repeat(100))), "too many axes"),
            (with("shape", "shap"), "does not belong"),
            (with("'fortran_order': False, ", ""), "lacks `descr`"),
            (with("}", "} import os"), "after its end"),
            (with("}", ""), "no dict"),
            (String::new(), "`{`"),
        ] {
            let error = parse_header(&header).unwrap_err();
            assert!(error.contains(words), "{header}: {error}");
        }
    }

    #[test]
    fn a_file_that_is_not_as_long_as_it_says_is_refused() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        let whole = file(1, header, &[0; 16]);
        assert!(open(&whole).is_ok());
        for at in 0..whole.len() {
            assert!(open(&whole[..at]).is_err(), "cut at {at}");
        }
        for shape in [
            "(2, 3)",
            "(1, 2)",
            "(4611686018427387904, 4)",
            "(18446744073709551615, 18446744073709551615)",
        ] {
            let header = header.replace("(2, 2)", shape);
            let error = open(&file(1, &header, &[0; 16])).err().unwrap();
            assert!(error.contains("promises"), "{error}");
        }
        // A row of any length, as long as there is none.
        let header = header.replace("(2, 2)", "(0, 1152921504606846976)");
        assert_eq!(open(&file(1, &header, &[])).unwrap().rows, 0);
        let trailing = [whole.as_slice(), b"x"].concat();
        assert!(open(&trailing).err().unwrap().contains("less than"));
        for (bytes, words) in [
            (&b"PK\x03\x04zip"[..], "npz"),
            (b"id,title\n1,x\n", "no NumPy file"),
            (b"\x93NUMPY\x04\x00\x00\x00", "version 4.0"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "too long"),
            (b"", "ends within"),
        ] {
            let error = open(bytes).err().unwrap();
            assert!(error.contains(words), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(
            text in "(\\{|\\}|'descr'|'shape'|'fortran_order'|:|,|\\(|\\)|[0-9]|'<f4'|True|False|é| |-)*",
            bytes in any::<Vec<u8>>(),
        ) {
            let _ = parse_header(&text);
            let _ = read_header(&mut file(1, &text, &[]).as_slice());
            let _ = read_header(&mut [MAGIC.as_slice(), &bytes].concat().as_slice());
        }
    }
}
