//! A tower that is loaded when it is first used.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::error::EncodeError;

/// A tower loaded and tested at first use. A failure is not kept: the next use tries again.
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
    /// `load` runs under a lock, so that a tower is never in memory twice, and so must not use
    /// rayon: a worker that waits inside it may take up another caller's job, which would wait for
    /// that lock. `test` may use rayon; at the start several callers may run it at once.
    pub(super) fn get_or_load(
        &self,
        load: impl FnOnce() -> Result<T, EncodeError>,
        test: impl FnOnce(&T) -> Result<(), EncodeError>,
    ) -> Result<&T, EncodeError> {
        let value = match self.value.get() {
            Some(value) => value,
            None => {
                // The lock guards no data, so a load that panicked has left nothing half-done.
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
