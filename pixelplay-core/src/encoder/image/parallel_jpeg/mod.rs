//! Decodes one large JPEG on several threads, with exactly the pixels of the ordinary decoder.
//! `header` reads the tables, `scan` walks through the Huffman codes with `bits`.
//!
//! The Huffman codes of a JPEG can only be read in order, but reading them is a small part of
//! decoding. So one pass finds the bits at which rows of blocks begin, while strips of the picture
//! are decoded as separate JPEGs: the same tables, the height of the strip, and the strip's bits,
//! shifted to a byte boundary. Two things link a strip to the rows above it. First, each block
//! stores the difference between its mean and that of the previous block; the first block of a
//! strip gets its full mean instead, for which the table may need additional codes after the
//! existing ones. Second, the colour of a row is interpolated from its neighbours, so a strip has
//! an extra row of blocks at either end, which is discarded.
//!
//! Unusual and incomplete files are left to the ordinary decoder, which reports what is wrong.

mod bits;
mod header;
mod scan;

use std::io::Cursor;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use image::codecs::jpeg::JpegDecoder;
use image::{ColorType, ImageDecoder};

use self::bits::Writer;
use self::header::Header;
use self::scan::{Row, Scan};

/// The minimum size for splitting a picture. Smaller ones take only a few milliseconds anyway.
const MIN_PIXELS: usize = 1 << 20;
/// The minimum number of rows of blocks in a strip. Each strip decodes up to two more, which are
/// discarded.
const MIN_ROWS: usize = 8;
/// More than one, so that the thread that walks through the codes still finds work afterwards.
const STRIPS_PER_THREAD: usize = 4;

/// Returns the pixels of a JPEG, 8-bit RGB, if splitting it into strips is possible and worthwhile.
pub(super) fn decode(bytes: &[u8], threads: usize) -> Option<Vec<u8>> {
    let header = Header::parse(bytes)?;
    if threads < 2 || header.width * header.height < MIN_PIXELS {
        return None;
    }
    decode_in(&header, threads * STRIPS_PER_THREAD)
}

fn decode_in(header: &Header<'_>, strips: usize) -> Option<Vec<u8>> {
    let strips = strips.min(header.rows() / MIN_ROWS);
    if strips < 2 {
        return None;
    }
    let data = header.unstuffed()?;
    let mut rgb = vec![0; header.width * 3 * header.height];
    let failed = AtomicBool::new(false);
    rayon::scope(|scope| {
        let (data, failed, mut rest) = (&*data, &failed, &mut *rgb);
        let cut = cut(header, data, strips, |strip| {
            let (out, behind) = std::mem::take(&mut rest).split_at_mut(strip.kept(header));
            rest = behind;
            scope.spawn(move |_| {
                if strip.decode(header, data, out).is_none() {
                    failed.store(true, Relaxed);
                }
            });
        });
        if cut.is_none() {
            failed.store(true, Relaxed);
        }
    });
    (!failed.into_inner()).then_some(rgb)
}

/// Walks through the codes, and passes on each strip as soon as its end is found. Returns `None` if
/// the codes are incomplete.
fn cut(
    header: &Header<'_>,
    data: &[u8],
    strips: usize,
    mut found: impl FnMut(Strip),
) -> Option<()> {
    let rows = header.rows();
    let mut scan = Scan::new(header, data);
    let mut begin = scan.row()?;
    for at in 0..strips {
        let kept = at * rows / strips..(at + 1) * rows / strips;
        while scan.rows < kept.end - 1 {
            scan.row()?;
        }
        // The next strip begins one row before its kept rows, and this strip ends one row after its
        // own.
        let next = scan.row()?;
        if kept.end < rows {
            scan.row()?;
        }
        let (until, ends) = (scan.at(), scan.rows);
        found(Strip { begin: std::mem::replace(&mut begin, next), until, ends, kept });
    }
    scan.is_at_end().then_some(())
}

/// A strip: some rows of a picture.
struct Strip {
    /// The first row.
    begin: Row,
    /// The bit after the last row.
    until: usize,
    /// The row after the last one.
    ends: usize,
    /// The rows that are kept.
    kept: Range<usize>,
}

