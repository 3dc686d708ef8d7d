//! Which column of a table is which: the public song tables known by their headers.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::LazyLock;

use super::CatalogError;
use super::cell::UNIT_FEATURES;
use crate::song::COLUMNS;

/// The headers under which a column is found, in the public tables and in general, best first.
///
/// Compared in [`normal`] form. The rows for `id`, `title` and `artist` also have to do for the
/// `cleaned_songs.csv` of the application that PixelPlay follows, for which no authoritative header
/// is at hand; a `date` is left alone because in charts it is the day of the chart.
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

/// A public table, known by headers that it alone has.
struct Schema {
    name: &'static str,
    has: &'static [&'static str],
    /// Headers that mean something in this table alone.
    also: &'static [(&'static str, &'static str)],
}

const SCHEMAS: &[Schema] = &[
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

/// A table that is none of [`SCHEMAS`].
const GENERAL: Schema = Schema { name: "song table with general names", has: &[], also: &[] };

/// What the header says about the unit of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// The column's own, or, for a feature from 0 to 1, whatever its values show.
    Own,
    /// Hundredths.
    Percent,
    /// Of time.
    Seconds,
    /// Of time.
    Minutes,
    /// A duration without a word on its unit.
    Unstated,
}

/// Where a cell goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A column of [`COLUMNS`], or `id`.
    Known(&'static str, Unit),
    /// One of the song's `extra` columns.
    Extra(String),
    /// Nowhere.
    Ignored,
}

/// What a header says.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) schema: &'static str,
    /// For each column of the table, in its order.
    pub(super) targets: Vec<Target>,
    /// Where in `targets` these are.
    pub(super) id: Option<usize>,
    pub(super) title: Option<usize>,
    pub(super) artist: Option<usize>,
    /// Whether the header announces several in one cell: `artists`, `Genres`.
    pub(super) several_artists: bool,
    pub(super) several_genres: bool,
}

/// A header without case, separators and units: `Track Name`, `track_name` and `trackName` are one.
fn normal(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many columns of `header` are known by name, or chosen; tells the right delimiter from the
/// wrong ones.
pub(super) fn known_headers<'a>(
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

/// The column of every header that is known in any table.
static KNOWN: LazyLock<HashMap<Cow<'static, str>, &'static str>> = LazyLock::new(|| {
    let of = |column| aliases(column, &GENERAL).map(move |alias| (alias, column));
    columns().flat_map(of).collect()
});

fn columns() -> impl Iterator<Item = &'static str> {
    std::iter::once("id").chain(COLUMNS.iter().map(|&(name, _)| name))
}

/// The headers of a column in [`normal`] form, best first.
fn aliases(column: &str, schema: &Schema) -> impl Iterator<Item = Cow<'static, str>> {
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

/// The unit that a header names.
fn unit(column: &str, header: &str, chosen: bool) -> Unit {
    let name = normal(header);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match column {
        "duration_ms" if ends(&["ms", "milliseconds"]) => Unit::Own,
        "duration_ms"
            if ends(&["durations", "lengths", "sec", "secs", "seconds"]) || name == "dur" =>
        {
            Unit::Seconds
        }
        "duration_ms" if ends(&["min", "mins", "minutes"]) => Unit::Minutes,
        // Whoever chose the column was asked for milliseconds.
        "duration_ms" if !chosen => Unit::Unstated,
        _ if UNIT_FEATURES.contains(&column)
            && (header.contains('%') || ends(&["percent", "pct"])) =>
        {
            Unit::Percent
        }
        _ => Unit::Own,
    }
}

