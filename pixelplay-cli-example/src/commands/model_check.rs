//! `model check`: check whether a checkpoint can be used, and if not, explain why.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};
use pixelplay_core::encoder::check::{CheckOptions, check};

use crate::checkpoint::Checkpoint;
use crate::{output, progress};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A Hugging Face CLIPModel folder, an OpenCLIP folder with an EfficientNet-Lite, or a
    /// repository on the Hugging Face Hub: hub:ORG/NAME or hub:ORG/NAME@REVISION
    #[arg(value_parser = OsStringValueParser::new().map(<Checkpoint as From<OsString>>::from))]
    checkpoint: Checkpoint,

    /// A folder with reference_values.json and its pictures: values published for this checkpoint,
    /// to compare with the results on this machine
    #[arg(long, value_name = "FOLDER")]
    reference: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let folder = args.checkpoint.folder()?;
    let options = CheckOptions { reference: args.reference, ..CheckOptions::default() };
    let report = check(&folder, &options, &mut progress::bar())?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => report.to_string().lines().map(output::printable).collect::<Vec<_>>().join("\n"),
    };
    output::line(&text)?;
    if !report.usable {
        bail!("{} is not usable; the report lists the problems", folder.display());
    }
    Ok(())
}
