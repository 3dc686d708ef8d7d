//! The arguments for reading a table of songs.

use pixelplay_core::catalog::CleanOptions;

/// The arguments are named after the fields of [`CleanOptions`], because the library's messages
/// mention these fields.
#[derive(clap::Args)]
pub(crate) struct TableArgs {
    /// The header of a song column, if its name is not recognised, such as title=Werk; may be
    /// repeated
    #[arg(long = "column", value_name = "COLUMN=HEADER", value_parser = column)]
    columns: Vec<(String, String)>,

    /// The delimiter of cells: one character, or comma, tab, semicolon, pipe [default: detected]
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,

    /// Keep rows of the same recording (same title and artist, such as a remaster or another album)
    /// that have different ids, instead of merging them
    #[arg(long)]
    keep_recordings: bool,

    /// Refuse a table with more than N rows [default: 10 million]
    #[arg(long, value_name = "N")]
    max_rows: Option<u64>,

    /// Refuse a table with more text than this, decompressed [default: 4 GiB]
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,

    /// Refuse a table whose songs take more memory than this [default: 4 GiB]
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<usize>,

    /// Refuse a table with more than N columns [default: 10,000]
    #[arg(long, value_name = "N")]
    max_columns: Option<usize>,

    /// Refuse a table with a cell longer than this [default: 1 MiB]
    #[arg(long, value_name = "BYTES")]
    max_cell_bytes: Option<usize>,
}

impl TableArgs {
    pub(crate) fn options(&self) -> CleanOptions {
        let default = CleanOptions::default();
        CleanOptions {
            delimiter: self.delimiter,
            columns: self.columns.iter().cloned().collect(),
            merge_recordings: !self.keep_recordings,
            max_rows: self.max_rows.unwrap_or(default.max_rows),
            max_bytes: self.max_bytes.unwrap_or(default.max_bytes),
            max_memory: self.max_memory.unwrap_or(default.max_memory),
            max_columns: self.max_columns.unwrap_or(default.max_columns),
            max_cell_bytes: self.max_cell_bytes.unwrap_or(default.max_cell_bytes),
        }
    }
}

fn column(text: &str) -> Result<(String, String), String> {
    let (column, header) = text.split_once('=').ok_or("write COLUMN=HEADER, such as title=Werk")?;
    Ok((column.trim().to_owned(), header.to_owned()))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "comma" => Ok(b','),
        "tab" | "\\t" => Ok(b'\t'),
        "semicolon" => Ok(b';'),
        "pipe" => Ok(b'|'),
        _ => match text.as_bytes() {
            [byte] => Ok(*byte),
            _ => Err("a delimiter is one ASCII character, or comma, tab, semicolon, pipe".into()),
        },
    }
}
