//! `remove`: remove songs from an index.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use pixelplay_core::index::EditOptions;

use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "If one of the ids is not in the index, nothing is removed, unless `--ignore-missing` is given. \
Searches continue in the meantime and see the index either before or after the change.

Examples:
  pixelplay remove songs.arrow 4uLU6hMCjMI75M1A2tKUQC
  pixelplay remove songs.arrow --from gone.txt --ignore-missing"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// The ids of the songs to remove
    ids: Vec<String>,

    /// A text file with more ids, one per line
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Ignore ids that are not in the index
    #[arg(long)]
    ignore_missing: bool,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut ids = args.ids;
    if let Some(path) = &args.from {
        let list = fs::read_to_string(path)
            .with_context(|| format!("cannot read the ids in {}", path.display()))?;
        let lines = list.lines().map(str::trim);
        ids.extend(lines.filter(|id| !id.is_empty()).map(str::to_owned));
    }
    if ids.is_empty() {
        bail!("nothing to remove; pass ids as arguments, or a file of ids with --from");
    }
    let options = EditOptions { ignore_missing: args.ignore_missing, ..EditOptions::default() };
    let editor = open::editor(&args.index, options)?;
    output::edit(&editor.remove(ids, &mut progress::bar())?, args.json)
}
