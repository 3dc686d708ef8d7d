//! Options for looking up songs.

use std::path::PathBuf;
use std::time::Duration;

use super::clock::Clock;
use super::error::EnrichError;
use crate::http::HttpProxy;

/// Options for looking up songs.
#[derive(Debug, Clone)]
pub struct EnrichOptions {
    /// The file that stores answers, created if needed. One file serves all providers and tables.
    pub cache: PathBuf,
    /// Whether to replace existing values with those found. Otherwise only empty cells are filled.
    pub overwrite: bool,
    /// The minimum confidence of a match, 0 to 1.
    pub min_confidence: f64,
    /// The minimum time between two requests; `None` uses the provider's own.
    pub interval: Option<Duration>,
    /// The time after which a song that was not found is looked up again. Songs that were found are
    /// never looked up again.
    pub ask_again_after: Duration,
    /// The maximum number of requests. Songs that would need more are not changed; 0 uses only the
    /// cache.
    pub max_requests: Option<u64>,
    /// The number of failed requests in a row after which enriching stops with
    /// [`EnrichError::Failing`].
    pub max_failures: u32,
    /// The wait after the first failure; it doubles each time, up to five minutes. If a server asks
    /// for a wait of up to an hour, the request is respected.
    pub retry_wait: Duration,
    /// How long to wait for a connection, for an answer and for each piece of it; a whole request
    /// may take four times as long. The progress callback can stop the work only between requests.
    pub timeout: Duration,
    /// The proxy to connect through.
    pub proxy: HttpProxy,
    /// The source of time.
    pub clock: Clock,
}

impl EnrichOptions {
    /// Returns options that fill empty cells from matches of at least 0.75, at the provider's pace.
    /// Songs that were not found are looked up again after 30 days. After a failure, enriching
    /// waits for 5 seconds; after 10 failures in a row, it gives up. The timeout is 10 seconds.
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
            return bad("the minimum confidence must be from 0 to 1");
        }
        if self.max_failures == 0 {
            return bad("max_failures must be at least 1");
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(3600) {
            return bad("the timeout must be more than 0 and at most one hour");
        }
        Ok(())
    }
}
