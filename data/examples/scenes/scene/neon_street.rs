//! A city street at night in the rain: towers, neon signs, their reflections, someone with an
//! umbrella.

use std::f32::consts::PI;

use super::super::canvas::{Canvas, Rgb, gradient, hex, mix, smooth};
use super::super::random::{Noise, Random};
use super::super::shape::Shape;

const HORIZON: f32 = 0.60;
const VANISHING: f32 = 0.67;
const NEON: [u32; 6] = [0xFF2E88, 0x19E3FF, 0xFFB020, 0x9B5CFF, 0x2BFF9A, 0xFF4B3A];

pub(super) fn draw(canvas: &mut Canvas, seed: u64) {
    let mut random = Random::new(seed);
    sky(canvas);
    skyline(canvas, &mut random);
    for side in [-1.0, 1.0] {
        for depth in (0..6).rev() {
            building(canvas, &mut random, side, depth);
        }
    }
    canvas.glow(VANISHING, HORIZON - 0.03, 0.30, hex(0xFF7AB8), 0.45);
    wet_road(canvas, seed);
    crossing(canvas);
    walker(canvas, 0.66, 0.87, 0.25);
    rain(canvas, &mut random);
}

fn sky(canvas: &mut Canvas) {
    let stops = [(0.0, hex(0x070A1C)), (0.35, hex(0x151238)), (HORIZON, hex(0x5B2A66))];
    canvas.shade(|_, y, _| gradient(&stops, y));
}

fn skyline(canvas: &mut Canvas, random: &mut Random) {
    for i in 0..9 {
        let x = 0.42 + 0.055 * i as f32;
        let top = random.between(0.24, 0.46);
        canvas.fill(&Shape::rect(x, top, x + 0.05, HORIZON), hex(0x241D4A));
        for row in 0..((HORIZON - top) / 0.02) as usize {
            for column in 0..3 {
                if random.between(0.0, 1.0) < 0.35 {
                    let (wx, wy) =
                        (x + 0.008 + 0.014 * column as f32, top + 0.01 + 0.02 * row as f32);
                    canvas.fill(&Shape::rect(wx, wy, wx + 0.006, wy + 0.008), hex(0xD9A868));
                }
            }
        }
    }
}

/// Where a façade `side` of the street stands at `depth` doors down it: half-width from the middle.
fn facade(depth: f32) -> f32 {
    0.98 / (1.0 + 0.62 * depth)
}

fn building(canvas: &mut Canvas, random: &mut Random, side: f32, depth: usize) {
    let (near, far) = (facade(depth as f32), facade(depth as f32 + 1.0));
    let height = random.between(0.95, 1.35);
    // A point of the wall: `along` 0 near to 1 far, `up` 0 foot to 1 roof. In perspective the
    // inverse of the distance is linear.
    let at = |along: f32, up: f32| {
        let reach = 1.0 / (1.0 / near + (1.0 / far - 1.0 / near) * along);
        (VANISHING + side * reach, HORIZON + reach * (0.36 - up * height))
    };
    let patch = |a0: f32, u0: f32, a1: f32, u1: f32| {
        Shape::Polygon(vec![at(a0, u0), at(a1, u0), at(a1, u1), at(a0, u1)])
    };
    let haze = depth as f32 / 7.0;
    let wall = mix(
        hex(random.pick(&[0x1A1B33, 0x201A36, 0x16202F, 0x261B2E])),
        hex(0x5B2A66),
        0.55 * haze,
    );
    canvas.fill(&patch(0.0, 0.0, 1.0, 1.0), wall);

    let (columns, rows) = (7, 11);
    for column in 0..columns {
        for row in 2..rows {
            let lit = random.between(0.0, 1.0);
            let colour = if lit < 0.30 {
                hex(random.pick(&[0xFFD48A, 0xFFE7B8, 0xBFE3FF, 0xFFC070]))
            } else {
                mix(wall, hex(0x05060E), 0.55)
            };
            let (a, u) = (column as f32 / columns as f32, row as f32 / rows as f32);
            let window = patch(a + 0.03, u + 0.012, a + 0.11, u + 0.065);
            canvas.fill(&window, mix(colour, wall, 0.35 * haze));
        }
    }
    shop(canvas, random, &patch, at(0.5, 0.08), near);
    sign(canvas, random, side, &at, near);
}

fn shop(
    canvas: &mut Canvas,
    random: &mut Random,
    patch: &impl Fn(f32, f32, f32, f32) -> Shape,
    middle: (f32, f32),
    near: f32,
) {
    let light = hex(random.pick(&[0xFFDFA0, 0xFFC98A, 0xC8F0FF, 0xFFB3D0]));
    canvas.fill(&patch(0.06, 0.01, 0.46, 0.135), light);
    canvas.fill(&patch(0.54, 0.01, 0.94, 0.135), mix(light, hex(0xFFFFFF), 0.2));
    for bar in [0.16, 0.26, 0.36, 0.64, 0.74, 0.84] {
        canvas.fill(&patch(bar, 0.01, bar + 0.012, 0.135), hex(0x2A2033));
    }
    let neon = hex(random.pick(&NEON));
    canvas.fill(&patch(0.06, 0.145, 0.94, 0.175), mix(neon, hex(0xFFFFFF), 0.25));
    canvas.glow(middle.0, middle.1, 0.30 * near, mix(light, neon, 0.5), 0.40);
}

