//! Fuzzes pictures, from the bytes to the encoder's input.

use std::sync::LazyLock;

use pixelplay_core::{Encoder, Image};

use crate::Seeds;

static ENCODER: LazyLock<Encoder> = LazyLock::new(|| Encoder::mini().unwrap());

/// Decodes a picture and, if it is not large, resizes and crops it.
pub fn decode_image(data: &[u8]) {
    let Ok(picture) = Image::decode(data) else {
        return;
    };
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    assert!(width > 0 && height > 0);
    assert_eq!(picture.as_rgb8().len(), width * height * 3);
    if width * height <= 1 << 20 {
        let pixels = ENCODER.preprocess(&picture);
        assert!(pixels.iter().all(|value| (-3.0..3.0).contains(value)));
    }
}

pub(crate) fn seeds() -> Seeds {
    let mut all = crate::files("pixelplay-core/tests/pictures");
    let mut photos = crate::files("../shared/data/photos/oasis");
    photos.sort_by_key(|(_, bytes)| bytes.len());
    all.extend(photos.into_iter().take(4));
    // Small pictures are decoded faster, so more of them can be tried.
    all.retain(|(name, bytes)| !name.ends_with(".py") && bytes.len() < 32 << 10);
    all
}
