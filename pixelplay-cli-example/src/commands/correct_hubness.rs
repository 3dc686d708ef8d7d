//! `correct-hubness`: songs that turn up for everything can stand back.

use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::index::{EditOptions, QueryBank};

use crate::images::ImageArgs;
use crate::{open, output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "Each song gets a bias: how near, on average, the pictures are that are nearest to it. A search with \
--hubness-correction subtracts that share of it (nearest neighbour normalisation); searches without it stay as they were. Some \
hundreds of pictures of the kind that will be asked for are a good bank. `audit` shows what it changes.

Example:
  pixelplay correct-hubness songs.arrow holiday-pictures/
  pixelplay match beach.jpg --index songs.arrow --hubness-correction 0.5"
)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,

    #[command(flatten)]
    pictures: ImageArgs,

    /// How many of the pictures, the nearest, make a song's bias
    #[arg(long, value_name = "N", default_value_t = 10)]
    nearest: usize,

    /// Print what was done as JSON
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
