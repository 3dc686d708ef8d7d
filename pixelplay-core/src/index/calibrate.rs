//! Turns scores into percentages that mean something to a person.

/// How many rows are sampled at most.
const SAMPLE: usize = 1024;

/// Mean and standard deviation of the scores that a query gives to the catalogue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Calibration {
    mean: f64,
    /// 0 where there is no spread.
    sd: f64,
}

impl Calibration {
    /// The rows to score, evenly spaced over all.
    pub(super) fn rows(rows: usize) -> impl Iterator<Item = usize> {
        let sample = rows.min(SAMPLE);
        (0..sample).map(move |i| i * rows / sample)
    }

    pub(super) fn new<E>(scores: impl Iterator<Item = Result<f64, E>>) -> Result<Self, E> {
        // Welford's method: equal scores give a deviation of exactly 0.
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for score in scores {
            let score = score?;
            count += 1.0;
            let before = score - mean;
            mean += before / count;
            squares += before * (score - mean);
        }
        let variance: f64 = if count < 2.0 {
            0.0
        } else {
            squares / (count - 1.0)
        };
        Ok(Self {
            mean,
            sd: variance.sqrt(),
        })
    }

    /// 50 for the mean, 84 for two deviations above it, and towards 100 beyond.
    pub(super) fn percent(&self, score: f64) -> f64 {
        if self.sd == 0.0 {
            return 50.0;
        }
        let z = (score - self.mean) / self.sd;
        // Phi(z / 2), by its definition through the complementary error function.
        100.0 * 0.5 * libm::erfc(-z / 2.0 / std::f64::consts::SQRT_2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(scores: &[f64]) -> Calibration {
        Calibration::new(scores.iter().map(|&score| Ok::<_, ()>(score))).unwrap()
    }

    #[test]
    fn known_values() {
        let c = calibration(&[0.1, 0.2, 0.3]);
        assert!((c.mean - 0.2).abs() < 1e-15 && (c.sd - 0.1).abs() < 1e-15);
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
        assert_eq!(Calibration::rows(3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(Calibration::rows(0).count(), 0);
        let rows: Vec<usize> = Calibration::rows(10_000).collect();
        assert_eq!(rows.len(), SAMPLE);
        assert!(rows.windows(2).all(|w| (9..=10).contains(&(w[1] - w[0]))));
    }
}
