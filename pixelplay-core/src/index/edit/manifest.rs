//! The manifest: which files of a folder make up the index.
//!
//! A folder that was never edited needs no manifest: the index consists of its `*.arrow` files,
//! sorted by name. The first edit writes a manifest, which from then on is authoritative. Replacing
//! the manifest atomically changes the state of the whole folder.
//!
//! ```text
//! pixelplay-shards 1
//! next 7
//! shard part-0.arrow
//! shard songs-000006.arrow
//! unused part-1.arrow
//! checksum 3d6a...
//! ```
//!
//! | line | |
//! |---|---|
//! | `pixelplay-shards` | the format of this file |
//! | `next` | the number of the next shard. Numbers are never reused: a late reader may find a shard missing, but never a different one in its place |
//! | `shard` | a file of the index, in the order of its rows |
//! | `unused` | a file that is not part of the index, or not yet: the next editor may delete it |
//! | `checksum` | BLAKE3 in hex of all lines above, line ends included |
//!
//! Every edit goes through these steps. Between any two of them readers may open the folder, and
//! the editor may be killed:
//!
//! | step | manifest | a reader sees |
//! |---|---|---|
//! | 1. publish: the new shards' names are `unused` | old shards; unused: new | old |
//! | 2. write the new shards | | old |
//! | 3. publish: the new shards are in, replaced ones `unused` | new shards; unused: replaced | new |
//! | 4. delete the replaced shards | | new |
//! | 5. publish: nothing is unused | new shards | new |
//!
//! At any time, `unused` lists the files that a killed editor would leave behind; the next editor
//! deletes them first. A reader that finds a shard missing, or a file that the manifest does not
//! name, starts again if the manifest has changed in the meantime.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::publish::Draft;
use crate::index::error::SongIndexError;

/// Programs that read folders of Arrow files skip names that begin with an underscore.
const NAME: &str = "_pixelplay_shards.txt";
const FORMAT: u64 = 1;
const SHARD_ENDING: &str = ".arrow";
/// The maximum size of a manifest: more than a hundred thousand shards.
const MAX_BYTES: u64 = 16 << 20;

/// The contents of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) next: u64,
    pub(super) shards: Vec<String>,
    pub(super) unused: Vec<String>,
}

impl Manifest {
    /// Reads the manifest of a folder; `None` if it has none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, SongIndexError> {
        let path = folder.join(NAME);
        let failed = SongIndexError::io("read", &path);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(SongIndexError::damaged(&path, "it is not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let mut bytes = Vec::new();
        let read = File::open(&path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(failed)?;
        if read as u64 > MAX_BYTES {
            return Err(SongIndexError::damaged(&path, "it is too long"));
        }
        parse(&path, &bytes).map(Some)
    }

    /// Returns the state of a folder that has no manifest.
    pub(super) fn of_files(folder: &Path, files: &[PathBuf]) -> Result<Self, SongIndexError> {
        let name = |file: &PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str());
            match name.filter(|name| is_shard_name(name)) {
                Some(name) => Ok(name.to_owned()),
                None => Err(SongIndexError::unusable(
                    folder,
                    format_args!(
                        "the name of {} has characters that a manifest cannot hold; rename the file before editing",
                        file.display()
                    ),
                )),
            }
        };
        Ok(Self {
            next: 1,
            shards: files.iter().map(name).collect::<Result<_, _>>()?,
            unused: Vec::new(),
        })
    }

    pub(super) fn publish(&self, folder: &Path) -> Result<(), SongIndexError> {
        let path = folder.join(NAME);
        let mut draft = Draft::create(&path)?;
        draft.write_all(self.text().as_bytes()).map_err(SongIndexError::io("write", &path))?;
        draft.publish()
    }

    /// Returns the name of a new shard, and increments the number.
    pub(super) fn new_shard(&mut self, folder: &Path) -> String {
        loop {
            let name = format!("songs-{:06}{SHARD_ENDING}", self.next);
            self.next = self.next.saturating_add(1);
            // Someone may have put a file of that name there.
            if !folder.join(&name).exists() {
                return name;
            }
        }
    }

