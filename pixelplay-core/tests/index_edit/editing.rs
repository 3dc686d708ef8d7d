//! The effects of edits, and the edits that are refused.

use super::*;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field};
use pixelplay_core::progress::Update;
use pixelplay_core::song::Kind;

#[test]
fn only_the_shards_that_change_are_written() {
    let folder = Folder::new();
    let path = folder.shards(&[&["a", "b"], &["c", "d"], &["e"]]);
    let untouched = fs::metadata(path.join("part-0.arrow")).unwrap().modified().unwrap();
    let more = folder.file("more.arrow", &["f", "c"]);
    let report = replacing(&path).add(&SongIndex::open(&more).unwrap(), &mut ()).unwrap();
    assert_eq!((report.added, report.replaced, report.removed, report.songs), (1, 1, 0, 6));
    assert_eq!(report.to_string(), "1 added, 1 replaced, 6 songs in the index");
    assert_eq!(ids(&path), ["a", "b", "d", "e", "f", "c"]);
    assert_eq!(
        names(&path),
        [MANIFEST, "part-0.arrow", "part-2.arrow", "songs-000001.arrow", "songs-000002.arrow"]
    );
    assert_eq!(fs::metadata(path.join("part-0.arrow")).unwrap().modified().unwrap(), untouched);

    // A shard that loses all its songs is dropped, and its number is not reused.
    edit(&path).remove(["f", "c"], &mut ()).unwrap();
    let one_more = folder.file("one.arrow", &["g"]);
    add(&path, &one_more).unwrap();
    assert_eq!(
        names(&path),
        [MANIFEST, "part-0.arrow", "part-2.arrow", "songs-000001.arrow", "songs-000003.arrow"]
    );
    edit(&path).compact(&mut ()).unwrap();
    assert_eq!(names(&path), [MANIFEST, "songs-000004.arrow"]);
    assert_eq!(ids(&path), ["a", "b", "d", "e", "g"]);
}

#[test]
fn the_last_song_may_go_and_others_may_come() {
    let folder = Folder::new();
    for path in [folder.file("songs.arrow", &["a"]), folder.shards(&[&["a"], &["b"]])] {
        let all = ids(&path);
        edit(&path).remove(&all, &mut ()).unwrap();
        let index = SongIndex::open(&path).unwrap();
        assert_eq!((index.len(), index.dim()), (0, 3));
        add(&path, &folder.file("more.arrow", &["c"])).unwrap();
        assert_eq!(ids(&path), ["c"]);
    }
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let folder = Folder::new();
    let more = folder.file("more.arrow", &["x", "b", "a"]);
    for path in [folder.file("songs.arrow", &["a", "b"]), folder.shards(&[&["a"], &["b"]])] {
        let before = contents(&SongIndex::open(&path).unwrap());
        let known = add(&path, &more).unwrap_err();
        assert!(matches!(&known, SongIndexError::KnownIds { count: 2, ids } if ids == &["b", "a"]));
        assert!(known.to_string().contains("\"b\", \"a\""), "{known}");
        let unknown = edit(&path).remove(["a", "y", "y", "z"], &mut ()).unwrap_err();
        assert!(
            matches!(&unknown, SongIndexError::UnknownIds { count: 2, ids } if ids == &["y", "z"])
        );
        assert!(unknown.to_string().contains("2 of the songs to remove are not"), "{unknown}");
        assert_eq!(contents(&SongIndex::open(&path).unwrap()), before);

        let options = EditOptions { ignore_missing: true, ..EditOptions::default() };
        let editor = SongIndexEditor::open(&path, options, &mut ()).unwrap();
        let report = editor.remove(["a", "y", "y"], &mut ()).unwrap();
        assert_eq!((report.removed, report.missing, report.songs), (1, 1, 1));
    }
}

#[test]
fn vectors_of_another_kind_are_refused() {
    let folder = Folder::new();
    let path = folder.file("songs.arrow", &["a"]);
    let named = |name: &str| Some(Fingerprint::new(name).unwrap());
    let with = |name: &str, dim: usize, fingerprint| {
        let path = folder.path(name);
        let options = WriterOptions { normalize: true, fingerprint, ..WriterOptions::new(dim) };
        let mut writer = SongIndexWriter::create(&path, options).unwrap();
        writer.push(&row("x", 1).0, &vec![1.0; dim]).unwrap();
        writer.finish().unwrap();
        path
    };
    let ours = with("ours.arrow", 3, named("ours"));
    for (index, more, words) in [
        (&path, with("wide.arrow", 4, None), "expected a vector of 3 dimensions, found 4"),
        (&path, with("named.arrow", 3, named("other")), "only one of the two"),
        (&ours, with("other.arrow", 3, named("other")), "expected ours, found other"),
    ] {
        let error = add(index, &more).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(more.to_str().unwrap()), "{error}");
    }
}

