//! Pillow's resampling, reimplemented from its description as an independent reference for tests.
//!
//! Weights are computed in `f64`, scaled by 2^22 and rounded. Sums are integers, rounded and
//! clipped to 8 bits after the horizontal pass and again after the vertical one. `preprocess.rs`
//! checks that the results equal Pillow's committed results bit for bit.

use pixelplay_core::Image;

/// 8-bit RGB, row by row.
#[derive(Clone)]
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

impl From<&Image> for Pixels {
    fn from(picture: &Image) -> Self {
        Self {
            width: picture.width() as usize,
            height: picture.height() as usize,
            rgb: picture.as_rgb8().to_vec(),
        }
    }
}

/// Returns the support of the filter that has this number in Pillow.
pub(crate) fn support(resample: u64) -> f64 {
    match resample {
        1 => 3.0,
        2 | 5 => 1.0,
        3 => 2.0,
        4 => 0.5,
        other => panic!("filter {other}"),
    }
}

fn filter(resample: u64, x: f64) -> f64 {
    let sinc = |x: f64| {
        if x == 0.0 {
            1.0
        } else {
            let x = x * std::f64::consts::PI;
            x.sin() / x
        }
    };
    let at = x.abs();
    match resample {
        1 if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
        2 if at < 1.0 => 1.0 - at,
        3 if at < 1.0 => ((-0.5 + 2.0) * at - (-0.5 + 3.0)) * at * at + 1.0,
        3 if at < 2.0 => (((at - 5.0) * at + 8.0) * at - 4.0) * -0.5,
        4 if x > -0.5 && x <= 0.5 => 1.0,
        5 if at == 0.0 => 1.0,
        5 if at < 1.0 => {
            let x = at * std::f64::consts::PI;
            x.sin() / x * (0.54 + 0.46 * x.cos())
        }
        _ => 0.0,
    }
}

/// Returns, for each output pixel, the first input pixel and the weights.
fn weights(input: usize, output: usize, resample: u64) -> Vec<(usize, Vec<i64>)> {
    let scale = input as f64 / output as f64;
    let stretch = scale.max(1.0);
    let reach = support(resample) * stretch;
    (0..output)
        .map(|at| {
            let center = (at as f64 + 0.5) * scale;
            let first = ((center - reach + 0.5) as i64).max(0);
            let last = ((center + reach + 0.5) as i64).min(input as i64);
            let raw: Vec<f64> = (first..last)
                .map(|x| filter(resample, (x as f64 - center + 0.5) / stretch))
                .collect();
            let sum: f64 = raw.iter().sum();
            let fixed = raw
                .into_iter()
                .map(|w| {
                    let scaled = if sum == 0.0 { w } else { w * (1.0 / sum) } * f64::from(1 << 22);
                    (scaled + 0.5_f64.copysign(scaled)) as i64
                })
                .collect();
            (first as usize, fixed)
        })
        .collect()
}

fn narrow(pixels: &Pixels, width: usize, resample: u64) -> Pixels {
    if width == pixels.width {
        return pixels.clone();
    }
    let weights = weights(pixels.width, width, resample);
    let mut rgb = Vec::with_capacity(pixels.height * width * 3);
    for row in pixels.rgb.chunks_exact(pixels.width * 3) {
        for (first, weights) in &weights {
            for channel in 0..3 {
                let sum: i64 = weights
                    .iter()
                    .enumerate()
                    .map(|(at, w)| w * i64::from(row[(first + at) * 3 + channel]))
                    .sum();
                rgb.push(((sum + (1 << 21)) >> 22).clamp(0, 255) as u8);
            }
        }
    }
    Pixels { width, height: pixels.height, rgb }
}

pub(crate) fn transpose(pixels: &Pixels) -> Pixels {
    let mut rgb = Vec::with_capacity(pixels.rgb.len());
    for x in 0..pixels.width {
        for y in 0..pixels.height {
            rgb.extend_from_slice(&pixels.rgb[(y * pixels.width + x) * 3..][..3]);
        }
    }
    Pixels { width: pixels.height, height: pixels.width, rgb }
}

/// Pillow's `Image.resize` of the whole picture.
pub(crate) fn resize(pixels: &Pixels, width: usize, height: usize, resample: u64) -> Pixels {
    let narrowed = |pixels: &Pixels| narrow(pixels, width, resample);
    let shortened = |pixels: &Pixels| transpose(&narrow(&transpose(pixels), height, resample));
    // As in Pillow 13.0; up to version 12, the horizontal pass always comes first.
    let less_height = pixels.height as i64 - height as i64;
    if less_height > 0 && less_height > 2 * (pixels.width as i64 - width as i64) {
        narrowed(&shortened(pixels))
    } else {
        shortened(&narrowed(pixels))
    }
}

/// transformers' `center_crop`, which pads smaller pictures with black.
pub(crate) fn center_crop(pixels: &Pixels, side: usize) -> Pixels {
    let start = |len: usize| (len as i64 - side as i64).div_euclid(2);
    let (top, left) = (start(pixels.height), start(pixels.width));
    let mut rgb = Vec::with_capacity(side * side * 3);
    for y in 0..side as i64 {
        for x in 0..side as i64 {
            let (y, x) = (y + top, x + left);
            let inside =
                (0..pixels.height as i64).contains(&y) && (0..pixels.width as i64).contains(&x);
            if inside {
                let at = (y * pixels.width as i64 + x) as usize * 3;
                rgb.extend_from_slice(&pixels.rgb[at..at + 3]);
            } else {
                rgb.extend_from_slice(&[0; 3]);
            }
        }
    }
    Pixels { width: side, height: side, rgb }
}
