//! Writes a found recording into the cells of a song, and records where they came from.

use super::clock::iso;
use super::lookup::{Found, Outcome, is_empty};
use super::provider::Provider;
use crate::song::{Kind, Song, Value};

/// The columns that record where cells came from. If several providers have filled a song, all are
/// listed in order, separated by `; `, with the lowest confidence.
pub const PROVENANCE: [(&str, Kind); 6] = [
    // The provider: `itunes`.
    ("enriched_from", Kind::Text),
    // The provider's id of the recording.
    ("enriched_id", Kind::Text),
    // The confidence that it is this song, 0 to 1.
    ("enriched_confidence", Kind::Real),
    // When the provider was asked, UTC: `2026-11-26T01:02:03Z`.
    ("enriched_at", Kind::Text),
    // The columns that were filled: `artwork_url, preview_url`.
    ("enriched_columns", Kind::Text),
    // Why the song was not found.
    ("enriched_note", Kind::Text),
];

/// The cells to set; `None` empties one.
pub(super) type Cells = Vec<(&'static str, Option<Value>)>;

/// Returns the cells of a song that the outcome changes.
pub(super) fn cells(
    song: &Song,
    outcome: &Outcome,
    provider: &dyn Provider,
    overwrite: bool,
) -> Cells {
    let note = match outcome {
        Outcome::Complete | Outcome::NotAsked | Outcome::Unnamed => return Cells::new(),
        Outcome::Found(found) => return found_cells(song, found, provider, overwrite),
        Outcome::NotFound(refusal) => format!("{}: {refusal}", provider.name()),
        Outcome::Failed(_) => format!("{}: no usable answer", provider.name()),
    };
    vec![("enriched_note", Some(Value::Text(note)))]
}

fn found_cells(song: &Song, found: &Found, provider: &dyn Provider, overwrite: bool) -> Cells {
    let candidate = &found.chosen.candidate;
    let text = |text: &Option<String>| text.clone().map(Value::Text);
    let offered = [
        ("album", text(&candidate.album)),
        ("genre", text(&candidate.genre)),
        ("year", candidate.year.map(Value::Integer)),
        ("duration_ms", candidate.duration_ms.map(Value::Integer)),
        ("explicit", candidate.explicit.map(Value::Flag)),
        ("artwork_url", text(&candidate.artwork_url)),
        ("preview_url", text(&candidate.preview_url)),
        ("external_url", text(&candidate.external_url)),
    ];
    let mut cells: Cells = offered
        .into_iter()
        .filter(|(column, value)| {
            let old = song.get(column);
            value.is_some() && old != *value && (overwrite || is_empty(old.as_ref()))
        })
        .collect();
    let filled: Vec<&str> = cells.iter().map(|(column, _)| *column).collect();
    let filled = filled.join(", ");
    let before = |column: &str| match song.get(column) {
        Some(Value::Text(text)) if !overwrite && !text.is_empty() => Some(text),
        _ => None,
    };
    // A song that is found again is not changed if there is nothing to add.
    if !(filled.is_empty() && before("enriched_from").is_some()) {
        for (column, value) in [
            ("enriched_from", provider.name()),
            ("enriched_id", &candidate.id),
            ("enriched_at", &iso(found.fetched_at)),
            ("enriched_columns", &filled),
        ] {
            let value = match before(column) {
                Some(before) => format!("{before}; {value}"),
                None => value.to_owned(),
            };
            cells.push((column, Some(Value::Text(value))));
        }
        let least = before("enriched_confidence")
            .and_then(|before| before.parse::<f64>().ok())
            .map_or(found.chosen.confidence, |before| before.min(found.chosen.confidence));
        cells.push(("enriched_confidence", Some(Value::Real(least))));
    }
    if song.get("enriched_note").is_some() {
        cells.push(("enriched_note", None));
    }
    cells
}
