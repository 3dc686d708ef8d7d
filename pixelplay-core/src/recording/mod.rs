//! Determines from titles and artists whether two songs are the same recording.
//!
//! Tables list a recording once per album: as a remaster, in a deluxe edition, with guests named in
//! the title or in the artist credit. A live recording, a remix or a cover is a different
//! recording.
//!
//! `title` recognises editions, versions and guests, `artist` splits credits, and `fold` normalises
//! spellings.

pub(crate) mod artist;
pub(crate) mod fold;
pub(crate) mod title;

use std::collections::BTreeSet;

use artist::main_names;
use fold::squeezed;
use title::Title;

/// Credits that do not name an artist.
const NOBODY: &[&str] = &[
    "variousartists",
    "various",
    "va",
    "unknownartist",
    "unknown",
    "anonymous",
    "diverse",
    "soundtrack",
    "originalcast",
    "traditional",
];

/// Titles that nearly every soundtrack or musical contains. For these, the film or play they are
/// from is part of the key.
const CUES: &[&str] = &[
    "credits",
    "endcredits",
    "endtitle",
    "endtitles",
    "entracte",
    "epilogue",
    "finale",
    "intro",
    "introduction",
    "lovetheme",
    "maintheme",
    "maintitle",
    "maintitles",
    "maintitletheme",
    "opening",
    "openingcredits",
    "openingtitle",
    "openingtitles",
    "outro",
    "overture",
    "prelude",
    "prologue",
    "suite",
    "theme",
    "themesong",
    "title",
    "titles",
    "titletheme",
];

/// Returns a key that is equal for all entries of one recording, or `None` if title and artist
/// cannot identify it.
///
/// Case, accents, punctuation, editions (`Remastered 2011`, `Radio Edit`) and guests make no
/// difference. Live, remix, acoustic and other versions do, and so does every artist who is not a
/// guest.
#[cfg(feature = "catalog")]
pub(crate) fn key(title: &str, artist: &str) -> Option<String> {
    let parsed = Title::parse(title);
    let mut key = key_of(&parsed, artist)?;
    for version in &parsed.versions {
        key.push_str(&format!("\n{version:?}"));
    }
    key.push('\n');
    key.push_str(&parsed.version_words);
    Some(key)
}

/// Returns a key that is equal for all recordings of a song by the same artists, including live
/// recordings and remixes.
pub(crate) fn song_key(title: &str, artist: &str) -> Option<String> {
    key_of(&Title::parse(title), artist)
}

fn key_of(title: &Title, artist: &str) -> Option<String> {
    let guests: BTreeSet<String> = title.guests.iter().flat_map(|g| main_names(g)).collect();
    let credited = main_names(artist);
    let mut artists: BTreeSet<&String> = credited.iter().filter(|a| !guests.contains(*a)).collect();
    if artists.is_empty() {
        artists = credited.iter().collect();
    }
    let mut key = squeezed(&title.words);
    if CUES.contains(&key.as_str()) {
        key.push('\n');
        key.push_str(&squeezed(&title.source));
    }
    if title.words.is_empty() || artists.iter().all(|name| NOBODY.contains(&name.as_str())) {
        return None;
    }
    for artist in artists {
        key.push('\0');
        key.push_str(artist);
    }
    Some(key)
}

#[cfg(all(test, feature = "catalog"))]
mod tests {
    use super::*;

    fn same(one: (&str, &str), other: (&str, &str)) -> bool {
        key(one.0, one.1).is_some() && key(one.0, one.1) == key(other.0, other.1)
    }

    #[test]
    fn editions_and_guests_are_one_recording() {
        for (one, other) in [
            (("Africa", "TOTO"), ("Africa - 2018 Remaster", "Toto")),
            (("Déjà Vu", "Beyoncé"), ("Deja Vu (feat. JAY-Z)", "Beyonce")),
            (("Deja Vu (feat. JAY-Z)", "Beyoncé"), ("Deja Vu", "Beyoncé feat. Jay Z")),
            (
                ("Closer (feat. Halsey)", "The Chainsmokers"),
                ("Closer (feat. Halsey)", "The Chainsmokers;Halsey"),
            ),
            (("Stay (with Ana)", "Ben, Ana"), ("Stay - Radio Edit", "Ben")),
            (("Song (Live at Wembley)", "Queen"), ("Song - Live at Wembley", "QUEEN")),
            (("Yesterday", "The Beatles"), ("Yesterday", "Beatles")),
            (("Song (From \"A Film\")", "Ana"), ("Song", "Ana")),
            (
                ("Main Title (From \"Jaws\")", "John Williams"),
                ("Main Title - Music From Jaws", "John Williams"),
            ),
        ] {
            assert!(same(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn other_versions_and_other_artists_are_not() {
        for (one, other) in [
            (("Song", "Queen"), ("Song (Live)", "Queen")),
            (("Song (Live in Rio)", "Queen"), ("Song (Live in Paris)", "Queen")),
            (("Song (Ana Remix)", "Queen"), ("Song (Ben Remix)", "Queen")),
            (("Song", "Queen"), ("Song", "Queen & David Bowie")),
            (
                ("Symphony No. 40", "Mozart;Karl Böhm"),
                ("Symphony No. 40", "Mozart;Herbert von Karajan"),
            ),
            (("Part 1", "Ana"), ("Part 2", "Ana")),
            (("Hello", "Adele"), ("Hello", "Lionel Richie")),
            (
                ("Main Title (From \"Jaws\")", "John Williams"),
                ("Main Title (From \"E.T.\")", "John Williams"),
            ),
            (("Prelude in C# Minor", "Ana"), ("Prelude in C Minor", "Ana")),
            (("Kapitel 1-12", "Ana"), ("Kapitel 11-2", "Ana")),
        ] {
            assert!(!same(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn versions_are_one_song() {
        let song = |title| song_key(title, "Queen");
        assert!(song("Song").is_some());
        for title in ["Song (Live in Rio)", "Song - Ana Remix", "Song - Remastered"] {
            assert_eq!(song(title), song("Song"), "{title}");
        }
        assert_ne!(song("Song"), song("Song 2"));
        assert_ne!(song("Song"), song_key("Song", "King"));
    }

    #[test]
    fn what_names_nobody_tells_nothing() {
        for (title, artist) in
            [("Intro", "Various Artists"), ("Intro", "unknown"), ("", "Ana"), ("Song", "")]
        {
            assert_eq!(key(title, artist), None, "{title} {artist}");
        }
        // A guest who is the only artist counts as the artist.
        assert!(same(("Song (with Ana)", "Ana"), ("Song", "Ana")));
    }
}
