//! How a table is read, how much of it at most, and which of its rows are kept.

use std::collections::BTreeMap;

/// How to read a table of songs, and how much of it at most.
#[derive(Debug, Clone)]
pub struct CleanOptions {
    /// What stands between two cells, one ASCII character; `None` finds out whether it is a comma,
    /// a tab, a semicolon or a pipe.
    pub delimiter: Option<u8>,
    /// Which header is which column of a song, where the names do not tell: `title` -> `Werk`.
    pub columns: BTreeMap<String, String>,
    /// The most text to read, decompressed.
    pub max_bytes: u64,
    /// The most rows to read.
    pub max_rows: u64,
    /// The most memory for the songs that are kept, in bytes, as a rough count: about 700 bytes
    /// each, and 150 more for every cell of an unknown column.
    pub max_memory: usize,
    /// The most cells in a row.
    pub max_columns: usize,
    /// Whether rows of one recording are one song although their ids differ: the same title by the
    /// same artists, be it remastered, in another edition, or with its guests named elsewhere. Live
    /// recordings, remixes and other versions stay songs of their own.
    pub merge_recordings: bool,
    /// The longest cell; a row may be sixteen times as long. A longer one is nearly always a quote
    /// that was never closed.
    pub max_cell_bytes: usize,
}

impl Default for CleanOptions {
    /// Finds the delimiter, trusts the header and merges recordings; reads at most 4 GiB, 10
    /// million rows, 10,000 columns, and cells of 1 MiB, into at most 4 GiB of memory. Where there
    /// is more, the table is refused.
    fn default() -> Self {
        Self {
            delimiter: None,
            columns: BTreeMap::new(),
            max_bytes: 4 << 30,
            max_rows: 10_000_000,
            max_memory: usize::try_from(4_u64 << 30).unwrap_or(usize::MAX),
            max_columns: 10_000,
            max_cell_bytes: 1 << 20,
            merge_recordings: true,
        }
    }
}

/// Which rows of a table are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Those that are a song by title and artist.
    Songs,
    /// Each that has as many cells as the header, and an id where there is a column of ids.
    EveryRow,
}