/// A sign that stands out from the wall over the pavement, facing us: a frame and strokes of tube.
fn sign(
    canvas: &mut Canvas,
    random: &mut Random,
    side: f32,
    at: &impl Fn(f32, f32) -> (f32, f32),
    near: f32,
) {
    let neon = hex(random.pick(&NEON));
    let along = random.between(0.15, 0.7);
    let foot = at(along, random.between(0.27, 0.34));
    let (width, height) = (0.115 * near, random.between(0.34, 0.46) * near);
    let (wall, street) = (foot.0, foot.0 - side * width);
    let (left, right) = (wall.min(street), wall.max(street));
    let (top, bottom) = (foot.1 - height, foot.1);
    canvas.fill(&Shape::rect(left, top, right, bottom), hex(0x0B0916));
    let tube = (0.0065 * near).max(0.0014);
    let (l, t, r, b) = (left + tube, top + tube, right - tube, bottom - tube);
    for (from, to) in [((l, t), (r, t)), ((r, t), (r, b)), ((r, b), (l, b)), ((l, b), (l, t))] {
        neon_tube(canvas, from, to, tube, neon);
    }
    let second = hex(random.pick(&NEON));
    let glyphs = 4;
    for glyph in 0..glyphs {
        let cell = (b - t) / glyphs as f32;
        let (cy, cx) = (t + cell * (glyph as f32 + 0.5), (l + r) / 2.0);
        let (hx, hy) = ((r - l) * 0.27, cell * 0.27);
        // Bars, some crossed by an upright, look like script without being any.
        for row in [-1.0, 0.0, 1.0] {
            if random.between(0.0, 1.0) < 0.75 {
                let reach = hx * random.pick(&[0.6, 1.0, 1.0]);
                let bar = cy + row * hy;
                neon_tube(canvas, (cx - reach, bar), (cx + reach, bar), tube * 0.7, second);
            }
        }
        if random.between(0.0, 1.0) < 0.6 {
            neon_tube(canvas, (cx, cy - hy), (cx, cy + hy), tube * 0.7, second);
        }
    }
    canvas.glow((l + r) / 2.0, (t + b) / 2.0, height * 0.95, mix(neon, second, 0.5), 0.55);
}

fn neon_tube(canvas: &mut Canvas, from: (f32, f32), to: (f32, f32), width: f32, colour: Rgb) {
    let halo = Shape::limb(from, to, (width * 2.0, width * 2.0));
    canvas.fill_with(&halo, width * 4.0, |_, _| (colour, 0.5));
    let tube = Shape::limb(from, to, (width, width));
    canvas.fill(&tube, mix(colour, hex(0xFFFFFF), 0.35));
}

fn wet_road(canvas: &mut Canvas, seed: u64) {
    let noise = Noise::new(seed ^ 0x40AD);
    let dry = canvas.clone();
    canvas.shade(|x, y, under| {
        // The ground begins at the foot of the façades, and beyond the last one at the horizon.
        let half = (x - VANISHING).abs();
        let foot = HORIZON + if half < facade(6.0) { 0.0 } else { 0.36 * half };
        if y < foot {
            return under;
        }
        let near = (y - HORIZON).max(0.04);
        let ripple = noise.cloud(x * 3.0 / near, 26.0 * near.sqrt()) - 0.5;
        // In the middle what is mirrored is far away, at the sides it is the wall above the foot.
        let axis = HORIZON + 0.36 * half.min(0.45);
        let mirror = axis - 0.9 * (y - axis).abs();
        let mut light = [0.0; 3];
        let taps = 14;
        for tap in 0..taps {
            // Wet asphalt smears lights towards the eye much more than sideways.
            let spread = tap as f32 / (taps - 1) as f32 - 0.5;
            let sample = dry.at(
                (x + 0.06 * ripple * near + 0.010 * spread).max(0.0),
                (mirror + 0.28 * spread * near.sqrt()).clamp(0.0, HORIZON),
            );
            light = [0, 1, 2].map(|i| light[i] + sample[i] / taps as f32);
        }
        let puddle = smooth(0.40, 0.62, noise.cloud(x * 0.9 / near, 7.0 * near.sqrt()));
        let grain = 0.02 * (noise.value(x * 300.0, y * 300.0) - 0.5);
        let asphalt = mix(hex(0x171527), hex(0x0B0B16), near / 0.4);
        let far = 0.45 + 0.55 * smooth(0.0, 0.13, y - HORIZON);
        let shine = far * (0.65 + 0.6 * puddle + 0.5 * ripple);
        [0, 1, 2].map(|i| asphalt[i] + grain + light[i] * shine)
    });
    for side in [-1.0, 1.0] {
        let kerb = |reach: f32| (VANISHING + side * 0.66 * reach, HORIZON + 0.36 * reach);
        let line = Shape::limb(kerb(0.14), kerb(1.2), (0.0008, 0.006));
        canvas.fill_with(&line, 0.0, |_, _| (hex(0xB9A7D8), 0.35));
    }
}

