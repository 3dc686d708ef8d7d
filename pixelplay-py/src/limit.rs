//! `Limit`.

use std::time::Duration;

use pixelplay_core::users::{Limit, ThrottleOptions};
use pyo3::prelude::*;

/// How failed attempts slow down later ones, for ``UserStore``. The defaults are those per account.
///
/// Some failures are free. After each further one there is a wait, which doubles up to ``max_backoff``. At
/// ``max_failures``, no attempt is accepted until one failure is forgiven. One is forgiven after each
/// ``decay_interval``, whatever comes in between.
///
/// ``UserStore`` raises ``UserError`` (a ``ValueError``) for a limit that is not safe: more than 100 failures per
/// account, or a wait of more than a day.
#[pyclass(frozen, eq, name = "Limit", module = "pixelplay")]
#[derive(PartialEq)]
pub(crate) struct PyLimit(pub(crate) Limit);

#[pymethods]
impl PyLimit {
    #[new]
    #[pyo3(signature = (
        *, free_attempts = None, initial_backoff = None, max_backoff = None, max_failures = None,
        decay_interval = None
    ))]
    fn new(
        free_attempts: Option<u32>,
        initial_backoff: Option<Duration>,
        max_backoff: Option<Duration>,
        max_failures: Option<u32>,
        decay_interval: Option<Duration>,
    ) -> Self {
        let usual = ThrottleOptions::default().account;
        Self(Limit {
            free_attempts: free_attempts.unwrap_or(usual.free_attempts),
            initial_backoff: initial_backoff.unwrap_or(usual.initial_backoff),
            max_backoff: max_backoff.unwrap_or(usual.max_backoff),
            max_failures: max_failures.unwrap_or(usual.max_failures),
            decay_interval: decay_interval.unwrap_or(usual.decay_interval),
        })
    }

    /// The number of failures without a wait (3).
    #[getter]
    fn free_attempts(&self) -> u32 {
        self.0.free_attempts
    }

    /// The wait after the first failure that is not free (a second).
    #[getter]
    fn initial_backoff(&self) -> Duration {
        self.0.initial_backoff
    }

    /// The longest wait before ``max_failures`` is reached (an hour).
    #[getter]
    fn max_backoff(&self) -> Duration {
        self.0.max_backoff
    }

    /// The number of failures at which one has to be forgiven first (100).
    #[getter]
    fn max_failures(&self) -> u32 {
        self.0.max_failures
    }

    /// The time after which one failure is forgiven (a day).
    #[getter]
    fn decay_interval(&self) -> Duration {
        self.0.decay_interval
    }

    fn __repr__(&self) -> String {
        let Limit { free_attempts, initial_backoff, max_backoff, max_failures, decay_interval } =
            &self.0;
        format!(
            "Limit(free_attempts={free_attempts}, initial_backoff='{initial_backoff:?}', \
             max_backoff='{max_backoff:?}', max_failures={max_failures}, decay_interval='{decay_interval:?}')"
        )
    }
}
