//! Where songs are looked up: what to ask, and how to read the answer. Asking itself is done
//! elsewhere, at the pace of the provider and whatever the answer.

use std::time::Duration;

use super::candidate::Candidate;
use super::matching::Wanted;

/// A catalogue on the web in which songs can be looked up.
///
/// It makes addresses and reads answers, and never touches the network: pace, waiting, the cache
/// and matching are the same for every provider.
pub trait Provider: Send + Sync {
    /// Its name in the cache and in the column `enriched_from`.
    fn name(&self) -> &str;

    /// What an answer depends on beside the song, as the country of a shop; part of the key in the
    /// cache.
    fn scope(&self) -> &str {
        ""
    }

    /// How requests name themselves.
    fn user_agent(&self) -> &str;

    /// The least time between two requests.
    fn interval(&self) -> Duration;

    /// The columns of a song that it can fill.
    fn fills(&self) -> &'static [&'static str];

    /// What to ask for a song.
    fn search_url(&self, wanted: &Wanted) -> String;

    /// The recordings that an answer offers, the best first.
    ///
    /// # Errors
    /// What is wrong with an answer that is not of this provider.
    fn read(&self, answer: &[u8]) -> Result<Vec<Candidate>, String>;
}
