//! Backups: made during writes and restored over any existing file; and copies made by other means.

use super::child::{child, wait_for};
use super::*;
use rand::RngExt as _;
use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

/// Songs that a writer adds to one account before it goes on to the next.
const SONGS: usize = 2000;
const WRITERS: usize = 2;

fn account(writer: usize, song: usize) -> String {
    format!("writer-{writer}-{}", song / SONGS)
}

/// The role `add WRITER ROUND` of a [`child`]: adds songs as fast as it can, and notes each song
/// that was acknowledged.
pub(super) fn add_until_killed(db: &Path, argument: &str) {
    let (writer, first) = argument.split_once(' ').unwrap();
    let (writer, first): (usize, usize) = (writer.parse().unwrap(), first.parse().unwrap());
    let users = UserStore::open(db).unwrap();
    let mut notes = File::options().create(true).append(true).open(notes_path(db, writer)).unwrap();
    for song in first.. {
        let name = account(writer, song);
        if song % SONGS == 0 {
            match users.import_account(&name, &CHEAP_HASH) {
                Ok(()) | Err(UserError::NameTaken) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        users.add_favourite(&name, &format!("song {song}")).unwrap();
        notes.write_all(b".").unwrap();
    }
}

/// The role `back-up ROUND` of a [`child`]: makes one backup after another.
pub(super) fn back_up_until_killed(db: &Path, round: &str) {
    let users = UserStore::open(db).unwrap();
    for n in 0.. {
        let [one, other] = [0, 1].map(|writer| acknowledged(db, writer));
        let began = db.with_file_name(format!("began {round} {n}"));
        fs::write(began, format!("{one} {other}")).unwrap();
        users.backup(db.with_file_name(format!("backup {round} {n}.db"))).unwrap();
    }
}

fn notes_path(db: &Path, writer: usize) -> PathBuf {
    db.with_file_name(format!("notes {writer}"))
}

fn acknowledged(db: &Path, writer: usize) -> usize {
    fs::metadata(notes_path(db, writer)).map_or(0, |notes| notes.len() as usize)
}

/// Checks that a backup can be opened, passes `verify`, and holds these songs of each writer.
fn check(backup: &Path, acknowledged: &[usize]) -> usize {
    let users = UserStore::open(backup).unwrap();
    users.verify().unwrap();
    let mut songs = 0;
    for (writer, &acknowledged) in acknowledged.iter().enumerate() {
        for first in (0..acknowledged).step_by(SONGS) {
            let mut found = users.favourites(&account(writer, first)).unwrap();
            let expected = SONGS.min(acknowledged - first);
            assert!(found.len() >= expected, "{} of {expected}", found.len());
            found.sort_by_key(|song| song["song ".len()..].parse::<usize>().unwrap());
            for (n, song) in found.iter().take(expected).enumerate() {
                assert_eq!(*song, format!("song {}", first + n));
            }
            songs += found.len();
        }
    }
    songs
}

#[test]
fn backups_made_while_two_processes_write_and_all_are_killed_hold_what_was_acknowledged() {
    let folder = Folder::new();
    let db = folder.db();
    drop(folder.open());
    let mut rng = rand::rng();
    let rounds = soak(4, 50);
    let (mut backups, mut unfinished, mut writing) = (0, 0, Duration::ZERO);
    for round in 0..rounds {
        let start = Instant::now();
        let mut children: Vec<_> = (0..WRITERS)
            .map(|writer| {
                // The song that was being added at the kill may be there or not.
                let next = acknowledged(&db, writer);
                child(&format!("add {writer} {next}"), &db).spawn().unwrap()
            })
            .collect();
        children.push(child(&format!("back-up {round}"), &db).spawn().unwrap());
        wait_for(&folder.path(&format!("began {round} 0")));
        std::thread::sleep(Duration::from_millis(rng.random_range(100..1500)));
        for child in &mut children {
            child.kill().unwrap();
        }
        for child in children {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!said.contains("panicked"), "{said}");
        }
        writing += start.elapsed();
        for n in 0.. {
            let Ok(began) = fs::read_to_string(folder.path(&format!("began {round} {n}"))) else {
                break;
            };
            let backup = folder.path(&format!("backup {round} {n}.db"));
            if !backup.exists() {
                unfinished += 1;
                continue;
            }
            let counts: Vec<usize> =
                began.split_whitespace().map(|count| count.parse().unwrap()).collect();
            check(&backup, &counts);
            fs::remove_file(&backup).unwrap();
            backups += 1;
        }
    }
    let songs: Vec<usize> = (0..WRITERS).map(|writer| acknowledged(&db, writer)).collect();
    check(&db, &songs);
    println!(
        "{rounds} kills of two writers and a backup: {backups} backups held everything, {unfinished} were cut off and \
         left no file with their name; {:.0} songs a second",
        songs.iter().sum::<usize>() as f64 / writing.as_secs_f64()
    );
    assert!(backups > 0);
}

#[test]
fn a_backup_is_one_private_file_and_never_overwrites() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let backup = folder.path("backup.db");
    users.backup(&backup).unwrap();
    import(&users, "late");
    assert_eq!(folder.names(), ["backup.db", "users.db", "users.db-shm", "users.db-wal"]);
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    for taken in [&backup, &folder.db()] {
        refused!(
            users.backup(taken),
            UserError::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists
        );
    }
    refused!(users.backup(folder.path("none/backup.db")), UserError::Io { .. });
    let copy = UserStore::open(&backup).unwrap();
    assert!(is_live(&copy, &log_in));
    refused!(copy.account("late"), UserError::UnknownUser);
    users.account("late").unwrap();
}

