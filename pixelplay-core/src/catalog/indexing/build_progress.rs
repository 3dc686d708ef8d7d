//! The progress of a build.

use crate::catalog::CatalogError;
use crate::progress::Progress;

/// The progress of a build.
pub(super) struct BuildProgress<'a> {
    /// The number of songs described so far.
    pub(super) songs: usize,
    /// The number of songs reported as done; it never decreases.
    told: usize,
    of: usize,
    pub(super) progress: &'a mut dyn Progress,
}

impl<'a> BuildProgress<'a> {
    /// Creates the progress of a build of `of` songs.
    pub(super) fn new(of: usize, progress: &'a mut dyn Progress) -> Self {
        Self { songs: 0, told: 0, of, progress }
    }

    /// Reports that all described songs are done.
    pub(super) fn all(&mut self) -> Result<(), CatalogError> {
        self.told = self.songs;
        self.report()
    }

    /// Reports that a share of the last `batch` described songs has been encoded.
    pub(super) fn within(&mut self, batch: usize, share: f64) -> Result<(), CatalogError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rough place between two numbers of songs"
        )]
        let encoded = (batch as f64 * share) as usize;
        let done = self.songs.saturating_sub(batch) + encoded;
        self.told = self.told.max(done.min(self.of));
        self.report()
    }

    pub(super) fn report(&mut self) -> Result<(), CatalogError> {
        let total = Some(self.of as u64);
        Ok(self.progress.at("building the index", self.told as u64, total)?)
    }
}