fn table(extra: (&str, ArrayRef)) -> RecordBatch {
    let values = Float32Array::from([vector(1), vector(2)].concat());
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let vectors = FixedSizeListArray::new(item, 3, Arc::new(values), None);
    RecordBatch::try_from_iter([
        ("id", Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef),
        extra,
        ("embedding", Arc::new(vectors)),
    ])
    .unwrap()
}

fn write_foreign(path: &Path, table: &RecordBatch) {
    let file = fs::File::create(path).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &table.schema()).unwrap();
    writer.write(table).unwrap();
    writer.finish().unwrap();
}

#[test]
fn unknown_columns_of_any_kind_are_carried_along_or_refused() {
    let folder = Folder::new();
    let path = folder.path("foreign.arrow");
    let plays: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
    write_foreign(&path, &table(("plays", plays)));
    add(&path, &folder.file("more.arrow", &["a"])).unwrap();
    edit(&path).remove(["x"], &mut ()).unwrap();
    let index = SongIndex::open(&path).unwrap();
    assert!(index.has_checksums());
    assert!(index.columns().contains(&("plays".to_owned(), Kind::Integer)));
    assert_eq!(index.song(0).unwrap().extra["plays"], "8");
    assert!(index.song(1).unwrap().extra.is_empty());

    // The same column name with another type.
    let mut other = row("b", 1);
    other.0.extra.insert("plays".to_owned(), "many".to_owned());
    write(&folder.path("text.arrow"), &[other]);
    let error = add(&path, &folder.path("text.arrow")).unwrap_err().to_string();
    assert!(
        error.contains("\"plays\" holds text in the new songs, whole numbers in the index"),
        "{error}"
    );

    // A column of a type that songs cannot hold would be lost.
    let lists = ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>([
        Some([Some(1)]),
        Some([Some(2)]),
    ]);
    let path = folder.path("lists.arrow");
    write_foreign(&path, &table(("charts", Arc::new(lists))));
    let before = fs::read(&path).unwrap();
    let error = edit(&path).remove(["x"], &mut ()).unwrap_err().to_string();
    assert!(error.contains("\"charts\"") && error.contains("would be lost"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn damage_is_not_copied_under_a_new_checksum() {
    let folder = Folder::new();
    let path = folder.file("songs.arrow", &["a", "b"]);
    let mut bytes = fs::read(&path).unwrap();
    let title = bytes.windows(7).position(|bytes| bytes == b"title 1").unwrap();
    bytes[title] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let more = folder.file("more.arrow", &["c"]);
    for result in [
        edit(&path).remove(["a"], &mut ()),
        edit(&path).compact(&mut ()),
        add(&path, &more),
        add(&more, &path),
    ] {
        assert!(
            matches!(&result, Err(SongIndexError::Damaged { path: at, .. }) if *at == path),
            "{result:?}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(names(folder.0.path()), ["more.arrow", "songs.arrow"]);
}

#[test]
fn an_edit_that_is_stopped_changes_nothing() {
    let folder = Folder::new();
    let many: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let more = folder.file("more.arrow", &many);
    for path in [folder.file("songs.arrow", &["a", "b"]), folder.shards(&[&["a"], &["b"]])] {
        let before = contents(&SongIndex::open(&path).unwrap());
        let mut stopped_at = Vec::new();
        for stop_at in 0.. {
            let mut calls = 0;
            let result =
                replacing(&path).add(&SongIndex::open(&more).unwrap(), &mut |progress: Update| {
                    assert!(progress.done <= progress.total.unwrap());
                    calls += 1;
                    if calls > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
            let Err(error) = result else { break };
            assert!(matches!(error, SongIndexError::Cancelled), "{error}");
            assert_eq!(contents(&SongIndex::open(&path).unwrap()), before);
            stopped_at.push(stop_at);
        }
        assert!(stopped_at.len() > 20, "{stopped_at:?}");
        assert_eq!(ids(&path).len(), 102);
    }
    assert_eq!(names(folder.0.path()), ["more.arrow", "songs", "songs.arrow"]);
    let left = names(&folder.path("songs"));
    assert!(left.iter().all(|name| !name.starts_with('.')) && left.len() == 4, "{left:?}");
}

#[test]
fn a_file_put_beside_the_shards_of_an_edited_folder_is_pointed_out() {
    let folder = Folder::new();
    let path = folder.shards(&[&["a"], &["b"]]);
    write(&path.join("dropped in.arrow"), &songs(&["c"]));
    assert_eq!(ids(&path), ["c", "a", "b"]);
    edit(&path).remove(["a"], &mut ()).unwrap();
    assert_eq!(ids(&path), ["c", "b"]);

    write(&path.join("later.arrow"), &songs(&["d"]));
    for error in [
        SongIndex::open(&path).map(|_| ()),
        SongIndexEditor::open(&path, EditOptions::default(), &mut ()).map(|_| ()),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("later.arrow") && error.contains("add it"), "{error}");
    }
    fs::rename(path.join("later.arrow"), folder.path("later.arrow")).unwrap();
    add(&path, &folder.path("later.arrow")).unwrap();
    assert_eq!(ids(&path), ["c", "b", "d"]);
}

#[test]
fn a_folder_that_lost_a_shard_or_its_manifest_says_so() {
    let folder = Folder::new();
    let path = folder.shards(&[&["a"], &["b"]]);
    edit(&path).remove(["a"], &mut ()).unwrap();
    let manifest = path.join(MANIFEST);
    let whole = fs::read(&manifest).unwrap();
    fs::write(&manifest, &whole[..whole.len() - 2]).unwrap();
    let error = SongIndex::open(&path).unwrap_err();
    assert!(matches!(&error, SongIndexError::Damaged { path, .. } if *path == manifest), "{error}");
    fs::write(&manifest, &whole).unwrap();
    fs::remove_file(path.join("part-1.arrow")).unwrap();
    let error = SongIndex::open(&path).unwrap_err().to_string();
    assert!(error.contains("part-1.arrow"), "{error}");
}

#[test]
fn the_same_edits_give_the_same_bytes() {
    let made = |_| {
        let folder = Folder::new();
        let path = folder.shards(&[&["a", "bb"], &["ccc", "d"]]);
        let more = folder.file("more.arrow", &["x", "bb"]);
        replacing(&path).add(&SongIndex::open(&more).unwrap(), &mut ()).unwrap();
        edit(&path).remove(["d"], &mut ()).unwrap();
        let read = |name: &String| (name.clone(), fs::read(path.join(name)).unwrap());
        names(&path).iter().map(read).collect::<Vec<_>>()
    };
    assert_eq!(made(1), made(2));
}

#[test]
fn whoever_replaces_an_index_waits_for_its_editor() {
    let folder = Folder::new();
    let path = folder.file("songs.arrow", &["a", "b"]);
    let editor = edit(&path);
    std::thread::scope(|scope| {
        let replacing = scope.spawn(|| write(&path, &songs(&["new"])));
        // Long enough for the writer to finish if it did not wait.
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert_eq!(ids(&path), ["a", "b"]);
        editor.remove(["a"], &mut ()).unwrap();
        replacing.join().unwrap();
    });
    assert_eq!(ids(&path), ["new"]);
    assert_eq!(names(folder.0.path()), ["songs.arrow"]);
}

#[test]
fn waiting_for_another_editor_can_be_given_up() {
    let folder = Folder::new();
    for path in [folder.file("songs.arrow", &["a"]), folder.shards(&[&["a"]])] {
        let _editor = edit(&path);
        let mut stages = Vec::new();
        let gave_up =
            SongIndexEditor::open(&path, EditOptions::default(), &mut |progress: Update| {
                stages.push(progress.stage);
                ControlFlow::Break(())
            });
        assert!(matches!(gave_up, Err(SongIndexError::Cancelled)));
        assert_eq!(stages, ["waiting for another writer"]);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_an_index_stays_a_link() {
    let folder = Folder::new();
    let file = folder.file("songs.arrow", &["a"]);
    let shards = folder.shards(&[&["a"], &["b"]]);
    let more = folder.file("more.arrow", &["c"]);
    for real in [file, shards] {
        let link = folder.path("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        add(&link, &more).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(ids(&real).contains(&"c".to_owned()));
        fs::remove_file(&link).unwrap();
    }
}
