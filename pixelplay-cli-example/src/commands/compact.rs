//! `compact`: merge the files and batches of an index.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::index::EditOptions;

use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Rewrites the whole index as one file with checksums; a folder stays a folder and then holds that one \
file. Searches continue in the meantime. The command needs disk space for a second copy.

Example:
  pixelplay compact songs/"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// The number of songs per batch
    #[arg(long, value_name = "N")]
    batch_rows: Option<NonZeroUsize>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut options = EditOptions::default();
    if let Some(rows) = args.batch_rows {
        options.batch_rows = rows.get();
    }
    let editor = open::editor(&args.index, options)?;
    output::edit(&editor.compact(&mut progress::bar())?, args.json)
}
