//! The intermediate results of a forward pass, kept for reuse.

use std::sync::{Mutex, PoisonError};

use super::int8::QuantizedInput;
use super::matrix::Matrix;
use crate::simd::{Backend, Lanes, LayerNorm};

/// The context of each step of a pass.
#[derive(Debug, Default)]
pub(super) struct Ctx {
    pub(super) backend: Backend,
    /// The quantized inputs of a layer.
    pub(super) quantized: QuantizedInput,
    /// The keys as a right factor, and the scores, for each head.
    pub(super) scratch: Vec<Lanes>,
}

impl Ctx {
    /// Computes the layer norm of all rows.
    pub(super) fn layer_norm(&self, norm: &LayerNorm, x: &Matrix, out: &mut Matrix) {
        out.reshape(x.rows, norm.width);
        self.backend.layer_norm(norm, x.view(), out.view_mut());
    }
}

/// The matrices of a forward pass.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) ctx: Ctx,
    /// The residual stream, which the layers add to.
    pub(super) x: Matrix,
    pub(super) normed: Matrix,
    /// Queries, keys and values.
    pub(super) projected: Matrix,
    /// The queries of the pooled rows, if only those are needed.
    pub(super) queries: Matrix,
    pub(super) attended: Matrix,
    pub(super) hidden: Matrix,
    pub(super) pooled: Matrix,
}

/// Idle workspaces. Their number grows to the maximum number of forward passes that ran at the same
/// time.
#[derive(Debug, Default)]
pub(super) struct Workspaces<W>(Mutex<Vec<W>>);

impl<W: Default> Workspaces<W> {
    /// Lends a workspace to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut W) -> T) -> T {
        // A workspace has no state that outlives a pass, so a poisoned lock does no harm.
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = taken.unwrap_or_default();
        let result = work(&mut workspace);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        result
    }
}
