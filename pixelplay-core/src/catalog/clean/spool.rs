//! Stores songs in a file until they are needed again.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::catalog::CatalogError;
use crate::song::Song;

/// A temporary file of songs. It has no name, so it disappears with its process. Each song is
/// stored as its length followed by its `postcard` bytes.
pub(super) struct Spool {
    file: BufWriter<File>,
    folder: PathBuf,
    songs: u64,
}

impl Spool {
    pub(super) fn create(folder: &Path) -> Result<Self, CatalogError> {
        let file = tempfile::tempfile_in(folder).map_err(failed(folder))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            folder: folder.to_owned(),
            songs: 0,
        })
    }

    pub(super) fn push(&mut self, song: &Song) -> Result<(), CatalogError> {
        let bytes = bytes(song).map_err(failed(&self.folder))?;
        let length = (bytes.len() as u64).to_le_bytes();
        self.file
            .write_all(&length)
            .and_then(|()| self.file.write_all(&bytes))
            .map_err(failed(&self.folder))?;
        self.songs += 1;
        Ok(())
    }

    /// Returns the songs, in order.
    pub(super) fn read(
        self,
    ) -> Result<impl Iterator<Item = Result<Song, CatalogError>>, CatalogError> {
        let folder = self.folder;
        let mut file = self.file.into_inner().map_err(|e| failed(&folder)(e.into_error()))?;
        file.rewind().map_err(failed(&folder))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let mut bytes = Vec::new();
        Ok((0..self.songs).map(move |_| next(&mut file, &mut bytes).map_err(failed(&folder))))
    }
}

/// Serialises a song.
pub(crate) fn bytes(song: &Song) -> io::Result<Vec<u8>> {
    postcard::to_allocvec(song).map_err(other)
}

fn next(file: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<Song> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    bytes.clear();
    file.take(u64::from_le_bytes(length)).read_to_end(bytes)?;
    postcard::from_bytes(bytes).map_err(other)
}

fn failed(folder: &Path) -> impl Fn(io::Error) -> CatalogError {
    let folder = folder.to_owned();
    move |source| CatalogError::Spool { folder: folder.clone(), source }
}

fn other(error: postcard::Error) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::song::SongId;
    use proptest::prelude::*;

    fn read_back(songs: &[Song]) -> Vec<Song> {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(folder.path()).unwrap();
        for song in songs {
            spool.push(song).unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        spool.read().unwrap().map(Result::unwrap).collect()
    }

    proptest! {
        #[test]
        fn songs_come_back_as_they_were(
            songs in prop::collection::vec(
                ("\\PC{1,20}", prop::option::of(".{0,300}"), prop::option::of(prop::num::f64::NORMAL), any::<Option<i64>>(), any::<Option<bool>>()),
                0..20,
            ),
        ) {
            let songs: Vec<_> = songs.into_iter().map(|(id, text, real, whole, flag)| {
                let mut song = Song::new(SongId::new(id).unwrap());
                if let Some(text) = &text {
                    song.extra.insert("own column".into(), text.clone());
                }
                (song.title, song.energy, song.year, song.explicit) = (text, real, whole, flag);
                song
            }).collect();
            prop_assert_eq!(read_back(&songs), songs);
        }
    }

    #[test]
    fn a_folder_that_takes_no_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Spool::create(file.path()).err().unwrap().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
