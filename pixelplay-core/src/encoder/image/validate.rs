//! Finds problems in files that their decoders would not report.
//!
//! The JPEG decoder fills missing parts with grey, processes any number of scans, and reports a
//! coding that it does not know as damage. The WebP decoder trusts the length of any chunk.

use image::ImageFormat;

/// The maximum number of scans in a JPEG file. Each scan makes the decoder go through the whole
/// picture again, and can be as short as about ten bytes. Encoders write about ten scans; a hundred
/// scans of 169 megapixels took 6 seconds.
pub(super) const MAX_JPEG_SCANS: usize = 100;

/// Why a file of a known format should not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Truncated,
    TooManyScans,
    /// Lossless or arithmetic coding.
    UnknownCoding,
}

/// Goes through the parts of a JPEG or WebP file. Other formats are left to their decoders.
pub(super) fn check(format: ImageFormat, bytes: &[u8]) -> Result<(), Flaw> {
    match format {
        ImageFormat::Jpeg => jpeg(bytes),
        ImageFormat::WebP => webp(bytes),
        _ => Ok(()),
    }
}

/// Follows the markers up to the end of the picture. Anything after it, such as a video or a second
/// picture, is ignored.
fn jpeg(bytes: &[u8]) -> Result<(), Flaw> {
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let mut scans = 0;
    // After the start marker.
    let mut at = 2;
    loop {
        // Between segments there may be padding and, after a scan, its data, in which 0xFF is
        // followed by 0 or a restart marker.
        let found = bytes
            .get(at..)
            .unwrap_or_default()
            .windows(2)
            .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF))
            .ok_or(Flaw::Truncated)?;
        let marker = at + found;
        match bytes[marker + 1] {
            END => return Ok(()),
            SCAN => scans += 1,
            // ITU T.81, table B.1: all except 0xC0 to 0xC2, which are Huffman coded; 0xC4, 0xC8 and
            // 0xCC do not start a frame.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err(Flaw::UnknownCoding),
            _ => {}
        }
        if scans > MAX_JPEG_SCANS {
            return Err(Flaw::TooManyScans);
        }
        let len = bytes.get(marker + 2..marker + 4).ok_or(Flaw::Truncated)?;
        at = marker + 2 + usize::from(u16::from_be_bytes([len[0], len[1]]));
    }
}

/// Checks that each chunk covered by the header lies within the file.
fn webp(bytes: &[u8]) -> Result<(), Flaw> {
    let len = |at: usize| -> Option<u64> {
        let word = bytes.get(at..at + 4)?.first_chunk()?;
        Some(u32::from_le_bytes(*word).into())
    };
    let whole = bytes.len() as u64;
    let end = 8 + len(4).ok_or(Flaw::Truncated)?;
    if end > whole {
        return Err(Flaw::Truncated);
    }
    // After the header: "RIFF", the length and "WEBP".
    let mut at = 12_u64;
    while at + 8 <= end {
        let chunk = usize::try_from(at + 4).ok().and_then(len);
        // Chunks begin at even offsets.
        at += 8 + chunk.ok_or(Flaw::Truncated)?.next_multiple_of(2);
        // The last one's padding may be missing.
        if at > end + 1 {
            return Err(Flaw::Truncated);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start marker, a segment that contains an end marker, a scan with stuffed bytes and a
    /// restart.
    const JPEG: &[u8] =
        b"\xff\xd8\xff\xe1\0\x06\xff\xd8\xff\xd9\xff\xff\xda\0\x02\x01\xff\0\xff\xd0\x02\xff\xd9";

    #[test]
    fn only_the_end_marker_of_the_picture_itself_ends_a_jpeg() {
        assert_eq!(jpeg(JPEG), Ok(()));
        for len in 2..JPEG.len() {
            assert_eq!(jpeg(&JPEG[..len]), Err(Flaw::Truncated), "{len}");
        }
        assert_eq!(jpeg(&[JPEG, b"more\xff\xd8\xff"].concat()), Ok(()));
        assert_eq!(jpeg(b""), Err(Flaw::Truncated));
    }

    #[test]
    fn a_jpeg_of_endless_scans_is_refused() {
        let of = |scans: usize| {
            [&b"\xff\xd8"[..], &b"\xff\xda\0\x02\x01".repeat(scans), b"\xff\xd9"].concat()
        };
        assert_eq!(jpeg(&of(MAX_JPEG_SCANS)), Ok(()));
        assert_eq!(jpeg(&of(MAX_JPEG_SCANS + 1)), Err(Flaw::TooManyScans));
    }

    #[test]
    fn every_chunk_of_a_webp_lies_within_the_file() {
        let of = |len: u32, chunk: u32| {
            [&b"RIFF"[..], &len.to_le_bytes(), b"WEBPVP8 ", &chunk.to_le_bytes(), b"abc\0"].concat()
        };
        assert_eq!(webp(&of(16, 3)), Ok(()));
        assert_eq!(webp(&of(15, 3)), Ok(()));
        for (len, chunk) in [(17, 3), (u32::MAX, 3), (16, 5), (16, u32::MAX)] {
            assert_eq!(webp(&of(len, chunk)), Err(Flaw::Truncated), "{len} {chunk}");
        }
        let whole = of(16, 3);
        for len in 0..whole.len() {
            assert_eq!(webp(&whole[..len]), Err(Flaw::Truncated), "{len}");
        }
    }
}
