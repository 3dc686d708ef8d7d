//! Imports vectors from another program: no row is dropped or moved, and no value goes unchecked.

#![cfg(feature = "catalog")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use half::f16;
use pixelplay_core::catalog::{CatalogError, ImportOptions, import};
use pixelplay_core::index::{SearchOptions, SongIndex, SongIndexError};
use pixelplay_core::progress::Update;
use pixelplay_core::{Embedding, Fingerprint};
use tempfile::TempDir;

struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn npy(&self, name: &str, rows: &[[f32; 2]]) -> PathBuf {
        let numbers: Vec<u8> = rows.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        self.write(name, npy("<f4", rows.len(), 2, &numbers))
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn npy(descr: &str, rows: usize, dim: usize, numbers: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {dim}), }}\n");
    let len = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", len.as_slice(), header.as_bytes(), numbers].concat()
}

fn normalizing() -> ImportOptions {
    ImportOptions { normalize: true, ..ImportOptions::default() }
}

#[test]
fn each_row_of_the_table_belongs_to_one_vector() {
    let scratch = Scratch::new();
    let vectors = scratch.npy("v.npy", &[[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]);
    // No artist column, a missing title, two songs with one title, an impossible value: all rows
    // are kept.
    let table = scratch.write(
        "t.tsv",
        "spotify_id\tname\tenergy\tplaylist\n\
         x\tStorm\t0.5\tp1\ny\tStorm\t7\t\nspotify:track:z\t\t0.1\tp2\n",
    );
    let out = scratch.path("out.arrow");
    let fingerprint = Some(Fingerprint::new("clip").unwrap());
    let options = ImportOptions { fingerprint: fingerprint.clone(), ..ImportOptions::default() };
    let report = import(&vectors, Some(&table), &out, &options, &mut ()).unwrap();
    assert_eq!((report.songs, report.dim), (3, 2));
    assert_eq!(report.table.unwrap().cells_cleared["energy"].out_of_range.count, 1);
    let index = SongIndex::open(&out).unwrap();
    index.verify().unwrap();
    assert_eq!(index.ids().collect::<Vec<_>>(), ["x", "y", "z"]);
    assert_eq!(index.vector(2), [0.6, 0.8]);
    assert_eq!(index.fingerprint(), fingerprint.as_ref());
    let songs: Vec<_> = (0..3).map(|row| index.song(row).unwrap()).collect();
    assert_eq!(songs[1].title.as_deref(), Some("Storm"));
    assert_eq!((songs[1].energy, songs[2].energy), (None, Some(0.1)));
    assert_eq!((songs[2].title.as_deref(), songs[2].extra["playlist"].as_str()), (None, "p2"));
}

#[test]
fn without_ids_the_rows_are_numbered() {
    let scratch = Scratch::new();
    let vectors = scratch.npy("v.npy", &[[1.0, 0.0], [0.0, 1.0]]);
    let table = scratch.write("t.csv", "caption\n\"one, two\"\nthree\n");
    let out = scratch.path("out.arrow");
    for table in [None, Some(table.as_path())] {
        import(&vectors, table, &out, &ImportOptions::default(), &mut ()).unwrap();
        let index = SongIndex::open(&out).unwrap();
        assert_eq!(index.ids().collect::<Vec<_>>(), ["0", "1"]);
        let caption = index.song(0).unwrap().extra.get("caption").cloned();
        assert_eq!(caption.as_deref(), table.map(|_| "one, two"));
    }
}

#[test]
fn files_of_a_folder_follow_their_numbers() {
    let scratch = Scratch::new();
    for at in [10, 2, 0] {
        let name = format!("found/img_emb/img_emb_{at}.npy");
        scratch.npy(&name, &[[at as f32, 1.0], [at as f32, 2.0]]);
    }
    scratch.write("found/metadata/metadata_0.parquet", "PAR1");
    let expected = [[0.0, 1.0], [0.0, 2.0], [2.0, 1.0], [2.0, 2.0], [10.0, 1.0], [10.0, 2.0_f32]];
    let out = scratch.path("out.arrow");
    for folder in ["found", "found/img_emb"] {
        import(scratch.path(folder), None, &out, &normalizing(), &mut ()).unwrap();
        let index = SongIndex::open(&out).unwrap();
        for (row, vector) in expected.iter().enumerate() {
            let unit = Embedding::normalize(vector.to_vec(), None).unwrap();
            assert_eq!(index.vector(row), unit.as_slice());
        }
    }
    scratch.npy("found/text_emb/text_emb_0.npy", &[[1.0, 0.0]]);
    fs::create_dir(scratch.path("empty")).unwrap();
    for (folder, words) in [("found", "img_emb and text_emb"), ("empty", "no .npy file")] {
        let error = import(scratch.path(folder), None, &out, &normalizing(), &mut ());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(folder), "{error}");
    }
    scratch.write("found/img_emb/img_emb_11.npy", npy("<f4", 1, 3, &[0; 12]));
    let error = import(scratch.path("found/img_emb"), None, &out, &normalizing(), &mut ());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("img_emb_11") && error.contains("3 dimensions"), "{error}");
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_written() {
    let scratch = Scratch::new();
    let good = scratch.npy("good.npy", &[[1.0, 0.0], [0.0, 1.0]]);
    let long = scratch.npy("long.npy", &[[1.0, 0.0], [3.0, 4.0]]);
    let zero = scratch.npy("zero.npy", &[[1.0, 0.0], [0.0, 0.0]]);
    let nan = scratch.npy("nan.npy", &[[1.0, 0.0], [f32::NAN, 1.0]]);
    let great: Vec<u8> = [1.0, 0.0, 1e300, 0.0_f64].iter().flat_map(|v| v.to_le_bytes()).collect();
    let great = scratch.write("great.npy", npy("<f8", 2, 2, &great));
    let two = scratch.write("two.csv", "id\na\nb\n");
    let cases: [(&Path, &str, &str, bool); 9] = [
        (&long, "id\na\nb\n", "row 1 (id \"b\")", false),
        (&zero, "id\na\nb\n", "row 1 (id \"b\")", true),
        (&nan, "id\na\nb\n", "row 1 (id \"b\")", true),
        (&great, "id\na\nb\n", "row 1 (id \"b\")", true),
        (&good, "id\na\n", "has 1 rows below its header, but there are 2 vectors", false),
        (&good, "id\na\nb\nc\n", "has 3 rows", false),
        (&good, "id,x\na,1\n\na,2\n", "line 4: duplicate id; ids must be unique", false),
        (&good, "id,x\na,1\nb\n", "line 3: more or fewer cells than the header", false),
        (&good, "id,x\nNA,1\nb,2\n", "line 2: no id", false),
    ];
    let out = scratch.path("out.arrow");
    for (vectors, table, words, normalize) in cases {
        let table = scratch.write("table.csv", table);
        let options = ImportOptions { normalize, ..ImportOptions::default() };
        let error = import(vectors, Some(&table), &out, &options, &mut ()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let parquet = scratch.write("table.csv", "PAR1....");
    let error = import(&good, Some(&parquet), &out, &normalizing(), &mut ()).unwrap_err();
    assert!(error.to_string().contains("read_parquet"), "{error}");
    let error = import(&good, Some(&two), &two, &normalizing(), &mut ()).unwrap_err();
    assert!(matches!(error, CatalogError::OutIsTable { .. }), "{error}");
    let error = import(&good, None, &good, &normalizing(), &mut ()).unwrap_err();
    assert!(matches!(error, CatalogError::OutIsTable { .. }), "{error}");
    let missing = import(scratch.path("no.npy"), None, &out, &normalizing(), &mut ());
    assert!(matches!(missing, Err(CatalogError::Index(SongIndexError::Io { action: "read", .. }))));
    let stopped =
        import(&good, None, &out, &normalizing(), &mut |_: Update| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(CatalogError::Cancelled)));
    let names = scratch.names();
    assert!(names.iter().all(|name| name != "out.arrow" && !name.starts_with('.')), "{names:?}");
}

/// Compares searches of ViT-B/32 vectors for class names with the results of `f64` arithmetic.
#[test]
fn real_clip_vectors_are_found_as_a_float64_scan_finds_them() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/clip_text_vectors");
    if !shared.exists() {
        println!("skipped: {} is missing", shared.display());
        return;
    }
    let scratch = Scratch::new();
    for (vectors, names) in [
        ("coco_clip_a+cname", "coco_names"),
        ("lvis_v1_clip_a+cname", "lvis_names"),
        ("oid_clip_a+cname", "oid_names"),
        ("o365_clip_a+cnamefix", "o365_names"),
    ] {
        let path = shared.join(format!("{vectors}.npy"));
        let names: Vec<String> =
            serde_json::from_slice(&fs::read(shared.join(format!("{names}.json"))).unwrap())
                .unwrap();
        let rows: String =
            names.iter().map(|name| format!("\"{}\"\n", name.replace('"', "\"\""))).collect();
        let table = scratch.write("names.csv", format!("title\n{rows}"));
        let out = scratch.path("out.arrow");
        let refused = import(&path, Some(&table), &out, &ImportOptions::default(), &mut ());
        assert!(matches!(
            refused,
            Err(CatalogError::Index(SongIndexError::BadVector { row: 0, .. }))
        ));
        let report = import(&path, Some(&table), &out, &normalizing(), &mut ()).unwrap();
        assert_eq!((report.songs, report.dim), (names.len(), 512));

        // The oracle parses the file independently: float16 values, after a header padded to a
        // multiple of 64.
        let bytes = fs::read(&path).unwrap();
        let halves = &bytes[bytes.len() - names.len() * 512 * 2..];
        let exact: Vec<f64> = halves
            .chunks_exact(2)
            .map(|half| f64::from(f16::from_le_bytes([half[0], half[1]]).to_f32()))
            .collect();
        let unit: Vec<Vec<f64>> = exact
            .chunks_exact(512)
            .map(|row| {
                let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
                row.iter().map(|v| v / norm).collect()
            })
            .collect();
        let index = SongIndex::open(&out).unwrap();
        let mut asked = 0;
        for row in (0..names.len()).step_by(names.len() / 20) {
            assert_eq!(index.song(row).unwrap().title, Some(names[row].clone()));
            let dot = |other: &Vec<f64>| -> f64 {
                other.iter().zip(&unit[row]).map(|(a, b)| a * b).sum()
            };
            let mut expected: Vec<(usize, f64)> = unit.iter().map(dot).enumerate().collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let query = index.embedding(row).unwrap();
            let hits = index.search(&query, &SearchOptions { k: 10, ..SearchOptions::default() });
            for (hit, (_, score)) in hits.unwrap().iter().zip(&expected) {
                // Rounding a unit vector to f32 moves a cosine by at most 2^-23; closer neighbours
                // may swap places.
                assert!((hit.score - score).abs() < 3e-7, "{} {score}", hit.score);
                assert!((dot(&unit[hit.row]) - hit.score).abs() < 3e-7);
            }
            asked += 1;
        }
        println!("{vectors}: {} vectors, {asked} searches agree with float64", names.len());
        assert!(asked >= 20);
    }
}
