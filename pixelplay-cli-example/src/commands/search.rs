//! `search`: rank songs for any combination of a picture, words and songs.

use std::path::PathBuf;

use anyhow::Result;

use crate::query::QueryArgs;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An index; without it, the embedded starter catalogue
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,

    /// A picture that the songs should fit; `-` reads it from standard input
    #[arg(short, long, value_name = "FILE")]
    image: Option<PathBuf>,

    #[command(flatten)]
    query: QueryArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    args.query.run(args.image.as_deref(), args.index.as_deref())
}
