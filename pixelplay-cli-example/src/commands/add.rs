//! `add`: add songs to an index.

use std::path::{Path, PathBuf};

use anyhow::Result;
use pixelplay_core::catalog::{BuildOptions, SongTable};
use pixelplay_core::index::EditOptions;
use serde_json::json;

use crate::commands::build_index::describer;
use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Songs from a table are described and encoded like those already in the index. Searches continue in \
the meantime and see the index either before or after the change. If the command is interrupted, the index stays as it \
was. In a folder the new songs become one new file; `compact` merges many files into one.

Examples:
  pixelplay add songs.arrow new-songs.csv
  pixelplay add songs.arrow other-index.arrow --replace"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    /// The songs to add: a table (CSV or TSV, plain or gzipped), or another index (*.arrow, or a
    /// folder)
    songs: PathBuf,

    /// Replace songs that have the same id as an added song, instead of failing
    #[arg(long)]
    replace: bool,

    /// The phrases that the index was built with, if they were your own (see `build-index
    /// --templates`)
    #[arg(long, value_name = "FILE.toml")]
    templates: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let options = EditOptions { replace: args.replace, ..EditOptions::default() };
    if is_index(&args.songs) {
        let songs = open::index(&args.songs)?;
        let editor = open::editor(&args.index, options)?;
        return output::edit(&editor.add(&songs, &mut progress::bar())?, args.json);
    }
    let encoder = args.encoder.open()?;
    let editor = open::editor(&args.index, options)?;
    open::check_space(editor.index(), &encoder, &args.index)?;
    let describer = describer(args.templates.as_deref())?;
    let options = BuildOptions { describer, ..BuildOptions::default() };
    let table = SongTable::open(&args.songs)?.build_options(options);
    let (cleaned, built, edited) = table.add_to(editor, &encoder, &mut progress::bar())?;
    if args.json {
        let report = json!({ "clean": cleaned, "build": built, "edit": edited });
        return output::line(&report.to_string());
    }
    output::line(&output::printable_lines(&format!("{cleaned}{built}{edited}")))
}

fn is_index(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|ending| ending == "arrow")
}
