//! How songs are looked up, and what makes no sense.

use std::path::PathBuf;
use std::time::Duration;

use super::clock::Clock;
use super::error::EnrichError;
use crate::http::HttpProxy;

/// How songs are looked up.
#[derive(Debug, Clone)]
pub struct EnrichOptions {
    /// The file that keeps answers; it is made if it is not there. One for all providers and
    /// tables.
    pub cache: PathBuf,
    /// Whether what a song has is replaced by what is found; otherwise only empty cells are filled.
    pub overwrite: bool,
    /// The least confidence of a match, 0 to 1.
    pub min_confidence: f64,
    /// The least time between two requests; `None` means the provider's own.
    pub interval: Option<Duration>,
    /// After which time a song that was not found is asked for again. What was found is not asked
    /// for again.
    pub ask_again_after: Duration,
    /// After so many requests no more are made, and songs that would need one are left as they are;
    /// 0 means that the cache alone is used.
    pub max_requests: Option<u64>,
    /// After so many failed requests in a row, [`EnrichError::Failing`].
    pub max_failures: u32,
    /// The wait after the first of them; it doubles each time, up to five minutes. A server that
    /// asks to wait, for at most an hour, is waited for.
    pub retry_wait: Duration,
    /// How long to wait for a connection, for an answer and for each piece of it; all together may
    /// take four times as long. Only between requests is a callback asked whether to stop.
    pub timeout: Duration,
    /// What to connect through.
    pub proxy: HttpProxy,
    /// The time.
    pub clock: Clock,
}

impl EnrichOptions {
    /// Fills empty cells from matches of at least 0.75, at the provider's pace. Asks again for what
    /// was not found after 30 days, waits 5 seconds after a failure and gives up after 10 in a row;
    /// a timeout of 10 seconds.
    #[must_use]
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            cache: cache.into(),
            overwrite: false,
            min_confidence: 0.75,
            interval: None,
            ask_again_after: Duration::from_secs(30 * 86_400),
            max_requests: None,
            max_failures: 10,
            retry_wait: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            proxy: HttpProxy::default(),
            clock: Clock::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), EnrichError> {
        let bad = |what: &str| Err(EnrichError::BadOptions { what: what.to_owned() });
        if !(0.0..=1.0).contains(&self.min_confidence) {
            return bad("the least confidence must be from 0 to 1");
        }
        if self.max_failures == 0 {
            return bad("after 0 failures nothing would be asked; the least is 1");
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(3600) {
            return bad("the timeout must be more than nothing and at most an hour");
        }
        Ok(())
    }
}
