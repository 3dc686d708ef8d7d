//! Tracks the encodings of a table's rows.

use super::report::{CleanReport, Tally};
use crate::catalog::table::Row;

/// The encodings found so far.
#[derive(Default)]
pub(super) struct Encodings {
    utf8: bool,
    windows_1252: Tally,
    lost: Tally,
}

impl Encodings {
    pub(super) fn add(&mut self, row: &Row) {
        self.utf8 |= row.utf8;
        if row.windows_1252 {
            self.windows_1252.add(row.line);
        }
        if row.lost_characters {
            self.lost.add(row.line);
        }
    }

    pub(super) fn report_to(self, report: &mut CleanReport) {
        if self.windows_1252.count > 0 {
            let found = if self.utf8 { "UTF-8 and windows-1252" } else { "windows-1252" };
            report.encoding = report.encoding.replacen("UTF-8", found, 1);
        }
        report.windows_1252 = self.windows_1252;
        report.lost_characters = self.lost;
    }
}
