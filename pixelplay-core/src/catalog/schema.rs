//! Which column of a table is which: the public song tables known by their headers.

use std::collections::BTreeMap;
use std::path::Path;

use super::CatalogError;
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
            "uri",
        ],
    ),
    (
        "title",
        &[
            "title",
            "trackname",
            "songname",
            "songtitle",
            "tracktitle",
            "name",
            "track",
            "song",
        ],
    ),
    (
        "artist",
        &[
            "artist",
            "trackartist",
            "artistname",
            "artists",
            "artistsname",
            "artistnames",
            "trackartists",
        ],
    ),
    (
        "album",
        &["album", "albumname", "trackalbumname", "albumtitle"],
    ),
    (
        "genre",
        &["genre", "trackgenre", "playlistgenre", "topgenre"],
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
    (
        "popularity",
        &["popularity", "trackpopularity", "songpopularity"],
    ),
    (
        "duration_ms",
        &["durationms", "trackdurationms", "songdurationms"],
    ),
    ("explicit", &["explicit", "isexplicit"]),
    ("valence", &["valence", "audiovalence"]),
    ("tempo", &["tempo", "bpm"]),
    ("loudness", &["loudness", "loudnessdb"]),
    ("mode", &["mode", "audiomode"]),
    (
        "artwork_url",
        &["artworkurl", "albumarturl", "coverurl", "imageurl"],
    ),
    ("preview_url", &["previewurl", "trackpreviewurl"]),
    ("external_url", &["externalurl", "trackurl", "spotifyurl"]),
];

/// A public table, known by headers that it alone has.
struct Schema {
    name: &'static str,
    has: &'static [&'static str],
    /// What stands between two artists of one cell.
    artists: Artists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Artists {
    /// The cell is one text.
    OneText,
    /// `A;B`
    Semicolons,
    /// A Python list: `['A', "B's"]`
    PythonList,
}

const SCHEMAS: &[Schema] = &[
    Schema {
        name: "TidyTuesday spotify_songs",
        has: &["trackid", "trackname", "trackartist", "playlistgenre"],
        artists: Artists::OneText,
    },
    Schema {
        name: "spotify-tracks-dataset",
        has: &["trackid", "trackname", "artists", "trackgenre"],
        artists: Artists::Semicolons,
    },
    Schema {
        name: "hit predictor",
        has: &["track", "artist", "uri", "chorushit", "target"],
        artists: Artists::OneText,
    },
    Schema {
        name: "Spotify tracks by year (data.csv)",
        has: &["id", "name", "artists", "valence", "releasedate"],
        artists: Artists::PythonList,
    },
    Schema {
        name: "PixelPlay columns",
        has: &["id", "title", "artist"],
        artists: Artists::OneText,
    },
    Schema {
        name: "song table with general names",
        has: &[],
        artists: Artists::OneText,
    },
];

/// Where a cell goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A column of [`COLUMNS`], or `id`.
    Known(&'static str),
    /// One of the song's `extra` columns.
    Extra(String),
    /// Nowhere.
    Ignored,
}

/// What a header says.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) schema: &'static str,
    pub(super) artists: Artists,
    /// For each column of the table, in its order.
    pub(super) targets: Vec<Target>,
    pub(super) has_id: bool,
}

/// A header without case, separators and units: `Track Name`, `track_name` and `trackName` are one.
fn normal(header: &str) -> String {
    header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many columns of `header` are known by name; tells the right delimiter from the wrong ones.
pub(super) fn known_headers<'a>(header: impl IntoIterator<Item = &'a str>) -> usize {
    let header: Vec<_> = header.into_iter().map(normal).collect();
    columns()
        .filter(|column| aliases(column).iter().any(|alias| header.contains(alias)))
        .count()
}

fn columns() -> impl Iterator<Item = &'static str> {
    std::iter::once("id").chain(COLUMNS.iter().map(|&(name, _)| name))
}

fn aliases(column: &str) -> Vec<String> {
    ALIASES
        .iter()
        .find(|(name, _)| *name == column)
        .map_or_else(
            || vec![normal(column)],
            |(_, names)| names.iter().map(|&name| name.to_owned()).collect(),
        )
}

