//! Determines which of a provider's recordings is the song, and with what confidence.
//!
//! The confidence is the product of three similarities, each 0 to 1: of the artists, of the titles,
//! and of the lengths. A recording of a different kind (live, a remix, a cover, part of a DJ mix)
//! is rejected regardless of its confidence, unless the song itself is of that kind.
//!
//! `artist` compares credits, and `similarity` compares spellings.

mod artist;
mod similarity;

use std::collections::BTreeSet;

use artist::{Artists, without_guests};
use similarity::similarity;

use super::candidate::Candidate;
use super::report::Refusal;
use crate::recording::fold::{fold, squeezed};
use crate::recording::title::{Title, Version};
use crate::song::Song;

/// The similarity if the length is unknown on either side. Such a match must be good in all other
/// respects.
const LENGTH_UNKNOWN: f64 = 0.9;
/// The similarity if one title has an additional group of unknown meaning.
const MORE_IN_TITLE: f64 = 0.82;

/// A song that is looked up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Wanted {
    /// The title to search for: without guests and editions.
    pub title: String,
    /// The artist to search for: without guests.
    pub artist: String,
    /// The length in milliseconds.
    pub duration_ms: Option<i64>,
    parsed: Title,
    artists: Artists,
    album: String,
    explicit: Option<bool>,
    /// The kinds of version that it is, according to its title, artist or album.
    is_of: BTreeSet<Version>,
    /// The kinds of version its title mentions, even as part of the name: `Karaoke Queen`.
    speaks_of: BTreeSet<Version>,
}

/// The recording chosen for a song.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// The recording.
    pub candidate: Candidate,
    /// The confidence that it is the song, 0 to 1, rounded to thousandths.
    pub confidence: f64,
}

impl Wanted {
    /// Creates the data to look up a song by. Returns `None` if the song has no title or no artist.
    #[must_use]
    pub fn new(song: &Song) -> Option<Self> {
        let title = song.title.as_deref()?.trim();
        let artist = song.artist.as_deref()?.trim();
        if title.is_empty() || artist.is_empty() {
            return None;
        }
        let parsed = Title::parse(title);
        let album = fold(song.album.as_deref().unwrap_or_default());
        let told = [&fold(artist), &album];
        let told = told.into_iter().flat_map(|text| Version::met_in(text));
        let is_of = told.chain(parsed.versions.iter().copied()).collect();
        Some(Self {
            title: search_title(&parsed),
            artist: without_guests(artist).to_owned(),
            duration_ms: song.duration_ms.filter(|length| *length > 0),
            artists: Artists::parse(artist, &parsed.guests),
            parsed,
            album,
            explicit: song.explicit,
            is_of,
            speaks_of: Version::met_in(&fold(title)),
        })
    }

    /// Returns a key that is the same for songs with the same query, regardless of their spelling.
    pub(super) fn key(&self) -> String {
        let Title { words, version_words, .. } = &self.parsed;
        format!("{}\n{words}\n{version_words}", self.artists.key())
    }

