//! Which of a provider's recordings is the song, and how surely.
//!
//! The confidence is the product of three likenesses, each 0 to 1: of the artists, of the titles, and of the lengths. A
//! recording of another kind (live, a remix, a cover, cut into a DJ's set) is refused whatever its confidence, unless
//! the song itself is of that kind.

use std::collections::BTreeSet;

use super::artist::{Artists, without_guests};
use super::candidate::Candidate;
use super::fold::{fold, similarity, squeezed};
use super::report::Refusal;
use super::title::{Title, Version};
use crate::song::Song;

/// Where a length is not known on both sides: such a match must be good otherwise.
const LENGTH_UNKNOWN: f64 = 0.9;
/// Where one title has a group more of which nothing is known.
const MORE_IN_TITLE: f64 = 0.82;

/// A song that is looked up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Wanted {
    /// What to search for as the title: without guests and editions.
    pub title: String,
    /// What to search for as the artist: without guests.
    pub artist: String,
    /// How long it lasts, in milliseconds.
    pub duration_ms: Option<i64>,
    parsed: Title,
    artists: Artists,
    album: String,
    explicit: Option<bool>,
    /// Versions that it is of, by its title, artist or album.
    is_of: BTreeSet<Version>,
    /// Versions that its title speaks of, be it in its name: `Karaoke Queen`.
    speaks_of: BTreeSet<Version>,
}

/// The recording chosen for a song.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// The recording.
    pub candidate: Candidate,
    /// How surely it is the song: 0 to 1, in thousandths.
    pub confidence: f64,
}

impl Wanted {
    /// What to look a song up by; `None` without a title or an artist.
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

    /// The same for songs that are looked up alike, whatever their spelling.
    pub(super) fn key(&self) -> String {
        let Title {
            words,
            version_words,
            ..
        } = &self.parsed;
        format!("{}\n{words}\n{version_words}", self.artists.key())
    }

