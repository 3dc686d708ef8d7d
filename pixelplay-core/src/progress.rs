//! Progress reports and cancellation of long-running work.
//!
//! Long-running calls take a `&mut dyn Progress`: `&mut ()` for no reports, a closure, or your own
//! type.
//!
//! ```
//! use std::ops::ControlFlow;
//! use pixelplay_core::progress::{Progress, Update};
//!
//! fn work(progress: &mut dyn Progress) -> Result<(), pixelplay_core::progress::Cancelled> {
//!     for done in 0..3 {
//!         progress.at("working", done, Some(3))?;
//!     }
//!     Ok(())
//! }
//!
//! work(&mut ())?; // no reports
//!
//! let mut last = 0;
//! work(&mut |update: Update| {
//!     last = update.done;
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(last, 2);
//!
//! assert!(work(&mut |_: Update| ControlFlow::Break(())).is_err()); // stopped
//! # Ok::<(), pixelplay_core::progress::Cancelled>(())
//! ```

use std::ops::ControlFlow;

/// Receives progress reports from long-running work, and can cancel it.
pub trait Progress {
    /// Reports that `done` of `total` units of a stage such as `"encoding texts"` are finished.
    /// Called from time to time, at least once a second if the work can be divided that finely.
    /// `total` is given if it is known.
    ///
    /// # Errors
    /// Return an error to stop the work. The work then returns its `Cancelled` error and leaves
    /// nothing half-done.
    fn at(&mut self, stage: &'static str, done: u64, total: Option<u64>) -> Result<(), Cancelled>;
}

/// The work was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Ignores reports, and never cancels the work.
impl Progress for () {
    fn at(&mut self, _: &'static str, _: u64, _: Option<u64>) -> Result<(), Cancelled> {
        Ok(())
    }
}

/// A progress report, for closures; see [`Progress::at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// The current stage in a word or two, such as `"encoding texts"`.
    pub stage: &'static str,
    /// Units finished in this stage.
    pub done: u64,
    /// Total units of this stage, if known.
    pub total: Option<u64>,
}

/// One stage of long-running work, with or without a known total.
pub(crate) struct Stage<'a> {
    progress: &'a mut dyn Progress,
    name: &'static str,
    done: u64,
    total: Option<u64>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        progress: &'a mut dyn Progress,
        name: &'static str,
        total: Option<u64>,
    ) -> Self {
        Self { progress, name, done: 0, total }
    }

    /// Starts a stage of `total` units.
    pub(crate) fn of(progress: &'a mut dyn Progress, name: &'static str, total: usize) -> Self {
        Self::new(progress, name, Some(total as u64))
    }

    pub(crate) fn at(&mut self, done: u64) -> Result<(), Cancelled> {
        self.done = done;
        self.tick()
    }

    /// Reports no progress, but lets the work be cancelled.
    pub(crate) fn tick(&mut self) -> Result<(), Cancelled> {
        self.progress.at(self.name, self.done, self.total)
    }
}

/// A closure cancels the work by returning [`ControlFlow::Break`].
impl<F: FnMut(Update) -> ControlFlow<()>> Progress for F {
    fn at(&mut self, stage: &'static str, done: u64, total: Option<u64>) -> Result<(), Cancelled> {
        match self(Update { stage, done, total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Cancelled),
        }
    }
}
