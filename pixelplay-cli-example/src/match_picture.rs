//! `match`: the main job.

use std::path::PathBuf;

use anyhow::Result;

use crate::query::QueryArgs;
use crate::{open, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A picture: JPEG, PNG, WebP, GIF, TIFF or BMP
    picture: PathBuf,

    /// An index made by build-index; without it, the embedded starter catalogue
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    #[command(flatten)]
    query: QueryArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let encoder = args.query.encoder.open()?;
    let index = open::index_or_starter(args.index.as_deref(), &encoder)?;
    let hits = args.query.answer(Some(&args.picture), &encoder, &index)?;
    output::hits(&index, &hits, args.query.json())
}