#[test]
fn a_backup_is_put_back_under_those_who_have_the_store_open() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let backup = folder.path("backup.db");
    users.backup(&backup).unwrap();
    let before = fs::read(&backup).unwrap();
    import(&users, "late");
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let refused = UserStore::restore(&backup, folder.db(), false);
    refused!(
        refused,
        UserError::Io { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists
    );
    users.account("late").unwrap();
    UserStore::restore(&backup, folder.db(), true).unwrap();
    for users in [&users, &folder.open()] {
        refused!(users.account("late"), UserError::UnknownUser);
        assert!(!is_live(users, &log_in));
        users.verify().unwrap();
    }
    users.log_in("ana", PASSWORD).unwrap();
    import(&users, "later");
    drop(users);
    folder.open().account("later").unwrap();
    assert!(fs::read(&backup).unwrap() == before, "the backup stays as it is");
    assert_eq!(folder.names(), ["backup.db", "users.db"]);
}

#[test]
fn a_backup_is_put_back_where_nothing_or_rubbish_is() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    let backup = folder.path("backup.db");
    users.backup(&backup).unwrap();
    let restore = |replace| UserStore::restore(&backup, folder.path("new.db"), replace);
    let found = || UserStore::open(folder.path("new.db")).unwrap().accounts(None, 9).unwrap().len();
    restore(false).unwrap();
    assert_eq!(found(), 1);
    // A log that was left behind.
    fs::remove_file(folder.path("new.db")).unwrap();
    fs::copy(folder.path("users.db-wal"), folder.path("new.db-wal")).unwrap();
    refused!(restore(false), UserError::Io { .. });
    restore(true).unwrap();
    assert_eq!(found(), 1);
    for rubbish in [&b"not a store"[..], &[0; 8192], b""] {
        fs::write(folder.path("new.db"), rubbish).unwrap();
        refused!(restore(false), UserError::Io { .. });
        assert!(fs::read(folder.path("new.db")).unwrap() == rubbish);
        restore(true).unwrap();
        assert_eq!(found(), 1);
    }
    // A file that is not a backup changes nothing.
    fs::write(folder.path("text"), "a shopping list\n".repeat(300)).unwrap();
    let sqlite = Connection::open(folder.path("other.db")).unwrap();
    sqlite.execute_batch("CREATE TABLE note (text)").unwrap();
    drop(sqlite);
    for (name, words) in
        [("text", "not a user store"), ("other.db", "not a user store"), ("none", "cannot read")]
    {
        let error = UserStore::restore(folder.path(name), folder.path("new.db"), true).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(words) && said.contains(name), "{said}");
        assert_eq!(found(), 1);
    }
    let names = folder.names();
    assert!(names.iter().all(|name| !name.starts_with(".tmp")), "{names:?}");
}

