//! Groups of inputs that go through a tower together.

use std::ops::Range;

use rayon::prelude::*;

use super::Result;

/// About this many rows go through a tower together: enough to make reading the weights from memory
/// worthwhile, and few enough for the activations to stay in the cache.
const GROUP_ROWS: usize = 400;

/// Returns the vectors of all groups, in order.
pub(super) fn run_groups(
    groups: &[Range<usize>],
    one: impl Fn(Range<usize>) -> Result<Vec<Vec<f32>>> + Sync,
) -> Result<Vec<Vec<f32>>> {
    let vectors: Result<Vec<Vec<Vec<f32>>>> = match groups {
        [group] => return one(group.clone()),
        // Runs a few groups at a time: a thread that waits inside one group starts another, and
        // each group needs a workspace.
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

/// Splits `count` inputs of `rows` rows each into groups.
pub(super) fn groups_of(count: usize, rows: usize) -> Vec<Range<usize>> {
    let most = rows_per_group(count * rows).div_ceil(rows);
    (0..count).step_by(most).map(|start| start..(start + most).min(count)).collect()
}

/// Returns how many of `all` rows go through a tower together, so that all threads have about the
/// same amount of work.
pub(super) fn rows_per_group(all: usize) -> usize {
    let groups = all.div_ceil(GROUP_ROWS);
    match rayon::current_num_threads() {
        // With a single group, the work is shared within each product.
        threads if all >= threads * GROUP_ROWS / 4 => {
            all.div_ceil(groups.next_multiple_of(threads))
        }
        _ => all.div_ceil(groups.max(1)),
    }
}
