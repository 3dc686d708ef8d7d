//! Any sequence of edits gives the same index as writing the resulting songs at once.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Edit {
    Add { rows: Vec<(u8, u32)>, replace: bool },
    Remove(Vec<u8>),
    Compact,
}

fn rows() -> impl Strategy<Value = Vec<(u8, u32)>> {
    prop::collection::btree_map(0_u8..24, 0_u32..500, 0..12)
        .prop_map(|rows| rows.into_iter().collect())
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let one = prop_oneof![
        3 => (rows(), any::<bool>()).prop_map(|(rows, replace)| Edit::Add { rows, replace }),
        2 => prop::collection::vec(0_u8..24, 0..8).prop_map(Edit::Remove),
        1 => Just(Edit::Compact),
    ];
    prop::collection::vec(one, 1..8)
}

fn made(rows: &[(u8, u32)]) -> Vec<Row> {
    rows.iter()
        .map(|&(id, seed)| {
            let (mut song, vector) = row(&format!("é{id}"), seed);
            // The columns differ between files.
            if seed % 3 == 0 {
                song.extra.insert(format!("extra {}", seed % 2), seed.to_string());
            }
            (song, vector)
        })
        .collect()
}

/// Applies an edit to a plain list by the same rules. Returns `false` if the edit must be refused.
fn apply(model: &mut Vec<Row>, edit: &Edit) -> bool {
    let has = |model: &[Row], id: &SongId| model.iter().any(|(song, _)| song.id == *id);
    match edit {
        Edit::Add { rows, replace } => {
            let added = made(rows);
            if added.iter().any(|(song, _)| has(model, &song.id)) && !replace {
                return false;
            }
            model.retain(|(song, _)| !has(&added, &song.id));
            model.extend(added);
        }
        Edit::Remove(removed) => {
            let removed: Vec<String> = removed.iter().map(|id| format!("é{id}")).collect();
            if !removed.iter().all(|id| has(model, &SongId::new(id).unwrap())) {
                return false;
            }
            model.retain(|(song, _)| !removed.iter().any(|id| song.id.as_str() == id));
        }
        Edit::Compact => {}
    }
    true
}

fn answers(index: &SongIndex) -> Vec<pixelplay_core::index::SongHit> {
    let options = SearchOptions { k: 7, ..SearchOptions::default() };
    [1, 40, 77]
        .into_iter()
        .flat_map(|seed| {
            let query = Embedding::normalize(vector(seed), None).unwrap();
            index.search(&query, &options).unwrap()
        })
        .collect()
}

fn check(shards: &[Vec<(u8, u32)>], edits: &[Edit], is_folder: bool) {
    let folder = Folder::new();
    let path = folder.path("index");
    let mut model = Vec::new();
    if is_folder {
        fs::create_dir(&path).unwrap();
        for (at, rows) in shards.iter().enumerate() {
            let rows = made(rows);
            let fresh = |(song, _): &&Row| !model.iter().any(|(old, _): &Row| old.id == song.id);
            let rows: Vec<Row> = rows.iter().filter(fresh).cloned().collect();
            write(&path.join(format!("part {at}.arrow")), &rows);
            model.extend(rows);
        }
    } else {
        model = made(&shards[0]);
        write(&path, &model);
    }
    for one in edits {
        let more = folder.path("more.arrow");
        let expected = apply(&mut model, one);
        let report = match one {
            Edit::Add { rows, replace } => {
                write(&more, &made(rows));
                let editor = if *replace { replacing(&path) } else { edit(&path) };
                editor.add(&map(&more).unwrap(), &mut ())
            }
            Edit::Remove(ids) => edit(&path).remove(ids.iter().map(|id| format!("é{id}")), &mut ()),
            Edit::Compact => edit(&path).compact(&mut ()),
        };
        assert_eq!(report.is_ok(), expected, "{one:?}: {report:?}");
        let index = map(&path).unwrap();
        index.verify().unwrap();
        assert_eq!(contents(&index), model, "{one:?}");
        if let Ok(report) = report {
            assert_eq!(report.songs, model.len());
        }
    }
    let fresh = folder.path("fresh.arrow");
    write(&fresh, &model);
    assert_eq!(
        answers(&SongIndex::open(&path).unwrap()),
        answers(&SongIndex::open(&fresh).unwrap())
    );
    if is_folder {
        let names = names(&path);
        assert!(names.iter().all(|name| name.ends_with(".arrow") || name == MANIFEST), "{names:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn edits_of_a_file_equal_a_fresh_build(rows in rows(), edits in edits()) {
        check(&[rows], &edits, false);
    }

    #[test]
    fn edits_of_a_folder_equal_a_fresh_build(
        shards in prop::collection::vec(rows(), 1..4),
        edits in edits(),
    ) {
        check(&shards, &edits, true);
    }
}
