//! Chooses phrases pseudo-randomly.

use super::templates::{Phrases, Templates};
use crate::song::Song;

/// Pseudo-random numbers seeded by a song's id. They are the same on every platform and in every
/// version.
pub(super) struct Dice(blake3::OutputReader);

impl Dice {
    /// Creates the dice for one sentence. Each sentence has its own, so that adding or removing a
    /// cell changes only the sentences that use it.
    pub(super) fn new(song: &Song, templates: &Templates, sentence: &str) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in [templates.version(), sentence, song.id.as_str()] {
            hash.update(part.as_bytes()).update(b"\0");
        }
        Self(hash.finalize_xof())
    }

    /// Returns a uniformly distributed number in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn pick<'a>(&mut self, phrases: &'a Phrases) -> &'a str {
        let phrases = phrases.as_slice();
        &phrases[floor(self.unit() * phrases.len() as f64, phrases.len())]
    }

    /// Returns two phrases, which differ if there is more than one.
    pub(super) fn pick_two<'a>(&mut self, phrases: &'a Phrases) -> [&'a str; 2] {
        let phrases = phrases.as_slice();
        let first = floor(self.unit() * phrases.len() as f64, phrases.len());
        let others = phrases.len().max(2) - 1;
        let step = 1 + floor(self.unit() * others as f64, others);
        [&phrases[first], &phrases[(first + step) % phrases.len()]]
    }

    /// Returns one of the two levels nearest to `x` (0 to 1). The nearer one is more likely.
    pub(super) fn level(&mut self, x: f64, levels: usize) -> usize {
        floor(x * (levels - 1) as f64 + self.unit(), levels)
    }
}

fn floor(place: f64, count: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; rounding down is the point"
    )]
    let place = place as usize;
    place.min(count - 1)
}
