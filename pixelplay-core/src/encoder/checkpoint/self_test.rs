//! The self-test of a tower when it is first loaded, so that a broken checkpoint is never used.

use crate::embedding::normalize_in_place;
use crate::encoder::error::EncodeError;

/// In any working tower, even one with random weights, the vectors of two inputs this different
/// differ by far more. A collapsed tower returns the same vector almost to the last bit.
const SAME: f32 = 1e-6;

/// The number of patches per picture that the self-test uses. They exercise every weight of every
/// layer at a tenth of the cost.
pub(in crate::encoder) const PATCHES: usize = 4;

/// Returns two short texts that differ in one word. The vocabulary must have at least one token
/// other than `start` and `end`.
pub(in crate::encoder) fn texts(start: u32, end: u32, vocab_size: u32) -> [[u32; 3]; 2] {
    let mut words = (vocab_size / 3..vocab_size)
        .chain(0..vocab_size / 3)
        .filter(|&id| id != start && id != end)
        .chain([start]);
    std::array::from_fn(|_| [start, words.next().unwrap_or(start), end])
}

/// Returns two pictures of `len` values each: one uniformly grey, one striped.
pub(in crate::encoder) fn pixels(len: usize) -> Vec<f32> {
    let mut pixels = vec![0.0; len];
    pixels.extend((0..len).map(|at| (at % 97) as f32 / 48.0 - 1.0));
    pixels
}

/// Checks the vectors of the two inputs. The error says what is wrong with the tower.
pub(in crate::encoder) fn check(mut vectors: Vec<Vec<f32>>) -> Result<(), String> {
    for vector in &mut vectors {
        normalize_in_place(vector)
            .map_err(|problem| format!("gives a vector that is not an embedding: {problem}"))?;
    }
    let differ = vectors
        .windows(2)
        .all(|pair| pair[0].iter().zip(&pair[1]).any(|(a, b)| (a - b).abs() > SAME));
    if !differ {
        return Err("gives the same vector for different inputs (it has collapsed)".to_owned());
    }
    Ok(())
}

/// Returns the error with the names of the tower and the checkpoint.
pub(in crate::encoder) fn broken(
    path: &std::path::Path,
    tower: &'static str,
) -> impl FnOnce(String) -> EncodeError {
    move |problem| EncodeError::BrokenCheckpoint { path: path.to_owned(), tower, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_towers_are_told_from_working_ones() {
        assert_eq!(check(vec![vec![1.0, 0.0], vec![1.0, 0.001]]), Ok(()));
        // The length does not matter: the vectors are normalised.
        assert!(check(vec![vec![1.0, 2.0], vec![2.0, 4.0]]).is_err());
        assert!(check(vec![vec![1.0, f32::NAN], vec![1.0, 0.0]]).is_err());
        assert!(check(vec![vec![1.0, 0.0], vec![0.0, 0.0]]).is_err());
    }

    #[test]
    fn the_two_texts_differ_at_any_vocabulary() {
        for vocab_size in 3..40 {
            for start in 0..vocab_size {
                for end in (0..vocab_size).filter(|&end| end != start) {
                    let [a, b] = texts(start, end, vocab_size);
                    assert_ne!(a, b);
                    for text in [a, b] {
                        assert_eq!((text[0], text[2]), (start, end));
                        assert!(text[1] != end && text[1] < vocab_size);
                    }
                }
            }
        }
    }
}
