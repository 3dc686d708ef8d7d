//! Properties that hold for any picture, and for any bytes decoded as a picture.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pixelplay_core::{Encoder, Image};
use proptest::prelude::*;
use serde_json::json;

use crate::checkpoints::{Checkpoint, picture};
use crate::hostile::{png, png_chunk};
use crate::picture_file;

const FILTERS: [u64; 5] = [1, 2, 3, 4, 5];

fn encoder(resample: u64) -> Encoder {
    let mut checkpoint = Checkpoint::small();
    checkpoint.preprocessor["resample"] = json!(resample);
    checkpoint.open()
}

thread_local! {
    static ENCODERS: [Encoder; 5] = FILTERS.map(encoder);
}

/// The values of black and white in each channel, with OpenAI's means and standard deviations.
fn bounds(channel: usize) -> (f32, f32) {
    let mean = [0.481_454_66, 0.457_827_5, 0.408_210_73][channel];
    let std = [0.268_629_54, 0.261_302_6, 0.275_777_1][channel];
    ((0.0 - mean) / std, (1.0 - mean) / std)
}

/// A PNG file of these pixels with an EXIF orientation.
fn png_turned(picture: &Image, orientation: u8) -> Vec<u8> {
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
    for row in picture.as_rgb8().chunks_exact(picture.width() as usize * 3) {
        deflate.write_all(&[0]).unwrap();
        deflate.write_all(row).unwrap();
    }
    // One entry: tag 0x0112, one 16-bit number.
    let exif = [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation], &[0; 6]];
    let chunk = png_chunk(b"eXIf", &exif.concat());
    let pixels = deflate.finish().unwrap();
    png(picture.width(), picture.height(), &[chunk], &pixels)
}

/// The position of a stored pixel after applying the orientation (EXIF 2.3, tag 0x0112) to a
/// picture of `w` x `h`.
fn turned(orientation: u8, x: u32, y: u32, w: u32, h: u32) -> (u32, u32) {
    match orientation {
        1 => (x, y),
        2 => (w - 1 - x, y),
        3 => (w - 1 - x, h - 1 - y),
        4 => (x, h - 1 - y),
        5 => (y, x),
        6 => (h - 1 - y, x),
        7 => (h - 1 - y, w - 1 - x),
        _ => (y, w - 1 - x),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_the_tower_reads_lies_between_black_and_white(
        width in 1..300_u32,
        height in 1..300_u32,
        pattern in prop::sample::select(vec!["noise", "checks", "waves"]),
        filter in 0..5_usize,
    ) {
        let picture = picture("bounds", width, height, pattern);
        let read = ENCODERS.with(|encoders| encoders[filter].preprocess(&picture));
        prop_assert_eq!(read.len(), 3 * 48 * 48);
        for (channel, plane) in read.chunks_exact(48 * 48).enumerate() {
            let (black, white) = bounds(channel);
            let inside = |&value: &f32| value >= black - 1e-6 && value <= white + 1e-6;
            prop_assert!(plane.iter().all(inside));
        }
    }

    /// The weights of a filter sum to one at every position.
    #[test]
    fn a_picture_of_one_colour_stays_one_colour(
        width in 1..400_u32,
        height in 1..400_u32,
        colour in any::<[u8; 3]>(),
        filter in 0..5_usize,
    ) {
        let flat = Image::from_rgb8(width, height, colour.repeat((width * height) as usize));
        let read = ENCODERS.with(|encoders| encoders[filter].preprocess(&flat.unwrap()));
        for (channel, plane) in read.chunks_exact(48 * 48).enumerate() {
            let (black, white) = bounds(channel);
            let expected = black + (white - black) * f32::from(colour[channel]) / 255.0;
            prop_assert!(plane.iter().all(|&value| (value - expected).abs() < 1e-5));
        }
    }

    #[test]
    fn turning_upright_moves_each_pixel_to_its_place(
        width in 1..24_u32,
        height in 1..24_u32,
        orientation in 1..=8_u8,
    ) {
        let stored = picture("turn", width, height, "noise");
        let found = Image::decode(&png_turned(&stored, orientation)).unwrap();
        prop_assert_eq!(found.as_rgb8().len(), stored.as_rgb8().len());
        for y in 0..height {
            for x in 0..width {
                let (to_x, to_y) = turned(orientation, x, y, width, height);
                let pixel = |p: &Image, x: u32, y: u32| {
                    let at = (y * p.width() + x) as usize * 3;
                    p.as_rgb8()[at..at + 3].to_vec()
                };
                prop_assert_eq!(pixel(&found, to_x, to_y), pixel(&stored, x, y));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bytes_that_begin_like_a_picture_never_panic(
        start in prop::sample::select(vec![
            "rgb.bmp", "plain.gif", "rgb.jpg", "progressive.jpg", "rgb.png", "rgb.tif", "lzw.tif",
            "big.tif", "lossy.webp", "lossless-alpha.webp", "photo.heic", "noise.bin",
        ]),
        kept in 0..200_usize,
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = std::fs::read(picture_file(start)).unwrap();
        bytes.truncate(kept);
        bytes.extend(rest);
        if let Ok(picture) = Image::decode(&bytes) {
            prop_assert!(picture.width() > 0 && picture.height() > 0);
        }
    }
}