/// Finds out which column is which. `chosen` maps columns of a song to headers and goes first; the table must have the
/// `needed` ones.
pub(super) fn recognise(
    header: &[String],
    chosen: &BTreeMap<String, String>,
    needed: &[&'static str],
    path: &Path,
) -> Result<Mapping, CatalogError> {
    let names: Vec<_> = header.iter().map(|name| normal(name)).collect();
    let schema = SCHEMAS
        .iter()
        .find(|schema| {
            schema
                .has
                .iter()
                .all(|&needed| names.iter().any(|name| name == needed))
        })
        .unwrap_or(&SCHEMAS[SCHEMAS.len() - 1]);

    let mut targets = vec![None; header.len()];
    for (column, wanted) in chosen {
        let bad = |problem, header_name: Option<&String>| CatalogError::BadMapping {
            path: path.to_owned(),
            column: column.clone(),
            header: header_name.cloned(),
            problem,
            found: header.to_vec(),
        };
        let Some(column) = columns().find(|known| known == column) else {
            return Err(bad("a song has no such column", Some(wanted)));
        };
        let Some(at) = header.iter().position(|name| name.trim() == wanted.trim()) else {
            return Err(bad("the table has no such header", Some(wanted)));
        };
        if targets[at].is_some() {
            return Err(bad("it is already another column", Some(wanted)));
        }
        targets[at] = Some(Target::Known(column));
    }
    for column in columns().filter(|&column| !chosen.contains_key(column)) {
        let free = |alias: &String| {
            (0..names.len()).find(|&at| names[at] == *alias && targets[at].is_none())
        };
        if let Some(at) = aliases(column).iter().find_map(free) {
            targets[at] = Some(Target::Known(column));
        }
    }

    let has = |column| targets.contains(&Some(Target::Known(column)));
    let missing: Vec<_> = needed
        .iter()
        .copied()
        .filter(|column| !has(column))
        .collect();
    if !missing.is_empty() {
        return Err(CatalogError::NoHeader {
            path: path.to_owned(),
            missing,
            found: header.to_vec(),
        });
    }
    let has_id = has("id");

    let mut taken: Vec<String> = columns().map(str::to_owned).collect();
    let targets = targets
        .into_iter()
        .zip(header)
        .map(|(target, name)| target.unwrap_or_else(|| extra(name, &mut taken)))
        .collect();
    Ok(Mapping {
        schema: schema.name,
        artists: schema.artists,
        targets,
        has_id,
    })
}

/// Carries an unknown column along, unless it has no name of its own.
fn extra(name: &str, taken: &mut Vec<String>) -> Target {
    let name = name.trim();
    let lower = name.to_lowercase();
    // `Unnamed: 0` is what pandas calls the row numbers that `to_csv` wrote; `_pp_` columns are the index's own.
    let unnamed = name.is_empty() || lower.starts_with("unnamed:") || lower.starts_with("_pp_");
    if unnamed || lower == "embedding" || taken.contains(&lower) {
        return Target::Ignored;
    }
    taken.push(lower);
    Target::Extra(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["title", "artist"];

    fn map(header: &str) -> Result<Mapping, CatalogError> {
        let header: Vec<_> = header.split(',').map(str::to_owned).collect();
        recognise(&header, &BTreeMap::new(), NAMES, Path::new("t.csv"))
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
            let known = ["id", "title", "artist"].map(Target::Known);
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
                Target::Known("title"),
                Target::Known("artist"),
                Target::Extra("release_date".into()),
                Target::Known("year"),
                Target::Extra("uri".into()),
                Target::Known("id"),
            ]
        );
    }

    #[test]
    fn names_that_are_taken_or_empty_are_left_out() {
        let mapping = map(",Unnamed: 0,title,TITLE,artist,x,X,_pp_i8,embedding").unwrap();
        let ignored = |at: &usize| mapping.targets[*at] == Target::Ignored;
        let left_out: Vec<_> = (0..9).filter(ignored).collect();
        assert_eq!(left_out, [0, 1, 3, 6, 7, 8]);
        assert!(!mapping.has_id);
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
            recognise(&header, &chosen, NAMES, Path::new("t.csv"))
        };
        let mapping = choose(&[("title", "Werk"), ("artist", "Von")]).unwrap();
        assert_eq!(
            mapping.targets,
            [
                Target::Known("title"),
                Target::Known("artist"),
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
