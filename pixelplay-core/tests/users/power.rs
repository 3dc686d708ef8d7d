//! What a power cut would leave.
//!
//! A unit test next to the code that opens connections asserts the settings that sync a commit
//! before it is acknowledged. Here, files are cut, zeroed and mixed, as a disk that lost everything
//! not yet synced may leave them.

use super::*;
use rand::RngExt as _;

const FILES: [&str; 2] = ["users.db", "users.db-wal"];

/// A store to which songs were added one by one, with the length of the log after each commit.
struct Written {
    folder: Folder,
    users: UserStore,
    log_lengths: Vec<u64>,
}

fn write(songs: usize) -> Written {
    let folder = Folder::new();
    import(&folder.open(), "ana");
    let users = folder.open();
    let mut log_lengths = Vec::new();
    for n in 0..songs {
        users.add_favourite("ana", &song(n)).unwrap();
        let length = fs::metadata(folder.path(FILES[1])).unwrap().len();
        assert!(log_lengths.last().is_none_or(|last| *last < length), "the log started over");
        log_lengths.push(length);
    }
    Written { folder, users, log_lengths }
}

/// Returns a song id. Some ids are long, so that commits differ in size.
fn song(n: usize) -> String {
    format!("song {n:03} {}", "x".repeat((n % 5) * 230))
}

/// Opens a copy of these files and returns the songs in it.
fn open_copy(files: [&[u8]; 2]) -> Vec<String> {
    let folder = Folder::new();
    for (name, bytes) in FILES.iter().zip(files) {
        fs::write(folder.path(name), bytes).unwrap();
    }
    let users = folder.open();
    users.verify().unwrap();
    let mut songs = users.favourites("ana").unwrap();
    songs.sort();
    songs
}

fn songs(count: usize) -> Vec<String> {
    (0..count).map(song).collect()
}

#[test]
fn a_copy_made_right_after_a_commit_holds_it() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    for n in 0..40 {
        users.add_favourite("ana", &song(n)).unwrap();
        let [db, log] = FILES.map(|name| fs::read(folder.path(name)).unwrap());
        assert_eq!(open_copy([&db, &log]), songs(n + 1));
    }
}

#[test]
fn of_a_log_that_is_cut_all_commits_before_the_cut_are_there_and_nothing_else() {
    let Written { folder, users, log_lengths } = write(60);
    let [db, log] = FILES.map(|name| fs::read(folder.path(name)).unwrap());
    let mut rng = rand::rng();
    let cuts = soak(60, 2000);
    for n in 0..cuts {
        let cut = match n {
            0 => 0,
            1 => log.len(),
            _ => rng.random_range(0..=log.len()),
        };
        let committed = log_lengths.iter().filter(|length| **length <= cut as u64).count();
        // Whatever was not synced is missing, zeroed, or scrambled.
        let mut zeroed = log.clone();
        zeroed[cut..].fill(0);
        let mut noisy = log.clone();
        noisy[cut..].iter_mut().for_each(|byte| *byte ^= rng.random_range(1..=255));
        for (what, log) in [("cut", &log[..cut]), ("zeroed", &zeroed), ("noise", &noisy)] {
            let found = open_copy([&db, log]);
            assert!(
                found == songs(committed),
                "{what} at {cut}: {} songs, not {committed}",
                found.len()
            );
        }
    }
    drop(users);
    println!("{cuts} logs cut, zeroed and scrambled: every commit before the cut was there");
}

#[test]
fn a_page_that_is_lost_in_the_middle_loses_no_commit_before_it_and_leaves_none_half() {
    let Written { folder, users, log_lengths } = write(60);
    let [db, log] = FILES.map(|name| fs::read(folder.path(name)).unwrap());
    let mut rng = rand::rng();
    for _ in 0..soak(60, 2000) {
        // A disk writes sectors in any order: a sector that was not synced may be missing although
        // later ones are there.
        let hole = rng.random_range(0..log.len() / 512) * 512;
        let mut holed = log.clone();
        holed[hole..hole + 512].fill(0);
        let committed = log_lengths.iter().filter(|length| **length <= hole as u64).count();
        let found = open_copy([&db, &holed]);
        assert!(found.len() >= committed, "hole at {hole}");
        assert_eq!(found, songs(found.len()), "hole at {hole}");
    }
    drop(users);
}

#[test]
fn a_cut_while_the_log_is_moved_into_the_file_loses_nothing() {
    let Written { folder, users, .. } = write(60);
    let [before, log] = FILES.map(|name| fs::read(folder.path(name)).unwrap());
    drop(users);
    assert_eq!(folder.names(), ["users.db"], "the last one moves the log into the file");
    let after = fs::read(folder.db()).unwrap();
    assert!(after.len() > before.len());
    let mut rng = rand::rng();
    for round in 0..soak(40, 1000) {
        // Each page is the old one, the new one, or torn. The log is still there.
        let mut mixed = after.clone();
        if round % 2 == 0 {
            mixed.truncate(before.len().max(rng.random_range(0..=after.len() / 4096) * 4096));
        }
        for at in (0..mixed.len()).step_by(4096) {
            let torn = rng.random_range(0..3) * 2048;
            let old = before.get(at..at + torn).unwrap_or_default();
            mixed[at..at + old.len()].copy_from_slice(old);
        }
        assert_eq!(open_copy([&mixed, &log]), songs(60), "round {round}");
    }
}
