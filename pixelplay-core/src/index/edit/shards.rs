//! Finds and opens the files of an index, even while it is being edited.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use crate::index::error::SongIndexError;
use crate::index::file::{Load, Segment};

/// How many times to read a folder again because it was edited in the meantime. An edit takes
/// longer than reading the folder, so only a broken folder reaches this limit, not a busy one.
const MAX_ATTEMPTS: usize = 100;

/// Finds the `*.arrow` files of a folder.
type List<'a> = &'a dyn Fn(&Path) -> Result<Vec<PathBuf>, SongIndexError>;

/// Opens a file, or the shards of a folder.
pub(crate) fn open(path: &Path, load: Load<'_>) -> Result<Vec<Segment>, SongIndexError> {
    let metadata = fs::metadata(path).map_err(SongIndexError::io("open", path))?;
    if metadata.is_dir() {
        open_folder(path, load, &arrow_files)
    } else {
        Ok(vec![Segment::open(path, load)?])
    }
}

fn open_folder(
    path: &Path,
    load: Load<'_>,
    list: List<'_>,
) -> Result<Vec<Segment>, SongIndexError> {
    for _ in 0..MAX_ATTEMPTS {
        let manifest = Manifest::read(path)?;
        let opened = open_shards(path, manifest.as_ref(), load, list);
        // Shards never change, so a manifest and its shards always fit together. Any other result
        // is valid only if there was no edit in the meantime.
        if opened.is_ok() && manifest.is_some() || Manifest::read(path)? == manifest {
            return opened;
        }
    }
    let busy = io::Error::new(
        io::ErrorKind::ResourceBusy,
        "it is being edited constantly; try again later",
    );
    Err(SongIndexError::io("open", path)(busy))
}

fn open_shards(
    folder: &Path,
    manifest: Option<&Manifest>,
    load: Load<'_>,
    list: List<'_>,
) -> Result<Vec<Segment>, SongIndexError> {
    let found = list(folder)?;
    let files = match manifest {
        None => found,
        Some(manifest) => {
            check_all_known(folder, manifest, &found)?;
            manifest.shards.iter().map(|name| folder.join(name)).collect()
        }
    };
    if files.is_empty() {
        return Err(SongIndexError::unusable(folder, "the folder has no *.arrow file"));
    }
    files.iter().map(|file| Segment::open(file, load)).collect()
}

/// Rejects unknown files: a file put next to the shards would silently be left out of searches.
fn check_all_known(
    folder: &Path,
    manifest: &Manifest,
    found: &[PathBuf],
) -> Result<(), SongIndexError> {
    let known: HashSet<&OsStr> =
        manifest.shards.iter().chain(&manifest.unused).map(OsStr::new).collect();
    let is_known = |file: &PathBuf| file.file_name().is_some_and(|name| known.contains(name));
    match found.iter().find(|file| !is_known(file)) {
        None => Ok(()),
        Some(stranger) => Err(SongIndexError::unusable(
            folder,
            format_args!(
                "{} is in the folder but not part of the index; add it to the index, or move it away",
                stranger.display()
            ),
        )),
    }
}

/// Returns the `*.arrow` files of a folder, sorted by name.
pub(super) fn arrow_files(folder: &Path) -> Result<Vec<PathBuf>, SongIndexError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(SongIndexError::io("read", folder))? {
        let file = entry.map_err(SongIndexError::io("read", folder))?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && file.extension().is_some_and(|ending| ending == "arrow") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{SongIndexWriter, WriterOptions, file};
    use std::cell::Cell;

    #[test]
    fn an_edit_between_two_looks_at_a_folder_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let write = |name: &str| {
            let writer = SongIndexWriter::create(path.join(name), WriterOptions::new(3));
            writer.unwrap().finish().unwrap();
        };
        write("old.arrow");
        // The first edit of the folder begins after the manifest was found to be missing and before
        // the files are listed.
        let looks = Cell::new(0);
        let list = |folder: &Path| {
            looks.set(looks.get() + 1);
            if looks.get() == 1 {
                let mut manifest = Manifest::of_files(folder, &arrow_files(folder)?)?;
                let new = manifest.new_shard(folder);
                manifest.unused.push(new.clone());
                manifest.publish(folder)?;
                write(&new);
            }
            arrow_files(folder)
        };
        let opened = open_folder(path, &file::read, &list).unwrap();
        let names: Vec<_> = opened.iter().map(|segment| segment.path.file_name()).collect();
        assert_eq!(names, [Some(OsStr::new("old.arrow"))]);
        assert_eq!(looks.get(), 2);
    }
}
