//! `verify`: is an index whole?

use std::path::PathBuf;

use anyhow::Result;

use crate::{open, output};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The index
    index: PathBuf,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let index = open::index(&args.index)?;
    index.verify()?;
    output::line(&format!(
        "{} is whole: {} songs, {} dimensions, encoder {}",
        args.index.display(),
        index.len(),
        index.dim(),
        index
            .fingerprint()
            .map_or("unknown", |space| space.as_str()),
    ))
}
