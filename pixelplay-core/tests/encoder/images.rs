//! Compares picture files of every kind with the table from `../pictures/make.py`, which holds
//! Pillow's result or the expected error.

use pixelplay_core::{EncodeError, Image};
use serde::Deserialize;

use crate::explain::explain;
use crate::picture_file;
use crate::pillow::{Pixels, transpose};

#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    Good {
        file: String,
        width: u32,
        height: u32,
        /// The mean of each channel, rounded to three decimals.
        mean: [f64; 3],
        /// The allowed difference in levels; 0 for lossless formats.
        tolerance: u8,
    },
    Bad {
        file: String,
        error: String,
    },
}

fn table() -> Vec<Row> {
    serde_json::from_slice(&std::fs::read(picture_file("table.json")).unwrap()).unwrap()
}

/// The names of the files that can be decoded.
pub(crate) fn good_files() -> Vec<String> {
    let file = |row| match row {
        Row::Good { file, .. } => Some(file),
        Row::Bad { .. } => None,
    };
    table().into_iter().filter_map(file).collect()
}

#[test]
fn every_file_of_the_table_is_what_the_table_says() {
    let sheet = Pixels::from(&Image::open(picture_file("expected.png")).unwrap());
    let mut expected = sheet.rgb.chunks_exact(sheet.width * 3);
    let (mut good, mut bad, mut wrong) = (0, 0, Vec::new());
    for row in table() {
        match row {
            Row::Good { file, width, height, mean, tolerance } => {
                good += 1;
                let rows = expected.by_ref().take(height as usize);
                let expected: Vec<u8> =
                    rows.flat_map(|row| &row[..width as usize * 3]).copied().collect();
                match Image::open(picture_file(&file)) {
                    Ok(found) => {
                        let answer = Answer { size: (width, height), mean, pixels: expected };
                        wrong.extend(answer.differs(&found, tolerance).map(|how| (file, how)));
                    }
                    Err(error) => wrong.push((file, explain(&error))),
                }
            }
            Row::Bad { file, error } => {
                bad += 1;
                match Image::open(picture_file(&file)) {
                    Ok(found) => wrong.push((file, format!("{found:?} instead of {error:?}"))),
                    Err(found) => {
                        let text = explain(&found);
                        eprintln!("{}", text.replace(env!("CARGO_MANIFEST_DIR"), ""));
                        if !text.contains(&error) || !text.contains(&file) || repeats(&found) {
                            wrong.push((file, text));
                        }
                    }
                }
            }
        }
    }
    eprintln!("{good} pictures and {bad} errors");
    assert!(wrong.is_empty(), "{} files are wrong: {wrong:#?}", wrong.len());
    assert!(good >= 110 && bad >= 70);
    assert_eq!(expected.len(), 0, "expected.png has more pictures than the table");
}

struct Answer {
    size: (u32, u32),
    mean: [f64; 3],
    pixels: Vec<u8>,
}

impl Answer {
    fn differs(&self, found: &Image, tolerance: u8) -> Option<String> {
        if (found.width(), found.height()) != self.size {
            return Some(format!("{found:?} instead of {:?}", self.size));
        }
        let rgb = found.as_rgb8();
        for (channel, expected) in self.mean.into_iter().enumerate() {
            let levels = || rgb.iter().skip(channel).step_by(3);
            let mean =
                levels().map(|&level| f64::from(level)).sum::<f64>() / levels().count() as f64;
            // Allow for the rounding of the table; the differences of single pixels cancel out in
            // the mean.
            if (mean - expected).abs() > 1e-3 + f64::from(tolerance) / 2.0 {
                return Some(format!("channel {channel} has mean {mean:.3}, not {expected}"));
            }
        }
        let differences = rgb.iter().zip(&self.pixels).map(|(a, b)| a.abs_diff(*b));
        let greatest = differences.max().unwrap_or(0);
        (greatest > tolerance).then(|| format!("differs by {greatest} levels"))
    }
}

/// Returns whether an error's text contains the text of its source.
fn repeats(error: &EncodeError) -> bool {
    let mut texts = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        texts.push(source.to_string());
        cause = source.source();
    }
    texts.windows(2).any(|pair| pair[0].contains(&pair[1]))
}

#[test]
fn every_orientation_gives_the_picture_turned_by_hand() {
    // EXIF 2.3, tag 0x0112: where row 0 and column 0 of the stored picture are displayed.
    let mirror = |pixels: &Pixels| {
        let rows = pixels.rgb.chunks_exact(pixels.width * 3);
        Pixels {
            rgb: rows.flat_map(|row| row.chunks(3).rev().flatten().copied()).collect(),
            ..*pixels
        }
    };
    let flip = |pixels: &Pixels| transpose(&mirror(&transpose(pixels)));
    let upright = Image::open(picture_file("orientation-1.png")).unwrap();
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
        let found = Image::open(picture_file(&format!("orientation-{orientation}.png"))).unwrap();
        assert_eq!(found.width() as usize, expected.width);
        assert!(found.as_rgb8() == expected.rgb, "orientation {orientation}");
    }
}
