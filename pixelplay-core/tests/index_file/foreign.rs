//! Files from other programs, and folders of files.

use arrow_ipc::reader::FileReader;
use pixelplay_core::index::write_index;
use pixelplay_core::progress::Update;

use super::*;

fn open_foreign(table: &RecordBatch) -> Result<SongIndex, SongIndexError> {
    let folder = Folder::new();
    let path = folder.path("foreign.arrow");
    fs::write(&path, arrow_file(table)).unwrap();
    SongIndex::open(&path)
}

pub(super) fn with_metadata(table: &RecordBatch, pairs: &[(&str, &str)]) -> RecordBatch {
    let metadata: HashMap<String, String> =
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let schema = Schema::new_with_metadata(table.schema().fields().clone(), metadata);
    RecordBatch::try_new(Arc::new(schema), table.columns().to_vec()).unwrap()
}

fn plain_table() -> RecordBatch {
    table(vec![
        ("id", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ])
}

#[test]
fn a_table_of_another_program_is_an_index_if_its_columns_are_right() {
    let index = open_foreign(&table(vec![
        ("id", Arc::new(LargeStringArray::from(vec!["a", "b"])) as ArrayRef),
        ("title", Arc::new(StringViewArray::from(vec![Some("One"), None]))),
        // The form in which pandas writes years if some are missing.
        ("year", Arc::new(Float64Array::from(vec![Some(1999.0), Some(f64::NAN)]))),
        ("energy", Arc::new(Float32Array::from(vec![0.5, f32::INFINITY]))),
        ("plays", Arc::new(Int32Array::from(vec![3, -4]))),
        ("_pp_anything", Arc::new(Int32Array::from(vec![1, 2]))),
        (
            "dates",
            Arc::new(ListArray::new_null(Arc::new(Field::new("item", DataType::Int32, true)), 2)),
        ),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ]))
    .unwrap();
    let columns: Vec<(&str, Kind)> =
        index.columns().iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    assert_eq!(
        columns,
        [
            ("title", Kind::Text),
            ("year", Kind::Integer),
            ("energy", Kind::Real),
            ("plays", Kind::Integer)
        ]
    );
    let first = index.song_by_id("a").unwrap();
    assert_eq!(
        (first.title.as_deref(), first.year, first.energy),
        (Some("One"), Some(1999), Some(0.5))
    );
    assert_eq!(first.extra["plays"], "3");
    let second = index.song_by_id("b").unwrap();
    assert_eq!((second.title, second.year, second.energy), (None, None, None));
    assert!(!index.has_checksums() && index.fingerprint().is_none());
    index.verify().unwrap();
    let query = Embedding::new(vec![0.0, 1.0], None).unwrap();
    let options = SearchOptions { filter: Some(col("plays").lt(0)), ..SearchOptions::default() };
    assert_eq!(index.search(&query, &options).unwrap()[0].id.as_str(), "b");
}

#[test]
fn rows_of_other_programs_are_checked_when_opened() {
    let ids = |ids: &[&str]| -> ArrayRef { Arc::new(StringArray::from(ids.to_vec())) };
    let ok = vectors(&[&[1.0, 0.0], &[0.6, 0.8]]);
    let bad: [(ArrayRef, ArrayRef, &str); 8] = [
        (ids(&["a", "b"]), vectors(&[&[1.0, 0.0], &[0.6, 0.7]]), "length 0.92"),
        (ids(&["a", "b"]), vectors(&[&[f32::NAN, 0.0], &[0.6, 0.8]]), "NaN"),
        (ids(&["a", "b"]), vectors(&[&[1.0, 0.0], &[f32::INFINITY, 0.8]]), "inf"),
        (ids(&["a", "a"]), ok.clone(), "unique"),
        (ids(&["a", ""]), ok.clone(), "empty id"),
        (Arc::new(StringArray::from(vec![Some("a"), None])), ok.clone(), "no id"),
        (Arc::new(Int32Array::from(vec![1, 2])), ok, "\"id\" has type"),
        (ids(&["a", "b"]), Arc::new(Float32Array::from(vec![1.0, 1.0])), "fixed_size_list"),
    ];
    for (ids, embedding, word) in bad {
        let error = open_foreign(&table(vec![("id", ids), ("embedding", embedding)])).unwrap_err();
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    let no_vectors = table(vec![("id", ids(&["a"]))]);
    assert!(open_foreign(&no_vectors).unwrap_err().to_string().contains("embedding"));
    let text_year = table(vec![
        ("id", ids(&["a", "b"])),
        ("year", ids(&["1999", "2000"])),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ]);
    assert!(open_foreign(&text_year).unwrap_err().to_string().contains("\"year\""));
    let half_year = table(vec![
        ("id", ids(&["a", "b"])),
        ("year", Arc::new(Float64Array::from(vec![1999.5, 2000.0]))),
        ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
    ]);
    assert!(open_foreign(&half_year).unwrap_err().to_string().contains("not whole"));
}

#[test]
fn a_table_of_too_many_columns_is_refused() {
    let names: Vec<String> = (0..9_999).map(|column| column.to_string()).collect();
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let open = |count: usize| {
        let mut columns = vec![
            ("id", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
            ("embedding", vectors(&[&[1.0, 0.0], &[0.6, 0.8]])),
        ];
        let others = names[..count].iter();
        columns.extend(others.map(|name| (name.as_str(), column.clone())));
        open_foreign(&table(columns))
    };
    assert_eq!(open(9_998).unwrap().columns().len(), 9_998);
    let error = open(9_999).unwrap_err().to_string();
    assert!(error.contains("10001 columns"), "{error}");
}

#[test]
fn a_table_that_kept_our_metadata_keeps_its_space() {
    let kept =
        [("pixelplay.format", "1"), ("pixelplay.dim", "2"), ("pixelplay.fingerprint", "space")];
    let index = open_foreign(&with_metadata(&plain_table(), &kept)).unwrap();
    assert_eq!(index.fingerprint().unwrap().as_str(), "space");
    assert!(!index.has_checksums());

    let open =
        |pairs: &[(&str, &str)]| open_foreign(&with_metadata(&plain_table(), pairs)).unwrap_err();
    let rewritten = |footer: &[(&str, &str)], schema: &[(&str, &str)]| {
        let table = with_metadata(&plain_table(), schema);
        let mut writer = FileWriter::try_new(Vec::new(), &table.schema()).unwrap();
        writer.write(&table).unwrap();
        for (key, value) in footer {
            writer.write_metadata(*key, *value);
        }
        let folder = Folder::new();
        let path = folder.path("rewritten.arrow");
        fs::write(&path, writer.into_inner().unwrap()).unwrap();
        SongIndex::open(&path)
    };
    rewritten(&[("pandas", "{}")], &kept).unwrap();
    let all =
        [("pixelplay.rows", "2"), ("pixelplay.batch_checksums", "0"), ("pixelplay.checksum", "0")];
    // Only some of our metadata keys.
    for (footer, schema) in [
        (&all[..1], &kept[..]),
        (&all[1..], &kept[..]),
        (&all[..], &[][..]),
        (&all[..], &kept[1..]),
        (&[], &kept[..1]),
        (&[], &kept[1..]),
        (&[], &kept[2..]),
    ] {
        let error = rewritten(footer, schema).unwrap_err();
        assert!(
            matches!(&error, SongIndexError::Damaged { what, .. } if what.contains("but not all")),
            "{footer:?} {schema:?}: {error}"
        );
    }

    let newer = open(&[("pixelplay.format", "3")]);
    assert!(matches!(newer, SongIndexError::NewerFormat { found: 3, supported: 2, .. }), "{newer}");
    assert!(matches!(open(&[("pixelplay.format", "one")]), SongIndexError::Damaged { .. }));
    assert!(matches!(open(&[("pixelplay.dim", "3")]), SongIndexError::Damaged { .. }));
    assert!(matches!(open(&[("pixelplay.fingerprint", "")]), SongIndexError::Damaged { .. }));
}

// ---- folders of files

#[test]
fn a_folder_of_files_is_one_index() {
    let folder = Folder::new();
    write(&folder.path("b.arrow"), WriterOptions::new(2), &[(song("3"), vec![0.0, 1.0])]);
    let options =
        WriterOptions { batch_rows: 1, columns: vec!["title".to_owned()], ..WriterOptions::new(2) };
    let titled = Song { title: Some("One".to_owned()), ..song("1") };
    write(
        &folder.path("a.arrow"),
        options,
        &[(titled, vec![1.0, 0.0]), (song("2"), vec![0.6, 0.8])],
    );
    fs::write(folder.path("readme.txt"), "not an index").unwrap();
    fs::write(folder.path(".pixelplay-x.arrow"), "half a file").unwrap();
    let index = SongIndex::open(folder.0.path()).unwrap();
    assert_eq!(index.ids().collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(index.song(0).unwrap().title.as_deref(), Some("One"));
    // If a file lacks a column, its cells are null.
    let query = Embedding::new(vec![0.6, 0.8], None).unwrap();
    let options = SearchOptions { filter: Some(col("year").is_null()), ..SearchOptions::default() };
    let hits = index.search(&query, &options).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [1, 2, 0]);
    index.verify().unwrap();

    write(&folder.path("c.arrow"), WriterOptions::new(2), &[(song("2"), vec![0.0, 1.0])]);
    let error = SongIndex::open(folder.0.path()).unwrap_err().to_string();
    assert!(error.contains("c.arrow") && error.contains("unique"), "{error}");
    write(&folder.path("c.arrow"), WriterOptions::new(3), &[]);
    let error = SongIndex::open(folder.0.path()).unwrap_err().to_string();
    assert!(error.contains("c.arrow") && error.contains("dimension"), "{error}");
}

#[test]
fn verify_can_be_stopped() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    write(&path, WriterOptions::new(1), &[(song("a"), vec![1.0])]);
    let index = SongIndex::open(&path).unwrap();
    let result = index.verify_with(&mut |_: Update| std::ops::ControlFlow::Break(()));
    assert!(matches!(result, Err(SongIndexError::Cancelled)));
    let mut last = None;
    index
        .verify_with(&mut |progress: Update| {
            last = Some(progress);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (1, Some(1)));

    // Each batch reports progress in each stage, and each report can cancel.
    let options = WriterOptions { batch_rows: 1, ..WriterOptions::new(1) };
    let songs = ["a", "b", "c"].map(|id| (song(id), vec![1.0]));
    write(&path, options, &songs);
    let index = SongIndex::open(&path).unwrap();
    let mut reports = Vec::new();
    index
        .verify_with(&mut |progress: Update| {
            reports.push((progress.stage, progress.done));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    for done in 0..=3 {
        assert!(reports.contains(&("comparing checksums", done)), "{reports:?}");
        assert!(reports.contains(&("checking columns", done)), "{reports:?}");
    }
    for stop_at in 0..reports.len() {
        let mut seen = 0;
        let result = index.verify_with(&mut |_: Update| {
            seen += 1;
            if seen > stop_at {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        });
        assert!(matches!(result, Err(SongIndexError::Cancelled)));
        assert_eq!(seen, stop_at + 1);
    }
}

#[test]
fn quantized_vectors_that_another_program_copied_are_not_believed() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    let songs = ["east", "north"].map(song);
    write_index(&path, &songs, &[1.0, 0.0, 0.0, 1.0], WriterOptions::new(2)).unwrap();
    let mut reader = FileReader::try_new(fs::File::open(&path).unwrap(), None).unwrap();
    let table = reader.next().unwrap().unwrap();
    // Swap the vectors, but keep their codes, their bounds and our metadata.
    let at = table.schema().index_of("embedding").unwrap();
    let mut columns = table.columns().to_vec();
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let swapped = Arc::new(Float32Array::from(vec![0.0, 1.0, 1.0, 0.0]));
    columns[at] = Arc::new(FixedSizeListArray::new(item, 2, swapped, None));
    let table = RecordBatch::try_new(table.schema(), columns).unwrap();
    assert!(table.schema().column_with_name("_pp_rotated").is_some());
    fs::write(&path, arrow_file(&table)).unwrap();

    let index = SongIndex::open(&path).unwrap();
    index.verify().unwrap();
    let query = Embedding::new(vec![1.0, 0.0], None).unwrap();
    let options = SearchOptions { k: 1, ..SearchOptions::default() };
    assert_eq!(index.search(&query, &options).unwrap()[0].id.as_str(), "north");
}
