//! Options for reading a table: its form, its limits, and which rows are kept.

use std::collections::BTreeMap;

/// Options for reading a table of songs, including limits.
#[derive(Debug, Clone)]
pub struct CleanOptions {
    /// The delimiter of cells, one ASCII character. `None` detects a comma, a tab, a semicolon or a
    /// pipe.
    pub delimiter: Option<u8>,
    /// Which header is which column of a song, if the names do not show it: `title` -> `Werk`.
    pub columns: BTreeMap<String, String>,
    /// The most bytes of text to read, after decompression.
    pub max_bytes: u64,
    /// The most rows to read.
    pub max_rows: u64,
    /// The most memory for the kept songs, in bytes. This is an estimate: about 700 bytes each, and
    /// 150 more for every cell of an unknown column.
    pub max_memory: usize,
    /// The most cells in a row.
    pub max_columns: usize,
    /// Whether rows of one recording are merged even if their ids differ: the same title by the
    /// same artists, perhaps remastered, in another edition, or with guests named in another place.
    /// Live recordings, remixes and other versions remain separate songs.
    pub merge_recordings: bool,
    /// The longest cell in bytes; a row may be sixteen times as long. A longer cell is nearly
    /// always a quote that was never closed.
    pub max_cell_bytes: usize,
}

impl Default for CleanOptions {
    /// Detects the delimiter, trusts the header and merges recordings. Reads at most 4 GiB, 10
    /// million rows, 10,000 columns, and cells of 1 MiB, into at most 4 GiB of memory. A larger
    /// table is refused.
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
    /// Rows that have a title and an artist.
    Songs,
    /// Rows that have as many cells as the header, and an id if there is an id column.
    EveryRow,
}
