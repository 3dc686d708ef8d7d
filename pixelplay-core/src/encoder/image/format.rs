//! Detects the format of a file by its first bytes, not by its name.

use image::ImageFormat;

/// A supported format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) image: ImageFormat,
    pub(super) name: &'static str,
}

const fn decoded(image: ImageFormat, name: &'static str) -> Format {
    Format { image, name }
}

const DECODED: [Format; 6] = [
    decoded(ImageFormat::Bmp, "BMP"),
    decoded(ImageFormat::Gif, "GIF"),
    decoded(ImageFormat::Jpeg, "JPEG"),
    decoded(ImageFormat::Png, "PNG"),
    decoded(ImageFormat::Tiff, "TIFF"),
    decoded(ImageFormat::WebP, "WebP"),
];

impl Format {
    /// Returns the format of a file, or what is wrong with it.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("the file is empty".to_owned());
        }
        // BigTIFF, which `image` decodes but does not recognise.
        let guessed = match bytes {
            [b'I', b'I', 43, 0, ..] | [b'M', b'M', 0, 43, ..] => Some(ImageFormat::Tiff),
            _ => image::guess_format(bytes).ok(),
        };
        if let Some(format) = DECODED.into_iter().find(|f| Some(f.image) == guessed) {
            return Ok(format);
        }
        let found = look_alike(bytes).unwrap_or("its format is unknown");
        let names = DECODED.map(|format| format.name).join(", ");
        Err(format!("{found} (supported: {names})"))
    }
}

/// Recognises files that people mistake for pictures, and says what to do about them.
fn look_alike(bytes: &[u8]) -> Option<&'static str> {
    const HEIC: &str = "it is a HEIC picture: export it as JPEG";
    const AVIF: &str = "it is an AVIF picture: export it as JPEG or PNG";
    const VIDEO: &str = "it is a video: save one of its frames as a picture";
    const ARCHIVE: &str = "it is an archive: unpack it first";
    const MAGIC: &[(&[u8], &str)] = &[
        (b"%PDF", "it is a PDF document: export the page as PNG"),
        (b"8BPS", "it is a Photoshop document: export it as PNG"),
        (b"\0\0\x01\0", "it is an icon: save it as PNG"),
        (b"\xff\x0a", JPEG_XL),
        (b"\0\0\0\x0cJXL ", JPEG_XL),
        (b"\0\0\0\x0cjP  ", "it is a JPEG 2000 picture: export it as JPEG"),
        (b"\x1a\x45\xdf\xa3", VIDEO),
        (b"\0\0\x01\xba", VIDEO),
        (b"FLV\x01", VIDEO),
        (b"PK\x03\x04", ARCHIVE),
        (b"\x1f\x8b", ARCHIVE),
        (b"Rar!", ARCHIVE),
        (b"7z\xbc\xaf", ARCHIVE),
        (b"version https://git-lfs", "it is a Git LFS pointer: fetch the file itself"),
    ];
    const JPEG_XL: &str = "it is a JPEG XL picture: export it as JPEG";

    // In the ISO base media format, the brand follows `ftyp`.
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(match bytes.get(8..12)? {
            b"avif" | b"avis" => AVIF,
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => HEIC,
            _ => VIDEO,
        });
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"AVI ") {
        return Some(VIDEO);
    }
    MAGIC
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|&(_, found)| found)
        .or_else(|| text(bytes))
}

fn text(bytes: &[u8]) -> Option<&'static str> {
    const SEEN: usize = 1 << 10;
    let seen = &bytes[..bytes.len().min(SEEN)];
    let text = match str::from_utf8(seen) {
        Ok(text) => text,
        // A character may be cut in two at the end of the examined bytes.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&seen[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    Some(if lower.contains("<!doctype html") || lower.contains("<html") {
        "it is a web page: save the picture, not the page around it"
    } else if lower.contains("<svg") {
        "it is an SVG drawing: export it as PNG"
    } else {
        "it is a text file"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_every_format_that_is_decoded() {
        let error = Format::of(b"?!\x01").unwrap_err();
        for format in DECODED {
            assert!(error.contains(format.name), "{error}");
            assert!(format.image.reading_enabled(), "{}", format.name);
        }
    }

    #[test]
    fn any_start_of_a_file_is_looked_at_without_panic() {
        let film = b"\0\0\0\x18ftypheic";
        for len in 0..film.len() {
            assert!(Format::of(&film[..len]).is_err());
        }
        // A character may be cut in two at the end of the examined bytes.
        let text = ["x".repeat((1 << 10) - 1), "\u{e9}".to_owned()].concat();
        assert!(Format::of(text.as_bytes()).unwrap_err().contains("a text file"));
    }
}
