//! Real processes: readers that open an index while others change it, and writers that are killed.
//!
//! A child process is this test binary, with its role in environment variables. `PIXELPLAY_SOAK=1`
//! multiplies the rounds.

use super::*;
use std::collections::BTreeMap;
use std::process::{Child, Command, Output};
use std::time::Duration;

use rand::RngExt as _;

/// The number of songs in a group. Their year, title and vector hold the generation.
const GROUP: usize = 8;
const GROUPS: usize = 4;

pub(super) fn child(role: &str, place: &Path) -> Command {
    process::actor("processes::a_child_process", role, place)
}

#[test]
#[ignore = "runs only as a child process of another test"]
fn a_child_process() {
    let Some((role, argument, place)) = process::role() else {
        return;
    };
    match role.as_str() {
        "read" => read_until_stopped(&place, &argument),
        "add" => add_one_by_one(&place, &argument),
        "edit" => (1..u32::MAX).for_each(|generation| edit_once_around(&place, generation)),
        "replace" => {
            (1..u32::MAX).for_each(|generation| write(&place, &generation_of(generation)));
        }
        other => faults::child(other, &place),
    }
}

fn soak(rounds: usize) -> usize {
    let factor = if std::env::var_os("PIXELPLAY_SOAK").is_some() { 20 } else { 1 };
    rounds * factor
}

fn id(group: usize, song: usize) -> String {
    format!("{group} {song}")
}

fn group(generation: u32, group: usize) -> Vec<Row> {
    (0..GROUP).map(|song| row(&id(group, song), generation % 600)).collect()
}

fn generation_of(generation: u32) -> Vec<Row> {
    (0..GROUPS).flat_map(|at| group(generation, at)).collect()
}

/// Replaces every song, removes a group and adds it again, removes a song from every group, and
/// compacts.
///
/// Between these edits, all songs have one generation and all groups have one size; only the last
/// group may be missing.
fn edit_once_around(path: &Path, generation: u32) {
    let beside = tempfile::tempdir().unwrap();
    let more = beside.path().join("more.arrow");
    write(&more, &generation_of(generation));
    replacing(path).add(&map(&more).unwrap(), &mut ()).unwrap();
    let last = GROUPS - 1;
    let of_group = |group| (0..GROUP).map(move |song| id(group, song));
    edit(path).remove(of_group(last), &mut ()).unwrap();
    write(&more, &group(generation, last));
    edit(path).add(&map(&more).unwrap(), &mut ()).unwrap();
    let firsts = (0..GROUPS).map(|group| id(group, 0));
    edit(path).remove(firsts, &mut ()).unwrap();
    edit(path).compact(&mut ()).unwrap();
}

/// Panics if the index mixes two states; otherwise returns the generation.
fn check(index: &SongIndex) -> i64 {
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    let generation = index.song(0).unwrap().year.unwrap();
    let expected = vector(u32::try_from(generation - 1900).unwrap());
    for row in 0..index.len() {
        let song = index.song(row).unwrap();
        assert_eq!(song.year, Some(generation), "row {row} is of another generation");
        assert_eq!(index.vector(row), expected, "row {row} has the vector of another generation");
        let group = song.id.as_str().split(' ').next().unwrap().to_owned();
        *groups.entry(group).or_default() += 1;
    }
    assert!(groups.len() == GROUPS || groups.len() == GROUPS - 1, "{groups:?}");
    let size = groups["0"];
    assert!(groups.values().all(|&other| other == size), "{groups:?}");
    let query = Embedding::new(expected, None).unwrap();
    let options = SearchOptions { k: index.len(), ..SearchOptions::default() };
    let hits = index.search(&query, &options).unwrap();
    assert_eq!(hits.len(), index.len());
    assert!(hits.iter().all(|hit| (hit.score - 1.0).abs() < 1e-6), "{hits:?}");
    generation
}

fn read_until_stopped(path: &Path, name: &str) {
    let beside = path.parent().unwrap();
    let (mut opened, mut generations) = (0, std::collections::BTreeSet::new());
    while !beside.join("stop").exists() {
        let index = if opened % 2 == 0 { SongIndex::open(path) } else { map(path) };
        generations.insert(check(&index.unwrap()));
        opened += 1;
        if opened == 1 {
            fs::write(beside.join(format!("ready {name}")), b"").unwrap();
        }
    }
    println!("\nopened {opened} generations {}", generations.len());
}

fn add_one_by_one(path: &Path, name: &str) {
    let beside = tempfile::tempdir().unwrap();
    let more = beside.path().join("more.arrow");
    for song in 0..10 {
        write(&more, &[row(&format!("{name} {song}"), song)]);
        add(path, &more).unwrap();
    }
}

