//! The output of the commands.

use std::io::{self, Write};

use anyhow::Result;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use pixelplay_core::catalog::{Reason, Sentence, Source};
use pixelplay_core::index::{EditReport, Hits};
use pixelplay_core::mood::mood_words;
use serde_json::json;

/// The width below which a table would break every word.
const NARROWEST: u16 = 60;

/// Prints a line to standard output. Unlike `println!`, a closed pipe is an error and not a panic.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints a line to standard error. A failure is ignored: there is no other place to report it.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable_lines(text));
}

/// Applies [`printable`] to each line of a text.
pub(crate) fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// Replaces the control characters of a text. An index may come from anyone, and control characters
/// can control the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// Prints what an edit did.
pub(crate) fn edit(report: &EditReport, as_json: bool) -> Result<()> {
    if as_json {
        return line(&serde_json::to_string(report)?);
    }
    line(&report.to_string())
}

/// Returns the source of a sentence, and the sentence unless it only repeats the title column.
fn said(Sentence { text, source }: &Sentence) -> String {
    match source {
        Source::Title => source.to_string(),
        _ => format!("{source}: {text}"),
    }
}

/// Prints ranked songs as a table, or as one JSON document. `reasons` say, in the same order, why
/// each song was found.
pub(crate) fn hits(hits: &Hits, reasons: Option<&[Option<Reason>]>, as_json: bool) -> Result<()> {
    let index = hits.index();
    let reason = |at: usize| reasons.and_then(|reasons| reasons[at].as_ref());
    if as_json {
        let songs = hits
            .iter()
            .enumerate()
            .map(|(at, hit)| {
                let song = hit.song()?;
                Ok(json!({
                    "rank": at + 1,
                    "id": hit.id.as_str(),
                    "score": hit.score,
                    "corrected_score": hit.corrected_score,
                    "match_percent": hit.match_percent,
                    "title": song.title,
                    "artist": song.artist,
                    "album": song.album,
                    "genre": song.genre,
                    "year": song.year,
                    "mood": mood_words(&song),
                    "why": reason(at),
                    "description": song.description,
                    "artwork_url": song.artwork_url,
                    "preview_url": song.preview_url,
                    "external_url": song.external_url,
                }))
            })
            .collect::<Result<Vec<_>>>()?;
        let document = json!({
            "songs_in_index": index.len(),
            "encoder": index.fingerprint().map(|space| space.as_str()),
            "hits": songs,
        });
        return line(&serde_json::to_string_pretty(&document)?);
    }
    if hits.is_empty() {
        return line("no song matches; loosen --where or lower --min-score");
    }
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header([
            "#",
            "title",
            "artist",
            "year",
            "match",
            if reasons.is_some() { "why" } else { "mood" },
        ]);
    // Some terminals report a width of zero.
    if table.width().is_some_and(|columns| columns < NARROWEST) {
        table.set_width(NARROWEST);
    }
    for (at, hit) in hits.iter().enumerate() {
        let song = hit.song()?;
        table.add_row([
            (at + 1).to_string(),
            printable(song.title.as_deref().unwrap_or(hit.id.as_str())),
            printable(song.artist.as_deref().unwrap_or_default()),
            song.year.map(|year| year.to_string()).unwrap_or_default(),
            format!("{:.0}%", hit.match_percent),
            match reason(at) {
                Some(reason) => printable(&said(&reason.sentence)),
                None => mood_words(&song).join(", "),
            },
        ]);
    }
    for column in [0, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    line(&table.to_string())
}