/// Finds out which column is which. `chosen` maps columns of a song to headers and goes first; the
/// table must have the `needed` ones.
pub(super) fn recognise(
    header: &[String],
    chosen: &BTreeMap<String, String>,
    needed: &[&'static str],
    path: &Path,
) -> Result<Mapping, CatalogError> {
    // The first of several columns of one name counts.
    let mut names = HashMap::new();
    for (at, name) in header.iter().enumerate() {
        names.entry(normal(name)).or_insert_with(Vec::new).push(at);
    }
    let schema = SCHEMAS
        .iter()
        .find(|schema| schema.has.iter().all(|&needed| names.contains_key(needed)))
        .unwrap_or(&GENERAL);

    let mut targets = vec![None; header.len()];
    for (column, wanted) in chosen {
        let bad = |problem| CatalogError::BadMapping {
            path: path.to_owned(),
            column: column.clone(),
            header: wanted.clone(),
            problem,
            found: header.to_vec(),
        };
        let Some(column) = columns().find(|known| known == column) else {
            return Err(bad("a song has no such column"));
        };
        let Some(at) = header.iter().position(|name| name.trim() == wanted.trim()) else {
            return Err(bad("the table has no such header"));
        };
        if targets[at].is_some() {
            return Err(bad("it is already another column"));
        }
        targets[at] = Some(Target::Known(column, unit(column, &header[at], true)));
    }
    for column in columns().filter(|&column| !chosen.contains_key(column)) {
        let free = |alias: Cow<'static, str>| {
            let places = names.get(&*alias)?;
            places.iter().copied().find(|&at| targets[at].is_none())
        };
        if let Some(at) = aliases(column, schema).find_map(free) {
            targets[at] = Some(Target::Known(column, unit(column, &header[at], false)));
        }
    }

    let find = |column: &str| {
        let is =
            |target: &Option<Target>| matches!(target, Some(Target::Known(c, _)) if *c == column);
        targets.iter().position(is)
    };
    let missing: Vec<_> = needed.iter().copied().filter(|column| find(column).is_none()).collect();
    if !missing.is_empty() {
        return Err(CatalogError::NoHeader {
            path: path.to_owned(),
            missing,
            found: header.to_vec(),
        });
    }
    let (id, title, artist) = (find("id"), find("title"), find("artist"));
    let several_genres = find("genre").is_some_and(|at| normal(&header[at]).ends_with("genres"));
    let several_artists = artist.is_some_and(|at| {
        let header = normal(&header[at]);
        header.contains("artists") || header == "artistnames"
    });

    let mut taken: HashSet<String> = columns().map(str::to_owned).collect();
    let targets = targets
        .into_iter()
        .zip(header)
        .map(|(target, name)| target.unwrap_or_else(|| extra(name, &mut taken)))
        .collect();
    Ok(Mapping { schema: schema.name, targets, id, title, artist, several_artists, several_genres })
}

