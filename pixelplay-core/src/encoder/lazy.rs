//! Loads a tower when it is first used.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::error::EncodeError;

/// A tower that is loaded and tested on first use. A failure is not stored: the next use tries
/// again.
pub(super) struct Lazy<T> {
    value: OnceLock<T>,
    loading: Mutex<()>,
    tested: OnceLock<()>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self { value: OnceLock::new(), loading: Mutex::new(()), tested: OnceLock::new() }
    }
}

impl<T> Lazy<T> {
    /// `load` runs under a lock, so that a tower is never in memory twice. It must not use rayon: a
    /// worker that waits inside it could start another caller's job, which would wait for the same
    /// lock. `test` may use rayon; at the start several callers may run it at the same time.
    pub(super) fn get_or_load(
        &self,
        load: impl FnOnce() -> Result<T, EncodeError>,
        test: impl FnOnce(&T) -> Result<(), EncodeError>,
    ) -> Result<&T, EncodeError> {
        let value = match self.value.get() {
            Some(value) => value,
            None => {
                // The lock does not guard data, so a panic while loading leaves nothing half-done.
                let _one_at_a_time = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
                match self.value.get() {
                    Some(value) => value,
                    None => {
                        let value = load()?;
                        self.value.get_or_init(|| value)
                    }
                }
            }
        };
        if self.tested.get().is_none() {
            test(value)?;
            self.tested.get_or_init(|| ());
        }
        Ok(value)
    }
}
