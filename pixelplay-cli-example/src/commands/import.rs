//! `import`: build an index from vectors made by another program.

use std::path::PathBuf;

use anyhow::Result;
use pixelplay_core::Fingerprint;
use pixelplay_core::catalog::{self, ImportOptions};

use crate::{output, progress};

#[derive(clap::Args)]
#[command(
    after_help = "CLIP models produce vectors of any length: pass `--normalize` unless yours already have length 1. \
Row i of the table belongs to vector i; no row is dropped. Without a table, or if it has no id column, ids are row \
numbers from 0. Parquet is not supported; in Python, pandas.read_parquet('metadata_0.parquet').to_csv('metadata.csv', \
index=False) converts it to a table.

Examples:
  pixelplay import vectors.npy songs.arrow --table songs.csv --normalize
  pixelplay import clip-retrieval-output/text_emb songs.arrow --table metadata.csv --normalize"
)]
pub(crate) struct Args {
    /// A .npy file of shape (songs, dim), a folder of them, or a folder that clip-retrieval wrote
    vectors: PathBuf,

    /// Where to write the index; an existing index is replaced once the new one is complete
    index: PathBuf,

    /// The songs that the vectors belong to, in the same order: CSV or TSV, plain or gzipped
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,

    /// Scale each vector to length 1; most CLIP vectors need it
    #[arg(long)]
    normalize: bool,

    /// The encoder that made the vectors, as printed by `verify` and `encode`; queries from any
    /// other encoder are then refused
    #[arg(long, value_name = "NAME")]
    fingerprint: Option<String>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let options = ImportOptions {
        fingerprint: args.fingerprint.map(Fingerprint::new).transpose()?,
        normalize: args.normalize,
        ..ImportOptions::default()
    };
    let report = catalog::import(
        &args.vectors,
        args.table.as_deref(),
        &args.index,
        &options,
        &mut progress::bar(),
    )?;
    if args.json {
        return output::line(&serde_json::to_string(&report)?);
    }
    let report = format!("{report}wrote {}", args.index.display());
    output::line(&output::printable_lines(&report))
}
