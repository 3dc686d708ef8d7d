//! Derives a person's taste from the stored lists: which songs they like, and how much.

use std::collections::BTreeMap;

use rusqlite::params;

use crate::users::clock::{Millis, in_millis};
use crate::users::error::UserError;
use crate::users::store::UserStore;

/// The weights of a favourite, a like (negated for a dislike) and a listen on the day they are
/// recorded.
const FAVOURITE: f64 = 1.0;
const LIKE: f64 = 1.0;
const LISTEN: f64 = 0.25;

/// Weights below this are left out: they would not change any search.
const FAINTEST: f64 = 1e-3;

impl UserStore {
    /// Returns what a person likes: song ids with weights from -1 (disliked) to 1.
    ///
    /// A favourite and a like weigh 1 each, a dislike -1, and a listen 0.25. Weights are halved
    /// with every [half-life](crate::users::UserStoreOptions::taste_half_life) that has passed
    /// since. The sum for a song is clamped to -1 and 1, and left out below 0.001. Pass the result
    /// to [`HybridQuery::lean_towards`](crate::HybridQuery::lean_towards).
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn taste(&self, name: &str) -> Result<BTreeMap<String, f64>, UserError> {
        let now = self.now();
        let half_life = in_millis(self.options.taste_half_life).max(1);
        self.read_for("read the taste", name, |reader, account| {
            let mut weights: BTreeMap<String, f64> = BTreeMap::new();
            let mut statement = reader.prepare_cached(
                "SELECT song, added, ?2 FROM favourite WHERE account = ?1
                 UNION ALL SELECT song, rated, iif(liked, ?3, -?3) FROM rating WHERE account = ?1
                 UNION ALL SELECT song, at, ?4 FROM listen WHERE account = ?1",
            )?;
            let mut rows = statement.query(params![account, FAVOURITE, LIKE, LISTEN])?;
            while let Some(row) = rows.next()? {
                let (song, at, weight): (String, Millis, f64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                *weights.entry(song).or_default() +=
                    weight * decay(now.saturating_sub(at), half_life);
            }
            weights.retain(|_, weight| weight.abs() >= FAINTEST);
            for weight in weights.values_mut() {
                *weight = weight.clamp(-1.0, 1.0);
            }
            Ok(weights)
        })
    }
}

/// Returns what remains of a weight after a time. A time in the future counts as now.
#[expect(clippy::cast_precision_loss, reason = "a ratio of times does not need exact milliseconds")]
fn decay(age: Millis, half_life: Millis) -> f64 {
    (-(age.max(0) as f64) / half_life as f64).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_halves_with_every_half_life() {
        assert_eq!(decay(0, 10), 1.0);
        assert_eq!(decay(10, 10), 0.5);
        assert_eq!(decay(30, 10), 0.125);
        assert_eq!(decay(-5, 10), 1.0);
    }
}
