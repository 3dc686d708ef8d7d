//! A snowy forest at night: stars, a full moon, firs under snow and a cabin with warm windows.

use super::super::canvas::{Canvas, gradient, hex, mix, smooth};
use super::super::random::{Noise, Random};
use super::super::shape::Shape;

const MOON: (f32, f32) = (0.93, 0.21);

pub(super) fn draw(canvas: &mut Canvas, seed: u64) {
    let mut random = Random::new(seed);
    sky(canvas, &mut random, seed);
    for (depth, base) in [(0.0, 0.56), (0.35, 0.63), (0.7, 0.72)] {
        hill(canvas, seed, base, depth);
        let count = [34, 18, 9][(depth * 2.9) as usize];
        for i in 0..count {
            let x = (i as f32 + random.between(-0.35, 0.35)) * 1.40 / count as f32;
            let height = random.between(0.75, 1.25) * (0.11 + 0.20 * depth);
            // The clearing with the cabin stays open.
            if depth > 0.1 && (0.42..0.98).contains(&x) {
                continue;
            }
            fir(canvas, &mut random, (x, ground(seed, base, x) + 0.012), height, depth);
        }
    }
    cabin(canvas, 0.62, 0.765);
    foreground(canvas, seed);
    for (x, y, height) in
        [(0.07, 1.0, 0.72), (0.27, 0.97, 0.50), (1.27, 1.01, 0.80), (1.07, 0.95, 0.42)]
    {
        fir(canvas, &mut random, (x, y), height, 1.0);
    }
    snowfall(canvas, &mut random);
}

fn sky(canvas: &mut Canvas, random: &mut Random, seed: u64) {
    let stops = [(0.0, hex(0x060B26)), (0.35, hex(0x13245A)), (0.62, hex(0x3D5C9A))];
    canvas.shade(|_, y, _| gradient(&stops, y));
    for _ in 0..170 {
        let (x, y) = (random.between(0.0, 1.334), random.between(0.0, 0.5));
        let bright = random.between(0.25, 1.0);
        let star = Shape::disc(x, y, 0.0009 + 0.0010 * bright * bright);
        canvas.fill_with(&star, 0.0, |_, _| (hex(0xFFFFFF), bright));
    }
    canvas.glow(MOON.0, MOON.1, 0.62, hex(0x7FA6E8), 0.55);
    canvas.glow(MOON.0, MOON.1, 0.22, hex(0xDDE9FF), 0.60);
    let noise = Noise::new(seed ^ 0x3007);
    canvas.fill_with(&Shape::disc(MOON.0, MOON.1, 0.098), 0.0, |x, y| {
        let seas = smooth(0.42, 0.68, noise.cloud((x - MOON.0) * 26.0 + 9.0, (y - MOON.1) * 26.0));
        (mix(hex(0xFFFDF0), hex(0xB9BDC8), 0.8 * seas), 1.0)
    });
}

/// The height of a snow ridge at `x`.
fn ground(seed: u64, base: f32, x: f32) -> f32 {
    let noise = Noise::new(seed ^ 0x617);
    base + 0.10 * (noise.value(x * 2.2 + base * 40.0, base * 9.0) - 0.5)
}

fn hill(canvas: &mut Canvas, seed: u64, base: f32, depth: f32) {
    let noise = Noise::new(seed ^ 0x51);
    canvas.shade(|x, y, under| {
        let below = y - ground(seed, base, x);
        let drift = noise.cloud(x * 4.0, y * 12.0) - 0.5;
        let lit = mix(hex(0x7F9BD0), hex(0xDCE8FB), 0.35 + 0.6 * depth);
        let deep = mix(hex(0x5570AC), hex(0x93AEDC), depth);
        let snow = mix(lit, deep, smooth(0.0, 0.16, below) - 0.5 * drift);
        mix(under, snow, smooth(-0.001, 0.001, below))
    });
}

/// A fir of jagged tiers; each carries snow along its upper edge. `depth` 0 is far and hazy.
fn fir(canvas: &mut Canvas, random: &mut Random, foot: (f32, f32), height: f32, depth: f32) {
    let haze = hex(0x4A68A4);
    let green = mix(haze, hex(0x0D2A2E), 0.35 + 0.65 * depth);
    let snow = mix(hex(0x93ADDA), hex(0xEEF4FF), 0.3 + 0.7 * depth);
    let shadow = Shape::limb(
        (foot.0, foot.1),
        (foot.0 - 0.30 * height, foot.1 + 0.05 * height),
        (0.07 * height, 0.01 * height),
    );
    canvas.fill_with(&shadow, 0.02, |_, _| (hex(0x3C5693), 0.45 * depth));
    let trunk = Shape::limb(foot, (foot.0, foot.1 - 0.2 * height), (0.026 * height, 0.02 * height));
    canvas.fill(&trunk, mix(haze, hex(0x2A1B16), 0.3 + 0.7 * depth));
    let tiers = 7;
    for tier in 0..tiers {
        let t = tier as f32 / tiers as f32;
        let bottom = foot.1 - height * (0.09 + 0.72 * t);
        let top = (bottom - height * (0.34 - 0.10 * t)).max(foot.1 - height);
        let half = height * (0.27 * (1.0 - t) + 0.045);
        let teeth = 9;
        let mut branch = vec![(foot.0, top)];
        let mut cover = vec![(foot.0, top - 0.004 * height)];
        for tooth in 0..=teeth {
            let s = 2.0 * tooth as f32 / teeth as f32 - 1.0;
            let droop = (1.0 - s * s) * 0.035 * height;
            let jag = if tooth % 2 == 0 { 0.030 } else { 0.0 } * height;
            let sway = random.between(-0.010, 0.010) * height;
            branch.push((foot.0 + s * half + sway, bottom + jag - droop * 0.4));
            // Snow covers a tier nearly down to its rim: the tier above hides the rest.
            let reach = 0.80 + random.between(-0.13, 0.13);
            cover.push((foot.0 + s * half * 0.93, top + (bottom - top) * reach));
        }
        canvas.fill(&Shape::Polygon(branch), green);
        let moonlit = 0.5;
        canvas.fill_with(&Shape::Polygon(cover), 0.003 * height, |x, _| {
            let side = smooth(-half, half, x - foot.0);
            (mix(mix(snow, haze, moonlit), snow, side), 0.92)
        });
    }
}

