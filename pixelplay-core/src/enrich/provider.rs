//! The interface of a provider: what to request, and how to read the answer. The requests
//! themselves are made elsewhere, at the pace of the provider.

use std::time::Duration;

use super::candidate::Candidate;
use super::matching::Wanted;

/// A catalogue of songs on the web, in which songs can be looked up.
///
/// A provider builds addresses and reads answers. It never accesses the network: pace, waiting, the
/// cache and matching are the same for every provider.
pub trait Provider: Send + Sync {
    /// Returns its name in the cache and in the column `enriched_from`.
    fn name(&self) -> &str;

    /// Returns anything that an answer depends on in addition to the song, such as the country of a
    /// shop. It is part of the cache key.
    fn scope(&self) -> &str {
        ""
    }

    /// Returns the User-Agent of requests.
    fn user_agent(&self) -> &str;

    /// Returns the minimum time between two requests.
    fn interval(&self) -> Duration;

    /// Returns the columns of a song that this provider can fill.
    fn fills(&self) -> &'static [&'static str];

    /// Returns the address that looks up a song.
    fn search_url(&self, wanted: &Wanted) -> String;

    /// Reads the recordings that an answer offers, best first.
    ///
    /// # Errors
    /// Returns what is wrong with the answer if it is not in this provider's form.
    fn read(&self, answer: &[u8]) -> Result<Vec<Candidate>, String>;
}
