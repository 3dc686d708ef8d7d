//! What a forward pass writes on its way, kept for the next one.

use std::sync::{Mutex, PoisonError};

use super::int8::QuantizedInput;
use super::matrix::Matrix;
use crate::simd::{Backend, Lanes, LayerNorm};

/// What each step of a pass computes with.
#[derive(Debug, Default)]
pub(super) struct Ctx {
    pub(super) backend: Backend,
    /// The inputs of a layer in 8 bits.
    pub(super) quantized: QuantizedInput,
    /// Keys as a right factor, and scores, for each head.
    pub(super) scratch: Vec<Lanes>,
}

impl Ctx {
    /// The layer norm of all rows.
    pub(super) fn layer_norm(&self, norm: &LayerNorm, x: &Matrix, out: &mut Matrix) {
        out.reshape(x.rows, norm.width);
        self.backend.layer_norm(norm, x.view(), out.view_mut());
    }
}

/// The matrices of a forward pass.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) ctx: Ctx,
    /// What the layers add to.
    pub(super) x: Matrix,
    pub(super) normed: Matrix,
    /// Queries, keys and values.
    pub(super) projected: Matrix,
    /// The queries of the rows that are pooled, where only they are wanted.
    pub(super) queries: Matrix,
    pub(super) attended: Matrix,
    pub(super) hidden: Matrix,
    pub(super) pooled: Matrix,
}

/// Workspaces at rest. There are as many as forward passes ever ran at the same time.
#[derive(Debug, Default)]
pub(super) struct Workspaces<W>(Mutex<Vec<W>>);

impl<W: Default> Workspaces<W> {
    /// Lends one.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut W) -> T) -> T {
        // Nothing in a workspace outlives the pass that wrote it, so one that panicked is of no
        // harm.
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = taken.unwrap_or_default();
        let result = work(&mut workspace);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        result
    }
}
