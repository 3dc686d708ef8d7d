//! `build-index`: from a table of songs to an index.

use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::catalog::{self, BuildOptions};
use serde_json::json;

use crate::{open, output, progress, table};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A table of songs: CSV or TSV, also gzipped
    table: PathBuf,

    /// Where to put the index; an existing one is replaced when the new one is whole
    index: PathBuf,

    /// Print what was kept, dropped and merged as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: table::TableArgs,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let encoder = args.encoder.open()?;
    let (cleaned, built) = catalog::build_index_from_csv(
        &args.table,
        &args.index,
        &encoder,
        &args.reading.options(),
        &BuildOptions::default(),
        &mut progress::bar(),
    )?;
    if args.json {
        return output::line(&json!({ "clean": cleaned, "build": built }).to_string());
    }
    let text = output::printable_lines(&format!("{cleaned}{built}"));
    output::line(&format!("{text}\nwrote {}", args.index.display()))
}