impl Strip {
    /// Returns the size of the kept pixels in bytes.
    fn kept(&self, header: &Header<'_>) -> usize {
        let lines = |row: usize| (row * header.row_height()).min(header.height);
        (lines(self.kept.end) - lines(self.kept.start)) * header.width * 3
    }

    fn decode(&self, header: &Header<'_>, data: &[u8], out: &mut [u8]) -> Option<()> {
        let begins = self.kept.start.saturating_sub(1);
        let bottom = (self.ends * header.row_height()).min(header.height);
        let height = bottom - begins * header.row_height();
        let mut jpeg = header.of_strip(height)?;
        let mut writer = Writer::new(&mut jpeg);
        let mut at = self.begin.at;
        for (component, first) in header.components.iter().zip(&self.begin.firsts) {
            writer.copy(data, at, first.start);
            let (code, len) = header.mean_code(component, first.mean)?;
            writer.push(code, len);
            at = first.end;
        }
        writer.copy(data, at, self.until);
        writer.finish();

        let decoder = JpegDecoder::new(Cursor::new(jpeg)).ok()?;
        if decoder.color_type() != ColorType::Rgb8 {
            return None;
        }
        let line = header.width * 3;
        let mut pixels = vec![0; line * height];
        decoder.read_image(&mut pixels).ok()?;
        let above = (self.kept.start - begins) * header.row_height() * line;
        out.copy_from_slice(pixels.get(above..above + out.len())?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/photos/oasis");

    fn whole(jpeg: &[u8]) -> Option<Vec<u8>> {
        let image = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).ok()?;
        Some(image.into_rgb8().into_raw())
    }

    fn in_strips(jpeg: &[u8], strips: usize) -> Option<Vec<u8>> {
        decode_in(&Header::parse(jpeg)?, strips)
    }

    /// Draws waves with some noise, written by the encoder of the crate `image`.
    fn drawn(width: u16, height: u16) -> Vec<u8> {
        let (wide, high) = (usize::from(width), usize::from(height));
        let level = |at: usize| {
            let (x, y) = (at / 3 % wide, at / 3 / wide);
            (x * 3 + y * (1 + at % 3) + at * 40_503 % 31) as u8
        };
        let rgb: Vec<u8> = (0..wide * high * 3).map(level).collect();
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90)
            .encode(&rgb, width.into(), height.into(), image::ExtendedColorType::Rgb8)
            .unwrap();
        jpeg
    }

    fn photos() -> Vec<Vec<u8>> {
        let Ok(found) = std::fs::read_dir(SHARED) else {
            println!("skipped: real photos ({SHARED} is missing)");
            return Vec::new();
        };
        let mut paths: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        // The first has restarts.
        let few = paths.iter().skip(8).step_by(8);
        few.map(|path| std::fs::read(path).unwrap()).collect()
    }

    #[test]
    fn strips_have_the_pixels_of_the_whole() {
        let sizes = [(64, 128), (61, 129), (9, 300), (700, 135), (33, 1000)];
        let drawn = sizes.map(|(width, height)| drawn(width, height));
        let mut cut = 0;
        for jpeg in drawn.into_iter().chain(photos()) {
            for strips in [2, 3, 7] {
                let pixels = in_strips(&jpeg, strips);
                assert!(pixels.is_none() || pixels == whole(&jpeg));
                cut += usize::from(pixels.is_some());
            }
        }
        // All generated pictures are of the usual kind.
        assert!(cut >= 15, "{cut}");
    }

    #[test]
    fn a_damaged_file_is_left_to_the_decoder_or_cut_as_it_would_be_read() {
        let mut jpegs = photos();
        jpegs.truncate(2);
        jpegs.push(drawn(160, 240));
        for jpeg in jpegs {
            let mut cut = 0;
            for trial in 0..150_usize {
                let mut damaged = jpeg.clone();
                let at = trial * 7919 % jpeg.len();
                damaged[at] ^= 1 << (trial % 8);
                if let Some(pixels) = in_strips(&damaged, 3) {
                    assert_eq!(whole(&damaged).as_ref(), Some(&pixels), "bit {trial} of byte {at}");
                    cut += 1;
                }
            }
            assert!(cut > 50, "{cut} of 150 could be cut");
            for len in (0..jpeg.len()).step_by(997) {
                assert!(in_strips(&jpeg[..len], 3).is_none(), "{len} bytes");
            }
        }
    }
}
