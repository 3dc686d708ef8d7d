//! The output of the commands.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Error, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use pixelplay_core::catalog::{Reason, Sentence, Source};
use pixelplay_core::index::{EditReport, Hits};
use pixelplay_core::mood::mood_words;
pub(crate) use pixelplay_core::printable;
use serde_json::{Value, json};

/// The width below which a table would break every word.
const NARROWEST: u16 = 60;

/// Whether this run prints JSON, and so must print notes and errors as JSON too.
static JSON: AtomicBool = AtomicBool::new(false);

/// Makes [`complain`] and [`fail`] print JSON.
pub(crate) fn complain_in_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Prints a line to standard output. Unlike in `println!`, a closed pipe is an error, not a panic.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", escaped(text))?;
    Ok(out.flush()?)
}

/// Escapes characters that could control the terminal, as JSON does: `\u202e`. In JSON, the escape
/// means the same character. Other text has no such characters, because it has gone through
/// [`printable`].
fn escaped(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        let harmless = c.is_ascii_graphic() || matches!(c, ' ' | '\n' | '\t');
        !harmless && printable(c.encode_utf8(&mut [0; 4])) != *c.encode_utf8(&mut [0; 4])
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut found = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            // All of them are in the basic plane. Writing to a String cannot fail.
            let _ = write!(found, "\\u{:04x}", u32::from(c));
        } else {
            found.push(c);
        }
    }
    Cow::Owned(found)
}

/// Prints a note for the user to standard error.
pub(crate) fn complain(text: &str) {
    report(text, || json!({ "note": text }));
}

/// Prints why the command failed to standard error.
pub(crate) fn fail(error: &Error) {
    report(&format!("error: {error:#}"), || {
        let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
        json!({ "error": error.to_string(), "causes": causes })
    });
}

/// Prints that the command was interrupted to standard error.
pub(crate) fn stopped(what_is_kept: &str) {
    let text = format!("interrupted; {what_is_kept}");
    report(&text, || json!({ "error": text, "causes": [] }));
}

/// A failure to print is ignored: there is no other place to report it.
fn report(text: &str, as_json: impl FnOnce() -> Value) {
    let text = match JSON.load(Ordering::Relaxed) {
        true => escaped(&as_json().to_string()).into_owned(),
        false => printable_lines(text),
    };
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Applies [`printable`] to each line of a text.
pub(crate) fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn json_means_the_same_without_what_steers_a_terminal() {
        let text = serde_json::json!({ "title": "a\u{202e}b\u{9b}\u{7f}\u{1b}\u{e9}\n" });
        let pretty = serde_json::to_string_pretty(&text).unwrap();
        let safe = escaped(&pretty);
        assert!(!safe.contains(['\u{202e}', '\u{9b}', '\u{7f}', '\u{1b}']), "{safe}");
        assert!(safe.contains('\u{e9}') && safe.lines().count() == 3);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), text);
    }
}
