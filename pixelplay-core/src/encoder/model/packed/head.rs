//! The head after the transformer: the pooled rows are normalised and projected.

use std::ops::Range;

use super::Result;
use super::columns::ColumnGroups;
use super::groups::run_groups;
use super::linear::{Bias, Linear, LinearSpec};
use super::loader::Loader;
use super::workspace::{Workspace, Workspaces};
use crate::encoder::checkpoint::TransformerConfig;
use crate::simd::LayerNorm;

/// Layer norm and projection of a tower, and the workspaces of its passes.
pub(super) struct ProjectionHead {
    norm: LayerNorm,
    projection: Linear,
    dim: usize,
    workspaces: Workspaces<Workspace>,
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
            bias: Bias::None,
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

    /// Runs `pass`, which leaves the pooled rows in the workspace, for each group, and projects
    /// those rows.
    pub(super) fn run_groups(
        &self,
        groups: &[Range<usize>],
        pass: impl Fn(Range<usize>, &mut Workspace) -> Result<()> + Sync,
    ) -> Result<Vec<Vec<f32>>> {
        let one = |group: Range<usize>| {
            self.workspaces.with(|space| {
                pass(group, space)?;
                let Workspace { ctx, pooled, normed, hidden, .. } = space;
                ctx.layer_norm(&self.norm, pooled, normed);
                self.projection.apply(ctx, normed, hidden);
                Ok((0..hidden.rows).map(|row| hidden.row(row, self.dim)).collect())
            })
        };
        run_groups(groups, one)
    }
}
