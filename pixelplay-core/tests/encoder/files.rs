//! Picture files of every kind against what Pillow sees in them.

use std::collections::BTreeMap;

use pixelplay_core::Picture;
use serde::Deserialize;

use crate::fixture;
use crate::pillow::{Pixels, transpose};

#[derive(Deserialize)]
struct Answer {
    width: u32,
    height: u32,
    rgb: String,
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn every_kind_of_file_decodes_to_what_pillow_sees() {
    let json = std::fs::read(fixture("files.json")).unwrap();
    let answers: BTreeMap<String, Answer> = serde_json::from_slice(&json).unwrap();
    assert!(answers.len() >= 25);
    for (name, answer) in answers {
        let picture = Picture::open(fixture(&name)).unwrap();
        assert_eq!(
            (picture.width(), picture.height()),
            (answer.width, answer.height),
            "{name}"
        );
        // Decoders of lossy formats may round differently.
        let lossy = name.ends_with(".jpg") || name == "lossy.webp";
        let allowed = if lossy { 3 } else { 0 };
        let expected = unhex(&answer.rgb);
        let greatest = picture
            .as_rgb8()
            .iter()
            .zip(&expected)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(greatest <= Some(allowed), "{name}: {greatest:?} levels");
    }
}

#[test]
fn every_orientation_gives_the_picture_turned_by_hand() {
    // EXIF 2.3, tag 0x0112: where row 0 and column 0 of the stored picture belong.
    let mirror = |pixels: &Pixels| {
        let rows = pixels.rgb.chunks_exact(pixels.width * 3);
        Pixels {
            rgb: rows
                .flat_map(|row| row.chunks(3).rev().flatten().copied())
                .collect(),
            ..*pixels
        }
    };
    let flip = |pixels: &Pixels| transpose(&mirror(&transpose(pixels)));
    let upright = Picture::open(fixture("orientation-1.png")).unwrap();
    let stored = Pixels::from(&upright);
    let turned = [
        stored.clone(),
        mirror(&stored),
        flip(&mirror(&stored)),
        flip(&stored),
        transpose(&stored),
        mirror(&transpose(&stored)),
        flip(&mirror(&transpose(&stored))),
        flip(&transpose(&stored)),
    ];
    for (orientation, expected) in (1..).zip(turned) {
        let found = Picture::open(fixture(&format!("orientation-{orientation}.png"))).unwrap();
        assert_eq!(found.width() as usize, expected.width);
        assert!(found.as_rgb8() == expected.rgb, "orientation {orientation}");
    }
}
