//! The picture being painted: colours in `[0, 1]`, blended as sRGB values.
//!
//! Scene units: the picture is 1 high, y goes down. Scenes are made for 4:3, x from 0 to 1.333, and
//! draw the same at any size.

use image::ImageEncoder as _;
use image::codecs::jpeg::JpegEncoder;

use super::shape::Shape;

pub(crate) type Rgb = [f32; 3];

#[derive(Clone)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0; 3]; width * height] }
    }

    /// Gives every pixel a new colour from its place and its present colour.
    pub(crate) fn shade(&mut self, colour: impl Fn(f32, f32, Rgb) -> Rgb) {
        let scale = 1.0 / self.height as f32;
        for (i, pixel) in self.pixels.iter_mut().enumerate() {
            let x = ((i % self.width) as f32 + 0.5) * scale;
            let y = ((i / self.width) as f32 + 0.5) * scale;
            *pixel = colour(x, y, *pixel);
        }
    }

    /// Paints a shape with an antialiased edge.
    pub(crate) fn fill(&mut self, shape: &Shape, colour: Rgb) {
        self.fill_with(shape, 0.0, |_, _| (colour, 1.0));
    }

    /// Paints a shape whose edge is `blur` wide (one pixel at least); `paint` gives colour and
    /// opacity.
    pub(crate) fn fill_with(
        &mut self,
        shape: &Shape,
        blur: f32,
        paint: impl Fn(f32, f32) -> (Rgb, f32),
    ) {
        let edge = blur.max(1.0 / self.height as f32);
        let [left, top, right, bottom] = shape.bounds();
        self.for_each_in([left - edge, top - edge, right + edge, bottom + edge], |x, y, pixel| {
            let coverage = (0.5 - shape.distance(x, y) / edge).clamp(0.0, 1.0);
            if coverage > 0.0 {
                let (colour, opacity) = paint(x, y);
                *pixel = mix(*pixel, colour, coverage * opacity);
            }
        });
    }

    /// Adds a round glow that fades to nothing at `radius`.
    pub(crate) fn glow(&mut self, x: f32, y: f32, radius: f32, colour: Rgb, strength: f32) {
        self.for_each_in([x - radius, y - radius, x + radius, y + radius], |px, py, pixel| {
            let near = (1.0 - (px - x).hypot(py - y) / radius).max(0.0);
            let light = strength * near * near;
            for (channel, tint) in pixel.iter_mut().zip(colour) {
                *channel += tint * light;
            }
        });
    }

    /// The colour at a place, the nearest pixel where the place lies outside.
    pub(crate) fn at(&self, x: f32, y: f32) -> Rgb {
        let column = (x * self.height as f32) as usize;
        let row = (y * self.height as f32) as usize;
        self.pixels[row.min(self.height - 1) * self.width + column.min(self.width - 1)]
    }

    fn for_each_in(&mut self, bounds: [f32; 4], mut visit: impl FnMut(f32, f32, &mut Rgb)) {
        let scale = self.height as f32;
        // Float to integer casts saturate, so what lies outside is cut off here.
        let [left, top] = [bounds[0], bounds[1]].map(|low| (low * scale).floor() as usize);
        let right = ((bounds[2] * scale).ceil() as usize).min(self.width);
        let bottom = ((bounds[3] * scale).ceil() as usize).min(self.height);
        for row in top..bottom {
            for column in left..right {
                let x = (column as f32 + 0.5) / scale;
                let y = (row as f32 + 0.5) / scale;
                visit(x, y, &mut self.pixels[row * self.width + column]);
            }
        }
    }

    pub(crate) fn to_jpeg(&self) -> image::ImageResult<Vec<u8>> {
        let rgb: Vec<u8> = self
            .pixels
            .iter()
            .flatten()
            .map(|channel| (channel.clamp(0.0, 1.0) * 255.0).round() as u8)
            .collect();
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90).write_image(
            &rgb,
            self.width as u32,
            self.height as u32,
            image::ExtendedColorType::Rgb8,
        )?;
        Ok(jpeg)
    }
}

/// `0xRRGGBB` as a colour.
pub(crate) fn hex(rgb: u32) -> Rgb {
    [16, 8, 0].map(|shift| ((rgb >> shift) & 0xFF) as f32 / 255.0)
}

pub(crate) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

/// A colour on a scale of stops, which rise in position.
pub(crate) fn gradient(stops: &[(f32, Rgb)], at: f32) -> Rgb {
    let after = stops.partition_point(|stop| stop.0 <= at);
    if after == 0 {
        return stops[0].1;
    }
    let (low, from) = stops[after - 1];
    match stops.get(after) {
        Some(&(high, to)) => mix(from, to, (at - low) / (high - low)),
        None => from,
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(crate) fn smooth(low: f32, high: f32, at: f32) -> f32 {
    let t = ((at - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
