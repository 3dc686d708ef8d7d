//! Seeded chance: a stream of numbers, and value noise over the plane.

/// SplitMix64 (Steele, Lea and Flood 2014): every bit of the answer depends on every bit of
/// `state`.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The top 24 bits as a number in `[0, 1)`: exactly what an f32 can hold.
fn unit(bits: u64) -> f32 {
    (bits >> 40) as f32 / (1u64 << 24) as f32
}

pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.state = self.state.wrapping_add(1);
        low + (high - low) * unit(mix(self.state))
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let i = self.between(0.0, from.len() as f32) as usize;
        from[i.min(from.len() - 1)]
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Noise {
    seed: u64,
}

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed: mix(seed) }
    }

    fn corner(self, x: i32, y: i32) -> f32 {
        let cell = (u64::from(x as u32) << 32) | u64::from(y as u32);
        unit(mix(self.seed ^ mix(cell)))
    }

    /// Smooth value noise in `[0, 1]`; neighbouring bumps lie 1 apart.
    pub(crate) fn value(self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (u, v) = (ease(x - left), ease(y - top));
        let (i, j) = (left as i32, top as i32);
        let above = mix_by(self.corner(i, j), self.corner(i + 1, j), u);
        let below = mix_by(self.corner(i, j + 1), self.corner(i + 1, j + 1), u);
        mix_by(above, below, v)
    }

    /// Five octaves of `value`, in `[0, 1]`: clouds, snow, smoke.
    pub(crate) fn cloud(self, x: f32, y: f32) -> f32 {
        let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
        for _ in 0..5 {
            sum += weight * self.value(x * scale, y * scale);
            weight *= 0.5;
            scale *= 2.03;
        }
        sum / (1.0 - 1.0 / 32.0)
    }
}

fn mix_by(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