    fn text(&self) -> String {
        let mut text = format!("pixelplay-shards {FORMAT}\nnext {}\n", self.next);
        for (word, names) in [("shard", &self.shards), ("unused", &self.unused)] {
            for name in names {
                let _ = writeln!(text, "{word} {name}");
            }
        }
        let checksum = blake3::hash(text.as_bytes()).to_hex();
        let _ = writeln!(text, "checksum {checksum}");
        text
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, SongIndexError> {
    let damaged = |what: &str| SongIndexError::damaged(path, what);
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
    let format = text.lines().next().and_then(|line| line.strip_prefix("pixelplay-shards "));
    let format: u64 = format
        .and_then(|format| format.parse().ok())
        .ok_or_else(|| damaged("its first line does not name the format"))?;
    if format > FORMAT {
        return Err(SongIndexError::NewerFormat {
            path: path.to_owned(),
            found: format,
            supported: FORMAT,
        });
    }
    let body = text
        .rfind("checksum ")
        .filter(|&at| text[at..] == format!("checksum {}\n", blake3::hash(&bytes[..at]).to_hex()))
        .map(|at| &text[..at])
        .ok_or_else(|| damaged("it does not match its checksum"))?;

    let mut lines = body.lines().skip(1);
    let next = lines
        .next()
        .and_then(|line| line.strip_prefix("next ")?.parse().ok())
        .ok_or_else(|| damaged("it has no number for the next shard"))?;
    let mut manifest = Manifest { next, shards: Vec::new(), unused: Vec::new() };
    let mut names = HashSet::new();
    for line in lines {
        let (list, name) = match line.split_once(' ') {
            Some(("shard", name)) => (&mut manifest.shards, name),
            Some(("unused", name)) => (&mut manifest.unused, name),
            _ => return Err(damaged("it has an unknown line")),
        };
        if !is_shard_name(name) || !names.insert(name) {
            return Err(damaged("it names a file that cannot be a shard, or names a file twice"));
        }
        list.push(name.to_owned());
    }
    if manifest.shards.is_empty() {
        return Err(damaged("it does not name any shard"));
    }
    Ok(manifest)
}

/// Returns whether a name refers to a file directly in the folder and fits on one line.
fn is_shard_name(name: &str) -> bool {
    name.ends_with(SHARD_ENDING)
        && !name.starts_with('.')
        && !name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn manifest() -> Manifest {
        Manifest {
            next: 7,
            shards: vec!["part 0.arrow".to_owned(), "songs-000006.arrow".to_owned()],
            unused: vec!["é.arrow".to_owned()],
        }
    }

    fn read(bytes: &[u8]) -> Result<Manifest, SongIndexError> {
        parse(Path::new("m"), bytes)
    }

    /// Appends a valid checksum to lines that may be invalid.
    fn signed(lines: &str) -> Vec<u8> {
        let checksum = blake3::hash(lines.as_bytes()).to_hex();
        format!("{lines}checksum {checksum}\n").into_bytes()
    }

    #[test]
    fn what_is_published_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), None);
        manifest().publish(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), Some(manifest()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let whole = manifest().text().into_bytes();
        for at in 0..whole.len() {
            assert!(read(&whole[..at]).is_err(), "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped).is_err(), "flipped at {at}");
        }
    }

    #[test]
    fn names_never_lead_out_of_the_folder() {
        let start = "pixelplay-shards 1\nnext 1\n";
        assert!(read(&signed(&format!("{start}shard a.arrow\n"))).is_ok());
        for bad in [
            "",
            "shard ../a.arrow\n",
            "shard /etc/a.arrow\n",
            "shard C:a.arrow\n",
            "shard ..\\a.arrow\n",
            "shard .a.arrow\n",
            "shard a.csv\n",
            "shard a.arrow\nunused /var/a.arrow\n",
            "shard a.arrow\nunused a.arrow\n",
            "shard a.arrow\nshard a.arrow\n",
            "shard a.arrow\nbecause\n",
        ] {
            let error = read(&signed(&format!("{start}{bad}")));
            assert!(matches!(error, Err(SongIndexError::Damaged { .. })), "{bad}");
        }
    }

    #[test]
    fn a_later_format_is_named() {
        assert!(matches!(
            read(&signed("pixelplay-shards 2\nwhatever\n")),
            Err(SongIndexError::NewerFormat { found: 2, .. })
        ));
    }

    #[test]
    fn new_names_are_never_taken_twice() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("songs-000008.arrow"), b"").unwrap();
        let mut manifest = manifest();
        assert_eq!(manifest.new_shard(folder.path()), "songs-000007.arrow");
        assert_eq!(manifest.new_shard(folder.path()), "songs-000009.arrow");
        assert_eq!(manifest.next, 10);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), text in "(next|shard|unused|checksum| |[0-9a]|\n)*") {
            let _ = read(&bytes);
            let _ = read(&signed(&format!("pixelplay-shards 1\n{text}")));
        }
    }
}
