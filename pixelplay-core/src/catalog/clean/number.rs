//! Reads numbers as people and programs write them.

use super::report::Conversion;

/// A number, and the conversions needed to read it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Number {
    pub(super) value: f64,
    /// `0,75`
    decimal_comma: bool,
    /// `1 200`, `1,200.5`
    thousands: bool,
    /// `50%` is read as 50; the column decides what 100 means.
    pub(super) percent: bool,
}

impl Number {
    /// Returns the conversions for the report.
    pub(super) fn conversions(&self) -> impl Iterator<Item = Conversion> {
        [
            (self.decimal_comma, Conversion::DecimalComma),
            (self.thousands, Conversion::ThousandsSeparator),
            (self.percent, Conversion::PercentSign),
        ]
        .into_iter()
        .filter_map(|(done, conversion)| done.then_some(conversion))
    }
}

/// How to read `1,200`; this depends on the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SingleComma {
    /// As 1.2, in columns where a thousand is impossible.
    Decimal,
    /// As 1200, in columns of whole numbers.
    Thousands,
}

/// Reads a finite number, or returns `None`.
///
/// A comma is a decimal comma or a thousands separator. A single comma with three digits on its
/// right and one to three on its left could be either, and `single_comma` decides. A point is a
/// decimal point unless there are several.
pub(super) fn parse(cell: &str, single_comma: SingleComma) -> Option<Number> {
    let cell = cell.trim();
    if let Ok(value) = cell.parse::<f64>() {
        return value.is_finite().then_some(Number { value, ..Number::default() });
    }
    let (cell, percent) = match cell.strip_suffix('%') {
        Some(number) => (number.trim_end(), true),
        None => (cell, false),
    };
    let (sign, cell) = match cell.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", cell.strip_prefix('+').unwrap_or(cell)),
    };
    let (mantissa, exponent) = match cell.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (cell, 0),
    };
    let mark = decimal_mark(mantissa, single_comma)?;
    let (whole, fraction) = match mark {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, ""),
    };
    let digits = ungroup(whole)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || (digits.is_empty() && fraction.is_empty()) {
        return None;
    }
    let value: f64 = format!("{sign}0{digits}.{fraction}0e{exponent}").parse().ok()?;
    value.is_finite().then_some(Number {
        value,
        decimal_comma: mark.is_some_and(|at| mantissa.as_bytes()[at] == b','),
        thousands: digits.len() < whole.len(),
        percent,
    })
}

/// Returns the position of the decimal mark, if there is one; `None` if the points and commas do
/// not form a valid number.
fn decimal_mark(text: &str, single_comma: SingleComma) -> Option<Option<usize>> {
    let points = text.matches('.').count();
    let commas = text.matches(',').count();
    let (point, comma) = (text.rfind('.'), text.rfind(','));
    match (points, commas) {
        (0, 1) => {
            let at = comma?;
            let groups = at <= 3 && !text.starts_with('0') && text.len() - at == 4;
            let decimal = !groups || at == 0 || single_comma == SingleComma::Decimal;
            Some(comma.filter(|_| decimal))
        }
        (1, _) if commas == 0 || comma < point => Some(point),
        (_, 1) if point < comma => Some(comma),
        (0, _) | (_, 0) => Some(None),
        _ => None,
    }
}

/// Returns the digits of a whole number, with the thousands separators removed.
fn ungroup(text: &str) -> Option<String> {
    let between = |c: char| matches!(c, ',' | '.' | '\'' | '\u{2019}') || c.is_whitespace();
    if let Some(separator) = text.chars().find(|&c| between(c)) {
        let mut groups = text.split(separator);
        let first = groups.next().map_or(0, str::len);
        if !(1..=3).contains(&first) || !groups.all(|group| group.len() == 3) {
            return None;
        }
        let digits = text.replace(separator, "");
        return digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits);
    }
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str, single_comma: SingleComma) -> Option<(f64, Vec<Conversion>)> {
        parse(cell, single_comma).map(|n| (n.value, n.conversions().collect()))
    }

    #[test]
    fn numbers_of_several_countries() {
        use Conversion::{DecimalComma, PercentSign, ThousandsSeparator};
        for (cell, value, conversions) in [
            (" 0.5 ", 0.5, vec![]),
            ("-1e-3", -0.001, vec![]),
            (".5", 0.5, vec![]),
            ("0,75", 0.75, vec![DecimalComma]),
            ("-5,123", -5.123, vec![DecimalComma]),
            ("\u{2212}5,1", -5.1, vec![DecimalComma]),
            (",5", 0.5, vec![DecimalComma]),
            ("1,2E-05", 1.2e-5, vec![DecimalComma]),
            ("1.234,5", 1234.5, vec![DecimalComma, ThousandsSeparator]),
            ("1,234.5", 1234.5, vec![ThousandsSeparator]),
            ("1,234,567", 1_234_567.0, vec![ThousandsSeparator]),
            ("1.234.567", 1_234_567.0, vec![ThousandsSeparator]),
            ("1 200", 1200.0, vec![ThousandsSeparator]),
            ("1\u{202f}200,5", 1200.5, vec![DecimalComma, ThousandsSeparator]),
            ("1'200", 1200.0, vec![ThousandsSeparator]),
            ("50%", 50.0, vec![PercentSign]),
            ("50,5 %", 50.5, vec![DecimalComma, PercentSign]),
        ] {
            let found = read(cell, SingleComma::Decimal);
            assert_eq!(found, Some((value, conversions)), "{cell}");
        }
        let whole = |cell| read(cell, SingleComma::Thousands).map(|(value, _)| value);
        assert_eq!(whole("194,754"), Some(194_754.0));
        // A group of thousands has three digits and does not begin with 0.
        assert_eq!(whole("0,754"), Some(0.754));
        assert_eq!(whole("1234,567"), Some(1234.567));
        assert_eq!(whole("225,50"), Some(225.5));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for bad in [
            "",
            "%",
            "-",
            ",",
            ".",
            "NaN",
            "inf",
            "-inf",
            "1e999",
            "1,5e999",
            "x",
            "1,2,3",
            "1.2.3",
            "12,34,567",
            "1,234.5,6",
            "1 20",
            "1 200 30",
            "1e5e5",
            "--1",
            "1-2",
            "5%%",
            "١٢",
            "1, 200",
            "0x10",
        ] {
            assert_eq!(read(bad, SingleComma::Decimal), None, "{bad}");
        }
    }
}
