//! `search`: any mixture of pictures, words and songs.

use std::path::PathBuf;

use anyhow::Result;

use crate::query::QueryArgs;
use crate::{open, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An index made by build-index; without it, the embedded starter catalogue
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    /// A picture that the songs should fit
    #[arg(short, long, value_name = "FILE")]
    image: Option<PathBuf>,

    #[command(flatten)]
    query: QueryArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let encoder = args.query.encoder.open()?;
    let index = open::index_or_starter(args.index.as_deref(), &encoder)?;
    let hits = args.query.answer(args.image.as_ref(), &encoder, &index)?;
    output::hits(&index, &hits, args.query.json())
}
