//! Inputs that go through a tower at once.

use std::ops::Range;

use rayon::prelude::*;

use super::Result;

/// About so many rows go through a tower at once: enough to make the weights' way from memory worth
/// it, and their activations stay near.
const GROUP_ROWS: usize = 400;

/// The vectors of all groups, in order.
pub(super) fn run_groups(
    groups: &[Range<usize>],
    one: impl Fn(Range<usize>) -> Result<Vec<Vec<f32>>> + Sync,
) -> Result<Vec<Vec<f32>>> {
    let vectors: Result<Vec<Vec<Vec<f32>>>> = match groups {
        [group] => return one(group.clone()),
        // A few at a time: a thread that waits within one takes up another, and each has a
        // workspace.
        groups => groups
            .chunks(4 * rayon::current_num_threads())
            .map(|groups| {
                groups.par_iter().map(|group| one(group.clone())).collect::<Result<Vec<_>>>()
            })
            .collect::<Result<Vec<_>>>()
            .map(|vectors| vectors.into_iter().flatten().collect()),
    };
    Ok(vectors?.into_iter().flatten().collect())
}

/// `count` inputs of so many rows each, in groups.
pub(super) fn groups_of(count: usize, rows: usize) -> Vec<Range<usize>> {
    let most = rows_per_group(count * rows).div_ceil(rows);
    (0..count).step_by(most).map(|start| start..(start + most).min(count)).collect()
}

/// How many of `all` rows go through a tower at once, so that all threads have about as much to do.
pub(super) fn rows_per_group(all: usize) -> usize {
    let groups = all.div_ceil(GROUP_ROWS);
    match rayon::current_num_threads() {
        // Alone it is shared within each product.
        threads if all >= threads * GROUP_ROWS / 4 => {
            all.div_ceil(groups.next_multiple_of(threads))
        }
        _ => all.div_ceil(groups.max(1)),
    }
}
