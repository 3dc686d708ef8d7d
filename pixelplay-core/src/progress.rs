//! How long work reports where it stands, and how it is asked to stop.
//!
//! Long calls take `&mut dyn Progress`: `&mut ()` for none, a closure, or a type of your own.
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
//! work(&mut ())?; // nobody is told
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

/// Is told where long work stands, and may stop it.
pub trait Progress {
    /// Called every so often by long work, at least once a second where the work can be cut so
    /// fine: `done` of `total` units of a stage such as `"encoding texts"` are finished. The total
    /// is given where it is known.
    ///
    /// # Errors
    /// To stop the work: it leaves nothing half-done behind and returns its `Cancelled` error.
    fn at(&mut self, stage: &'static str, done: u64, total: Option<u64>) -> Result<(), Cancelled>;
}

/// The work was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Tells nobody, and never stops the work.
impl Progress for () {
    fn at(&mut self, _: &'static str, _: u64, _: Option<u64>) -> Result<(), Cancelled> {
        Ok(())
    }
}

/// Where a piece of long work stands, for closures; see [`Progress::at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// What is being done, in a word or two: `"encoding texts"`.
    pub stage: &'static str,
    /// Units finished in this stage.
    pub done: u64,
    /// Units in this stage, where known.
    pub total: Option<u64>,
}

/// One stage of long work, whose total is known or not at all.
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

    /// Of `total` units.
    pub(crate) fn of(progress: &'a mut dyn Progress, name: &'static str, total: usize) -> Self {
        Self::new(progress, name, Some(total as u64))
    }

    pub(crate) fn at(&mut self, done: u64) -> Result<(), Cancelled> {
        self.done = done;
        self.tick()
    }

    /// Nothing is new, but the work may be stopped.
    pub(crate) fn tick(&mut self) -> Result<(), Cancelled> {
        self.progress.at(self.name, self.done, self.total)
    }
}

/// A closure stops the work by [`ControlFlow::Break`].
impl<F: FnMut(Update) -> ControlFlow<()>> Progress for F {
    fn at(&mut self, stage: &'static str, done: u64, total: Option<u64>) -> Result<(), Cancelled> {
        match self(Update { stage, done, total }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Cancelled),
        }
    }
}
