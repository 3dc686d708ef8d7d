//! Loads the parts of a tower.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Result;
use super::columns::ColumnGroups;
use crate::encoder::Precision;
use crate::encoder::checkpoint::TransformerConfig;
use crate::encoder::checkpoint::Weights;
use crate::simd::{Lanes, LayerNorm};

/// A checkpoint's weights, and how they are packed.
#[derive(Clone, Copy)]
pub(super) struct Loader<'a> {
    pub(super) weights: &'a Weights,
    pub(super) precision: Precision,
    pub(super) threads: usize,
}

impl Loader<'_> {
    /// Returns the same loader for `f32`.
    pub(super) fn in_f32(self) -> Self {
        Self { precision: Precision::F32, ..self }
    }

    /// Returns the first values of a tensor.
    pub(super) fn values(&self, name: &str, count: usize) -> Result<Vec<f32>> {
        let mut values = Vec::new();
        self.weights.tensor(name)?.read(0..count, &mut Vec::new(), &mut values)?;
        Ok(values)
    }

    /// Returns a vector as lines, one for each block.
    pub(super) fn lines(&self, name: &str, columns: ColumnGroups) -> Result<Vec<Lanes>> {
        let values = self.values(name, columns.count * columns.width)?;
        let line = |block: Range<usize>| {
            let mut line = Lanes::ZERO;
            line.0[..block.len()].copy_from_slice(&values[block]);
            line
        };
        Ok(columns.blocks().map(line).collect())
    }

    pub(super) fn layer_norm(&self, at: &str, config: &TransformerConfig) -> Result<LayerNorm> {
        let columns = ColumnGroups::single(config.width);
        Ok(LayerNorm {
            width: config.width,
            scale: self.lines(&format!("{at}.weight"), columns)?,
            shift: self.lines(&format!("{at}.bias"), columns)?,
            eps: config.layer_norm_eps as f32,
        })
    }

    /// Calls `work` for each item on separate threads: rayon's threads would start other jobs while
    /// they wait, and those may wait for the tower that is being loaded.
    pub(super) fn parallel<I: Sync, O: Send>(
        &self,
        items: &[I],
        work: impl Fn(&I) -> Result<O> + Sync,
    ) -> Result<Vec<O>> {
        let next = Mutex::new(items.iter().enumerate());
        let done = Mutex::new(Vec::with_capacity(items.len()));
        let worker = || {
            loop {
                let item = next.lock().ok().and_then(|mut next| next.next());
                let Some((at, item)) = item else { return };
                let result = work(item);
                if let Ok(mut done) = done.lock() {
                    done.push((at, result));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(items.len()) {
                scope.spawn(worker);
            }
            worker();
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}