fn finished(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn wait_for(path: &Path) {
    let patience = (0..3000).find(|_| {
        std::thread::sleep(Duration::from_millis(10));
        path.exists()
    });
    assert!(patience.is_some(), "{} never came", path.display());
}

/// Runs `change` while four processes read. None of them may fail or see mixed states.
fn under_readers(folder: &Folder, path: &Path, change: impl FnOnce()) {
    const READERS: usize = 4;
    let readers: Vec<Child> =
        (0..READERS).map(|at| child(&format!("read {at}"), path).spawn().unwrap()).collect();
    for at in 0..READERS {
        wait_for(&folder.path(&format!("ready {at}")));
    }
    change();
    fs::write(folder.path("stop"), b"").unwrap();
    let mut generations_seen = 0;
    for reader in readers {
        let output = String::from_utf8(finished(reader).stdout).unwrap();
        let line = output.lines().find(|line| line.starts_with("opened ")).unwrap();
        println!("a reader {line}");
        let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        assert!(numbers[0] >= 10, "a reader opened the index only {} times", numbers[0]);
        generations_seen = generations_seen.max(numbers[1]);
    }
    assert!(generations_seen >= 3, "the readers saw only {generations_seen} states");
}

#[test]
fn a_file_is_replaced_under_reading_processes() {
    let folder = Folder::new();
    let path = folder.path("songs.arrow");
    write(&path, &generation_of(0));
    under_readers(&folder, &path, || {
        for generation in 1..=soak(50) as u32 {
            write(&path, &generation_of(generation));
            // Give readers time to see each state, even on two cores.
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
fn a_file_and_a_folder_are_edited_under_reading_processes() {
    for is_folder in [false, true] {
        let folder = Folder::new();
        let path = starting_index(&folder, is_folder);
        under_readers(&folder, &path, || {
            for generation in 1..=soak(10) as u32 {
                edit_once_around(&path, generation);
            }
        });
    }
}

/// Writes an index that was never edited, so a folder has no manifest.
fn starting_index(folder: &Folder, is_folder: bool) -> PathBuf {
    let path = folder.path("index");
    if is_folder {
        fs::create_dir(&path).unwrap();
        for at in 0..GROUPS {
            write(&path.join(format!("part-{at}.arrow")), &group(0, at));
        }
    } else {
        write(&path, &generation_of(0));
    }
    path
}

#[test]
fn processes_that_add_at_the_same_time_lose_nothing() {
    for is_folder in [false, true] {
        let folder = Folder::new();
        let path = starting_index(&folder, is_folder);
        let adders: Vec<Child> = ["w", "x", "y", "z"]
            .iter()
            .map(|name| child(&format!("add {name}"), &path).spawn().unwrap())
            .collect();
        for adder in adders {
            finished(adder);
        }
        assert_eq!(ids(&path).len(), GROUPS * GROUP + 40);
        assert!(names(folder.0.path()) == ["index"], "{:?}", names(folder.0.path()));
    }
}

#[test]
fn whenever_a_writer_is_killed_the_index_is_old_or_new_and_the_next_writer_tidies_up() {
    let mut rng = rand::rng();
    let mut leftovers = 0;
    for round in 0..soak(24) {
        let is_folder = round % 3 != 0;
        let role = if round % 6 == 3 { "replace" } else { "edit" };
        let folder = Folder::new();
        let path = starting_index(&folder, is_folder);
        let mut writer = child(role, &path).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.random_range(20..150)));
        writer.kill().unwrap();
        writer.wait().unwrap();

        let index = SongIndex::open(&path).unwrap();
        index.verify().unwrap();
        check(&index);
        let home = if is_folder { path.clone() } else { folder.0.path().to_owned() };
        let manifest = fs::read_to_string(path.join(MANIFEST)).unwrap_or_default();
        leftovers += names(&home).iter().filter(|name| name.starts_with('.')).count();
        leftovers += manifest.lines().filter(|line| line.starts_with("unused")).count();

        let before = contents(&index);
        edit(&path).compact(&mut ()).unwrap();
        let index = SongIndex::open(&path).unwrap();
        index.verify().unwrap();
        assert_eq!(contents(&index), before);
        let names = names(&home);
        let expected = if is_folder { 2 } else { 1 };
        assert!(names.len() == expected, "round {round}: {names:?}");
    }
    println!("killed writers left {leftovers} files or announcements, all cleaned up");
    assert!(leftovers > 0, "no writer was killed at work");
}
