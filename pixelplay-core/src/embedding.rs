//! Unit vectors that record which encoder they come from.

use std::fmt;
use std::sync::Arc;

/// The maximum difference between the length of a unit vector and 1.
///
/// Half-precision storage alone changes the length of a 512-d vector by up to about 5e-4.
pub const UNIT_TOLERANCE: f64 = 1e-3;

/// The spaces of earlier embedded checkpoints. When new weights are embedded, the space of the old
/// ones must be added here.
const EARLIER_EMBEDDED: [&str; 4] = [
    "clip:bf0e5d4568d97b916629348217a24dc6",
    "clip:0ae56f9acefaf73618c3e5e5fdc13a3d",
    "clip:e3296407b700dcd854a1956f44d0076a",
    "clip:54b6ace2fd8d93cecd9ee60e6fb474ba",
];

fn is_earlier(space: &Fingerprint) -> bool {
    EARLIER_EMBEDDED.contains(&space.as_str())
}

/// The name of the vector space that an encoder maps into.
///
/// Two vectors can be compared only if they come from the same space. `Encoder` derives its
/// fingerprint from weights, configuration and pre-processing; for your own vectors you can use any
/// name that is not empty, has no control characters and has at most [`Fingerprint::MAX_LEN`]
/// bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// The maximum length of a fingerprint, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Creates a fingerprint from the name of a space.
    ///
    /// # Errors
    /// [`EmbeddingError::BadFingerprint`] if the name is empty, too long or has control characters.
    pub fn new(name: impl AsRef<str>) -> Result<Self, EmbeddingError> {
        let name = name.as_ref();
        if name.is_empty() || name.len() > Self::MAX_LEN || name.chars().any(char::is_control) {
            return Err(EmbeddingError::BadFingerprint { len: name.len() });
        }
        Ok(Self(name.into()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A finite `f32` vector of length 1, with the space it belongs to, if known.
///
/// ```
/// use pixelplay_core::Embedding;
///
/// let east = Embedding::normalize(vec![3.0, 0.0], None)?;
/// let north_east = Embedding::normalize(vec![1.0, 1.0], None)?;
/// assert_eq!(east.as_slice(), [1.0, 0.0]);
/// assert!((east.dot(&north_east)? - 0.5_f64.sqrt()).abs() < 1e-7);
/// # Ok::<(), pixelplay_core::EmbeddingError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Embedding {
    values: Arc<[f32]>,
    fingerprint: Option<Fingerprint>,
}

impl Embedding {
    /// Creates an embedding from a vector that already has length 1 (within [`UNIT_TOLERANCE`]).
    /// Its values are not changed.
    ///
    /// # Errors
    /// If the vector is empty, contains NaN or an infinity, or does not have length 1.
    pub fn new(
        values: impl Into<Arc<[f32]>>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Self, EmbeddingError> {
        let values = values.into();
        let norm = norm(&values)?;
        if (norm - 1.0).abs() > UNIT_TOLERANCE {
            return Err(EmbeddingError::NotUnit { norm });
        }
        Ok(Self { values, fingerprint })
    }

    /// Creates an embedding from any vector by scaling it to length 1.
    ///
    /// # Errors
    /// If the vector is empty, contains NaN or an infinity, or is zero.
    pub fn normalize(
        mut values: Vec<f32>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Self, EmbeddingError> {
        normalize_in_place(&mut values)?;
        Ok(Self { values: values.into(), fingerprint })
    }

    /// Returns the vector, shape `(dim,)`.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }

    /// Returns the number of dimensions, which is never 0.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.values.len()
    }

    /// Returns the space the vector belongs to, if known.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    /// Returns the cosine of the angle to `other`, summed in `f64`.
    ///
    /// # Errors
    /// If the two vectors have different dimensions, or are known to come from different spaces.
    pub fn dot(&self, other: &Self) -> Result<f64, EmbeddingError> {
        same_space((self.dim(), self.fingerprint()), (other.dim(), other.fingerprint()))?;
        Ok(self
            .values
            .iter()
            .zip(other.values.iter())
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum())
    }
}

impl AsRef<[f32]> for Embedding {
    fn as_ref(&self) -> &[f32] {
        &self.values
    }
}

impl fmt::Debug for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedding")
            .field("dim", &self.dim())
            .field("fingerprint", &self.fingerprint)
            .field("head", &&self.values[..self.dim().min(4)])
            .finish()
    }
}

/// Checks that two `(dim, fingerprint)` pairs may be compared. An unknown fingerprint matches any.
///
/// # Errors
/// [`EmbeddingError::DimMismatch`] or [`EmbeddingError::SpaceMismatch`]; `expected` refers to the
/// first pair.
pub fn same_space(
    expected: (usize, Option<&Fingerprint>),
    found: (usize, Option<&Fingerprint>),
) -> Result<(), EmbeddingError> {
    // The space is checked first, because a different encoder explains a different dimension, but
    // not the other way round.
    if let (Some(a), Some(b)) = (expected.1, found.1)
        && a != b
    {
        return Err(EmbeddingError::SpaceMismatch { expected: a.clone(), found: b.clone() });
    }
    if expected.0 != found.0 {
        return Err(EmbeddingError::DimMismatch { expected: expected.0, found: found.0 });
    }
    Ok(())
}

/// Returns the Euclidean length of `values`, summed in `f64`.
///
/// # Errors
/// If the vector is empty or contains NaN or an infinity.
pub fn norm(values: &[f32]) -> Result<f64, EmbeddingError> {
    if values.is_empty() {
        return Err(EmbeddingError::Empty);
    }
    let mut sum = 0.0_f64;
    for (at, &value) in values.iter().enumerate() {
        if !value.is_finite() {
            return Err(EmbeddingError::NotFinite { at, value });
        }
        sum += f64::from(value) * f64::from(value);
    }
    Ok(sum.sqrt())
}

/// Scales `values` to length 1; see [`Embedding::normalize`].
///
/// # Errors
/// If the vector is empty, contains NaN or an infinity, or is zero. `values` is then unchanged.
pub fn normalize_in_place(values: &mut [f32]) -> Result<(), EmbeddingError> {
    let norm = norm(values)?;
    // f64 can represent the square of every f32, including subnormal ones, so only a true zero
    // gives 0 here.
    if norm == 0.0 {
        return Err(EmbeddingError::Zero);
    }
    for value in values {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
        {
            *value = (f64::from(*value) / norm) as f32;
        }
    }
    Ok(())
}

/// Why a vector is not an [`Embedding`], or why two cannot be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddingError {
    /// The vector has no dimensions.
    #[error("the vector is empty")]
    Empty,
    /// A value is NaN or infinite.
    #[error("the vector holds {value} at position {at}; every value must be finite")]
    NotFinite {
        /// The position of the first such value.
        at: usize,
        /// The value.
        value: f32,
    },
    /// All values are zero, so there is no direction.
    #[error("the vector is all zeros, so it has no direction")]
    Zero,
    /// The vector does not have length 1.
    #[error("the vector has length {norm:.6}, not 1; normalise it first")]
    NotUnit {
        /// The length found.
        norm: f64,
    },
    /// Two vectors differ in dimension.
    #[error("expected a vector of {expected} dimensions, found {found}")]
    DimMismatch {
        /// The dimension of the index or of the first vector.
        expected: usize,
        /// The dimension of the query or of the second vector.
        found: usize,
    },
    /// Two vectors come from different encoders.
    #[error(
        "vectors from different encoders cannot be compared: expected {expected}, found {found}{}",
        if is_earlier(expected) {
            "; the index was built with an earlier embedded checkpoint; rebuild it"
        } else if is_earlier(found) {
            "; the vectors found come from an earlier embedded checkpoint; encode them again"
        } else {
            ""
        }
    )]
    SpaceMismatch {
        /// The space of the index or of the first vector.
        expected: Fingerprint,
        /// The space of the query or of the second vector.
        found: Fingerprint,
    },
    /// A fingerprint is empty, too long or has control characters.
    #[error(
        "a fingerprint must have 1 to {max} bytes and no control characters, found {len} bytes",
        max = Fingerprint::MAX_LEN
    )]
    BadFingerprint {
        /// The length found, in bytes.
        len: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(name: &str) -> Option<Fingerprint> {
        Some(Fingerprint::new(name).unwrap())
    }

    #[test]
    fn an_index_of_an_earlier_embedded_checkpoint_is_told_from_any_other() {
        let space = |name: &str| Fingerprint::new(name).unwrap();
        let refused = |index: &str| {
            let (index, query) = (space(index), space("clip:today"));
            same_space((2, Some(&index)), (2, Some(&query))).unwrap_err().to_string()
        };
        let advice = "built with an earlier embedded checkpoint; rebuild it";
        assert!(refused(EARLIER_EMBEDDED[1]).ends_with(advice));
        assert!(!refused("clip:of somebody else").contains("embedded"));
        let (today, earlier) = (space("clip:today"), space(EARLIER_EMBEDDED[0]));
        let refused = same_space((2, Some(&today)), (2, Some(&earlier))).unwrap_err().to_string();
        assert!(refused.ends_with("encode them again"), "{refused}");
    }

    #[cfg(feature = "mini")]
    #[test]
    fn the_embedded_checkpoint_is_not_an_earlier_one() {
        let now = crate::Encoder::mini().unwrap();
        assert!(!EARLIER_EMBEDDED.contains(&now.fingerprint().as_str()));
    }

    #[test]
    fn refuses_what_has_no_direction() {
        assert_eq!(Embedding::normalize(vec![], None), Err(EmbeddingError::Empty));
        assert_eq!(Embedding::normalize(vec![0.0, -0.0], None), Err(EmbeddingError::Zero));
        assert!(matches!(
            Embedding::normalize(vec![1.0, f32::NAN], None),
            Err(EmbeddingError::NotFinite { at: 1, .. })
        ));
        assert!(matches!(
            Embedding::new(vec![0.9, 0.0], None),
            Err(EmbeddingError::NotUnit { .. })
        ));
    }

    #[test]
    fn the_smallest_and_largest_floats_have_a_direction() {
        for value in [f32::from_bits(1), f32::MIN_POSITIVE, f32::MAX] {
            let e = Embedding::normalize(vec![value, value], None).unwrap();
            assert!((f64::from(e.as_slice()[0]) - 0.5_f64.sqrt()).abs() < 1e-7);
        }
    }

    #[test]
    fn spaces_known_to_differ_are_refused_and_unknown_ones_are_not() {
        let a = Embedding::new(vec![1.0], named("a")).unwrap();
        let b = Embedding::new(vec![1.0], named("b")).unwrap();
        let unknown = Embedding::new(vec![1.0], None).unwrap();
        assert!(matches!(a.dot(&b), Err(EmbeddingError::SpaceMismatch { .. })));
        assert_eq!(a.dot(&unknown), Ok(1.0));
        let wide = Embedding::new(vec![1.0, 0.0], named("a")).unwrap();
        assert_eq!(a.dot(&wide), Err(EmbeddingError::DimMismatch { expected: 1, found: 2 }));
    }

    #[test]
    fn fingerprints_are_printable_and_short() {
        for bad in ["", "a\nb", &"x".repeat(Fingerprint::MAX_LEN + 1)] {
            assert!(Fingerprint::new(bad).is_err(), "{bad:?}");
        }
        assert!(Fingerprint::new("x".repeat(Fingerprint::MAX_LEN)).is_ok());
    }

    proptest! {
        #[test]
        fn normalized_vectors_are_unit_and_keep_their_direction(
            values in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::ZERO, 1..200)
        ) {
            prop_assume!(values.iter().any(|&v| v != 0.0));
            let e = Embedding::normalize(values.clone(), None).unwrap();
            prop_assert!((norm(e.as_slice()).unwrap() - 1.0).abs() < 1e-6);
            for (&before, &after) in values.iter().zip(e.as_slice()) {
                prop_assert!(after == 0.0 || before.signum() == after.signum());
            }
        }
    }
}
