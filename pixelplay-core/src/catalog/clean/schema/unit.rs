//! The unit that a header names.

use super::headers::normal;
use crate::catalog::clean::unit_scale::UNIT_FEATURES;

/// The unit of a column according to its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The column's own unit. For a feature from 0 to 1, the values decide the scale.
    Own,
    /// Hundredths.
    Percent,
    /// A duration in seconds.
    Seconds,
    /// A duration in minutes.
    Minutes,
    /// A duration whose header does not name a unit.
    Unstated,
}

/// Returns the unit that a header names.
pub(super) fn unit(column: &str, header: &str, chosen: bool) -> Unit {
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
        // A duration column chosen by the caller is in milliseconds, as documented.
        "duration_ms" if !chosen => Unit::Unstated,
        _ if UNIT_FEATURES.contains(&column)
            && (header.contains('%') || ends(&["percent", "pct"])) =>
        {
            Unit::Percent
        }
        _ => Unit::Own,
    }
}
