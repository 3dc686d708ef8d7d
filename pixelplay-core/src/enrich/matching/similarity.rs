//! The similarity of two spellings.

/// Returns the similarity of two texts, 0 to 1: one minus the edit distance (Levenshtein) divided
/// by the length of the longer text.
pub(super) fn similarity(a: &str, b: &str) -> f64 {
    /// The maximum length compared, longer than any title. The work grows with the product of the
    /// lengths.
    const LONGEST: usize = 200;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let longer = a.len().max(b.len());
    if longer == 0 || longer > LONGEST {
        return if a == b { 1.0 } else { 0.0 };
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = corner + usize::from(from != to);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    1.0 - row[b.len()] as f64 / longer as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_counts_edits() {
        for (a, b, expected) in [
            ("", "", 1.0),
            ("abc", "abc", 1.0),
            ("abc", "abd", 2.0 / 3.0),
            ("abc", "", 0.0),
            ("kitten", "sitting", 4.0 / 7.0),
            ("ab", "ba", 0.0),
        ] {
            assert!((similarity(a, b) - expected).abs() < 1e-12, "{a} {b}");
        }
    }
}
