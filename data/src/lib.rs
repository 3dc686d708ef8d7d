//! PixelPlay's starter catalogue and sample pictures as embedded bytes, without dependencies.
//!
//! The crate's README documents the catalogue's columns, where its numbers come from, and how well
//! they agree with measurements.
//!
//! ```
//! let header = pixelplay_data::STARTER_CSV.split(|&byte| byte == b'\n').next();
//! assert!(header.is_some_and(|line| line.starts_with(b"id,title,artist,")));
//! ```

/// The starter catalogue: a UTF-8 CSV file (RFC 4180, LF) with a header, one song per row, sorted
/// by `id`.
///
/// Years, countries and names are facts. The audio features were written down from memory and
/// judgement, on Spotify's scales; none was measured for this file. The README explains what that
/// means.
pub const STARTER_CSV: &[u8] = include_bytes!("../starter.csv");

/// A small picture to try a query with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampleImage {
    /// A short, unique name in lower case: `beach`.
    pub name: &'static str,
    /// What the picture shows, in one English phrase.
    pub caption: &'static str,
    /// A complete JPEG file, 640 x 480 pixels, RGB.
    pub jpeg: &'static [u8],
}

/// The sample pictures, drawn by the example `scenes`.
pub const SAMPLE_IMAGES: &[SampleImage] = &[
    SampleImage {
        name: "beach",
        caption: "a sunny tropical beach with a palm tree and a blue sea",
        jpeg: include_bytes!("../samples/beach.jpg"),
    },
    SampleImage {
        name: "neon-street",
        caption: "a rainy city street at night with neon signs reflected in the wet road",
        jpeg: include_bytes!("../samples/neon-street.jpg"),
    },
    SampleImage {
        name: "snowy-forest",
        caption: "a cabin in a snowy forest under a full moon",
        jpeg: include_bytes!("../samples/snowy-forest.jpg"),
    },
];