/// Carries an unknown column along, unless it has no name of its own.
fn extra(name: &str, taken: &mut HashSet<String>) -> Target {
    let name = name.trim();
    let lower = name.to_lowercase();
    // `Unnamed: 0` is what pandas calls the row numbers that `to_csv` wrote; `_pp_` columns are the
    // index's own.
    let unnamed = name.is_empty() || lower.starts_with("unnamed:") || lower.starts_with("_pp_");
    if unnamed || lower == "embedding" || !taken.insert(lower) {
        return Target::Ignored;
    }
    Target::Extra(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(header: &str) -> Result<Mapping, CatalogError> {
        let header: Vec<_> = header.split(',').map(str::to_owned).collect();
        recognise(&header, &BTreeMap::new(), &["title", "artist"], Path::new("t.csv"))
    }

    #[test]
    fn every_alias_belongs_to_one_known_column() {
        let mut seen = std::collections::BTreeSet::new();
        for (column, names) in ALIASES {
            assert!(columns().any(|known| known == *column), "{column}");
            assert_eq!(names[0], normal(column), "the column's own name goes first");
            for name in *names {
                assert_eq!(normal(name), *name);
                assert!(seen.insert(*name), "{name} stands twice");
            }
        }
    }

    #[test]
    fn case_and_separators_do_not_matter() {
        for header in [
            "Track ID,Track Name,Artist(s) Name",
            "track-id,TRACK_NAME,artists",
            "trackId,trackName,artistName",
        ] {
            let mapping = map(header).unwrap();
            let known = ["id", "title", "artist"].map(|column| Target::Known(column, Unit::Own));
            assert_eq!(mapping.targets, known, "{header}");
        }
    }

    #[test]
    fn the_better_name_wins_and_the_other_is_carried_along() {
        let mapping = map("name,title,artist,release_date,year,uri,id").unwrap();
        assert_eq!(
            mapping.targets,
            [
                Target::Extra("name".into()),
                Target::Known("title", Unit::Own),
                Target::Known("artist", Unit::Own),
                Target::Extra("release_date".into()),
                Target::Known("year", Unit::Own),
                Target::Extra("uri".into()),
                Target::Known("id", Unit::Own),
            ]
        );
    }

    #[test]
    fn names_that_are_taken_or_empty_are_left_out() {
        let mapping = map(",Unnamed: 0,title,TITLE,artist,x,X,_pp_i8,embedding").unwrap();
        let ignored = |at: &usize| mapping.targets[*at] == Target::Ignored;
        let left_out: Vec<_> = (0..9).filter(ignored).collect();
        assert_eq!(left_out, [0, 1, 3, 6, 7, 8]);
        assert_eq!(mapping.id, None);
    }

    #[test]
    fn headers_name_units_and_lists() {
        for (header, unit) in [
            ("duration_ms", Unit::Own),
            ("Track Duration (ms)", Unit::Own),
            ("duration_s", Unit::Seconds),
            ("Duration (seconds)", Unit::Seconds),
            ("duration_min", Unit::Minutes),
            ("Length (Duration)", Unit::Unstated),
        ] {
            let mapping = map(&format!("title,artist,{header}")).unwrap();
            assert_eq!(mapping.targets[2], Target::Known("duration_ms", unit), "{header}");
        }
        for header in ["energy_%", "Energy (%)", "energy_percent"] {
            let mapping = map(&format!("title,artist,{header}")).unwrap();
            let energy = Target::Known("energy", Unit::Percent);
            assert_eq!(mapping.targets[2], energy, "{header}");
        }
        for (header, several) in [
            ("artist", false),
            ("Artist Name", false),
            ("artists", true),
            ("artist(s)_name", true),
            ("Artist Name(s)", true),
        ] {
            let mapping = map(&format!("title,{header}")).unwrap();
            assert_eq!(mapping.several_artists, several, "{header}");
        }
        assert!(map("title,artist,Genres").unwrap().several_genres);
    }

    #[test]
    fn thousands_of_columns_are_no_trouble() {
        let header: Vec<_> = (0..200_000).map(|n| format!("x{n}")).collect();
        let mapping = map(&format!("title,artist,{}", header.join(","))).unwrap();
        assert_eq!(mapping.targets.len(), 200_002);
    }

    #[test]
    fn a_foreign_header_says_what_was_found_and_what_is_needed() {
        let error = map("Title,Composer,opus").unwrap_err().to_string();
        assert!(error.contains("no column for the artist"), "{error}");
        assert!(error.contains("\"Composer\""), "{error}");
        let error = map("a,b").unwrap_err().to_string();
        assert!(error.contains("the title and the artist"), "{error}");
    }

    #[test]
    fn the_caller_may_say_which_column_is_which() {
        let header: Vec<_> = ["Werk", "Von", "name"].map(str::to_owned).into();
        let choose = |pairs: &[(&str, &str)]| {
            let chosen = pairs
                .iter()
                .map(|&(column, header)| (column.to_owned(), header.to_owned()))
                .collect();
            recognise(&header, &chosen, &[], Path::new("t.csv"))
        };
        let mapping = choose(&[("title", "Werk"), ("artist", "Von")]).unwrap();
        assert_eq!(
            mapping.targets,
            [
                Target::Known("title", Unit::Own),
                Target::Known("artist", Unit::Own),
                Target::Extra("name".into())
            ]
        );
        for bad in [
            &[("titel", "Werk")][..],
            &[("title", "werk")],
            &[("artist", "Werk"), ("title", "Werk")],
        ] {
            assert!(matches!(choose(bad), Err(CatalogError::BadMapping { .. })));
        }
    }
}
