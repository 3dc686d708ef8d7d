//! The scale of the 0-1 features, which shows in a whole column only.

use super::cell::UNIT_FEATURES;
use super::report::CleanReport;
use crate::song::Song;

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

/// Brings columns of percentages to 0-1, and empties what is outside then.
pub(super) fn rescale(rows: &mut [(u64, Song)], report: &mut CleanReport) {
    // Per feature: values other than 0, those of them from 1 to 100, and the largest of these.
    let mut seen = [(0_u64, 0_u64, 0.0_f64); UNIT_FEATURES.len()];
    for (_, song) in rows.iter_mut() {
        for (cell, (nonzero, percent, largest)) in unit_cells(song).into_iter().zip(&mut seen) {
            if let Some(value) = *cell
                && value != 0.0
            {
                *nonzero += 1;
                if (1.0..=100.0).contains(&value) {
                    *percent += 1;
                    *largest = largest.max(value);
                }
            }
        }
    }
    // Zeros say nothing about the scale, and a column of zeros and ones is on 0-1. Nine in ten leaves
    // room for broken cells in a column of percentages, and none for a few broken cells on 0-1; from
    // fewer than five values nothing is concluded.
    let is_percent = seen.map(|(nonzero, percent, largest)| {
        nonzero >= 5 && largest > 2.0 && percent * 10 >= nonzero * 9
    });
    for (name, _) in UNIT_FEATURES.iter().zip(is_percent).filter(|(_, is)| *is) {
        report.rescaled.push((*name).to_owned());
    }
    for (line, song) in rows {
        let columns = UNIT_FEATURES.iter().zip(is_percent);
        for (cell, (name, is_percent)) in unit_cells(song).into_iter().zip(columns) {
            if is_percent {
                *cell = cell.map(|value| value / 100.0);
            }
            if cell.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                *cell = None;
                report.cleared(name).out_of_range.add(*line);
            }
        }
    }
}
