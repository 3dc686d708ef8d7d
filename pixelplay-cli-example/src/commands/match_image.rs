//! `match`: rank songs for a picture.

use std::path::PathBuf;

use anyhow::Result;

use crate::query::QueryArgs;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A picture: JPEG, PNG, WebP, GIF, TIFF or BMP; `-` reads it from standard input
    picture: PathBuf,

    /// An index; without it, the embedded starter catalogue
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    #[command(flatten)]
    query: QueryArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    args.query.run(Some(&args.picture), args.index.as_deref())
}
