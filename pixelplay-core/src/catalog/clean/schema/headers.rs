//! The headers used by public song tables, and general ones.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use crate::catalog::clean::unit_scale::UNIT_FEATURES;
use crate::song::COLUMNS;

/// The headers known for each column, from public tables and in general, best first.
///
/// Headers are compared in [`normal`] form. The rows for `id`, `title` and `artist` also cover the
/// `cleaned_songs.csv` of the application that PixelPlay follows; the exact header of that file is
/// not available. `date` is not used, because in chart tables it is the day of the chart.
const ALIASES: &[(&str, &[&str])] = &[
    (
        "id",
        &[
            "id",
            "trackid",
            "songid",
            "spotifyid",
            "spotifytrackid",
            "trackuri",
            "spotifyuri",
            "spotifytrackuri",
            "uri",
        ],
    ),
    (
        "title",
        &["title", "trackname", "songname", "songtitle", "tracktitle", "name", "track", "song"],
    ),
    (
        "artist",
        &[
            "artist",
            "trackartist",
            "artistname",
            "songartist",
            "artists",
            "artistsname",
            "artistnames",
            "trackartists",
            "artistsnames",
            "performer",
        ],
    ),
    ("album", &["album", "albumname", "trackalbumname", "albumtitle"]),
    (
        "genre",
        &[
            "genre",
            "trackgenre",
            "playlistgenre",
            "topgenre",
            "maingenre",
            "genres",
            "artistgenres",
            "trackgenres",
        ],
    ),
    (
        "year",
        &[
            "year",
            "releaseyear",
            "releasedyear",
            "releasedate",
            "albumreleasedate",
            "trackalbumreleasedate",
        ],
    ),
    ("popularity", &["popularity", "trackpopularity", "songpopularity"]),
    (
        "duration_ms",
        &[
            "durationms",
            "trackdurationms",
            "songdurationms",
            "lengthms",
            "durationmilliseconds",
            "durations",
            "durationsec",
            "durationsecs",
            "durationseconds",
            "durationinseconds",
            "lengths",
            "lengthsec",
            "lengthseconds",
            "durationmin",
            "durationmins",
            "durationminutes",
            "duration",
            "trackduration",
            "songduration",
            "length",
            "tracklength",
            "songlength",
            "lengthduration",
        ],
    ),
    ("explicit", &["explicit", "isexplicit", "trackexplicit"]),
    ("valence", &["valence", "audiovalence"]),
    ("tempo", &["tempo", "bpm", "tempobpm", "beatsperminute", "beatsperminutebpm"]),
    ("loudness", &["loudness", "loudnessdb"]),
    ("key", &["key", "audiokey"]),
    ("mode", &["mode", "audiomode"]),
    (
        "artwork_url",
        &["artworkurl", "albumarturl", "albumimageurl", "albumcoverurl", "coverurl", "imageurl"],
    ),
    ("preview_url", &["previewurl", "trackpreviewurl"]),
    ("external_url", &["externalurl", "trackurl", "spotifyurl"]),
];

/// A public table, recognised by headers that only it has.
pub(super) struct Schema {
    pub(super) name: &'static str,
    pub(super) has: &'static [&'static str],
    /// Headers that have this meaning only in this table.
    also: &'static [(&'static str, &'static str)],
}

pub(super) const SCHEMAS: &[Schema] = &[
    Schema {
        name: "TidyTuesday spotify_songs",
        has: &["trackid", "trackname", "trackartist", "playlistgenre"],
        also: &[],
    },
    Schema {
        name: "spotify-tracks-dataset",
        has: &["trackid", "trackname", "artists", "trackgenre"],
        also: &[],
    },
    Schema {
        name: "hit predictor",
        has: &["track", "artist", "uri", "chorushit", "target"],
        also: &[],
    },
    Schema {
        name: "Spotify tracks by year (data.csv)",
        has: &["id", "name", "artists", "valence", "releasedate"],
        also: &[],
    },
    Schema {
        name: "Spotify tracks by genre (SpotifyFeatures.csv)",
        has: &["genre", "artistname", "trackname", "trackid"],
        also: &[],
    },
    Schema {
        name: "Most streamed Spotify songs 2023",
        has: &["trackname", "artistsname", "releasedyear", "streams"],
        also: &[],
    },
    Schema {
        name: "Top Spotify songs by year (top10s.csv)",
        has: &["title", "artist", "topgenre", "nrgy", "dnce", "spch"],
        also: &[
            ("energy", "nrgy"),
            ("danceability", "dnce"),
            ("loudness", "db"),
            ("liveness", "live"),
            ("valence", "val"),
            ("duration_ms", "dur"),
            ("acousticness", "acous"),
            ("speechiness", "spch"),
            ("popularity", "pop"),
        ],
    },
    Schema {
        name: "Spotify 2000",
        has: &["title", "artist", "topgenre", "beatsperminutebpm"],
        also: &[],
    },
    Schema { name: "Exportify playlist", has: &["trackname", "artistnames", "addedat"], also: &[] },
    Schema { name: "PixelPlay columns", has: &["id", "title", "artist"], also: &[] },
];

/// A table that is not one of [`SCHEMAS`].
pub(super) const GENERAL: Schema =
    Schema { name: "song table with general names", has: &[], also: &[] };

/// Returns a header without case, separators and units: `Track Name`, `track_name` and `trackName`
/// become equal.
pub(super) fn normal(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns how many columns of `header` are known or chosen by the caller. The right delimiter
/// yields the most.
pub(crate) fn known_headers<'a>(
    header: impl IntoIterator<Item = &'a str>,
    chosen: &BTreeMap<String, String>,
) -> usize {
    let wanted: HashSet<&str> = chosen.values().map(|name| name.trim()).collect();
    let mut known: HashSet<&str> = HashSet::new();
    let mut by_choice = 0;
    for name in header {
        by_choice += usize::from(wanted.contains(name.trim()));
        known.extend(KNOWN.get(&*normal(name)));
    }
    by_choice + known.len()
}

/// Maps every header known from any table to its column.
static KNOWN: LazyLock<HashMap<Cow<'static, str>, &'static str>> = LazyLock::new(|| {
    let of = |column| aliases(column, &GENERAL).map(move |alias| (alias, column));
    columns().flat_map(of).collect()
});

pub(super) fn columns() -> impl Iterator<Item = &'static str> {
    std::iter::once("id").chain(COLUMNS.iter().map(|&(name, _)| name))
}

/// Returns the headers of a column in [`normal`] form, best first.
pub(super) fn aliases(column: &str, schema: &Schema) -> impl Iterator<Item = Cow<'static, str>> {
    let also = schema.also.iter().filter(move |(name, _)| *name == column);
    let mut names: Vec<_> = also.map(|&(_, header)| Cow::Borrowed(header)).collect();
    match ALIASES.iter().find(|(name, _)| *name == column) {
        Some((_, known)) => names.extend(known.iter().map(|&name| Cow::Borrowed(name))),
        None => names.push(Cow::Owned(normal(column))),
    }
    if UNIT_FEATURES.contains(&column) {
        names.push(Cow::Owned(format!("{column}percent")));
        names.push(Cow::Owned(format!("{column}pct")));
    }
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_belongs_to_one_known_column() {
        let mut seen = std::collections::BTreeSet::new();
        for (column, names) in ALIASES {
            assert!(columns().any(|known| known == *column), "{column}");
            assert_eq!(names[0], normal(column), "the column's own name goes first");
            for name in *names {
                assert_eq!(normal(name), *name);
                assert!(seen.insert(*name), "{name} is listed twice");
            }
        }
    }
}
