//! A table of the damage done to a file, the number of attempts, and the outcomes. The counts are
//! printed.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::damage::use_all;
use super::foreign_file::foreign_file;
use super::*;

const ROWS: usize = 300;
const DIM: usize = 48;
const FLIPS: usize = 2000;

/// The outcome of opening and verifying a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It was not opened.
    Refused,
    /// It was opened, and `verify` found the damage.
    Found,
    /// It was opened and verified, and has the same contents as the undamaged file.
    Unchanged,
}

/// A file of three batches with a column of each kind.
fn whole_file(folder: &Folder) -> Vec<u8> {
    let mut rng = SmallRng::seed_from_u64(7);
    let songs: Vec<_> = (0..ROWS)
        .map(|row| {
            let song = Song {
                title: (row % 5 > 0).then(|| format!("Canción {row}")),
                year: Some(1960 + row as i64 % 60),
                energy: (row % 3 > 0).then_some(row as f64 / ROWS as f64),
                explicit: Some(row % 2 == 0),
                ..song(&format!("song {row}"))
            };
            let vector = (0..DIM).map(|_| rng.random_range(-1.0..1.0)).collect();
            (song, vector)
        })
        .collect();
    let options = WriterOptions {
        batch_rows: ROWS.div_ceil(3),
        fingerprint: Some(Fingerprint::new("space").unwrap()),
        normalize: true,
        columns: ["title", "year", "energy", "explicit"].map(str::to_owned).to_vec(),
        ..WriterOptions::new(DIM)
    };
    let path = folder.path("whole.arrow");
    write(&path, options, &songs);
    fs::read(path).unwrap()
}

/// The ranges of the batch bodies, which hold the data. Everything else is metadata.
fn bodies(file: &[u8]) -> Vec<Range<usize>> {
    let end = file.len() - 10;
    let len = i32::from_le_bytes(*file[end..].first_chunk().unwrap()) as usize;
    let footer = arrow_ipc::root_as_footer(&file[end - len..end]).unwrap();
    let blocks = footer.recordBatches().unwrap();
    blocks
        .iter()
        .map(|block| {
            let start = block.offset() as usize + block.metaDataLength() as usize;
            start..start + block.bodyLength() as usize
        })
        .collect()
}

struct Table {
    folder: Folder,
    whole: Vec<u8>,
    contents: Vec<(Song, Vec<f32>)>,
    rows: BTreeMap<&'static str, BTreeMap<Outcome, usize>>,
}

impl Table {
    fn new() -> Self {
        let folder = Folder::new();
        let whole = whole_file(&folder);
        let contents = contents(&SongIndex::open(folder.path("whole.arrow")).unwrap());
        Self { folder, whole, contents, rows: BTreeMap::new() }
    }

    /// Opens the bytes as a file, both read and mapped, uses and verifies both indexes, and counts
    /// the outcome.
    fn add(&mut self, what: &'static str, bytes: &[u8]) -> Outcome {
        let path = self.folder.path("damaged.arrow");
        fs::write(&path, bytes).unwrap();
        let [read, mapped] =
            [SongIndex::open(&path), map(&path)].map(|opened| self.outcome(opened));
        assert_eq!(read, mapped, "{what}");
        *self.rows.entry(what).or_default().entry(read).or_default() += 1;
        read
    }

    fn outcome(&self, opened: Result<SongIndex, SongIndexError>) -> Outcome {
        let Ok(index) = opened else {
            return Outcome::Refused;
        };
        use_all(&index);
        if index.verify().is_err() {
            return Outcome::Found;
        }
        assert!(index.has_checksums());
        assert_eq!(index.fingerprint().unwrap().as_str(), "space");
        assert!(contents(&index) == self.contents, "the contents have changed");
        Outcome::Unchanged
    }

    fn count(&self, what: &str, outcome: Outcome) -> usize {
        self.rows[what].get(&outcome).copied().unwrap_or(0)
    }

    fn print(&self) {
        for (what, outcomes) in &self.rows {
            println!("{what}: {outcomes:?}");
        }
    }
}

