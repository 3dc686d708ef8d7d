//! `remove`: songs out of an index.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use pixelplay_core::index::EditOptions;

use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Nothing is removed if one of the songs is not there, unless --ignore-missing says otherwise. \
Searches go on meanwhile and see the index as it was or as it will be.

Examples:
  pixelplay remove songs.arrow 4uLU6hMCjMI75M1A2tKUQC
  pixelplay remove songs.arrow --from gone.txt --ignore-missing"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// The ids of the songs to remove
    ids: Vec<String>,

    /// A text file with more ids, one a line
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    /// Pass over ids that no song has
    #[arg(long)]
    ignore_missing: bool,

    /// Print what was done as JSON
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
        bail!("nothing to remove; name ids, or a file of them with --from");
    }
    let options = EditOptions { ignore_missing: args.ignore_missing, ..EditOptions::default() };
    let editor = open::editor(&args.index, options)?;
    output::edit(&editor.remove(ids, &mut progress::bar())?, args.json)
}
