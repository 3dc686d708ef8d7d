//! `correct-hubness`: measure which songs are found for nearly every query, so that searches can
//! correct this.

use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::index::{EditOptions, QueryBank};

use crate::images::ImageArgs;
use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Each song gets a bias: the average similarity of the pictures that are nearest to it. A search with \
`--hubness-correction 0.5` subtracts half of the bias from the song's score (nearest neighbour normalisation); searches \
without the flag do not change. Use a few hundred pictures of the kind that people will search with. `audit` shows the \
effect.

Examples:
  pixelplay correct-hubness songs.arrow holiday-pictures/
  pixelplay match beach.jpg --index songs.arrow --hubness-correction 0.5"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    #[command(flatten)]
    pictures: ImageArgs,

    /// The number of nearest pictures whose similarities are averaged for a song's bias
    #[arg(long, value_name = "N", default_value_t = 10)]
    nearest: usize,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let encoder = args.encoder.open()?;
    open::check_space(&open::index(&args.index)?, &encoder, &args.index)?;
    let bank = QueryBank::new(args.pictures.encode(&encoder)?.embeddings, args.nearest)?;
    let editor = open::editor(&args.index, EditOptions::default())?;
    let report = editor.correct_hubness(&bank, &mut progress::bar())?;
    output::edit(&report, args.json)
}