    /// The surest of the candidates, or why the nearest of them is refused. Between equally sure ones the album decides,
    /// then whether it is as explicit, then the length, then their order.
    ///
    /// ```
    /// use pixelplay_core::catalog::enrich::{Candidate, Refusal, Wanted};
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
    /// The [`Refusal`] of the candidate that came nearest.
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
                best = Some((
                    Match {
                        candidate,
                        confidence,
                    },
                    rank,
                ));
            }
        }
        best.map(|(found, _)| found).ok_or(nearest)
    }

    /// How surely a recording is this song.
    fn judge(&self, candidate: &Candidate) -> Result<f64, Refusal> {
        let found = Title::parse(&candidate.title);
        let artists = Artists::parse(&candidate.artist, &found.guests);
        let (artist, album) = (
            fold(&candidate.artist),
            fold(candidate.album.as_deref().unwrap_or_default()),
        );
        let title_likeness = self.title_likeness(&found);
        // Before the artist: of a cover it is more telling that it is one.
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
            for (version, refusal) in [
                (Version::Cover, Refusal::Cover),
                (Version::Mixed, Refusal::Mixed),
            ] {
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
        let length_likeness = self
            .length_likeness(candidate)
            .ok_or(Refusal::OtherLength)?;
        let is_live_album = ["live at ", "live in ", "live from ", "live on "]
            .iter()
            .any(|mark| album.contains(mark) && !self.album.contains(mark));
        let live_likeness = if is_live_album && !self.is_of.contains(&Version::Live) {
            0.85
        } else {
            1.0
        };
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
        // Where both have a group more they are different ones.
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

    /// `None` for a recording of another kind.
    fn version_likeness(&self, found: &Title) -> Option<f64> {
        let (ours, theirs) = (&self.parsed, found);
        if ours.versions != theirs.versions {
            return None;
        }
        if ours.versions.is_empty() || ours.version_words == theirs.version_words {
            return Some(1.0);
        }
        // Remixes by two people are two recordings; `Live` and `Live at Wembley` may be one.
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

    /// `None` for a recording that is too long or too short.
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

    /// Between recordings of the same confidence: the same album, as explicit, the nearest length.
    fn rank(&self, candidate: &Candidate) -> (bool, bool, i64) {
        let album = fold(candidate.album.as_deref().unwrap_or_default());
        let is_album = !self.album.is_empty() && album == self.album;
        let is_as_explicit = self.explicit.is_some() && candidate.explicit == self.explicit;
        let apart = match (self.duration_ms, candidate.duration_ms) {
            (Some(ours), Some(theirs)) => ours.abs_diff(theirs),
            _ => u64::MAX,
        };
        (
            is_album,
            is_as_explicit,
            -i64::try_from(apart).unwrap_or(i64::MAX),
        )
    }
}

/// The title with a word or two that find its version.
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

/// The words of a title that count: `Part 2` is not `Part 1`, nor `III` `II`.
fn numbers(words: &str) -> Vec<String> {
    const ROMAN: [&str; 9] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"];
    let counting = words.split(' ').enumerate().filter_map(|(at, word)| {
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            return Some(word.to_owned());
        }
        // `I` alone is mostly a pronoun.
        let value = ROMAN.iter().position(|roman| *roman == word)?;
        (value > 0 && at > 0).then(|| (value + 1).to_string())
    });
    counting.collect()
}

/// The words that say whose version it is.
fn names(version_words: &str) -> BTreeSet<&str> {
    const OF_ANY: [&str; 14] = [
        "remix", "mix", "remixed", "edit", "version", "the", "by", "radio", "original", "extended",
        "live", "at", "in", "from",
    ];
    version_words
        .split(' ')
        .filter(|word| !word.is_empty() && !OF_ANY.contains(word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;

    fn song(title: &str, artist: &str, seconds: Option<i64>) -> Song {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some(title.into());
        song.artist = Some(artist.into());
        song.duration_ms = seconds.map(|seconds| seconds * 1000);
        song
    }

    fn candidate(title: &str, artist: &str, album: &str, seconds: Option<i64>) -> Candidate {
        Candidate {
            id: format!("{title} by {artist} on {album}"),
            title: title.into(),
            artist: artist.into(),
            album: (!album.is_empty()).then(|| album.into()),
            duration_ms: seconds.map(|seconds| seconds * 1000),
            ..Candidate::default()
        }
    }

    type Side<'a> = (&'a str, &'a str, Option<i64>);

    #[track_caller]
    fn judged(wanted: Side<'_>, found: Side<'_>, album: &str) -> Result<f64, Refusal> {
        let wanted = Wanted::new(&song(wanted.0, wanted.1, wanted.2)).unwrap();
        let found = candidate(found.0, found.1, album, found.2);
        let chosen = wanted.choose(&[found], 0.75);
        chosen.map(|chosen| chosen.confidence)
    }

    #[test]
    fn the_same_recording_is_known_however_it_is_written() {
        for (wanted, found, album) in [
            (
                ("Bohemian Rhapsody", "Queen", Some(354)),
                ("Bohemian Rhapsody", "Queen", Some(355)),
                "A Night at the Opera",
            ),
            (
                ("Hotel California - 2013 Remaster", "Eagles", Some(391)),
                ("Hotel California", "The Eagles", Some(391)),
                "Hotel California",
            ),
            (
                (
                    "This Is What You Came For",
                    "Calvin Harris, Rihanna",
                    Some(222),
                ),
                (
                    "This Is What You Came For (feat. Rihanna)",
                    "Calvin Harris",
                    Some(222),
                ),
                "This Is What You Came For - Single",
            ),
            (
                ("Déjà Vu", "Beyonce", Some(240)),
                ("Deja Vu (feat. JAY-Z)", "Beyoncé", Some(240)),
                "B'Day",
            ),
            (
                ("Rock 'n' Roll", "Led Zeppelin", Some(220)),
                ("Rock and Roll (Remaster)", "Led Zeppelin", Some(220)),
                "Led Zeppelin IV",
            ),
            (
                ("Another Brick in the Wall, Pt. 2", "Pink Floyd", Some(239)),
                ("Another Brick In the Wall, Part 2", "Pink Floyd", Some(238)),
                "The Wall",
            ),
            (
                (
                    "(I Can't Get No) Satisfaction - Mono Version",
                    "The Rolling Stones",
                    Some(222),
                ),
                ("(I Can’t Get No) Satisfaction", "Rolling Stones", Some(223)),
                "Out of Our Heads",
            ),
            (
                ("Live and Let Die", "Wings", Some(192)),
                ("Live And Let Die", "Paul McCartney & Wings", Some(193)),
                "Greatest",
            ),
            (
                ("Ignition - Remix", "R. Kelly", Some(186)),
                ("Ignition (Remix)", "R. Kelly", Some(186)),
                "Chocolate Factory",
            ),
            (
                (
                    "Fast Car (feat. Dakota) - Tiësto Remix",
                    "Jonas Blue",
                    Some(200),
                ),
                (
                    "Fast Car (feat. Dakota) [Tiesto Remix]",
                    "Jonas Blue",
                    Some(200),
                ),
                "Fast Car (Remixes)",
            ),
            (
                ("Radio Ga Ga - Live at Wembley '86", "Queen", Some(357)),
                ("Radio Ga Ga (Live at Wembley 1986)", "Queen", Some(357)),
                "Live at Wembley",
            ),
            (
                ("Thunderstruck", "AC/DC", None),
                ("Thunderstruck", "AC/DC", Some(292)),
                "The Razors Edge",
            ),
            (
                ("Группа крови", "Кино", Some(285)),
                ("Группа крови", "КИНО", Some(286)),
                "",
            ),
            (
                ("残酷な天使のテーゼ", "高橋洋子", Some(247)),
                ("残酷な天使のテーゼ", "高橋洋子", Some(247)),
                "",
            ),
            (("!!!", "???", Some(100)), ("!!!", "???", Some(100)), ""),
            (
                ("So What", "P!nk", Some(215)),
                ("So What", "Pink", Some(215)),
                "Funhouse",
            ),
            (
                ("Karaoke", "Ana", Some(150)),
                ("Karaoke", "Ana", Some(150)),
                "Karaoke - Single",
            ),
            (
                ("Hurt (Cover)", "Johnny Cash", Some(218)),
                ("Hurt (Cover)", "Johnny Cash", Some(218)),
                "",
            ),
        ] {
            let judged = judged(wanted, found, album);
            assert!(
                judged.is_ok_and(|sure| sure >= 0.75),
                "{wanted:?} {found:?} {judged:?}"
            );
        }
    }

    #[test]
    fn another_recording_is_refused_and_the_reason_told() {
        use Refusal::{
            Cover, LowConfidence, Mixed, OtherArtist, OtherLength, OtherTitle, OtherVersion,
        };
        for (wanted, found, album, expected) in [
            // By others.
            (
                ("Hello", "Adele", Some(295)),
                ("Hello", "Lionel Richie", Some(295)),
                "",
                OtherArtist,
            ),
            (
                ("Hello", "Adele", Some(295)),
                ("Hello", "Adele Smith", Some(295)),
                "",
                OtherArtist,
            ),
            (
                ("Stay", "Rihanna", None),
                ("Stay", "Various Artists", None),
                "",
                OtherArtist,
            ),
            (
                ("Fire", "Earth, Wind & Fire", None),
                ("Fire", "Fire", None),
                "",
                OtherArtist,
            ),
            // Covers in every disguise.
            (
                ("Hello", "Adele", Some(295)),
                (
                    "Hello (Originally Performed by Adele) [Karaoke Version]",
                    "Sing King",
                    Some(295),
                ),
                "",
                Cover,
            ),
            (
                ("Hello", "Adele", Some(295)),
                ("Hello", "Karaoke All Stars & Adele", Some(295)),
                "",
                Cover,
            ),
            (
                ("Hello", "Adele", Some(295)),
                ("Hello", "Adele", Some(295)),
                "A Tribute to Adele",
                Cover,
            ),
            (
                ("Hello", "Adele", Some(295)),
                ("Hello (In the Style of Adele)", "Adele", Some(295)),
                "",
                Cover,
            ),
            (
                ("Hello", "Adele", Some(295)),
                ("Hello (Cover)", "Adele", Some(295)),
                "",
                Cover,
            ),
            (
                ("Hello", "Adele", Some(295)),
                ("Hello", "Piano Tribute Players", Some(295)),
                "",
                Cover,
            ),
            (
                ("Yellow", "Coldplay", None),
                ("Yellow", "Coldplay", None),
                "Lullaby Renditions of Coldplay",
                Cover,
            ),
            (
                ("Cover Me Up", "Ana", None),
                ("Cover Me Up (Karaoke)", "Ana", None),
                "",
                Cover,
            ),
            // Cut into a set.
            (
                ("One More Time", "Daft Punk", Some(320)),
                ("One More Time (Mixed)", "Daft Punk", Some(320)),
                "",
                Mixed,
            ),
            (
                ("One More Time", "Daft Punk", Some(320)),
                ("One More Time", "Daft Punk", Some(320)),
                "Summer 2001 (DJ Mix)",
                Mixed,
            ),
            // Other versions, both ways.
            (
                ("Song 2", "Blur", Some(121)),
                ("Song 2 (Live)", "Blur", Some(121)),
                "",
                OtherVersion,
            ),
            (
                ("Song 2 - Live", "Blur", Some(121)),
                ("Song 2", "Blur", Some(121)),
                "",
                OtherVersion,
            ),
            (
                ("Levels", "Avicii", Some(199)),
                ("Levels (Skrillex Remix)", "Avicii", Some(199)),
                "",
                OtherVersion,
            ),
            (
                ("Levels - Skrillex Remix", "Avicii", Some(199)),
                ("Levels (Cazzette NYC Mode Remix)", "Avicii", Some(199)),
                "",
                OtherVersion,
            ),
            (
                ("Love Story", "Taylor Swift", Some(235)),
                ("Love Story (Taylor's Version)", "Taylor Swift", Some(235)),
                "",
                OtherVersion,
            ),
            (
                ("Despacito", "Luis Fonsi", Some(229)),
                ("Despacito (Versión Pop)", "Luis Fonsi", Some(200)),
                "",
                OtherVersion,
            ),
            (
                ("Creep", "Radiohead", Some(238)),
                ("Creep (Acoustic)", "Radiohead", Some(238)),
                "",
                OtherVersion,
            ),
            (
                ("Creep", "Radiohead", Some(238)),
                ("Creep (Very 2021 Rmx)", "Radiohead", Some(238)),
                "",
                OtherVersion,
            ),
            (
                ("Running Up That Hill", "Kate Bush", Some(298)),
                ("Running Up That Hill (Sped Up)", "Kate Bush", Some(298)),
                "",
                OtherVersion,
            ),
            (
                ("Imagine", "John Lennon", Some(183)),
                ("Imagine (Demo)", "John Lennon", Some(183)),
                "",
                OtherVersion,
            ),
            // Other songs.
            (
                ("Hello", "Adele", Some(295)),
                ("Someone Like You", "Adele", Some(295)),
                "",
                OtherTitle,
            ),
            (
                ("Another Brick in the Wall, Pt. 1", "Pink Floyd", Some(190)),
                ("Another Brick in the Wall, Pt. 2", "Pink Floyd", Some(190)),
                "",
                OtherTitle,
            ),
            (
                ("Chapter II", "Ana", Some(190)),
                ("Chapter III", "Ana", Some(190)),
                "",
                OtherTitle,
            ),
            (
                ("1979", "The Smashing Pumpkins", None),
                ("1989", "The Smashing Pumpkins", None),
                "",
                OtherTitle,
            ),
            // Other lengths.
            (
                ("Echoes", "Pink Floyd", Some(1411)),
                ("Echoes", "Pink Floyd", Some(990)),
                "",
                OtherLength,
            ),
            // Not sure enough.
            (
                ("Under Pressure", "Queen, David Bowie, Somebody", Some(248)),
                ("Under Pressure", "Queen", Some(248)),
                "",
                LowConfidence,
            ),
            (
                ("Creep", "Radiohead", None),
                ("Creep (Chillout Lounge)", "Radiohead", None),
                "",
                LowConfidence,
            ),
            (
                ("Creep", "Radiohead", None),
                ("Creep", "Radioheat", None),
                "",
                LowConfidence,
            ),
            (
                ("Creep", "Radiohead", Some(238)),
                ("Creep", "Radiohead", Some(257)),
                "Live at the Astoria",
                LowConfidence,
            ),
        ] {
            let judged = judged(wanted, found, album);
            assert_eq!(judged, Err(expected), "{wanted:?} {found:?} {album:?}");
        }
    }

    #[test]
    fn of_several_the_surest_is_chosen_then_the_album_then_the_nearest_length() {
        let mut wanted = song("Yesterday", "The Beatles", Some(125));
        wanted.album = Some("Help!".into());
        let wanted = Wanted::new(&wanted).unwrap();
        let on = |album: &str, seconds| candidate("Yesterday", "The Beatles", album, Some(seconds));
        let chosen = |candidates: &[Candidate]| {
            let chosen = wanted.choose(candidates, 0.75).unwrap();
            chosen.candidate.album.unwrap()
        };
        assert_eq!(chosen(&[on("1", 134), on("2", 125)]), "2");
        assert_eq!(
            chosen(&[on("1", 125), on("Help!", 126), on("2", 125)]),
            "Help!"
        );
        assert_eq!(chosen(&[on("1", 126), on("2", 125)]), "2");
        assert_eq!(chosen(&[on("1", 125), on("2", 125)]), "1");
        assert_eq!(wanted.choose(&[], 0.75), Err(Refusal::NothingFound));
        // Of several refusals the one that came nearest is told.
        let live = candidate("Yesterday (Live)", "The Beatles", "", Some(125));
        let other = candidate("Yesterday", "Boyz II Men", "", Some(125));
        assert_eq!(
            wanted.choose(&[live, other], 0.75),
            Err(Refusal::OtherVersion)
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_it_is_called_a_song_is_itself(title in "\\PC{1,40}", artist in "\\PC{1,40}") {
            let song = song(&title, &artist, None);
            if let Some(wanted) = Wanted::new(&song) {
                let itself = candidate(title.trim(), artist.trim(), "", None);
                proptest::prop_assert_eq!(wanted.choose(&[itself], 0.9).map(|found| found.confidence), Ok(0.9));
            }
        }

        #[test]
        fn markers_in_any_order_break_nothing(
            words in proptest::collection::vec(
                proptest::sample::select(vec![
                    "(", ")", "[", "]", " - ", "live", "remix", "feat.", "ft.", "with", "é", "𝕏", "karaoke", "mixed", " ",
                    "–", "2011", "remaster", "x", "&", "the", "İ", "ß", "\u{301}",
                ]),
                0..12,
            )
        ) {
            let title = words.concat();
            if let Some(wanted) = Wanted::new(&song(&title, &title, Some(100))) {
                let itself = candidate(title.trim(), title.trim(), "", Some(100));
                proptest::prop_assert!(wanted.choose(&[itself], 0.75).is_ok(), "{}", title);
                proptest::prop_assert!(!wanted.title.is_empty() && !wanted.artist.is_empty());
            }
        }
    }

    #[test]
    fn songs_that_are_looked_up_alike_have_one_key() {
        let key = |title, artist| Wanted::new(&song(title, artist, None)).unwrap().key();
        assert_eq!(
            key("Déjà Vu", "Beyoncé"),
            key("deja vu (Remastered)", "BEYONCE")
        );
        assert_ne!(key("Song", "Ana"), key("Song (Live)", "Ana"));
        assert_ne!(
            key("Song - Ana Remix", "Ana"),
            key("Song - Ben Remix", "Ana")
        );
        assert_ne!(key("Song", "Ana"), key("Song", "Ben"));
        for (title, artist) in [("", "Ana"), ("Song", " ")] {
            assert!(Wanted::new(&song(title, artist, None)).is_none());
        }
    }

    #[test]
    fn of_real_names_each_finds_itself_and_no_other() {
        let table = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../shared/data/songs/tidytuesday_spotify_songs.csv.gz");
        if !table.exists() {
            println!("skipped: {} is missing", table.display());
            return;
        }
        let songs = crate::catalog::clean(&table, &crate::catalog::CleanOptions::default());
        let songs = songs.unwrap().songs;
        let offered = |song: &Song| Candidate {
            id: song.id.to_string(),
            title: song.title.clone().unwrap(),
            artist: song.artist.clone().unwrap(),
            album: song.album.clone(),
            duration_ms: song.duration_ms,
            ..Candidate::default()
        };
        let mut by_artist = std::collections::BTreeMap::<_, Vec<&Song>>::new();
        for song in &songs {
            by_artist
                .entry(song.artist.as_deref())
                .or_default()
                .push(song);
        }
        // The letters before the first bracket or dash, as far as they are hardly misspelt.
        let start = |song: &Song| {
            let title = song.title.as_deref().unwrap();
            let name = title.split(['(', '[']).next().unwrap();
            let name = name.split(" - ").next().unwrap();
            squeezed(&fold(name)).chars().take(3).collect::<String>()
        };
        let (mut found_itself, mut pairs, mut alike) = (0, 0, 0);
        for songs in by_artist.values().step_by(10) {
            for song in songs {
                let wanted = Wanted::new(song).unwrap();
                let itself = wanted.choose(&[offered(song)], 0.75).unwrap();
                assert!(itself.confidence >= 1.0, "{song:?}");
                found_itself += 1;
                for other in songs.iter().filter(|other| other.id != song.id) {
                    pairs += 1;
                    if wanted.choose(&[offered(other)], 0.75).is_ok() {
                        assert_eq!(start(song), start(other), "{song:?} {other:?}");
                        alike += 1;
                    }
                }
            }
        }
        println!(
            "{found_itself} songs found themselves; of {pairs} pairs of songs by one artist {alike} are taken for the \
             same, all of one name"
        );
    }
}
