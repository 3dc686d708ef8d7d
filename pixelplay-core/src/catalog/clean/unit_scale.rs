//! The scale of the 0-1 features, which shows in a whole column only.

use super::report::{CleanReport, Tally};
use crate::song::Song;

/// The features that Spotify measures from 0 to 1.
pub(super) const UNIT_FEATURES: [&str; 7] = [
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "instrumentalness",
    "liveness",
    "speechiness",
];

/// A feature of one row, until all rows are read and the scale of its column is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Feature {
    /// On 0-1 for certain, as `50%` is.
    Known(f64),
    /// On the scale of its column, whichever that is.
    Raw(f64),
}

impl Feature {
    /// A value on 0-1; `None` where it is out of range.
    pub(super) fn known(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self::Known(value))
    }

    /// In the eight bytes that a song has for it anyway, for millions of songs may wait for the end
    /// of their table. No scale has negative values, so the sign bit is free to say
    /// [`Known`](Self::Known).
    pub(super) fn pack(self) -> f64 {
        match self {
            Self::Known(value) => -value.abs(),
            Self::Raw(value) => value.abs(),
        }
    }

    /// What [`pack`](Self::pack) made a number of.
    fn unpack(packed: f64) -> Self {
        if packed.is_sign_negative() { Self::Known(-packed) } else { Self::Raw(packed) }
    }

    /// The value, if it is possible on 0-1.
    fn on_unit(self) -> Option<f64> {
        let (Self::Known(value) | Self::Raw(value)) = self;
        (value <= 1.0).then_some(value)
    }
}

/// What the values of each feature so far say about its scale.
#[derive(Default)]
pub(super) struct UnitScaleStats {
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

/// Notes for each feature the first value of a song's repeats that is possible on 0-1.
pub(super) fn note_on_unit(on_unit: &mut UnitCells, repeat: &mut Song) {
    for (first, cell) in on_unit.iter_mut().zip(unit_cells(repeat)) {
        *first = first.or(cell.and_then(|packed| Feature::unpack(packed).on_unit()));
    }
}

/// The cells of [`UNIT_FEATURES`], in that order.
fn unit_cells(song: &mut Song) -> [&mut Option<f64>; UNIT_FEATURES.len()] {
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

impl UnitScaleStats {
    /// A value of a column of which the scale is not known yet; `None` where it is out of range on
    /// any.
    pub(super) fn add(&mut self, value: f64, feature: usize, line: u64) -> Option<Feature> {
        let column = &mut self.columns[feature];
        column.nonzero += u64::from(value != 0.0);
        if (1.0..=100.0).contains(&value) {
            column.percent += 1;
            column.largest = column.largest.max(value);
        }
        if value > 1.0 && value <= 100.0 {
            column.above_one.add(line);
        }
        (0.0..=100.0).contains(&value).then_some(Feature::Raw(value))
    }

    /// All rows were read: on which scale each column is.
    pub(super) fn infer(self, report: &mut CleanReport) -> UnitScales {
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
        UnitScales { is_percent }
    }
}

/// The scale of each feature.
pub(super) struct UnitScales {
    is_percent: [bool; UNIT_FEATURES.len()],
}

impl UnitScales {
    /// Brings all features of a song, packed until now, to 0-1, and empties what is outside then;
    /// `on_unit` has what other rows of the song say that is possible on 0-1, for a value that is
    /// not.
    pub(super) fn rescale(&self, song: &mut Song, on_unit: &UnitCells) {
        for (feature, cell) in unit_cells(song).into_iter().enumerate() {
            *cell = match cell.map(Feature::unpack) {
                Some(Feature::Raw(value)) if self.is_percent[feature] => Some(value / 100.0),
                Some(Feature::Raw(value)) if value > 1.0 => on_unit[feature],
                Some(Feature::Known(value) | Feature::Raw(value)) => Some(value),
                None => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_feature_comes_back_as_it_was() {
        for value in [0.0, f64::MIN_POSITIVE, 0.5, 1.0] {
            for feature in [Feature::Known(value), Feature::Raw(value)] {
                assert_eq!(Feature::unpack(feature.pack()), feature);
            }
        }
        assert_eq!(Feature::unpack(Feature::Raw(100.0).pack()), Feature::Raw(100.0));
        // What is written `-0` is a zero of the column's own scale.
        assert_eq!(Feature::unpack(Feature::Raw(-0.0).pack()), Feature::Raw(0.0));
        assert_eq!(Feature::known(1.5), None);
    }
}
