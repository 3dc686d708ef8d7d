//! The scale of the 0-1 features, which can only be inferred from a whole column.

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

/// A feature of one row while the scale of its column is still unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Feature {
    /// Known to be on the 0-1 scale, such as `50%`.
    Known(f64),
    /// On the scale of its column, which is not known yet.
    Raw(f64),
}

impl Feature {
    /// Returns [`Known`](Self::Known), or `None` if the value is not in the range from 0 to 1.
    pub(super) fn known(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self::Known(value))
    }

    /// Packs the feature into the eight bytes that a song reserves for it anyway, because millions
    /// of songs may have to wait until their table has been read. No scale has negative values, so
    /// the sign bit can mark [`Known`](Self::Known).
    pub(super) fn pack(self) -> f64 {
        match self {
            Self::Known(value) => -value.abs(),
            Self::Raw(value) => value.abs(),
        }
    }

    /// Unpacks the result of [`pack`](Self::pack).
    fn unpack(packed: f64) -> Self {
        if packed.is_sign_negative() { Self::Known(-packed) } else { Self::Raw(packed) }
    }

    /// Returns the value if it is valid on the 0-1 scale.
    fn on_unit(self) -> Option<f64> {
        let (Self::Known(value) | Self::Raw(value)) = self;
        (value <= 1.0).then_some(value)
    }
}

/// Evidence for the scale of each feature, from the values so far.
#[derive(Default)]
pub(super) struct UnitScaleStats {
    columns: [Column; UNIT_FEATURES.len()],
}

#[derive(Default)]
struct Column {
    /// The number of values other than 0. Zeros say nothing about the scale.
    nonzero: u64,
    /// The number of values from 1 to 100.
    percent: u64,
    largest: f64,
    /// The number of values above 1 and up to 100, which are only possible as percentages.
    above_one: Tally,
}

/// One value for each of [`UNIT_FEATURES`].
pub(super) type UnitCells = [Option<f64>; UNIT_FEATURES.len()];

/// Records, for each feature, the first value among a song's repeats that is valid on the 0-1
/// scale.
pub(super) fn note_on_unit(on_unit: &mut UnitCells, repeat: &mut Song) {
    for (first, cell) in on_unit.iter_mut().zip(unit_cells(repeat)) {
        *first = first.or(cell.and_then(|packed| Feature::unpack(packed).on_unit()));
    }
}

/// Returns the cells of [`UNIT_FEATURES`], in that order.
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
    /// Returns a value of a column whose scale is not known yet, or `None` if it is out of range on
    /// every scale.
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

    /// Decides the scale of each column, after all rows have been read.
    pub(super) fn infer(self, report: &mut CleanReport) -> UnitScales {
        // A column of zeros and ones has a scale from 0 to 1. The threshold of nine in ten
        // tolerates broken cells in a column of percentages, and a few broken cells in a 0-1 column
        // do not reach it. Fewer than five values are not enough to decide.
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
    /// Unpacks all features of a song, scales them to 0-1, and empties those that are out of range.
    /// Where possible, an emptied feature gets its value from `on_unit`, the valid values from the
    /// song's repeats.
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
        // A cell `-0` is a zero on the column's own scale.
        assert_eq!(Feature::unpack(Feature::Raw(-0.0).pack()), Feature::Raw(0.0));
        assert_eq!(Feature::known(1.5), None);
    }
}
