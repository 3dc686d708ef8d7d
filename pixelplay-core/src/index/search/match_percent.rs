//! Turns scores into percentages that are meaningful to people.

use crate::index::quantized::QuantizedVectors;

/// The maximum number of sampled rows. The standard deviation is then known to 3%, which changes
/// percentages by less than one point.
const SAMPLE: usize = 512;

/// Returns the rows of a catalogue that make up the sample.
pub(crate) fn sample_rows(rows: usize) -> impl Iterator<Item = usize> {
    let sample = rows.min(SAMPLE);
    (0..sample).map(move |i| split_point(rows, i, sample))
}

/// Returns where the `part`-th of `parts` equal parts of the rows begins, without overflow even on
/// 32-bit systems.
pub(crate) fn split_point(rows: usize, part: usize, parts: usize) -> usize {
    (rows as u128 * part as u128 / parts.max(1) as u128) as usize
}

/// Evenly spaced rows of the catalogue, quantized to integers: exact sums are then cheap and the
/// same on every processor.
#[derive(Debug)]
pub(crate) struct Sample {
    vectors: QuantizedVectors,
}

impl Sample {
    /// Creates a sample from the vectors of [`sample_rows`].
    pub(crate) fn new(vectors: &[f32], dim: usize) -> Self {
        Self { vectors: QuantizedVectors::new(vectors, dim) }
    }

    pub(crate) fn vectors(&self) -> &QuantizedVectors {
        &self.vectors
    }
}

/// Returns the distribution of a query's scores over the whole catalogue, estimated from the score
/// bounds of a sample, and a score that at least `k` rows of the sample reach.
pub(crate) fn score_distribution(
    bounds: impl Iterator<Item = (f64, f64)>,
    k: usize,
) -> (ScoreDistribution, f64) {
    let mut lower: Vec<f64> = Vec::with_capacity(SAMPLE);
    let distribution = ScoreDistribution::new(bounds.map(|(least, most)| {
        lower.push(least);
        (least + most) / 2.0
    }));
    if k == 0 || lower.len() < k {
        return (distribution, f64::NEG_INFINITY);
    }
    let (_, reached, _) = lower.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    (distribution, *reached)
}

/// Mean and standard deviation of a query's scores over the catalogue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScoreDistribution {
    mean: f64,
    /// Exactly 0 if all scores are equal.
    sd: f64,
}

impl ScoreDistribution {
    pub(crate) fn new(scores: impl IntoIterator<Item = f64>) -> Self {
        let mut scores = scores.into_iter();
        // Deviations from any fixed score give the same variance as those from the mean, and are
        // exactly 0 if all scores are equal.
        let first = scores.next().unwrap_or(0.0);
        let (mut count, mut sum, mut squares) = (1.0, 0.0, 0.0);
        for score in scores {
            let deviation = score - first;
            count += 1.0;
            sum += deviation;
            squares += deviation * deviation;
        }
        let variance = (squares - sum * sum / count) / f64::max(count - 1.0, 1.0);
        Self {
            mean: first + sum / count,
            // Rounding may make the variance slightly negative.
            sd: variance.max(0.0).sqrt(),
        }
    }

    /// Returns 50 for the mean, 84 for two standard deviations above it, and approaches 100 beyond
    /// that.
    pub(crate) fn match_percent(&self, score: f64) -> f64 {
        if self.sd == 0.0 {
            return 50.0;
        }
        let z = (score - self.mean) / self.sd;
        // Phi(z / 2), in terms of the complementary error function.
        100.0 * 0.5 * libm::erfc(-z / 2.0 / std::f64::consts::SQRT_2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let c = ScoreDistribution::new([0.1, 0.2, 0.3]);
        // Phi(0), Phi(1), Phi(1.5) and Phi(-1), as in any statistical table.
        for (score, percent) in
            [(0.2, 50.0), (0.4, 84.134_474_6), (0.5, 93.319_279_9), (0.0, 15.865_525_4)]
        {
            assert!((c.match_percent(score) - percent).abs() < 1e-6, "{score}");
        }
    }

    #[test]
    fn no_spread_is_fifty() {
        for scores in [&[][..], &[0.3], &[0.3, 0.3, 0.3]] {
            assert_eq!(ScoreDistribution::new(scores.iter().copied()).match_percent(0.3), 50.0);
            assert_eq!(ScoreDistribution::new(scores.iter().copied()).match_percent(0.9), 50.0);
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
