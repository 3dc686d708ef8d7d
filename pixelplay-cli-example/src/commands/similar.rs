//! `similar`: rank songs by their similarity to a song.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use pixelplay_core::Encoder;
use pixelplay_core::index::By;

use crate::query::{AnswerArgs, require_song};
use crate::{open, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The id of the song, as `--json` shows it
    id: String,

    /// An index; without it, the embedded starter catalogue
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    /// What to compare songs by
    #[arg(long, value_enum, default_value_t = Likeness::Description)]
    by: Likeness,

    #[command(flatten)]
    answer: AnswerArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Likeness {
    /// The vectors of their descriptions
    Description,
    /// Their audio features
    Audio,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let search = args.answer.search()?;
    let index = match &args.index {
        Some(path) => open::index(path)?,
        None => open::index_or_starter(None, &Encoder::mini()?)?,
    };
    require_song(&index, &args.id)?;
    let by = match args.by {
        Likeness::Description => By::Description,
        Likeness::Audio => By::Audio,
    };
    let hits = index.similar(&args.id, by, &search)?;
    output::hits(&hits, None, args.answer.json)
}