#[test]
fn a_backup_of_version_1_is_put_back_as_one_of_today() {
    use pixelplay_core::users::{Pepper, Peppers};
    let folder = Folder::new();
    fs::write(folder.path("v1.db"), include_bytes!("../fixtures/users/v1.db")).unwrap();
    UserStore::restore(folder.path("v1.db"), folder.db(), false).unwrap();
    let pepper = Pepper::new("golden", &[7; 32]).unwrap();
    let users =
        folder.open_with(|options| options.peppers = Peppers::new(Some(pepper), vec![]).unwrap());
    assert_eq!(users.accounts(None, 9).unwrap().len(), 4);
    let sqlite = Connection::open(folder.path("v1.db")).unwrap();
    let version: i64 = sqlite.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1, "the backup stays as it is");
}

/// As `cp users.db` copies it, without the log.
#[test]
fn a_copy_of_the_file_alone_is_never_an_empty_store() {
    let folder = Folder::new();
    let users = folder.open();
    let copy = |n: usize| {
        let copied = folder.path(&format!("copy {n}.db"));
        fs::copy(folder.db(), &copied).unwrap();
        let copy = UserStore::open(&copied).unwrap();
        copy.verify().unwrap();
        copy.accounts(None, 1000).unwrap().len()
    };
    // The copy has the tables from the beginning, and only the latest changes are missing.
    assert_eq!(copy(0), 0);
    let mut found = 0;
    for n in 0..300 {
        import(&users, &format!("name-{n}"));
        if n % 50 == 49 {
            let now = copy(n + 1);
            assert!(now >= found && now + 100 > n, "{now} of {}", n + 1);
            found = now;
        }
    }
    // A page without tables, which a copy of a version 1 store may be, is not a new store.
    let page = folder.path("page.db");
    Connection::open(&page).unwrap().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    assert!(fs::metadata(&page).unwrap().len() > 0);
    let error = UserStore::open(&page).unwrap_err();
    assert!(error.to_string().contains("-wal"), "{error}");
}

/// As after `cp backup.db users.db`, next to the log of a store that was killed.
#[test]
fn a_file_beside_the_log_of_another_is_refused() {
    let (one, other) = (Folder::new(), Folder::new());
    let users = one.open();
    import(&users, "old");
    users.add_favourite("old", "song").unwrap();
    let log = fs::read(one.path("users.db-wal")).unwrap();
    assert!(!log.is_empty());
    users.backup(one.path("backup.db")).unwrap();
    import(&other.open(), "new");
    fs::write(other.path("users.db-wal"), &log).unwrap();
    let before = fs::read(other.db()).unwrap();
    let error = UserStore::open(other.db()).unwrap_err();
    assert!(matches!(&error, UserError::LogOfAnother { .. }), "{error:?}");
    assert!(error.to_string().contains("users.db-wal"), "{error}");
    assert!(fs::read(other.db()).unwrap() == before);
    // Following the error's advice helps: without the log, the file is unchanged.
    fs::remove_file(other.path("users.db-wal")).unwrap();
    other.open().account("new").unwrap();
    // Its own log is replayed after a kill.
    let killed = Folder::new();
    for name in ["users.db", "users.db-wal"] {
        fs::copy(one.path(name), killed.path(name)).unwrap();
    }
    assert_eq!(killed.open().favourites("old").unwrap(), ["song"]);
}
