//! `compact`: an index of many files or small batches in one piece.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::index::EditOptions;

use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Everything is written anew, as one file with checksums; a folder stays a folder. Searches go on \
meanwhile. Needs room for a second copy until it is done.

Example:
  pixelplay compact songs/"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// How many songs stand in one batch
    #[arg(long, value_name = "N")]
    batch_rows: Option<NonZeroUsize>,

    /// Print what was done as JSON
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
