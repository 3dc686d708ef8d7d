//! Reads years and durations.

use super::cell::{Cell, integer, no_number};
use super::number::{self, SingleComma};
use super::report::Conversion;
use super::schema::Unit;
use crate::song::Value;

/// Reads the year from a year or a date: `1987`, `1987-06`, `14.06.1987`, `June 14, 1987`,
/// `1987-06-14T00:00:00Z`. Two-digit years are not accepted.
pub(super) fn year(cell: &str) -> Cell {
    let cell = cell.trim();
    match date_year(cell) {
        Some(year) => Cell::Known(Value::Integer(year)),
        None => integer(cell),
    }
}

fn date_year(cell: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    // The time of day starts at the last word, or the `T`, before the first colon.
    let date = match cell.find(':') {
        Some(colon) => &cell[..cell[..colon].rfind([' ', 'T'])?],
        None => cell,
    };
    let parts: Vec<_> =
        date.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
    if !(2..=3).contains(&parts.len()) {
        return None;
    }
    let (mut year, mut month_named, mut small) = (None, false, Vec::new());
    for (at, part) in parts.iter().enumerate() {
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        if digits && part.len() == 4 && year.is_none() && (at == 0 || at == parts.len() - 1) {
            year = part.parse().ok();
        } else if digits && part.len() <= 2 {
            small.push(part.parse::<u32>().ok()?);
        } else {
            let start = part.get(..3)?.to_ascii_lowercase();
            if month_named || !MONTHS.contains(&start.as_str()) {
                return None;
            }
            month_named = true;
        }
    }
    let possible = small.iter().all(|n| (1..=31).contains(n))
        && (month_named || small.iter().any(|n| *n <= 12));
    year.filter(|_| possible)
}

/// Reads a duration in milliseconds from a number in the column's unit, from `3:45` or from
/// `PT3M45S`.
pub(super) fn duration(cell: &str, unit: Unit) -> (Cell, Option<Conversion>) {
    let cell = cell.trim();
    let Some(number) = number::parse(cell, SingleComma::Thousands).filter(|n| !n.percent) else {
        return match clock_seconds(cell).or_else(|| iso_seconds(cell)) {
            Some(seconds) => (milliseconds(seconds), Some(Conversion::ClockTime)),
            None => (no_number(cell), None),
        };
    };
    let value = number.value;
    let written = number.conversions().next();
    match unit {
        Unit::Seconds => (milliseconds(value), Some(Conversion::Seconds)),
        Unit::Minutes => (milliseconds(value * 60.0), Some(Conversion::Minutes)),
        // The unit is unknown, but few songs last less than 20 seconds or more than an hour.
        // Numbers that fit neither unit are rejected.
        Unit::Unstated if value.abs() <= 3600.0 => {
            (milliseconds(value), Some(Conversion::AssumedSeconds))
        }
        Unit::Unstated if value < 20_000.0 => (Cell::Unreadable, None),
        Unit::Unstated => (integer(cell), Some(Conversion::AssumedMilliseconds)),
        Unit::Own | Unit::Percent => (integer(cell), written),
    }
}

