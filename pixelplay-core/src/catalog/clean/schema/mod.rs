//! Maps the columns of a table to the fields of a song, using the headers of public song tables
//! (`headers`) and the `unit` that a header names.

mod headers;
mod unit;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

pub(super) use headers::known_headers;
pub(super) use unit::Unit;

use crate::catalog::CatalogError;
use headers::{GENERAL, SCHEMAS, aliases, columns, normal};
use unit::unit;

/// Where the cells of a column are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A column of [`COLUMNS`], or `id`.
    Known(&'static str, Unit),
    /// One of the song's `extra` columns.
    Extra(String),
    /// The cells are not stored.
    Ignored,
}

/// The mapping from the columns of a table to the fields of a song.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) schema: &'static str,
    /// The target of each column of the table, in order.
    pub(super) targets: Vec<Target>,
    /// The position of this column in `targets`, as for the next two.
    pub(super) id: Option<usize>,
    pub(super) title: Option<usize>,
    pub(super) artist: Option<usize>,
    /// Whether the header announces several values in one cell: `artists`, `Genres`.
    pub(super) several_artists: bool,
    pub(super) several_genres: bool,
}

/// Maps the header's columns. `chosen` maps columns of a song to headers and takes precedence. The
/// table must have the `needed` columns.
pub(super) fn recognise(
    header: &[String],
    chosen: &BTreeMap<String, String>,
    needed: &[&'static str],
    path: &Path,
) -> Result<Mapping, CatalogError> {
    // If several columns have the same name, the first one is used.
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
            return Err(bad("songs have no such column"));
        };
        let Some(at) = header.iter().position(|name| name.trim() == wanted.trim()) else {
            return Err(bad("the table has no such header"));
        };
        if targets[at].is_some() {
            return Err(bad("it is already mapped to another column"));
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

/// Keeps an unknown column as an extra column, unless it is unnamed or its name is taken.
fn extra(name: &str, taken: &mut HashSet<String>) -> Target {
    let name = name.trim();
    let lower = name.to_lowercase();
    // `Unnamed: 0` is pandas' name for the row numbers that `to_csv` wrote; `_pp_` columns are
    // internal to an index.
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
