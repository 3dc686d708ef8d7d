//! Reports on looking up songs: what was found, and why songs were not found.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Why none of the recordings that a provider offers is the song. If the recordings were rejected
/// for different reasons, the reason for the closest recording is used, which is the one that comes
/// last among these variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The provider offers no recordings.
    NothingFound,
    /// They are by other artists.
    OtherArtist,
    /// They have another title.
    OtherTitle,
    /// They are covers, tributes or karaoke.
    Cover,
    /// They are part of a DJ mix.
    Mixed,
    /// They are live recordings, remixes, demos or the like, or the song is one and they are not.
    OtherVersion,
    /// They are much longer or shorter.
    OtherLength,
    /// The overall confidence is too low.
    LowConfidence,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingFound => "nothing found",
            Self::OtherArtist => "only by other artists",
            Self::OtherTitle => "only with another title",
            Self::Cover => "only covers or karaoke",
            Self::Mixed => "only as part of a DJ mix",
            Self::OtherVersion => "only in another version (live, remix, ...)",
            Self::OtherLength => "only much longer or shorter",
            Self::LowConfidence => "not certain to be the same song",
        })
    }
}

/// A number of songs, and the ids of the first ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// The number of songs.
    pub count: u64,
    /// The ids of the first [`Examples::MOST_IDS`].
    pub ids: Vec<String>,
}

impl Examples {
    /// The maximum number of ids kept.
    pub const MOST_IDS: usize = 5;

    pub(super) fn add(&mut self, id: &str) {
        self.count += 1;
        if self.ids.len() < Self::MOST_IDS {
            self.ids.push(id.to_owned());
        }
    }
}

impl fmt::Display for Examples {
    /// `7 (a, b, c, d, e, ...)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        if self.ids.is_empty() {
            return Ok(());
        }
        let more = self.count > self.ids.len() as u64;
        write!(f, " ({}{})", self.ids.join(", "), if more { ", ..." } else { "" })
    }
}

/// The report of [`enrich`](super::enrich()). `Display` formats it for people, and the JSON form is
/// for programs.
///
/// `complete + unnamed.count + matched + failed.count + not_asked +` the sum of `unmatched` is
/// always `songs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EnrichReport {
    /// The provider that was asked.
    pub provider: String,
    /// The number of songs.
    pub songs: u64,
    /// Songs in which this provider has nothing to fill.
    pub complete: u64,
    /// Songs without a title or an artist, which cannot be looked up.
    pub unnamed: Examples,
    /// Songs that were found.
    pub matched: u64,
    /// Songs that were not found, by reason.
    pub unmatched: BTreeMap<Refusal, Examples>,
    /// Songs for which there was no usable answer. The next run requests them again.
    pub failed: Examples,
    /// The error of the last of these songs.
    pub last_failure: Option<String>,
    /// Songs that were not looked up because of
    /// [`EnrichOptions::max_requests`](super::EnrichOptions::max_requests).
    pub not_asked: u64,
    /// The number of cells filled, by column.
    pub filled: BTreeMap<String, u64>,
    /// Requests made.
    pub requests: u64,
    /// Requests that failed.
    pub failed_requests: u64,
    /// Songs whose answer was already in the cache.
    pub from_cache: u64,
    /// The time taken, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// What enriching would do, according to [`plan`](super::plan).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EnrichPlan {
    /// The provider that would be asked.
    pub provider: String,
    /// The number of songs.
    pub songs: u64,
    /// Songs in which this provider has nothing to fill.
    pub complete: u64,
    /// Songs without a title or an artist, which cannot be looked up.
    pub unnamed: Examples,
    /// Songs whose answer is in the cache.
    pub from_cache: u64,
    /// Songs to look up.
    pub to_ask: u64,
    /// Requests to make: one per distinct query. Finding covers may double the number.
    pub requests: u64,
    /// The first addresses that would be requested.
    pub first_urls: Vec<String>,
    /// The time this takes at the pace of the provider, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

impl fmt::Display for EnrichReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} songs found at {}", self.matched, self.songs, self.provider)?;
        for (reason, songs) in &self.unmatched {
            writeln!(f, "  not found, {reason}: {songs}")?;
        }
        if let Some(last) = &self.last_failure {
            writeln!(f, "  no usable answer: {}; the last one: {last}", self.failed)?;
        }
        if self.unnamed.count > 0 {
            writeln!(f, "  without a title or an artist: {}", self.unnamed)?;
        }
        for (count, what) in
            [(self.complete, "already complete"), (self.not_asked, "not looked up yet")]
        {
            if count > 0 {
                writeln!(f, "  {what}: {count}")?;
            }
        }
        let filled = self.filled.iter().map(|(column, count)| format!("{column} {count}"));
        let filled: Vec<_> = filled.collect();
        if !filled.is_empty() {
            writeln!(f, "filled: {}", filled.join(", "))?;
        }
        writeln!(
            f,
            "{} requests ({} failed) in {}; {} songs from the cache",
            self.requests,
            self.failed_requests,
            in_words(self.took),
            self.from_cache
        )
    }
}

impl fmt::Display for EnrichPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} of {} songs to look up at {}: {} requests, about {} at its pace",
            self.to_ask,
            self.songs,
            self.provider,
            self.requests,
            in_words(self.time)
        )?;
        for url in &self.first_urls {
            writeln!(f, "  {url}")?;
        }
        for (count, what) in
            [(self.from_cache, "in the cache"), (self.complete, "already complete")]
        {
            if count > 0 {
                writeln!(f, "  {what}: {count}")?;
            }
        }
        if self.unnamed.count > 0 {
            writeln!(f, "  without a title or an artist: {}", self.unnamed)?;
        }
        Ok(())
    }
}

/// `40 s`, `25 min`, `7 h`, `3 days`.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    for (unit, size, from) in [("days", 86_400.0, 2.0), ("h", 3600.0, 2.0), ("min", 60.0, 2.0)] {
        if seconds >= size * from {
            return format!("{:.0} {unit}", seconds / size);
        }
    }
    format!("{seconds:.0} s")
}