fn milliseconds(seconds: f64) -> Cell {
    let milliseconds = (seconds * 1000.0).round();
    if milliseconds.abs() > 1e15 {
        return Cell::OutOfRange;
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounded and at most 1e15")]
    Cell::Known(Value::Integer(milliseconds as i64))
}

/// Reads `3:45`, `1:02:03`, `3:45.5`.
fn clock_seconds(cell: &str) -> Option<f64> {
    let parts: Vec<_> = cell.split(':').collect();
    let (last, leading) = parts.split_last()?;
    if !(1..=2).contains(&leading.len()) {
        return None;
    }
    let mut total = 0.0;
    for (at, part) in leading.iter().enumerate() {
        let most = if at == 0 { 4 } else { 2 };
        let digits = part.bytes().all(|b| b.is_ascii_digit()) && (1..=most).contains(&part.len());
        let value: u32 = part.parse().ok().filter(|&n| digits && (at == 0 || n < 60))?;
        total = total * 60.0 + f64::from(value);
    }
    let seconds = last.replace(',', ".");
    let plain = seconds.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: f64 = seconds.parse().ok().filter(|&s| plain && s < 60.0)?;
    Some(total * 60.0 + seconds)
}

/// Reads `PT3M45S`, as in ISO 8601.
fn iso_seconds(cell: &str) -> Option<f64> {
    let mut rest = cell.strip_prefix('P')?;
    let (mut in_time, mut total) = (false, None);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T').filter(|_| !in_time) {
            (rest, in_time) = (time, true);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let seconds = match (rest.as_bytes()[end], in_time) {
            (b'D', false) => 86_400.0,
            (b'H', true) => 3600.0,
            (b'M', true) => 60.0,
            (b'S', true) => 1.0,
            _ => return None,
        };
        total = Some(total.unwrap_or(0.0) + rest[..end].parse::<f64>().ok()? * seconds);
        rest = &rest[end + 1..];
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(number: i64) -> Cell {
        Cell::Known(Value::Integer(number))
    }

    #[test]
    fn dates_give_their_year() {
        for date in [
            "1987",
            "1987-06",
            "1987-06-14",
            " 1987.0 ",
            "1987-6-1",
            "1987/06/14",
            "14/06/1987",
            "06/14/1987",
            "14.06.1987",
            "June 14, 1987",
            "14 June 1987",
            "14-Jun-1987",
            "Jun 1987",
            "1987-06-14T00:00:00Z",
            "1987-06-14 12:30:00.000",
        ] {
            assert_eq!(year(date), whole(1987), "{date}");
        }
        for bad in [
            "1987-13",
            "1987-06-32",
            "13/13/1987",
            "14/06/87",
            "1987-",
            "June",
            "19é7-06",
            "1987-06-14-1",
            "1987-1988",
            "06-1987-14",
            "12:30",
            "é é 1987",
        ] {
            assert_eq!(year(bad), Cell::Unreadable, "{bad}");
        }
        assert_eq!(year("NA"), Cell::Missing);
        assert_eq!(year("-44"), whole(-44));
    }

    #[test]
    fn durations_come_in_many_forms() {
        for (cell, ms) in [
            ("3:45", 225_000),
            ("03:45", 225_000),
            ("1:02:03", 3_723_000),
            ("3:45.5", 225_500),
            ("75:00", 4_500_000),
            ("PT3M45S", 225_000),
            ("PT1H2M3.5S", 3_723_500),
            ("P1DT1S", 86_401_000),
        ] {
            let clock = (whole(ms), Some(Conversion::ClockTime));
            assert_eq!(duration(cell, Unit::Own), clock, "{cell}");
        }
        for bad in [
            "3:60", "3:4:5:6", "1:60:00", ":45", "3:", "3:-1", "3:4e1", "P", "PT", "PT3", "P3M",
            "PT1é",
        ] {
            assert_eq!(duration(bad, Unit::Seconds).0, Cell::Unreadable, "{bad}");
        }
        for (cell, unit, expected, conversion) in [
            ("194754", Unit::Own, whole(194_754), None),
            ("194754.0", Unit::Own, whole(194_754), None),
            ("1.5", Unit::Own, Cell::Unreadable, None),
            ("194,754", Unit::Own, whole(194_754), Some(Conversion::ThousandsSeparator)),
            ("225.5", Unit::Seconds, whole(225_500), Some(Conversion::Seconds)),
            ("1,412", Unit::Seconds, whole(1_412_000), Some(Conversion::Seconds)),
            ("3.75", Unit::Minutes, whole(225_000), Some(Conversion::Minutes)),
            ("225", Unit::Unstated, whole(225_000), Some(Conversion::AssumedSeconds)),
            ("225000", Unit::Unstated, whole(225_000), Some(Conversion::AssumedMilliseconds)),
            ("9000", Unit::Unstated, Cell::Unreadable, None),
            ("1e300", Unit::Seconds, Cell::OutOfRange, Some(Conversion::Seconds)),
            ("50%", Unit::Seconds, Cell::Unreadable, None),
            ("NA", Unit::Seconds, Cell::Missing, None),
        ] {
            assert_eq!(duration(cell, unit), (expected, conversion), "{cell}");
        }
    }
}
