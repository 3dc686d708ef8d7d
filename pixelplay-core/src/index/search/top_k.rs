//! The k best scores of a stream.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A row and its score. Greater means better: a greater score, or an equal score and an earlier
/// row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored {
    pub(crate) score: f64,
    pub(crate) row: usize,
}

impl Eq for Scored {}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then_with(|| other.row.cmp(&self.row))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keeps the `k` greatest values pushed, in any order: O(log k) for a value that is kept, O(1) for
/// others.
///
/// Scores must not be NaN, nor -0.0, which would rank below 0.0.
#[derive(Debug)]
pub(crate) struct TopK {
    k: usize,
    floor: f64,
    /// The worst value is on top.
    heap: BinaryHeap<Reverse<Scored>>,
}

impl TopK {
    /// Scores below `floor` are not kept.
    pub(crate) fn new(k: usize, floor: f64) -> Self {
        Self { k, floor, heap: BinaryHeap::new() }
    }

    /// Returns a threshold below which a score can no longer be kept.
    pub(crate) fn threshold(&self) -> f64 {
        match self.heap.peek() {
            Some(Reverse(worst)) if self.heap.len() == self.k => worst.score,
            None if self.k == 0 => f64::INFINITY,
            _ => self.floor,
        }
    }

    pub(crate) fn push(&mut self, new: Scored) {
        if new.score < self.floor {
            return;
        }
        if self.heap.len() < self.k {
            self.heap.push(Reverse(new));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && worst.0 < new
        {
            *worst = Reverse(new);
        }
    }

    /// Returns the values kept, in no particular order.
    pub(crate) fn into_unsorted(self) -> impl Iterator<Item = Scored> {
        self.heap.into_iter().map(|Reverse(kept)| kept)
    }

    /// Returns the values kept, best first.
    pub(crate) fn into_sorted(self) -> Vec<Scored> {
        // Ascending by `Reverse` is descending.
        let sorted = self.heap.into_sorted_vec();
        sorted.into_iter().map(|Reverse(kept)| kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_what_sorting_would(
            // Few distinct scores, so that ties are common.
            scores in prop::collection::vec((-4_i8..4).prop_map(|s| f64::from(s) / 4.0), 0..60),
            k in 0_usize..70,
            floor in prop::option::of((-4_i8..4).prop_map(|s| f64::from(s) / 4.0)),
            rotate in 0_usize..60,
        ) {
            let floor = floor.unwrap_or(f64::NEG_INFINITY);
            let mut all: Vec<Scored> =
                scores.iter().enumerate().map(|(row, &score)| Scored { score: score + 0.0, row }).collect();
            let mut top = TopK::new(k, floor);
            let middle = rotate.min(all.len());
            all.rotate_left(middle);
            for &scored in &all {
                // The threshold is a guarantee: scores below it are not kept.
                if scored.score >= top.threshold() {
                    top.push(scored);
                }
            }
            all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
            all.retain(|scored| scored.score >= floor);
            all.truncate(k);
            prop_assert_eq!(top.into_sorted(), all);
        }
    }
}
