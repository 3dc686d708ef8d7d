//! `verify`: check every byte of an index.

use std::path::PathBuf;

use anyhow::Result;

use crate::{open, output, progress};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The index: a file or a folder
    index: PathBuf,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let index = open::index(&args.index)?;
    index.verify_with(&mut progress::bar())?;
    let checked = if index.has_checksums() {
        "is intact"
    } else {
        "has no checksums (another program wrote it); its ids and vectors are valid"
    };
    output::line(&output::printable(&format!(
        "{} {checked}: {} songs, {} dimensions, encoder {}",
        args.index.display(),
        index.len(),
        index.dim(),
        index.fingerprint().map_or("unknown", |space| space.as_str()),
    )))
}
