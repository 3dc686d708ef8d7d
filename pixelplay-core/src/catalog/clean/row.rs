//! Reads one row of a table as a song.

use super::cell::{self, Cell};
use super::merge::GENRES;
use super::number::{self, SingleComma};
use super::report::{CleanReport, DropReason};
use super::schema::{Mapping, Target, Unit};
use super::time;
use super::unit_scale::{Feature, UNIT_FEATURES, UnitScaleStats};
use crate::catalog::table::{Keep, Row};
use crate::song::{COLUMNS, Kind, Song, SongId, Value};

/// Reads row `number`, counted from 0. Features from 0 to 1 stay packed until all rows have been
/// read; see [`Feature::pack`].
pub(super) fn read_song(
    row: &Row,
    number: u64,
    mapping: &Mapping,
    keep: Keep,
    scales: &mut UnitScaleStats,
    report: &mut CleanReport,
) -> Result<Song, DropReason> {
    let cell = |column: Option<usize>| column.and_then(|at| row.get(at));
    let given = cell(mapping.id).and_then(cell::id);
    if mapping.id.is_some() && given.is_none() {
        return Err(DropReason::MissingId);
    }
    let title = cell(mapping.title).and_then(cell::text);
    let artist = cell(mapping.artist).and_then(|text| cell::artist(text, mapping.several_artists));
    if keep == Keep::Songs && title.is_none() {
        return Err(DropReason::MissingTitle);
    }
    if keep == Keep::Songs && artist.is_none() {
        return Err(DropReason::MissingArtist);
    }
    let id = given.unwrap_or_else(|| match (&artist, &title, keep) {
        (Some(artist), Some(title), Keep::Songs) => made_id(artist, title),
        _ => number.to_string(),
    });
    let mut song = Song::new(SongId::new(id).ok_or(DropReason::MissingId)?);
    song.title = title;
    song.artist = artist;
    let line = row.line;
    for (target, cell) in mapping.targets.iter().zip(row.cells()) {
        match target {
            Target::Ignored | Target::Known("id" | "title" | "artist", _) => {}
            Target::Extra(name) => {
                if let Some(text) = cell::text(cell) {
                    song.extra.insert(name.clone(), text);
                }
            }
            Target::Known("genre", _) if mapping.several_genres => {
                let genres = cell::genres(cell);
                if genres.len() > 1 {
                    song.extra.entry(GENRES.to_owned()).or_insert_with(|| genres.join("; "));
                }
                song.genre = genres.into_iter().next();
            }
            Target::Known(column, unit) => {
                match read_cell(column, *unit, cell, line, scales, report) {
                    Cell::Missing => {}
                    Cell::Known(value) => {
                        song.set(column, value);
                    }
                    Cell::Unreadable => report.cleared(column).unreadable.add(line),
                    Cell::OutOfRange => report.cleared(column).out_of_range.add(line),
                }
            }
        }
    }
    Ok(song)
}

fn read_cell(
    column: &'static str,
    unit: Unit,
    text: &str,
    line: u64,
    scales: &mut UnitScaleStats,
    report: &mut CleanReport,
) -> Cell {
    let read = match column {
        "year" => time::year(text),
        "key" => cell::key(text),
        "mode" => cell::mode(text),
        "duration_ms" => {
            let (cell, conversion) = time::duration(text, unit);
            if let (Cell::Known(_), Some(conversion)) = (&cell, conversion) {
                report.converted(column, conversion).add(line);
            }
            cell
        }
        "description" => {
            cell::lines(text).map_or(Cell::Missing, |text| Cell::Known(Value::Text(text)))
        }
        _ => match kind(column) {
            Kind::Text => {
                cell::text(text).map_or(Cell::Missing, |text| Cell::Known(Value::Text(text)))
            }
            Kind::Integer => cell::integer(text),
            Kind::Real => return read_real(column, unit, text, line, scales, report),
            Kind::Flag => cell::flag(text),
        },
    };
    match (&read, cell::range(column)) {
        #[expect(clippy::cast_precision_loss, reason = "at most 1e15, see cell::integer")]
        (Cell::Known(Value::Integer(number)), Some((low, high)))
            if !(low..=high).contains(&(*number as f64)) =>
        {
            Cell::OutOfRange
        }
        _ => read,
    }
}

/// Reads a real number. None of these columns reaches a thousand, so a comma is a decimal comma.
fn read_real(
    column: &'static str,
    unit: Unit,
    text: &str,
    line: u64,
    scales: &mut UnitScaleStats,
    report: &mut CleanReport,
) -> Cell {
    let feature = UNIT_FEATURES.iter().position(|name| *name == column);
    let Some(number) = number::parse(text, SingleComma::Decimal)
        .filter(|n| !n.percent || feature.is_some() || column == "popularity")
    else {
        return cell::no_number(text);
    };
    let kept = match feature {
        Some(_) if number.percent || unit == Unit::Percent => {
            Feature::known(number.value / 100.0).map(Feature::pack)
        }
        Some(at) => scales.add(number.value, at, line).map(Feature::pack),
        None => cell::range(column)
            .is_none_or(|(low, high)| (low..=high).contains(&number.value))
            .then_some(number.value),
    };
    let Some(value) = kept else {
        return Cell::OutOfRange;
    };
    for conversion in number.conversions() {
        report.converted(column, conversion).add(line);
    }
    Cell::Known(Value::Real(value))
}

fn kind(column: &str) -> Kind {
    COLUMNS.iter().find(|(name, _)| *name == column).map_or(Kind::Text, |&(_, kind)| kind)
}

/// Returns an id for a song without one: 32 hexadecimal digits of the BLAKE3 hash of artist and
/// title.
fn made_id(artist: &str, title: &str) -> String {
    let name = format!("{}\0{}", artist.to_lowercase(), title.to_lowercase());
    let hash = blake3::hash(name.as_bytes()).to_hex();
    hash[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_never_change() {
        // `blake3.blake3(b"abba\0sos").hexdigest()[:32]` in the Python package blake3. A different
        // value would orphan all saved favourites.
        assert_eq!(made_id("ABBA", "SOS"), "96272e0501501841913c6c61e095a105");
        assert_ne!(made_id("ABBA S", "OS"), made_id("ABBA", "SOS"));
    }
}
