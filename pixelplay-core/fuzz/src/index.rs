//! Fuzzes index files, from the bytes to search results.

use std::cell::LazyCell;
use std::fs;
use std::path::Path;

use pixelplay_core::index::{By, SearchOptions, WriterOptions, col};
use pixelplay_core::{
    Embedding, Fingerprint, Song, SongId, SongIndex, SongIndexError, SongIndexWriter,
};

use crate::Seeds;

#[path = "../../tests/index_file/foreign_file.rs"]
mod foreign_file;

thread_local! {
    static FOLDER: LazyCell<tempfile::TempDir> = LazyCell::new(crate::scratch);
}

/// Opens an index, both read into memory and mapped, and uses all its methods. Both must return the
/// same results.
pub fn open_index(data: &[u8]) {
    FOLDER.with(|folder| {
        let path = folder.path().join("songs.arrow");
        fs::write(&path, data).unwrap();
        let (read, mapped) = (SongIndex::open(&path), map(&path));
        let (Ok(read), Ok(mapped)) = (&read, &mapped) else {
            assert!(read.is_err() && mapped.is_err(), "{read:?} {mapped:?}");
            return;
        };
        assert_eq!(use_all(read), use_all(mapped));
    });
}

#[expect(unsafe_code, reason = "this is a call under test")]
fn map(path: &Path) -> Result<SongIndex, SongIndexError> {
    // SAFETY: only this process writes the file, and only while no index is open.
    unsafe { SongIndex::open_mmap(path) }
}

/// Returns everything that can be read from an index, as text.
fn use_all(index: &SongIndex) -> String {
    // Without verification, a changed cell may have any value of its type. So an id can occur
    // twice.
    let is_whole = index.verify().is_ok();
    let mut seen = format!("{:?} {is_whole}", index.columns());
    let mut values = vec![0.0; index.dim()];
    values[0] = 1.0;
    let query = Embedding::new(values, index.fingerprint().cloned()).unwrap();
    let filters =
        [None, Some(col("year").ge(1991)), Some(col("title").eq("x") | !col("energy").lt(0.5))];
    for filter in filters {
        let options = SearchOptions { filter, ..SearchOptions::default() };
        let hits = index.search(&query, &options);
        seen += &format!("{:?}", hits.as_ref().ok());
        if let Ok(hits) = hits {
            assert!(hits.iter().all(|hit| hit.score.is_finite() && hit.row < index.len()));
            assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        }
    }
    for row in 0..index.len().min(100) {
        let song = index.song(row);
        seen += &format!("{:?} {:?}", song.as_ref().ok(), index.vector(row));
        let found = index.row(index.id(row));
        assert!(found == Some(row) || !is_whole && found < Some(row));
        for by in [By::Description, By::Audio] {
            let hits = index.similar(index.id(row), by, &SearchOptions::default());
            assert!(
                hits.iter().flatten().all(|hit| Some(hit.row) != found && hit.score.is_finite())
            );
        }
    }
    seen
}

/// Returns a file of ours, with two batches, and one like those that other programs write, without
/// our checksums.
pub(crate) fn seeds() -> Seeds {
    let folder = crate::scratch();
    let path = folder.path().join("seed.arrow");
    let options = WriterOptions {
        batch_rows: 2,
        fingerprint: Some(Fingerprint::new("space").unwrap()),
        columns: ["title", "year", "energy", "explicit", "more"].map(str::to_owned).to_vec(),
        ..WriterOptions::new(2)
    };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    for (row, vector) in [[0.6, 0.8], [1.0, 0.0], [0.0, -1.0]].iter().enumerate() {
        let mut song = Song::new(SongId::new(format!("song {row}")).unwrap());
        song.title = (row != 1).then(|| format!("Título {row}"));
        song.year = Some(1990 + row as i64);
        song.energy = (row != 2).then_some(0.25);
        song.explicit = Some(row == 0);
        song.extra.insert("more".to_owned(), "x".repeat(row));
        writer.push(&song, vector).unwrap();
    }
    writer.finish().unwrap();
    let ours = fs::read(path).unwrap();
    vec![
        ("ours.arrow".to_owned(), ours),
        ("foreign.arrow".to_owned(), foreign_file::foreign_file()),
    ]
}
