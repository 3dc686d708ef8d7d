//! The scale of the 0-1 features, which shows in a whole column only.

use super::cell::UNIT_FEATURES;
use super::report::{CleanReport, Tally};
use crate::song::Song;

/// What the values of each feature so far say about its scale.
///
/// Until all rows are read, a song keeps its features as they were found. A value of which the
/// scale is certain (`50%`) is kept negated, on 0-1: no scale has negative values, so the sign is
/// free.
#[derive(Default)]
pub(super) struct Scales {
    columns: [Column; UNIT_FEATURES.len()],
}

#[derive(Default)]
struct Column {
    /// Values other than 0; they say nothing about the scale.
    nonzero: u64,
    /// Those from 1 to 100.
    percent: u64,
    largest: f64,
    /// Values from above 1 to 100, which are possible as percentages only.
    above_one: Tally,
}

/// A value for each of [`UNIT_FEATURES`].
pub(super) type UnitCells = [Option<f64>; UNIT_FEATURES.len()];

/// The cells of [`UNIT_FEATURES`], in that order.
pub(super) fn unit_cells(song: &mut Song) -> [&mut Option<f64>; UNIT_FEATURES.len()] {
    [
        &mut song.energy,
        &mut song.valence,
        &mut song.danceability,
        &mut song.acousticness,
        &mut song.instrumentalness,
        &mut song.liveness,
        &mut song.speechiness,
    ]
}

impl Scales {
    /// A value on 0-1, as it is to be kept; `None` where it is out of range.
    pub(super) fn known(value: f64) -> Option<f64> {
        (0.0..=1.0).contains(&value).then_some(-value)
    }

    /// A value of which the scale is not known yet; `None` where it is out of range on any.
    pub(super) fn unknown(&mut self, value: f64, feature: usize, line: u64) -> Option<f64> {
        let column = &mut self.columns[feature];
        column.nonzero += u64::from(value != 0.0);
        if (1.0..=100.0).contains(&value) {
            column.percent += 1;
            column.largest = column.largest.max(value);
        }
        if value > 1.0 && value <= 100.0 {
            column.above_one.add(line);
        }
        // `abs`, for a negative zero would be taken for a certain one.
        (0.0..=100.0).contains(&value).then_some(value.abs())
    }

    /// All rows were read: on which scale each column is.
    pub(super) fn settle(self, report: &mut CleanReport) -> Settled {
        // A column of zeros and ones is on 0-1. Nine in ten leaves room for broken cells in a
        // column of percentages, and none for a few broken cells on 0-1; from fewer than five
        // values nothing is concluded.
        let is_percent = self.columns.each_ref().map(|column| {
            column.nonzero >= 5 && column.largest > 2.0 && column.percent * 10 >= column.nonzero * 9
        });
        for (feature, name) in UNIT_FEATURES.into_iter().enumerate() {
            let above_one = &self.columns[feature].above_one;
            if is_percent[feature] {
                report.rescaled.push(name.to_owned());
            } else if above_one.count > 0 {
                report.cleared(name).out_of_range.join(above_one);
            }
        }
        Settled { is_percent }
    }
}

/// The scale of each feature.
pub(super) struct Settled {
    is_percent: [bool; UNIT_FEATURES.len()],
}

impl Settled {
    /// Brings all features of a song to 0-1, and empties what is outside then; `on_unit` has what
    /// other rows of the song say that is possible on 0-1, for a value that is not.
    pub(super) fn apply(&self, song: &mut Song, on_unit: &UnitCells) {
        for (feature, cell) in unit_cells(song).into_iter().enumerate() {
            *cell = match *cell {
                Some(value) if value.is_sign_negative() => Some(-value),
                Some(value) if self.is_percent[feature] => Some(value / 100.0),
                Some(value) if value > 1.0 => on_unit[feature].map(f64::abs),
                other => other,
            };
        }
    }
}