    /// Returns the candidate with the highest confidence, or the reason why the closest one is
    /// rejected. Ties are broken by a matching album, then by a matching explicit flag, then by the
    /// closest length, then by the order.
    ///
    /// ```
    /// use pixelplay_core::enrich::{Candidate, Refusal, Wanted};
    /// use pixelplay_core::{Song, SongId};
    ///
    /// let mut song = Song::new(SongId::new("1").unwrap());
    /// song.title = Some("Déjà Vu (feat. JAY-Z) - Remastered".into());
    /// song.artist = Some("Beyoncé".into());
    /// let wanted = Wanted::new(&song).unwrap();
    /// let offer = |title: &str, artist: &str| Candidate {
    ///     title: title.into(),
    ///     artist: artist.into(),
    ///     ..Candidate::default()
    /// };
    /// let chosen = wanted.choose(&[offer("Deja Vu (Live)", "Beyonce"), offer("Deja Vu", "Beyonce")], 0.75);
    /// assert_eq!(chosen.unwrap().candidate.title, "Deja Vu");
    /// let refused = wanted.choose(&[offer("Deja Vu (Karaoke Version)", "Sing It")], 0.75);
    /// assert_eq!(refused, Err(Refusal::Cover));
    /// ```
    ///
    /// # Errors
    /// Returns the [`Refusal`] of the candidate that came closest.
    pub fn choose(&self, candidates: &[Candidate], min_confidence: f64) -> Result<Match, Refusal> {
        let mut best: Option<(Match, (bool, bool, i64))> = None;
        let mut nearest = Refusal::NothingFound;
        for candidate in candidates {
            let confidence = match self.judge(candidate) {
                Ok(confidence) if confidence >= min_confidence => confidence,
                Ok(_) => {
                    nearest = nearest.max(Refusal::LowConfidence);
                    continue;
                }
                Err(refusal) => {
                    nearest = nearest.max(refusal);
                    continue;
                }
            };
            let rank = self.rank(candidate);
            let is_better = best.as_ref().is_none_or(|(known, known_rank)| {
                (confidence, rank) > (known.confidence, *known_rank)
            });
            if is_better {
                let candidate = candidate.clone();
                best = Some((Match { candidate, confidence }, rank));
            }
        }
        best.map(|(found, _)| found).ok_or(nearest)
    }

    /// Returns the confidence that a recording is this song.
    fn judge(&self, candidate: &Candidate) -> Result<f64, Refusal> {
        let found = Title::parse(&candidate.title);
        let artists = Artists::parse(&candidate.artist, &found.guests);
        let (artist, album) =
            (fold(&candidate.artist), fold(candidate.album.as_deref().unwrap_or_default()));
        let title_likeness = self.title_likeness(&found);
        // Checked before the artist, because for a cover this is the more useful reason.
        if title_likeness > 0.0 {
            let is_told = |version| {
                let by_itself = found.versions.contains(&version)
                    || Version::met_in(&artist).contains(&version);
                let by_album = Version::met_in(&album).contains(&version);
                (by_itself && !self.is_of.contains(&version))
                    || (by_album
                        && !self.is_of.contains(&version)
                        && !self.speaks_of.contains(&version))
            };
            for (version, refusal) in
                [(Version::Cover, Refusal::Cover), (Version::Mixed, Refusal::Mixed)]
            {
                if is_told(version) {
                    return Err(refusal);
                }
            }
        }
        let artist_likeness = self.artists.likeness(&artists);
        if artist_likeness == 0.0 {
            return Err(Refusal::OtherArtist);
        }
        if title_likeness == 0.0 {
            return Err(Refusal::OtherTitle);
        }
        let version_likeness = self.version_likeness(&found).ok_or(Refusal::OtherVersion)?;
        let length_likeness = self.length_likeness(candidate).ok_or(Refusal::OtherLength)?;
        let is_live_album = ["live at ", "live in ", "live from ", "live on "]
            .iter()
            .any(|mark| album.contains(mark) && !self.album.contains(mark));
        let live_likeness =
            if is_live_album && !self.is_of.contains(&Version::Live) { 0.85 } else { 1.0 };
        let product =
            artist_likeness * title_likeness * version_likeness * length_likeness * live_likeness;
        Ok((product * 1000.0).round() / 1000.0)
    }

    fn title_likeness(&self, found: &Title) -> f64 {
        let (ours, theirs) = (&self.parsed, found);
        if squeezed(&ours.words) == squeezed(&theirs.words) {
            return 1.0;
        }
        let (our_core, their_core) = (
            ours.core.as_ref().unwrap_or(&ours.words),
            theirs.core.as_ref().unwrap_or(&theirs.words),
        );
        // If both titles have an additional group, the groups differ.
        let is_one_longer = ours.core.is_none() || theirs.core.is_none();
        if numbers(&ours.words) != numbers(&theirs.words) {
            return 0.0;
        }
        if is_one_longer && squeezed(our_core) == squeezed(their_core) {
            return MORE_IN_TITLE;
        }
        let close = similarity(&squeezed(&ours.words), &squeezed(&theirs.words));
        if close >= 0.88 { close * close } else { 0.0 }
    }

