//! Full disks, missing permissions, and files that are not a user store.

use super::child::{child, finished, outcome, through_shell, unprivileged};
use super::*;
use std::error::Error;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// The roles of a child with limited permissions or disk space. It prints the outcome.
pub(super) fn act(role: &str, place: &Path) {
    let done = match role {
        "fill" => fill(place),
        "fill-disk" => fill_disk(place),
        "try-to-open" => UserStore::open(place).map(|_| "opened".to_owned()),
        "try-to-use" => UserStore::open(place)
            .and_then(|users| users.add_favourite("ana", "late"))
            .map(|()| "written".to_owned()),
        "make-public" => UserStore::open(place).map(|users| {
            import(&users, "ana");
            modes(place)
        }),
        other => panic!("no such role: {other}"),
    };
    match done {
        Ok(done) => println!("\noutcome: {done}"),
        Err(error) => println!("\noutcome: {}", chain(&error)),
    }
}

/// An error and its sources.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        write!(text, ": {error}").unwrap();
        source = error.source();
    }
    text
}

fn song(n: usize) -> String {
    format!("song {n:04}-{}", "x".repeat(500))
}

/// Adds favourites until it cannot; returns how many, and why it stopped.
fn add_until_full(users: &UserStore, first: usize) -> (usize, UserError) {
    (first..)
        .find_map(|n| users.add_favourite("ana", &song(n)).err().map(|error| (n, error)))
        .unwrap()
}

fn check_songs(users: &UserStore, songs: usize) {
    let mut found = users.favourites("ana").unwrap();
    found.sort();
    assert_eq!(found, (0..songs).map(song).collect::<Vec<_>>());
}

/// The role `fill`, in a process whose files are limited to a few blocks.
fn fill(db: &Path) -> Result<String, UserError> {
    let clock = SetClock::new();
    let users = UserStore::open_with(db, clock.options())?;
    let log_in = users.log_in("ana", PASSWORD)?;
    let (songs, error) = add_until_full(&users, 0);
    // A logged-in user stays logged in, although the activity can no longer be recorded.
    clock.forward(2 * MINUTE);
    assert!(is_live(&users, &log_in));
    check_songs(&users, songs);
    users.verify()?;
    Ok(format!("{songs} songs, then {}", chain(&error)))
}

#[test]
fn a_file_that_may_not_grow_loses_nothing() {
    let folder = Folder::new();
    import(&folder.open(), "ana");
    let script = "trap '' XFSZ; ulimit -f 700; exec \"$0\" \"$@\"";
    let outcome = outcome(through_shell(script, &child("fill", &folder.db())));
    println!("{outcome}");
    let (songs, reason) = outcome.split_once(" songs, then ").unwrap();
    assert!(
        reason.starts_with("cannot add a favourite in") || reason.contains("is full"),
        "{reason}"
    );
    let songs: usize = songs.parse().unwrap();
    assert!(songs > 10, "{outcome}");
    let users = folder.open();
    users.verify().unwrap();
    check_songs(&users, songs);
    users.add_favourite("ana", &song(songs)).unwrap();
    check_songs(&users, songs + 1);
}

/// On a separate disk: fills it, uses what is left, frees space, continues.
fn fill_disk(disk: &Path) -> Result<String, UserError> {
    let clock = SetClock::new();
    let db = disk.join("users.db");
    let users = UserStore::open_with(&db, clock.options())?;
    users.register("ana", PASSWORD)?;
    let log_in = users.log_in("ana", PASSWORD)?;
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![7; 256 << 10]).unwrap();

    let (mut songs, error) = add_until_full(&users, 0);
    // Now the disk is filled to the last byte.
    let rest = disk.join("rest");
    let _ = fs::write(&rest, vec![7; 4 << 20]);
    let mut refusals = vec![error];
    clock.forward(2 * MINUTE);
    assert!(is_live(&users, &log_in));
    check_songs(&users, songs);
    refusals.extend([
        users.add_favourite("ana", &song(songs)).unwrap_err(),
        users.log_in("ana", PASSWORD).unwrap_err(),
        users.log_out(log_in.token.expose()).unwrap_err(),
        users.change_password("ana", PASSWORD, OTHER_PASSWORD).unwrap_err(),
        users.register("bea", PASSWORD).unwrap_err(),
        users.delete_account("ana").unwrap_err(),
    ]);
    assert!(is_live(&users, &log_in), "what was refused was not done");
    users.verify()?;
    for error in &refusals {
        assert!(matches!(error, UserError::DiskFull { path } if *path == db), "{error:?}");
    }
    // Creating or opening a store now fails with an error that says why.
    let new = UserStore::open(disk.join("new.db")).unwrap_err();
    assert!(
        matches!(
            new,
            UserError::DiskFull { .. } | UserError::Storage { .. } | UserError::Io { .. }
        ),
        "{new:?}"
    );

    fs::remove_file(&ballast).unwrap();
    fs::remove_file(&rest).unwrap();
    users.add_favourite("ana", &song(songs))?;
    songs += 1;
    assert!(is_live(&users, &log_in));
    drop(users);
    let users = UserStore::open(&db)?;
    users.verify()?;
    check_songs(&users, songs);
    refused!(users.account("bea"), UserError::UnknownUser);
    users.log_in("ana", PASSWORD)?;
    UserStore::open(disk.join("new.db"))?.verify()?;
    Ok(format!("{songs} songs, {}", refusals[0]))
}

