//! Finds and opens the files of an index, also while somebody edits it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::SongIndexError;
use super::manifest::Manifest;
use super::storage::{Load, Segment};

/// How often a folder is looked at anew because it was edited meanwhile. An edit takes longer than a look, so that
/// it is a broken folder that gets here, not a busy one.
const MOST_LOOKS: usize = 100;

/// Opens a file, or the shards of a folder.
pub(super) fn open(path: &Path, load: Load<'_>) -> Result<Vec<Segment>, SongIndexError> {
    let metadata = fs::metadata(path).map_err(SongIndexError::io("open", path))?;
    if !metadata.is_dir() {
        return Ok(vec![Segment::open(path, load)?]);
    }
    for _ in 0..MOST_LOOKS {
        let manifest = Manifest::read(path)?;
        let opened = open_shards(path, manifest.as_ref(), load);
        // Shards never change, so that a manifest and its shards fit whatever happened meanwhile. All else that was
        // found stands only if there was no edit.
        if opened.is_ok() && manifest.is_some() || Manifest::read(path)? == manifest {
            return opened;
        }
    }
    let busy = io::Error::new(
        io::ErrorKind::ResourceBusy,
        "it is being edited all the time; try again later",
    );
    Err(SongIndexError::io("open", path)(busy))
}

fn open_shards(
    folder: &Path,
    manifest: Option<&Manifest>,
    load: Load<'_>,
) -> Result<Vec<Segment>, SongIndexError> {
    let found = arrow_files(folder)?;
    let files = match manifest {
        None => found,
        Some(manifest) => {
            check_all_known(folder, manifest, &found)?;
            manifest
                .shards
                .iter()
                .map(|name| folder.join(name))
                .collect()
        }
    };
    if files.is_empty() {
        return Err(SongIndexError::unusable(
            folder,
            "the folder has no *.arrow file",
        ));
    }
    files.iter().map(|file| Segment::open(file, load)).collect()
}

/// A file that somebody put beside the shards would silently not be searched.
fn check_all_known(
    folder: &Path,
    manifest: &Manifest,
    found: &[PathBuf],
) -> Result<(), SongIndexError> {
    let known: HashSet<&OsStr> = manifest
        .shards
        .iter()
        .chain(&manifest.unused)
        .map(OsStr::new)
        .collect();
    let is_known = |file: &PathBuf| file.file_name().is_some_and(|name| known.contains(name));
    match found.iter().find(|file| !is_known(file)) {
        None => Ok(()),
        Some(stranger) => Err(SongIndexError::unusable(
            folder,
            format_args!(
                "{} lies in the folder, but is not part of the index; add it to the index, or move it away",
                stranger.display()
            ),
        )),
    }
}

/// The `*.arrow` files of a folder, by name.
pub(super) fn arrow_files(folder: &Path) -> Result<Vec<PathBuf>, SongIndexError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(SongIndexError::io("read", folder))? {
        let file = entry.map_err(SongIndexError::io("read", folder))?.path();
        let hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && file.extension().is_some_and(|ending| ending == "arrow") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
