//! `clean`: clean a published table of songs.

use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::catalog::SongTable;
use serde_json::json;

use crate::{output, progress, table};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A table of songs: CSV or TSV, plain or gzipped
    table: PathBuf,

    /// Where to write the cleaned table, as CSV; an existing file is replaced once the new one is
    /// complete
    out: PathBuf,

    /// Print the report as JSON: what was kept, dropped and changed
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: table::TableArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let table = SongTable::open(&args.table)?.options(args.reading.options());
    let cleaned = table.write_csv(&args.out, &mut progress::bar())?;
    if args.json {
        return output::line(&json!({ "clean": cleaned }).to_string());
    }
    let text = output::printable_lines(&cleaned.to_string());
    output::line(&format!("{text}\nwrote {}", args.out.display()))
}
