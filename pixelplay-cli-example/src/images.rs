//! Folders of pictures, encoded.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pixelplay_core::{Embedding, Encoder};

use crate::{output, progress};

#[derive(clap::Args)]
pub(crate) struct ImageArgs {
    /// Pictures, and folders of pictures
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
}

/// Embeddings of pictures, and how many had to be passed over.
pub(crate) struct Encoded {
    pub(crate) embeddings: Vec<Embedding>,
    pub(crate) unusable: usize,
}

impl ImageArgs {
    /// Encodes all that are named; what is no picture is complained about and passed over.
    pub(crate) fn encode(&self, encoder: &Encoder) -> Result<Encoded> {
        let mut paths = Vec::new();
        for path in &self.pictures {
            find(path, &mut paths)?;
        }
        let mut encoded = Encoded { embeddings: Vec::new(), unusable: 0 };
        let bar = progress::new_bar("encoding pictures", Some(paths.len() as u64));
        for path in &paths {
            if progress::interrupted() {
                bail!("interrupted");
            }
            match encoder.encode_image(path.as_path()) {
                Ok(embedding) => encoded.embeddings.push(embedding),
                Err(error) => {
                    encoded.unusable += 1;
                    bar.suspend(|| output::complain(&format!("passed over: {error}")));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if encoded.embeddings.is_empty() {
            bail!("no picture was found in what was named");
        }
        Ok(encoded)
    }
}

/// A file as it is named; of a folder and those in it, what is called like a picture, in the order
/// of the names.
fn find(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp"];
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let cannot_read = || format!("cannot read the folder {}", path.display());
    let mut entries = fs::read_dir(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(cannot_read)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().with_context(cannot_read)?;
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_picture =
            ending.is_some_and(|ending| ENDINGS.contains(&ending.to_lowercase().as_str()));
        // A link to a folder may lead in a circle.
        if kind.is_dir() || (is_picture && path.is_file()) {
            find(&path, found)?;
        }
    }
    Ok(())
}