#[test]
fn damage_is_an_error_or_harmless() {
    let mut table = Table::new();
    let whole = table.whole.clone();
    assert_eq!(table.add("whole file", &whole), Outcome::Unchanged);

    let cut = "cut at each 1/64";
    for part in 0..64 {
        let at = whole.len() * part / 64;
        assert_eq!(table.add(cut, &whole[..at]), Outcome::Refused, "{at}");
    }

    let bodies = bodies(&whole);
    let is_data = |at: &usize| bodies.iter().any(|body| body.contains(at));
    let (data, metadata): (Vec<_>, Vec<_>) = (0..whole.len()).partition(is_data);
    let mut rng = SmallRng::seed_from_u64(11);
    for (what, places) in [("metadata bit flip", metadata), ("data bit flip", data)] {
        for _ in 0..FLIPS {
            let mut flipped = whole.clone();
            flipped[places[rng.random_range(0..places.len())]] ^= 1 << rng.random_range(0..8);
            table.add(what, &flipped);
        }
    }
    table.print();
    // A flip in the data may be refused on opening, if an id or a length is impossible.
    assert_eq!(table.count("data bit flip", Outcome::Unchanged), 0);
    assert!(table.count("metadata bit flip", Outcome::Refused) > FLIPS / 2);
    assert_eq!(table.count("metadata bit flip", Outcome::Found), 0);
}

