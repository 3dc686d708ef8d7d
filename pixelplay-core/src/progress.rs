//! How long work reports where it stands, and how it is asked to stop.

use std::ops::ControlFlow;

/// Where a piece of long work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done, in a word or two: `"encoding texts"`.
    pub stage: &'static str,
    /// Units finished in this stage.
    pub done: u64,
    /// Units in this stage, where known.
    pub total: Option<u64>,
}

/// Called every so often by long work, at least once a second where the work can be cut so fine.
///
/// Return [`ControlFlow::Break`] to stop: the work leaves nothing half-done behind and returns its
/// `Cancelled` error.
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// A callback that never stops the work, for whoever does not want to know.
pub fn ignore(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