#[test]
fn a_full_disk_refuses_by_name_and_loses_nothing() {
    let folder = Folder::new();
    let disk = folder.path("disk");
    fs::create_dir(&disk).unwrap();
    // A small disk that only the child sees, and that disappears with it.
    let mount = |child: &Command| {
        let mount = "mount -t tmpfs -o size=1m tmpfs \"$PIXELPLAY_TEST_PLACE\" || exit 77; exec \"$0\" \"$@\"";
        let inside = through_shell(mount, child);
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]);
        command.arg(inside.get_program()).args(inside.get_args());
        command.envs(inside.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut probe = Command::new("true");
    probe.env("PIXELPLAY_TEST_PLACE", &disk);
    if !mount(&probe).status().is_ok_and(|status| status.success()) {
        println!("skipped: no small disk can be mounted here");
        return;
    }
    println!("{}", outcome(mount(&child("fill-disk", &disk))));
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns `name mode` for every file in the folder of a database.
fn modes(db: &Path) -> String {
    let mut modes: Vec<String> = fs::read_dir(db.parent().unwrap())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            format!("{} {mode:o}", entry.file_name().display())
        })
        .collect();
    modes.sort();
    modes.join(", ")
}

#[test]
fn nobody_else_may_read_the_files() {
    let folder = Folder::new();
    let private = "users.db 600, users.db-shm 600, users.db-wal 600";
    let script = "umask 000; exec \"$0\" \"$@\"";
    let made = outcome(through_shell(script, &child("make-public", &folder.db())));
    assert_eq!(made, private);

    // A copy that everybody can read is restricted again, with the files next to it.
    mode(&folder.db(), 0o666);
    let users = folder.open();
    users.account("ana").unwrap();
    assert_eq!(modes(&folder.db()), private);
    for name in folder.names() {
        mode(&folder.path(&name), 0o644);
    }
    let other = folder.open();
    other.account("ana").unwrap();
    assert_eq!(modes(&folder.db()), private);
}