#[test]
fn foreign_files_are_refused_and_named() {
    let folder = Folder::new();
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x04\0\x43\xbe\xb7\xe8\x01\0\0\0";
    let foreign: [(&str, &[u8]); 10] = [
        ("CSV", b"id,title,artist\n1,a,b\n"),
        ("JSON", b"{\"id\": [1, 2, 3]}"),
        ("gzip", gzip),
        ("zip", b"PK\x03\x04\x14\0\0\0\0\0and so on until the end"),
        ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01"),
        ("Parquet", b"PAR1\x15\x04\x15\x00PAR1"),
        ("Feather 1", b"FEA1\0\0\0\0\0\0\0\0\0\0\0\0FEA1"),
        ("Arrow stream", b"\xff\xff\xff\xff\x10\0\0\0\0\0\x0a\0\x0c\0\x06\0"),
        ("NumPy", b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False}"),
        ("SQLite", b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20"),
    ];
    for (kind, bytes) in foreign {
        let path = folder.path("foreign.arrow");
        fs::write(&path, bytes).unwrap();
        for opened in [SongIndex::open(&path), map(&path)] {
            let error = opened.unwrap_err();
            assert!(matches!(error, SongIndexError::NotArrow { .. }), "{kind}");
            assert!(error.to_string().contains("foreign.arrow"), "{kind}");
        }
    }
    println!("foreign files refused: {}", foreign.len());
}

/// The positions in the file of the offset and length of each buffer of a batch, and the length of
/// the body.
fn buffer_entries(file: &[u8]) -> (Vec<usize>, usize) {
    let body = bodies(file).remove(0);
    let start = file[..body.start]
        .windows(4)
        .enumerate()
        .filter(|(_, bytes)| bytes == b"\xff\xff\xff\xff")
        .map(|(at, _)| at)
        .rfind(|at| arrow_ipc::root_as_message(&file[at + 8..body.start]).is_ok())
        .unwrap();
    let message = &file[start + 8..body.start];
    let batch = arrow_ipc::root_as_message(message).unwrap().header_as_record_batch().unwrap();
    let entries = batch.buffers().unwrap();
    let first = entries.bytes().as_ptr().addr() - message.as_ptr().addr();
    let places = (0..entries.len()).map(|entry| start + 8 + first + entry * 16);
    (places.collect(), body.len())
}

#[test]
fn buffers_out_of_range_or_overlapping_are_never_read_out_of_bounds() {
    let folder = Folder::new();
    let file = foreign_file();
    let (entries, body) = buffer_entries(&file);
    let read = |at: usize| i64::from_le_bytes(*file[at..].first_chunk().unwrap());
    let path = folder.path("hostile.arrow");
    let (mut out_of_range, mut overlapping, mut opened) = (0, 0, 0);
    let mut try_both = |changed: &[u8], must_fail: bool| {
        fs::write(&path, changed).unwrap();
        for index in [SongIndex::open(&path), map(&path)] {
            assert!(!(must_fail && index.is_ok()));
            if let Ok(index) = index {
                opened += 1;
                use_all(&index);
            }
        }
    };
    let body = body as i64;
    for &entry in &entries {
        for (offset, length) in [
            (body, 8),
            (body - 1, 2),
            (0, body + 1),
            (-8, 8),
            (0, -1),
            (i64::MAX, 1),
            (1, i64::MAX),
            (i64::MAX, i64::MAX),
            (i64::MIN, i64::MIN),
        ] {
            let mut changed = file.clone();
            changed[entry..entry + 8].copy_from_slice(&offset.to_le_bytes());
            changed[entry + 8..entry + 16].copy_from_slice(&length.to_le_bytes());
            out_of_range += 1;
            try_both(&changed, true);
        }
        // Arrow allows buffers to overlap, so the file may open, but nothing beyond its end may
        // ever be read.
        for &other in &entries {
            for length in [read(entry + 8), read(other + 8)] {
                let mut changed = file.clone();
                changed[entry..entry + 8].copy_from_slice(&read(other).to_le_bytes());
                changed[entry + 8..entry + 16].copy_from_slice(&length.to_le_bytes());
                overlapping += 1;
                try_both(&changed, false);
            }
        }
    }
    println!(
        "buffers out of range: {out_of_range} refused; overlapping: {overlapping}, {opened} opened (read and mapped)"
    );
    assert!(out_of_range > 80 && overlapping > 100);
}

#[test]
fn rows_that_are_no_unit_vectors_are_refused_or_found() {
    let folder = Folder::new();
    let path = folder.path("rows.arrow");
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 2.0, f32::MIN_POSITIVE, f32::MAX];
    for value in bad {
        let file = arrow_file(&table(vec![
            ("id", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
            ("embedding", vectors(&[&[0.6, 0.8], &[value, 0.0]])),
        ]));
        fs::write(&path, file).unwrap();
        let error = SongIndex::open(&path).unwrap_err().to_string();
        assert!(error.contains("row 1"), "{value}: {error}");
    }

    // In a file with checksums, bad rows are found by `verify` or by a search that reads them.
    let whole = whole_file(&folder);
    let body = bodies(&whole).remove(0);
    let vector = contents(&SongIndex::open(folder.path("whole.arrow")).unwrap()).remove(3).1;
    let needle: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    let at = whole.windows(needle.len()).position(|found| found == needle).unwrap();
    assert!(body.contains(&at));
    for value in bad {
        let mut damaged = whole.clone();
        damaged[at..at + 4].copy_from_slice(&value.to_le_bytes());
        fs::write(&path, damaged).unwrap();
        for index in [SongIndex::open(&path), map(&path)] {
            let index = index.unwrap();
            use_all(&index);
            let error = index.verify().unwrap_err().to_string();
            assert!(error.contains("rows.arrow"), "{value}: {error}");
        }
    }
    println!("rows that are not unit vectors: {} values, refused or found", bad.len());
}

#[test]
fn a_newer_version_and_a_wrong_dim_are_refused_by_name() {
    let folder = Folder::new();
    let path = folder.path("x.arrow");
    let columns = vec![
        ("id", Arc::new(StringArray::from(vec!["a"])) as ArrayRef),
        ("embedding", vectors(&[&[0.6, 0.8]])),
    ];
    let table = table(columns);
    for (format, dim, expected) in [
        ("3", "2", "update PixelPlay"),
        ("18446744073709551615", "2", "update PixelPlay"),
        ("0", "2", "format"),
        ("one", "2", "format"),
        ("1", "3", "dim"),
        ("1", "0", "dim"),
        ("1", "-2", "dim"),
    ] {
        let metadata = [("pixelplay.format", format), ("pixelplay.dim", dim)];
        fs::write(&path, arrow_file(&super::foreign::with_metadata(&table, &metadata))).unwrap();
        let error = SongIndex::open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{format} {dim}: {error}");
    }
}