fn cabin(canvas: &mut Canvas, x: f32, foot: f32) {
    let (half, wall, roof) = (0.115, 0.105, 0.085);
    let smoke_from = (x + 0.062, foot - wall - roof - 0.03);
    for puff in 0..16 {
        let t = puff as f32 / 16.0;
        let drift = 0.035 * (t * 6.0).sin() + 0.10 * t;
        let disc = Shape::disc(smoke_from.0 - drift, smoke_from.1 - 0.26 * t, 0.010 + 0.030 * t);
        canvas.fill_with(&disc, 0.03, |_, _| (hex(0xB9C8E6), 0.20 * (1.0 - t)));
    }
    let shadow = Shape::limb((x - half, foot), (x - half - 0.12, foot + 0.02), (0.03, 0.005));
    canvas.fill_with(&shadow, 0.03, |_, _| (hex(0x3C5693), 0.5));
    canvas.fill(
        &Shape::rect(x + 0.045, foot - wall - roof - 0.03, x + 0.08, foot - wall),
        hex(0x3B2C33),
    );
    canvas.fill(
        &Shape::rect(x + 0.04, foot - wall - roof - 0.04, x + 0.085, foot - wall - roof - 0.026),
        hex(0xEEF4FF),
    );
    let front = Shape::rect(x - half, foot - wall, x + half, foot);
    canvas.fill_with(&front, 0.0, |_, y| {
        let log = ((foot - y) / 0.0175).fract();
        (mix(hex(0x2B1811), hex(0x6B4128), smooth(0.0, 0.6, log)), 1.0)
    });
    let gable = Shape::Polygon(vec![
        (x - half, foot - wall),
        (x + half, foot - wall),
        (x, foot - wall - roof),
    ]);
    canvas.fill(&gable, hex(0x4A2C1D));
    let eave = 0.028;
    for side in [-1.0, 1.0] {
        let slab = Shape::limb(
            (x, foot - wall - roof - 0.006),
            (x + side * (half + eave), foot - wall + 0.016),
            (0.015, 0.012),
        );
        canvas.fill(&slab, if side > 0.0 { hex(0xF3F7FF) } else { hex(0xBCCDEC) });
    }
    canvas.fill(&Shape::rect(x - 0.020, foot - 0.072, x + 0.020, foot), hex(0x23120C));
    for wx in [x - 0.068, x + 0.068] {
        canvas.glow(wx, foot - 0.055, 0.16, hex(0xFF9A3C), 0.50);
        canvas
            .fill(&Shape::rect(wx - 0.026, foot - 0.080, wx + 0.026, foot - 0.034), hex(0xFFC45E));
        canvas.fill(&Shape::disc(wx, foot - 0.052, 0.012), hex(0xFFE6A6));
        canvas
            .fill(&Shape::rect(wx - 0.002, foot - 0.080, wx + 0.002, foot - 0.034), hex(0x3A2014));
        canvas
            .fill(&Shape::rect(wx - 0.026, foot - 0.059, wx + 0.026, foot - 0.055), hex(0x3A2014));
        canvas.glow(wx, foot + 0.035, 0.12, hex(0xFF9A40), 0.20);
    }
}

fn foreground(canvas: &mut Canvas, seed: u64) {
    let noise = Noise::new(seed ^ 0xF0);
    canvas.shade(|x, y, under| {
        let edge = 0.84 + 0.035 * (x * 4.0 + 1.0).sin() + 0.03 * (noise.value(x * 3.0, 0.5) - 0.5);
        let drift = noise.cloud(x * 3.0, y * 10.0);
        let sparkle = smooth(0.90, 0.97, noise.value(x * 220.0, y * 220.0));
        let snow = mix(hex(0xF2F7FF), hex(0x9FB8E4), smooth(0.0, 0.16, y - edge) * 0.8);
        let snow = mix(snow, hex(0x86A2D6), smooth(0.45, 0.70, drift) * 0.55);
        let snow = mix(snow, hex(0xFFFFFF), 0.7 * sparkle);
        mix(under, snow, smooth(-0.002, 0.002, y - edge))
    });
    // Footprints lead to the door.
    for step in 0..13 {
        let t = step as f32 / 12.0;
        let side = if step % 2 == 0 { 1.0 } else { -1.0 };
        let y = 0.99 - 0.205 * t.powf(0.8);
        let near = (y - 0.70) / 0.3;
        let x = 0.74 - 0.12 * t + 0.05 * (t * 5.0).sin() + side * 0.016 * near;
        let print =
            Shape::limb((x, y), (x - 0.004, y - 0.014 * near), (0.009 * near, 0.007 * near));
        canvas.fill_with(&print, 0.004, |_, _| (hex(0x5F7DB8), 0.75));
    }
}

fn snowfall(canvas: &mut Canvas, random: &mut Random) {
    for _ in 0..130 {
        let (x, y) = (random.between(0.0, 1.334), random.between(0.0, 1.0));
        let size = random.between(0.0012, 0.0040);
        let opacity = random.between(0.4, 0.9);
        canvas.fill_with(&Shape::disc(x, y, size), size, |_, _| (hex(0xFFFFFF), opacity));
    }
}