fn crossing(canvas: &mut Canvas) {
    let at = |across: f32, reach: f32| (VANISHING + across * reach, HORIZON + 0.36 * reach);
    for stripe in -4..4 {
        let a = stripe as f32 * 0.15 + 0.03;
        let shape =
            Shape::Polygon(vec![at(a, 0.80), at(a + 0.085, 0.80), at(a + 0.085, 1.0), at(a, 1.0)]);
        canvas.fill_with(&shape, 0.004, |_, _| (hex(0xE8E4F4), 0.33));
    }
}

fn walker(canvas: &mut Canvas, x: f32, foot: f32, height: f32) {
    let dark = hex(0x05050C);
    let at = |dx: f32, up: f32| (x + dx * height, foot - up * height);
    // Mirrored below the feet, faint and soft, before the figure itself.
    let mirror = Shape::limb((x, foot), (x, foot + 0.45 * height), (0.10 * height, 0.13 * height));
    canvas.fill_with(&mirror, 0.03, |_, _| (dark, 0.6));
    let blot = Shape::limb(at(-0.28, -0.52), at(0.28, -0.52), (0.05 * height, 0.05 * height));
    canvas.fill_with(&blot, 0.03, |_, _| (hex(0xC01838), 0.45));

    canvas
        .fill(&Shape::limb(at(-0.05, 0.40), at(-0.11, 0.0), (0.045 * height, 0.03 * height)), dark);
    canvas
        .fill(&Shape::limb(at(0.05, 0.40), at(0.09, 0.02), (0.045 * height, 0.03 * height)), dark);
    let coat = [(-0.09, 0.72), (0.09, 0.72), (0.15, 0.26), (-0.15, 0.26)];
    canvas.fill(&Shape::Polygon(coat.iter().map(|p| at(p.0, p.1)).collect()), dark);
    canvas
        .fill(&Shape::limb(at(0.08, 0.68), at(0.13, 0.50), (0.035 * height, 0.03 * height)), dark);
    canvas.fill(&Shape::disc(at(0.0, 0.79).0, at(0.0, 0.79).1, 0.062 * height), dark);
    canvas
        .fill(&Shape::limb(at(0.12, 0.52), at(0.05, 1.06), (0.007 * height, 0.007 * height)), dark);
    let mut dome: Vec<_> = (0..=24)
        .map(|i| {
            let angle = PI * i as f32 / 24.0;
            at(0.05 - 0.36 * angle.cos(), 0.84 + 0.24 * angle.sin())
        })
        .collect();
    // The lower rim is scalloped between the ribs.
    dome.extend((1..24).rev().map(|i| {
        let t = i as f32 / 24.0;
        at(0.05 - 0.36 + 0.72 * t, 0.84 + 0.035 * (t * 4.0 * PI).sin().abs())
    }));
    canvas.fill_with(&Shape::Polygon(dome), 0.0, |px, _| {
        let light = smooth(x - 0.3 * height, x + 0.4 * height, px);
        (mix(hex(0x9C1030), hex(0xFF3B55), light), 1.0)
    });
}

fn rain(canvas: &mut Canvas, random: &mut Random) {
    for _ in 0..420 {
        let (x, y) = (random.between(-0.05, 1.40), random.between(-0.05, 1.0));
        let length = random.between(0.02, 0.055);
        let opacity = random.between(0.10, 0.30);
        let drop = Shape::limb((x, y), (x - 0.22 * length, y + length), (0.0006, 0.0011));
        canvas.fill_with(&drop, 0.0, |_, _| (hex(0xC9D8FF), opacity));
    }
    for _ in 0..70 {
        let (x, y) = (random.between(0.0, 1.33), random.between(0.74, 0.99));
        let size = random.between(0.010, 0.026) * (y - 0.6) / 0.4;
        let ring = |i: u8| {
            let angle = 2.0 * PI * f32::from(i) / 12.0;
            (x + size * angle.cos(), y + 0.35 * size * angle.sin())
        };
        for i in 0..12 {
            let arc = Shape::limb(ring(i), ring(i + 1), (0.0007, 0.0007));
            canvas.fill_with(&arc, 0.0, |_, _| (hex(0xDCE6FF), 0.35));
        }
    }
}
