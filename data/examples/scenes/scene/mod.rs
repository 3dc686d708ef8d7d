//! The table of scenes. A new one is a function in a file of its own and a row here.

mod beach;
mod neon_street;
mod snowy_forest;

use super::canvas::Canvas;

/// The seed of the committed sample pictures.
pub(crate) const SAMPLE_SEED: u64 = 1;

pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) caption: &'static str,
    /// Paints over the whole canvas; the seed varies what may vary and nothing else does.
    draw: fn(&mut Canvas, u64),
}

impl Scene {
    pub(crate) fn render(&self, seed: u64) -> Canvas {
        let mut canvas = Canvas::new(640, 480);
        (self.draw)(&mut canvas, seed);
        canvas
    }
}

pub(crate) const SCENES: &[Scene] = &[
    Scene {
        name: "beach",
        caption: "a sunny tropical beach with a palm tree and a blue sea",
        draw: beach::draw,
    },
    Scene {
        name: "neon-street",
        caption: "a rainy city street at night with neon signs reflected in the wet road",
        draw: neon_street::draw,
    },
    Scene {
        name: "snowy-forest",
        caption: "a cabin in a snowy forest under a full moon",
        draw: snowy_forest::draw,
    },
];
