//! Turns scores into percentages that mean something to a person.

use super::twin::{Query, Twin};
use crate::simd::Backend;

/// How many rows are sampled at most: the deviation is then known to 3%, which moves no percentage by a whole point.
const SAMPLE: usize = 512;

/// The rows of a catalogue that a sample consists of.
pub(super) fn sample_rows(rows: usize) -> impl Iterator<Item = usize> {
    let sample = rows.min(SAMPLE);
    (0..sample).map(move |i| i * rows / sample)
}

/// Some rows of the catalogue, evenly spaced, in integers: exact sums cost little and are the same on every processor.
#[derive(Debug)]
pub(super) struct Sample {
    twin: Twin,
}

impl Sample {
    /// Of the vectors of [`sample_rows`].
    pub(super) fn new(vectors: &[f32], dim: usize) -> Self {
        Self {
            twin: Twin::new(vectors, dim),
        }
    }

    /// Where the scores of a query lie over the whole catalogue; and a score that at least `k` rows reach, as far as the
    /// sample tells.
    pub(super) fn score(&self, backend: Backend, query: &Query, values: &[f32], k: usize) -> (Calibration, f64) {
        let offset = backend.dot_f64(self.twin.centre(), values);
        let bounds = query.all_bounds(backend, &self.twin, offset);
        let mut calibration = Calibration::default();
        let mut lower: Vec<f64> = Vec::with_capacity(bounds.len());
        for (least, most) in bounds {
            calibration.add((least + most) / 2.0);
            lower.push(least);
        }
        if k == 0 || lower.len() < k {
            return (calibration, f64::NEG_INFINITY);
        }
        let (_, reached, _) = lower.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
        (calibration, *reached)
    }
}

/// Mean and standard deviation of the scores that a query gives to the catalogue, by Welford's method: equal scores
/// give a deviation of exactly 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Calibration {
    count: f64,
    mean: f64,
    /// The sum of the squared deviations from the mean.
    squares: f64,
}

impl Calibration {
    pub(super) fn add(&mut self, score: f64) {
        self.count += 1.0;
        let before = score - self.mean;
        self.mean += before / self.count;
        self.squares += before * (score - self.mean);
    }

    /// 50 for the mean, 84 for two deviations above it, and towards 100 beyond.
    pub(super) fn percent(&self, score: f64) -> f64 {
        if self.squares == 0.0 {
            return 50.0;
        }
        let sd = (self.squares / (self.count - 1.0)).sqrt();
        let z = (score - self.mean) / sd;
        // Phi(z / 2), by its definition through the complementary error function.
        100.0 * 0.5 * libm::erfc(-z / 2.0 / std::f64::consts::SQRT_2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(scores: &[f64]) -> Calibration {
        let mut calibration = Calibration::default();
        scores.iter().for_each(|&score| calibration.add(score));
        calibration
    }

    #[test]
    fn known_values() {
        let c = calibration(&[0.1, 0.2, 0.3]);
        // Phi(0), Phi(1), Phi(1.5), Phi(-1) of any statistical table.
        for (score, percent) in [
            (0.2, 50.0),
            (0.4, 84.134_474_6),
            (0.5, 93.319_279_9),
            (0.0, 15.865_525_4),
        ] {
            assert!((c.percent(score) - percent).abs() < 1e-6, "{score}");
        }
    }

    #[test]
    fn no_spread_is_fifty() {
        for scores in [&[][..], &[0.3], &[0.3, 0.3, 0.3]] {
            assert_eq!(calibration(scores).percent(0.3), 50.0);
            assert_eq!(calibration(scores).percent(0.9), 50.0);
        }
    }

    #[test]
    fn the_sample_is_spread_over_all_rows() {
        assert_eq!(sample_rows(3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(sample_rows(0).count(), 0);
        let rows: Vec<usize> = sample_rows(10_000).collect();
        assert_eq!(rows.len(), SAMPLE);
        assert!(rows.windows(2).all(|w| (19..=20).contains(&(w[1] - w[0]))));
    }
}
