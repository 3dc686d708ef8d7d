//! A sunny beach: sky, sea, foam, sand, a palm, a boat and a parasol.

use std::f32::consts::PI;

use super::super::canvas::{Canvas, gradient, hex, mix, smooth};
use super::super::random::{Noise, Random};
use super::super::shape::Shape;

const HORIZON: f32 = 0.46;
const SUN: (f32, f32) = (1.06, 0.17);

pub(super) fn draw(canvas: &mut Canvas, seed: u64) {
    sky(canvas, seed);
    sea_and_sand(canvas, seed);
    boat(canvas, 0.80, HORIZON + 0.035, 0.085);
    parasol(canvas, 0.99, 0.80);
    palm(canvas, seed);
}

fn sky(canvas: &mut Canvas, seed: u64) {
    let stops = [(0.0, hex(0x1F86DE)), (0.30, hex(0x62B8F2)), (HORIZON, hex(0xD3EFFA))];
    let noise = Noise::new(seed);
    canvas.shade(|x, y, _| {
        let sky = gradient(&stops, y);
        // Clouds flatten and crowd towards the horizon.
        let depth = 0.25 + (HORIZON - y).max(0.0);
        let puff = noise.cloud(x * 1.5 / depth, 3.0 / depth);
        let cover = smooth(0.52, 0.74, puff) * smooth(0.04, 0.16, y) * smooth(HORIZON, 0.36, y);
        mix(sky, hex(0xFFFFFF), 0.85 * cover)
    });
    canvas.glow(SUN.0, SUN.1, 0.60, hex(0xFFD98A), 0.42);
    canvas.glow(SUN.0, SUN.1, 0.17, hex(0xFFE9A8), 0.75);
    canvas.fill_with(&Shape::disc(SUN.0, SUN.1, 0.060), 0.006, |_, _| (hex(0xFFF9D2), 1.0));
}

fn shore(x: f32) -> f32 {
    0.70 + 0.05 * (x - 0.5) + 0.016 * (x * 5.0 + 0.6).sin() + 0.007 * (x * 13.0).sin()
}

fn sea_and_sand(canvas: &mut Canvas, seed: u64) {
    let noise = Noise::new(seed ^ 0xBEAC);
    let sea =
        [(0.0, hex(0x0E5FAE)), (0.35, hex(0x1590C4)), (0.75, hex(0x35C4CF)), (1.0, hex(0x9DEBDD))];
    let sand =
        [(0.0, hex(0xC49A63)), (0.10, hex(0xE8C98F)), (0.5, hex(0xF3DBA6)), (1.0, hex(0xE6C283))];
    canvas.shade(|x, y, under| {
        if y < HORIZON {
            return under;
        }
        let edge = shore(x);
        let depth = ((y - HORIZON) / (edge - HORIZON)).clamp(0.0, 1.0);
        let perspective = 1.0 / (y - HORIZON + 0.02);
        let wave = noise.cloud(x * perspective * 0.8, perspective * 2.5);
        let mut water = gradient(&sea, depth);
        water = mix(water, hex(0xE9FBFF), 0.55 * smooth(0.56, 0.74, wave));
        water = mix(water, hex(0x084A8C), 0.30 * smooth(0.48, 0.30, wave));
        // The sun's path on the water.
        let path = 1.0 - (x - SUN.0).abs() / (0.06 + 0.9 * (y - HORIZON));
        water = mix(water, hex(0xFFFDEB), 0.9 * path.max(0.0) * smooth(0.46, 0.60, wave));
        let beach = (y - edge) / (1.0 - edge);
        let grain = noise.value(x * 240.0, y * 240.0) - 0.5;
        let dune = noise.cloud(x * 3.0, y * 9.0) - 0.5;
        let ground = gradient(&sand, beach).map(|c| c + 0.045 * grain + 0.11 * dune);
        let lace = 0.016 * noise.cloud(x * 14.0, 0.0);
        let foam = smooth(0.020, 0.006, (y - edge + lace).abs());
        let second = smooth(0.012, 0.003, (y - edge + 0.05 + 2.0 * lace).abs());
        let ground_or_water = mix(water, ground, smooth(-0.004, 0.004, y - edge));
        mix(ground_or_water, hex(0xFFFFFF), foam.max(0.7 * second))
    });
}

