//! What follows the transformer: the pooled rows are normed and projected.

use std::ops::Range;

use rayon::prelude::*;

use super::Result;
use super::columns::ColumnGroups;
use super::linear::{Linear, LinearSpec};
use super::loader::Loader;
use super::workspace::{Workspace, Workspaces};
use crate::encoder::checkpoint::TransformerConfig;
use crate::simd::LayerNorm;

/// About so many rows go through a tower at once: enough to make the weights' way from memory worth
/// it, and their activations stay near.
const GROUP_ROWS: usize = 400;

/// Norm and projection of a tower, and the workspaces of its passes.
pub(super) struct ProjectionHead {
    norm: LayerNorm,
    projection: Linear,
    dim: usize,
    workspaces: Workspaces,
}

impl ProjectionHead {
    pub(super) fn load(
        loader: &Loader<'_>,
        [norm, projection]: [&str; 2],
        config: &TransformerConfig,
        dim: usize,
    ) -> Result<Self> {
        let projection = LinearSpec {
            parts: vec![projection.to_owned()],
            has_bias: false,
            inputs: ColumnGroups::single(config.width),
            outputs: ColumnGroups::single(dim),
            activation: None,
        };
        Ok(Self {
            norm: loader.layer_norm(norm, config)?,
            projection: Linear::load(&loader.in_f32(), &projection, None)?,
            dim,
            workspaces: Workspaces::default(),
        })
    }

    /// Runs `pass` for each group, which leaves what it pooled in the workspace, and projects that.
    pub(super) fn run_groups(
        &self,
        groups: &[Range<usize>],
        pass: impl Fn(Range<usize>, &mut Workspace) -> Result<()> + Sync,
    ) -> Result<Vec<Vec<f32>>> {
        let one = |group: &Range<usize>| {
            self.workspaces.with(|space| {
                pass(group.clone(), space)?;
                let Workspace { ctx, pooled, normed, hidden, .. } = space;
                ctx.layer_norm(&self.norm, pooled, normed);
                self.projection.apply(ctx, normed, hidden);
                Ok((0..hidden.rows).map(|row| hidden.row(row, self.dim)).collect())
            })
        };
        let vectors: Result<Vec<Vec<Vec<f32>>>> = match groups {
            [group] => one(group).map(|vectors| vec![vectors]),
            // A few at a time: a thread that waits within one takes up another, and each has a
            // workspace.
            groups => groups
                .chunks(4 * rayon::current_num_threads())
                .map(|groups| groups.par_iter().map(one).collect::<Result<Vec<_>>>())
                .collect::<Result<Vec<_>>>()
                .map(|vectors| vectors.into_iter().flatten().collect()),
        };
        Ok(vectors?.into_iter().flatten().collect())
    }
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
