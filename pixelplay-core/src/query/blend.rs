//! Blends the parts of a query into one vector.

use super::{HybridQuery, QueryError, Reference};
use crate::embedding::{Embedding, same_space};
use crate::index::{SongIndex, SongIndexError};
use crate::song::SongId;

/// The minimum length of a blend, relative to the total weight of its parts. If it is shorter, its
/// direction is mostly rounding error.
const SHORTEST_BLEND: f64 = 1e-4;

/// The songs that a user likes or dislikes in general, and the weight of this taste in the query.
#[derive(Debug, Clone)]
pub(super) struct Leaning {
    pub(super) songs: Vec<(String, f64)>,
    pub(super) weight: f64,
}

impl HybridQuery {
    /// Returns the blended vector and the ids of the songs that the query names.
    pub(super) fn resolve(
        &self,
        index: &SongIndex,
    ) -> Result<(Embedding, Vec<SongId>), QueryError> {
        let leaning = match &self.leaning {
            Some(leaning) => leaning.resolve(index)?,
            None => None,
        };
        if self.image.is_none() && self.text.is_none() && self.terms.is_empty() && leaning.is_none()
        {
            return Err(QueryError::Empty);
        }
        if !(0.0..=1.0).contains(&self.text_weight) {
            return Err(QueryError::BadTextWeight { found: self.text_weight });
        }
        let (image_weight, text_weight) = match (&self.image, &self.text) {
            (Some(_), Some(_)) => (1.0 - self.text_weight, self.text_weight),
            _ => (1.0, 1.0),
        };
        let mut sum = vec![0.0_f64; index.dim()];
        let mut weight_of_all = 0.0;
        let mut add = |part: &Embedding, weight: f64| -> Result<(), QueryError> {
            same_space((index.dim(), index.fingerprint()), (part.dim(), part.fingerprint()))?;
            for (sum, &value) in sum.iter_mut().zip(part.as_slice()) {
                *sum += weight * f64::from(value);
            }
            weight_of_all += weight.abs();
            Ok(())
        };
        if let Some(image) = &self.image {
            add(image, image_weight)?;
        }
        if let Some(text) = &self.text {
            add(text, text_weight)?;
        }
        let mut named = Vec::new();
        for term in &self.terms {
            if !(term.weight.is_finite() && term.weight >= 0.0) {
                return Err(QueryError::BadWeight { found: term.weight });
            }
            let signed = if term.towards { term.weight } else { -term.weight };
            match &term.reference {
                Reference::Embedding(embedding) => add(embedding, signed)?,
                Reference::Song(id) => {
                    let row = index
                        .row(id)
                        .ok_or_else(|| SongIndexError::UnknownId { id: id.clone() })?;
                    named.extend(SongId::new(id));
                    add(&index.embedding(row)?, signed)?;
                }
            }
        }
        if let Some((leaning, weight)) = leaning {
            for (sum, value) in sum.iter_mut().zip(leaning) {
                *sum += weight * value;
            }
            weight_of_all += weight;
        }
        let length = length_of(&sum);
        // Written so that NaN, which results from weights too large for f64, is rejected too.
        if !(length > SHORTEST_BLEND * weight_of_all && length.is_finite()) {
            return Err(QueryError::CancelsOut);
        }
        #[expect(clippy::cast_possible_truncation, reason = "embeddings are f32")]
        let values = sum.iter().map(|v| (v / length) as f32).collect();
        let blend = Embedding::normalize(values, index.fingerprint().cloned())?;
        Ok((blend, named))
    }
}

impl Leaning {
    /// Returns the direction, of length 1, and its weight. Returns `None` if none of the songs is
    /// in the index, or if they cancel each other out.
    fn resolve(&self, index: &SongIndex) -> Result<Option<(Vec<f64>, f64)>, QueryError> {
        if !(self.weight.is_finite() && self.weight >= 0.0) {
            return Err(QueryError::BadWeight { found: self.weight });
        }
        let mut sum = vec![0.0_f64; index.dim()];
        let mut weight_of_all = 0.0;
        for (id, weight) in &self.songs {
            if !weight.is_finite() {
                return Err(QueryError::BadWeight { found: *weight });
            }
            let Some(row) = index.row(id) else {
                continue;
            };
            for (sum, &value) in sum.iter_mut().zip(index.embedding(row)?.as_slice()) {
                *sum += weight * f64::from(value);
            }
            weight_of_all += weight.abs();
        }
        let length = length_of(&sum);
        if !(length > SHORTEST_BLEND * weight_of_all && length.is_finite()) {
            return Ok(None);
        }
        for value in &mut sum {
            *value /= length;
        }
        Ok(Some((sum, self.weight)))
    }
}

fn length_of(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}
