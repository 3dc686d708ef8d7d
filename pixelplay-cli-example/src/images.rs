//! Encodes pictures from files, from folders and from standard input.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use pixelplay_core::{Embedding, Encoder, Image};

use crate::{output, progress};

#[derive(clap::Args)]
pub(crate) struct ImageArgs {
    /// Pictures, or folders of pictures; `-` reads one from standard input
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
}

/// Embeddings of pictures, and how many pictures were skipped.
pub(crate) struct Encoded {
    pub(crate) embeddings: Vec<Embedding>,
    pub(crate) unusable: usize,
}

impl ImageArgs {
    /// Encodes all named pictures. Files that cannot be read as a picture are reported and skipped.
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
            match encode(encoder, path) {
                Ok(embedding) => encoded.embeddings.push(embedding),
                Err(error) => {
                    encoded.unusable += 1;
                    bar.suspend(|| output::complain(&format!("skipped: {error:#}")));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if encoded.embeddings.is_empty() {
            bail!("no picture found in the named files and folders");
        }
        Ok(encoded)
    }
}

/// Encodes a picture: a file, or standard input if it is named `-`.
pub(crate) fn encode(encoder: &Encoder, path: &Path) -> Result<Embedding> {
    if path.as_os_str() != "-" {
        return Ok(encoder.encode_image(path)?);
    }
    let input = io::stdin();
    if input.is_terminal() {
        bail!(
            "standard input is a terminal; redirect a file to it: `pixelplay match - < beach.jpg`"
        );
    }
    let mut bytes = Vec::new();
    // One byte more than a picture may have, so that a longer one is refused instead of cut off.
    input
        .lock()
        .take(Image::MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    if bytes.is_empty() {
        bail!("standard input is empty; redirect one picture to it, and pass `-` only once");
    }
    encoder.encode_image(&bytes).context("cannot use the data on standard input")
}

/// Collects paths: a file is taken as given; from a folder and its subfolders, the files with a
/// picture extension are taken, sorted by name.
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
        // Links to folders are not followed, because they may form a cycle.
        if kind.is_dir() || (is_picture && path.is_file()) {
            find(&path, found)?;
        }
    }
    Ok(())
}