fn boat(canvas: &mut Canvas, x: f32, y: f32, size: f32) {
    let at = |dx: f32, dy: f32| (x + dx * size, y + dy * size);
    let main_sail = Shape::Polygon(vec![at(0.0, -1.6), at(0.03, -0.14), at(-0.55, -0.14)]);
    let jib = Shape::Polygon(vec![at(0.08, -1.4), at(0.08, -0.14), at(0.5, -0.14)]);
    let hull =
        Shape::Polygon(vec![at(-0.6, -0.08), at(0.6, -0.08), at(0.38, 0.14), at(-0.42, 0.14)]);
    canvas.fill(&main_sail, hex(0xFFFFFF));
    canvas.fill(&jib, hex(0xF2F6FA));
    canvas.fill(&hull, hex(0xB5322B));
}

fn parasol(canvas: &mut Canvas, x: f32, y: f32) {
    let shadow = Shape::limb((x - 0.19, y + 0.135), (x + 0.02, y + 0.135), (0.016, 0.022));
    canvas.fill_with(&shadow, 0.02, |_, _| (hex(0x8A6A3C), 0.55));
    canvas.fill(&Shape::limb((x, y - 0.10), (x + 0.035, y + 0.135), (0.005, 0.005)), hex(0xF4F1E6));
    let towel = [(-0.24, 0.14), (-0.10, 0.115), (-0.05, 0.15), (-0.20, 0.178)];
    let towel = Shape::Polygon(towel.iter().map(|p| (x + p.0, y + p.1)).collect());
    canvas.fill_with(&towel, 0.0, |px, py| {
        let stripe = ((px + 0.6 * py) * 60.0).sin() > 0.0;
        (if stripe { hex(0x2477C9) } else { hex(0xF7F7F2) }, 1.0)
    });
    let (radius, lean) = (0.155, -0.15_f32);
    let rim = |t: f32| {
        let angle = PI + PI * t;
        let (px, py) = (radius * angle.cos(), 0.78 * radius * angle.sin());
        (x + px * lean.cos() - py * lean.sin(), y - 0.04 + px * lean.sin() + py * lean.cos())
    };
    for panel in 0..7 {
        let (from, to) = (panel as f32 / 7.0, (panel + 1) as f32 / 7.0);
        // Panels meet at the tip: seen from the side they are bands between two meridians.
        let tip = rim(0.5);
        let base = |t: f32| {
            let (left, right) = (rim(0.0), rim(1.0));
            (left.0 + (right.0 - left.0) * t, left.1 + (right.1 - left.1) * t)
        };
        let meridian = |t: f32| -> Vec<(f32, f32)> {
            (0..=12)
                .map(|step| {
                    let s = step as f32 / 12.0;
                    let bend = (s * PI / 2.0).sin();
                    let end = base(t);
                    (
                        end.0 + (tip.0 - end.0) * (1.0 - (1.0 - s * s).max(0.0).sqrt()),
                        end.1 + (tip.1 - end.1) * bend,
                    )
                })
                .collect()
        };
        let mut outline = meridian(from);
        outline.extend(meridian(to).into_iter().rev());
        let colour = if panel % 2 == 0 { hex(0xE23B3B) } else { hex(0xFFF6E8) };
        canvas.fill(&Shape::Polygon(outline), colour);
    }
}