    /// Returns `None` for a recording of another kind.
    fn version_likeness(&self, found: &Title) -> Option<f64> {
        let (ours, theirs) = (&self.parsed, found);
        if ours.versions != theirs.versions {
            return None;
        }
        if ours.versions.is_empty() || ours.version_words == theirs.version_words {
            return Some(1.0);
        }
        // Remixes by two people are two recordings, but `Live` and `Live at Wembley` may be the
        // same recording.
        let is_named =
            ours.versions.contains(&Version::Remix) || ours.versions.contains(&Version::Other);
        let (our_names, their_names) = (names(&ours.version_words), names(&theirs.version_words));
        let shared = our_names.intersection(&their_names).count();
        let all = our_names.union(&their_names).count();
        if all == 0 || 2 * shared >= all {
            return Some(0.97);
        }
        (!is_named).then_some(0.85)
    }

    /// Returns `None` for a recording that is too long or too short.
    fn length_likeness(&self, candidate: &Candidate) -> Option<f64> {
        let (Some(ours), Some(theirs)) = (self.duration_ms, candidate.duration_ms) else {
            return Some(LENGTH_UNKNOWN);
        };
        match ours.abs_diff(theirs) {
            0..=2_500 => Some(1.0),
            2_501..=5_000 => Some(0.97),
            5_001..=10_000 => Some(0.9),
            10_001..=20_000 => Some(0.78),
            _ => None,
        }
    }

    /// Ranks recordings of the same confidence: by the same album, the same explicit flag, and the
    /// closest length.
    fn rank(&self, candidate: &Candidate) -> (bool, bool, i64) {
        let album = fold(candidate.album.as_deref().unwrap_or_default());
        let is_album = !self.album.is_empty() && album == self.album;
        let is_as_explicit = self.explicit.is_some() && candidate.explicit == self.explicit;
        let apart = match (self.duration_ms, candidate.duration_ms) {
            (Some(ours), Some(theirs)) => ours.abs_diff(theirs),
            _ => u64::MAX,
        };
        (is_album, is_as_explicit, -i64::try_from(apart).unwrap_or(i64::MAX))
    }
}

/// Returns the title with one or two words that help to find its version.
fn search_title(title: &Title) -> String {
    let mut text = title.text.clone();
    for version in &title.versions {
        match version.search_word() {
            Some(word) => {
                text.push(' ');
                text.push_str(word);
            }
            None if !text.contains(&title.version_words) => {
                text.push(' ');
                text.push_str(&title.version_words);
            }
            None => {}
        }
    }
    text
}

/// Returns the numbers in a title, because `Part 2` is not `Part 1`, and `III` is not `II`.
fn numbers(words: &str) -> Vec<String> {
    const ROMAN: [&str; 9] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"];
    let counting = words.split(' ').enumerate().filter_map(|(at, word)| {
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            return Some(word.to_owned());
        }
        // `I` alone is usually a pronoun.
        let value = ROMAN.iter().position(|roman| *roman == word)?;
        (value > 0 && at > 0).then(|| (value + 1).to_string())
    });
    counting.collect()
}

/// Returns the words that name the author of a version.
fn names(version_words: &str) -> BTreeSet<&str> {
    const OF_ANY: [&str; 14] = [
        "remix", "mix", "remixed", "edit", "version", "the", "by", "radio", "original", "extended",
        "live", "at", "in", "from",
    ];
    version_words.split(' ').filter(|word| !word.is_empty() && !OF_ANY.contains(word)).collect()
}

#[cfg(test)]
mod tests;
