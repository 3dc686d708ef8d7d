//! PixelPlay's starter catalogue and sample photographs as embedded bytes, without dependencies.
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

/// A small photograph to try a query with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampleImage {
    /// A short, unique name in lower case: `coffee`.
    pub name: &'static str,
    /// What the photograph shows, in one English phrase.
    pub caption: &'static str,
    /// A complete RGB JPEG file of at most 640 x 640 pixels and 120 KB.
    pub jpeg: &'static [u8],
}

/// The sample photographs, in the public domain or CC0; the crate's README credits them.
pub const SAMPLE_IMAGES: &[SampleImage] = &[
    SampleImage {
        name: "astronaut",
        caption: "an astronaut in an orange suit, smiling",
        jpeg: include_bytes!("../samples/astronaut.jpg"),
    },
    SampleImage {
        name: "cat",
        caption: "the face of a tabby cat",
        jpeg: include_bytes!("../samples/cat.jpg"),
    },
    SampleImage {
        name: "coffee",
        caption: "a cup of espresso on a wooden table",
        jpeg: include_bytes!("../samples/coffee.jpg"),
    },
    SampleImage {
        name: "hubble",
        caption: "galaxies in the black of space",
        jpeg: include_bytes!("../samples/hubble.jpg"),
    },
    SampleImage {
        name: "rocket",
        caption: "a rocket on its launch pad at dusk",
        jpeg: include_bytes!("../samples/rocket.jpg"),
    },
];