fn palm(canvas: &mut Canvas, seed: u64) {
    let mut random = Random::new(seed ^ 0x0A1B);
    let crown = (0.38, 0.25);
    let trunk = |t: f32| {
        let x = 0.17 + 0.05 * t + 0.16 * t * t;
        (x, 0.93 - (0.93 - crown.1) * t)
    };
    let shadow = Shape::limb((0.17, 0.93), (0.62, 0.965), (0.018, 0.010));
    canvas.fill_with(&shadow, 0.02, |_, _| (hex(0x8A6A3C), 0.5));
    let blot = Shape::limb((0.55, 0.955), (0.74, 0.972), (0.022, 0.020));
    canvas.fill_with(&blot, 0.05, |_, _| (hex(0x8A6A3C), 0.45));

    let rings = 34;
    for ring in 0..rings {
        let (low, high) = (ring as f32 / rings as f32, (ring + 1) as f32 / rings as f32);
        let width = 0.030 - 0.014 * low;
        let shape = Shape::limb(trunk(low), trunk(high), (width, width * 0.86));
        let (from, to) = (hex(0x5E4227), hex(0xB58A58));
        let middle = trunk(low).0;
        canvas.fill_with(&shape, 0.0, |x, _| {
            let light = smooth(-0.03, 0.03, x - middle);
            (mix(from, to, light), 1.0)
        });
        let notch = Shape::limb(
            (trunk(high).0 - width * 0.8, trunk(high).1),
            (trunk(high).0 + width * 0.8, trunk(high).1 + 0.004),
            (0.0018, 0.0018),
        );
        canvas.fill_with(&notch, 0.0, |_, _| (hex(0x4A3320), 0.7));
    }

    // Fronds behind first, so the bright ones lie on top.
    let angles = [-3.30, 0.18, -2.40, -0.72, -2.98, -0.16, -1.25, -2.72, -0.44];
    for (i, &angle) in angles.iter().enumerate() {
        let reach = random.between(0.28, 0.34);
        frond(canvas, crown, angle, reach, i as f32 / angles.len() as f32);
    }
    for (dx, dy) in [(-0.022, 0.018), (0.012, 0.026), (0.034, 0.012)] {
        canvas.fill(&Shape::disc(crown.0 + dx, crown.1 + dy, 0.019), hex(0x5B3A1C));
        canvas.fill(&Shape::disc(crown.0 + dx + 0.005, crown.1 + dy - 0.006, 0.007), hex(0x8A6034));
    }
}

fn frond(canvas: &mut Canvas, from: (f32, f32), angle: f32, reach: f32, light: f32) {
    let rib = |t: f32| {
        let sag = 0.62 * reach * t * t * (0.35 + 0.65 * angle.cos().abs());
        (from.0 + reach * t * angle.cos(), from.1 + reach * t * angle.sin() * 0.75 + sag)
    };
    let colour = mix(hex(0x14642F), hex(0x52B848), light);
    let leaflets = 34;
    for i in 1..leaflets {
        let t = i as f32 / leaflets as f32;
        let (here, next) = (rib(t), rib(t + 0.02));
        let (dx, dy) = (next.0 - here.0, next.1 - here.1);
        let step = dx.hypot(dy).max(1e-6);
        let length = 0.095 * (t * PI).sin().powf(0.5) * (1.0 - 0.2 * t);
        for side in [-1.0, 1.0] {
            let (nx, ny) = (-dy / step * side, dx / step * side);
            let tip = (
                here.0 + length * (0.62 * nx + 0.62 * dx / step),
                here.1 + length * (0.62 * ny + 0.62 * dy / step) + 0.40 * length,
            );
            let shade = mix(colour, hex(0x0C4A25), if side > 0.0 { 0.35 } else { 0.0 });
            canvas.fill(&Shape::limb(here, tip, (0.0048, 0.0007)), shade);
        }
    }
    for i in 0..20 {
        let t = i as f32 / 20.0;
        canvas.fill(&Shape::limb(rib(t), rib(t + 0.05), (0.0035, 0.003)), hex(0x9AB84A));
    }
}