#[test]
fn missing_rights_are_named_and_lose_nothing() {
    use std::os::unix::fs::chown;
    const NOBODY: Option<u32> = Some(65_534);
    let folder = Folder::new();
    let db = folder.db();
    let users = folder.open();
    import(&users, "ana");
    users.add_favourite("ana", "early").unwrap();
    drop(users);
    let is_root = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&db).unwrap()) == 0;
    let before = fs::read(&db).unwrap();
    for (case, folder_mode, file_mode, is_theirs) in [
        ("a folder that cannot be written", 0o555, 0o600, true),
        ("a file that cannot be written", 0o755, 0o400, true),
        ("neither can be written", 0o555, 0o400, true),
        ("a file that cannot be read", 0o755, 0o000, true),
        ("a file of another user", 0o755, 0o644, false),
    ] {
        if is_root {
            let owner = if is_theirs { NOBODY } else { Some(0) };
            chown(&db, owner, owner).unwrap();
            chown(folder.0.path(), owner, owner).unwrap();
        } else if !is_theirs {
            continue;
        }
        mode(folder.0.path(), folder_mode);
        mode(&db, file_mode);
        for role in ["try-to-open", "try-to-use"] {
            let Some(command) = unprivileged(role, &db) else {
                return;
            };
            let outcome = outcome(command);
            assert!(
                outcome.contains("cannot write") && outcome.contains(db.to_str().unwrap()),
                "{case}, {role}: {outcome}"
            );
        }
        mode(folder.0.path(), 0o755);
        mode(&db, 0o600);
        assert_eq!(folder.names(), ["users.db"], "{case}");
        assert!(fs::read(&db).unwrap() == before, "{case}");
    }
    let new = folder.path("new/users.db");
    fs::create_dir(new.parent().unwrap()).unwrap();
    mode(new.parent().unwrap(), 0o555);
    if let Some(command) = unprivileged("try-to-open", &new) {
        let outcome = outcome(command);
        assert!(outcome.contains("cannot write"), "{outcome}");
    }
    let users = folder.open();
    users.verify().unwrap();
    assert_eq!(users.favourites("ana").unwrap(), ["early"]);
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let inside = folder.path("file/users.db");
    fs::write(folder.path("file"), b"").unwrap();
    let nul = folder.path("nul\0.db");
    let dangling = folder.path("dangling");
    std::os::unix::fs::symlink(folder.path("none/users.db"), &dangling).unwrap();
    for (path, words) in [
        (folder.0.path(), "is a directory"),
        (&pipe, "not a regular file"),
        (Path::new("/dev/null"), "not a regular file"),
        (&folder.path("none/users.db"), "No such file"),
        (&dangling, "No such file"),
        (&inside, "Not a directory"),
        (&nul, "NUL byte"),
        (Path::new(""), "empty"),
    ] {
        let error = UserStore::open(path).unwrap_err();
        let said = chain(&error);
        assert!(matches!(&error, UserError::Io { .. }) && said.contains(words), "{said}");
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
    assert_eq!(folder.names(), ["dangling", "file", "pipe"]);
}

#[test]
fn odd_file_names_are_file_names() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    for name in [
        &b"file:users.db?mode=memory"[..],
        b"users.db?vfs=none#x",
        b"100%41 users.db",
        "\u{96e8}.db".as_bytes(),
        b"not \xff UTF-8.db",
        b":memory:",
        b"' --",
    ] {
        let path = folder.0.path().join(std::ffi::OsStr::from_bytes(name));
        let users = UserStore::open(&path).unwrap();
        import(&users, "ana");
        drop(users);
        UserStore::open(&path).unwrap().account("ana").unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 1000, "{}", path.display());
    }
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 7);
}

#[test]
fn a_link_to_a_store_stays_a_link() {
    let folder = Folder::new();
    import(&folder.open(), "ana");
    let link = folder.path("link.db");
    std::os::unix::fs::symlink(folder.db(), &link).unwrap();
    let (through, direct) = (UserStore::open(&link).unwrap(), folder.open());
    through.add_favourite("ana", "one").unwrap();
    direct.add_favourite("ana", "two").unwrap();
    assert_eq!(through.favourites("ana").unwrap().len(), 2);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    drop((through, direct));
    assert_eq!(folder.names(), ["link.db", "users.db"]);
}

#[test]
fn a_file_of_another_program_stays_as_it_is() {
    let folder = Folder::new();
    let db = folder.db();
    let contents: [(&str, &dyn Fn()); 5] = [
        ("SQLite", &|| {
            let sqlite = folder.sqlite();
            sqlite
                .execute_batch("CREATE TABLE note (text); INSERT INTO note VALUES ('mine');")
                .unwrap();
        }),
        ("SQLite with an id", &|| {
            folder.sqlite().execute_batch("PRAGMA application_id = 77; VACUUM;").unwrap();
        }),
        ("text", &|| fs::write(&db, "a shopping list\n".repeat(300)).unwrap()),
        ("short text", &|| fs::write(&db, "xy").unwrap()),
        ("zeros", &|| fs::write(&db, [0; 8192]).unwrap()),
    ];
    for (what, make) in contents {
        make();
        mode(&db, 0o644);
        let before = fs::read(&db).unwrap();
        let opened = UserStore::open(&db).map(drop);
        assert!(matches!(opened, Err(UserError::NotAUserStore { .. })), "{what}: {opened:?}");
        assert!(fs::read(&db).unwrap() == before, "{what}");
        assert_eq!(modes(&db), "users.db 644", "{what}");
        fs::remove_file(&db).unwrap();
    }
}

