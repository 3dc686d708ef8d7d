//! `encode`: print embeddings for other programs.

use std::path::PathBuf;

use anyhow::{Result, bail};
use pixelplay_core::Embedding;
use serde_json::json;

use crate::{images, open, output, progress};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pictures: JPEG, PNG, WebP, GIF, TIFF or BMP; `-` reads one from standard input
    pictures: Vec<PathBuf>,

    /// A text to encode; may be repeated
    #[arg(short, long = "text", value_name = "WORDS")]
    texts: Vec<String>,

    #[command(flatten)]
    encoder: open::EncoderArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    if args.pictures.is_empty() && args.texts.is_empty() {
        bail!("nothing to encode; pass pictures as arguments, or words with --text");
    }
    let encoder = args.encoder.open()?;
    for picture in &args.pictures {
        if progress::interrupted() {
            bail!("interrupted");
        }
        let embedding = images::encode(&encoder, picture)?;
        print(json!({ "picture": picture.to_string_lossy() }), &embedding)?;
    }
    for text in &args.texts {
        print(json!({ "text": text }), &encoder.encode_text(text)?)?;
    }
    Ok(())
}

fn print(mut line: serde_json::Value, embedding: &Embedding) -> Result<()> {
    line["encoder"] = json!(embedding.fingerprint().map(|space| space.as_str()));
    line["embedding"] = json!(embedding.as_slice());
    output::line(&line.to_string())
}
