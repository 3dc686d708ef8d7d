//! Reads the vectors of a NumPy file row by row.
//!
//! The format is public (`numpy.lib.format`) and small: magic, version, length of the header, the
//! header as a Python dict with three keys, and the numbers. Everything else that a file may
//! contain is rejected: objects (pickles, which could run code in other readers), records, more or
//! fewer than two axes. The numbers are read row by row.

mod header;

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use half::f16;

use crate::catalog::CatalogError;
use crate::index::SongIndexError;
use header::{HeaderError, Number, read_header};

/// An open file of shape `(rows, dim)`.
pub(super) struct Npy {
    path: PathBuf,
    file: BufReader<File>,
    pub(super) rows: usize,
    pub(super) dim: usize,
    number: Number,
    /// The bytes of one row in the file.
    bytes: Vec<u8>,
}

impl Npy {
    /// Reads the header and checks that the file has the length given by the header.
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
            // The length was just checked against the file, unless there are no rows.
            bytes: vec![0; if rows == 0 { 0 } else { row_len.unwrap_or(0) }],
        })
    }

    /// Reads the next row into `row`. Call it once for each row.
    pub(super) fn read_row(&mut self, row: &mut Vec<f32>) -> Result<(), CatalogError> {
        self.file.read_exact(&mut self.bytes).map_err(SongIndexError::io("read", &self.path))?;
        row.clear();
        let Number { size, big_endian } = self.number;
        row.extend(self.bytes.chunks_exact(size).map(|bytes| number(bytes, big_endian)));
        Ok(())
    }
}

/// Reads a number of 2, 4 or 8 bytes. A number too large for `f32` becomes infinite, and its row is
/// rejected.
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

#[cfg(test)]
mod tests {
    use super::header::{MAGIC, parse_header};
    use super::*;
    use proptest::prelude::*;

    /// Builds a file with the layout of `numpy.save`.
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
        // The bytes were written by NumPy 2.4.6:
        // `numpy.save(f, numpy.array([[1, 2], [3, 4.5]], "f2"))`, and
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
        // Rows may have any length if there are none.
        let header = header.replace("(2, 2)", "(0, 1152921504606846976)");
        assert_eq!(open(&file(1, &header, &[])).unwrap().rows, 0);
        let trailing = [whole.as_slice(), b"x"].concat();
        assert!(open(&trailing).err().unwrap().contains("less than"));
        for (bytes, words) in [
            (&b"PK\x03\x04zip"[..], "npz"),
            (b"id,title\n1,x\n", "not a NumPy file"),
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