#[test]
fn a_log_of_another_program_stays_as_it_is() {
    let folder = Folder::new();
    let elsewhere = Folder::new();
    let sqlite = elsewhere.sqlite();
    sqlite
        .execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE note (text); INSERT INTO note VALUES ('mine');",
        )
        .unwrap();
    // The files as that program left them when it was killed.
    let files = ["users.db", "users.db-wal"];
    for name in files {
        fs::copy(elsewhere.path(name), folder.path(name)).unwrap();
    }
    let before = files.map(|name| fs::read(folder.path(name)).unwrap());
    assert!(before[1].len() > 4096);
    refused!(UserStore::open(folder.db()), UserError::NotAUserStore { .. });
    for (name, before) in files.iter().zip(&before) {
        assert!(fs::read(folder.path(name)).unwrap() == *before, "{name}");
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = Folder::new();
    fs::write(folder.db(), b"").unwrap();
    import(&folder.open(), "ana");
    folder.open().account("ana").unwrap();
}

#[test]
fn a_newer_schema_is_refused_by_its_number_and_stays_as_it_is() {
    let folder = Folder::new();
    import(&folder.open(), "ana");
    folder.sqlite().execute_batch("PRAGMA user_version = 8").unwrap();
    let before = fs::read(folder.db()).unwrap();
    let error = UserStore::open(folder.db()).unwrap_err();
    assert!(matches!(error, UserError::NewerSchema { found: 8, supported: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("update PixelPlay"), "{error}");
    assert!(fs::read(folder.db()).unwrap() == before);
    folder.sqlite().execute_batch("PRAGMA user_version = -1").unwrap();
    refused!(UserStore::open(folder.db()), UserError::Damaged { .. });
}

#[test]
fn what_was_slipped_into_the_schema_is_found_before_it_runs() {
    for slipped in [
        "CREATE TRIGGER spy AFTER INSERT ON session BEGIN
             UPDATE account SET hash = (SELECT hash FROM account WHERE name = 'eve'); END",
        "CREATE VIEW spy AS SELECT * FROM account",
        "CREATE TABLE spy (x)",
        "CREATE INDEX spy ON account (name)",
        "DROP TRIGGER account_added",
        "DROP INDEX session_account",
        "DROP TABLE listen",
        "ALTER TABLE rating ADD COLUMN spy TEXT",
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'ON DELETE CASCADE', '') WHERE name = 'session'",
    ] {
        let folder = Folder::new();
        import(&folder.open(), "ana");
        folder.sqlite().execute_batch(slipped).unwrap();
        refused!(UserStore::open(folder.db()), UserError::Damaged { .. });
    }
}

#[test]
fn somebody_elses_lock_is_waited_for() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    let sqlite = folder.sqlite();
    sqlite.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| users.add_favourite("ana", "song"));
        // Readers do not wait.
        assert!(users.favourites("ana").unwrap().is_empty());
        std::thread::sleep(Duration::from_millis(300));
        assert!(!writing.is_finished());
        sqlite.execute_batch("COMMIT").unwrap();
        writing.join().unwrap().unwrap();
    });
    assert_eq!(users.favourites("ana").unwrap(), ["song"]);
}

/// Under POSIX, a process that closes any handle of a file loses all its locks on the file. Without
/// these locks, another process would consider itself the last one and remove the log, along with
/// everything written to it since.
#[test]
fn a_store_that_is_opened_twice_in_one_process_keeps_its_locks() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    users.add_favourite("ana", "before").unwrap();
    let second = folder.open();
    finished(child("touch", &folder.db()).spawn().unwrap());
    users.add_favourite("ana", "after").unwrap();
    second.add_favourite("ana", "after too").unwrap();
    drop(second);
    finished(child("touch", &folder.db()).spawn().unwrap());
    users.add_favourite("ana", "at last").unwrap();

    // What a new process finds while this one still has the file open.
    let seen = outcome(child("try-to-use", &folder.db()));
    assert_eq!(seen, "written");
    let mut found = users.favourites("ana").unwrap();
    found.sort();
    assert_eq!(found, ["after", "after too", "at last", "before", "late"]);
    users.verify().unwrap();
}
