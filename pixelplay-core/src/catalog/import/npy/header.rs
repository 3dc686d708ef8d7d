//! Reads the header of a NumPy file: magic, version, length, and a Python dict with three keys.

use std::io::{self, Read};

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The maximum length of the header. NumPy itself rejects longer headers from untrusted sources.
const MAX_HEADER: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) size: usize,
    pub(super) big_endian: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: Number,
    pub(super) shape: (usize, usize),
}

pub(super) enum HeaderError {
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

/// Returns the header, and the offset at which the numbers begin.
pub(super) fn read_header(file: &mut impl Read) -> Result<(Header, usize), HeaderError> {
    let mut magic = [0; 6];
    file.read_exact(&mut magic)?;
    if magic.starts_with(b"PK") {
        return Err(
            "it is an .npz archive (or another zip file); save one array with numpy.save".into()
        );
    }
    if magic != *MAGIC {
        return Err("it is not a NumPy file (.npy)".into());
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
pub(super) fn parse_header(text: &str) -> Result<Header, String> {
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
            return Err("its header has an unknown or repeated key".to_owned());
        }
        if !rest.take(",") {
            rest.expect("}")?;
            break;
        }
    }
    if !rest.0.trim_start().is_empty() {
        return Err("its header continues after its end".to_owned());
    }
    let (Some(number), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err("its header lacks `descr`, `fortran_order` or `shape`".to_owned());
    };
    let &[rows, dim] = shape.as_slice() else {
        return Err(format!(
            "it has {} axes, expected 2: one row per song, one column per dimension",
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
        Err("its header is not a dict of the three known keys".to_owned())
    }

    fn descr(&mut self) -> Result<Number, String> {
        if self.take("[") {
            return Err("it contains records, expected plain numbers".to_owned());
        }
        let descr = self.string()?;
        let size = match descr.get(1..) {
            Some("f2") => 2,
            Some("f4") => 4,
            Some("f8") => 8,
            Some("O") => {
                return Err("it contains Python objects (a pickle), expected numbers".to_owned());
            }
            _ => {
                return Err(format!(
                    "it contains numbers of type {:?}, expected float16, float32 or float64",
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
                .map_err(|_| "its shape contains something other than sizes".to_owned())?;
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

    const GOOD: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }";

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
            (with("shape", "shap"), "unknown or repeated key"),
            (with("'fortran_order': False, ", ""), "lacks `descr`"),
            (with("}", "} import os"), "after its end"),
            (with("}", ""), "not a dict"),
            (String::new(), "`{`"),
        ] {
            let error = parse_header(&header).unwrap_err();
            assert!(error.contains(words), "{header}: {error}");
        }
    }
}
