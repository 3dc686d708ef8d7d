//! `pixelplay user` as people and scripts use it: real processes, real files, exit codes and
//! messages.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
#[path = "user/terminal.rs"]
mod terminal;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use pixelplay_core::users::Clock;
use pixelplay_core::{UserStore, UserStoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";
const NEW_PASSWORD: &str = "rainy night drive home";

/// The home folder of somebody who has never run PixelPlay.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With an account and an open session.
    fn of_ana() -> Self {
        let home = Self::new();
        home.ok(&["register", "ana"], PASSWORD);
        home.ok(&["login", "ana"], PASSWORD);
        home
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("users.db")
    }

    fn session_file(&self) -> PathBuf {
        self.folder.path().join("users.db.session")
    }

    fn token(&self) -> String {
        let token = fs::read_to_string(self.session_file()).unwrap();
        token.trim_end().to_owned()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pixelplay"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("PIXELPLAY_CACHE", self.folder.path().join("cache"))
            .stdin(Stdio::null());
        command
    }

    /// Runs `user` with its database in the home folder, and with this text on standard input.
    fn run(&self, args: &[&str], input: impl AsRef<[u8]>) -> Output {
        let mut child = self
            .command(&[&["user", "--users", "users.db"], args].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails before it reads leaves a closed pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed and returns what it printed.
    fn ok(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str], input: &str) -> Value {
        let printed = self.ok(&[&["--json"], args].concat(), input);
        serde_json::from_str(&printed).unwrap()
    }

    /// Runs a command that must fail and returns its message.
    fn fails(&self, args: &[&str], input: impl AsRef<[u8]>) -> String {
        let output = self.run(args, input);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?} printed a result");
        let message = stderr(&output);
        assert!(message.starts_with("error: "), "{message}");
        message
    }

    /// An index of four songs, of which `loud` and `soft` are as far apart as can be.
    fn small_index(&self) -> PathBuf {
        let table = self.write(
            "songs.csv",
            "id,title,artist,genre,year,energy,valence,danceability,acousticness,\
             instrumentalness,liveness,speechiness,tempo,loudness\n\
             loud,Storm,Ada,metal,1999,0.98,0.15,0.3,0.0,0.1,0.3,0.1,180,-3\n\
             soft,Lullaby,Ben,folk,2005,0.08,0.55,0.3,0.95,0.0,0.1,0.0,70,-18\n\
             happy,Sunshine,Ada,pop,1983,0.85,0.96,0.9,0.1,0.0,0.1,0.0,120,-5\n\
             sad,Grey Rain,Cleo,classical,1971,0.12,0.06,0.2,0.9,0.9,0.1,0.0,60,-22\n",
        );
        let index = self.folder.path().join("songs.arrow");
        let built = self.command(&["build-index", text(&table), text(&index)]).output().unwrap();
        assert!(built.status.success(), "{}", stderr(&built));
        index
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn from_registration_to_the_end_of_the_account() {
    let home = Home::new();
    let printed = home.ok(&["register", "Ana"], PASSWORD);
    assert!(printed.contains("pixelplay user login Ana"), "{printed}");
    let message = home.fails(&["register", "ana"], NEW_PASSWORD);
    assert!(message.contains("is taken; choose another"), "{message}");
    let message = home.fails(&["favourites"], "");
    assert!(message.contains("pixelplay user login"), "{message}");

    let log_in = home.json(&["login", "ana"], PASSWORD);
    assert_eq!(log_in["username"], "Ana");
    assert_eq!(log_in["token"], home.token());
    assert_eq!(log_in["token"].as_str().unwrap().len(), 43);

    let favourites = home.json(&["favourites", "add", "a", "b"], "");
    assert_eq!(favourites["favourites"].as_array().unwrap().len(), 2);
    let message = home.fails(&["favourites", "remove", "a", "c"], "");
    assert!(message.contains("\"c\""), "{message}");
    let favourites = home.json(&["favourites", "remove", "a"], "");
    assert_eq!(favourites, json!({ "username": "Ana", "favourites": ["b"] }));
    assert_eq!(home.ok(&["favourites"], ""), "b\n");

    home.ok(&["taste", "dislike", "d", "e"], "");
    let message = home.fails(&["taste", "clear", "e", "f"], "");
    assert!(message.contains("\"f\""), "{message}");
    home.ok(&["taste", "clear", "e"], "");
    let taste = &home.json(&["taste", "like", "--", "-l"], "")["taste"];
    for (song, weight) in [("b", 1.0), ("-l", 1.0), ("d", -1.0)] {
        assert!((taste[song].as_f64().unwrap() - weight).abs() < 1e-3);
    }
    let table = home.ok(&["taste"], "");
    assert!(table.find("1.000") < table.find("-1.000"), "{table}");
    let export: Value = serde_json::from_str(&home.ok(&["export"], "")).unwrap();
    assert_eq!(export["favourites"][0]["song"], "b");

    let message = home.fails(&["delete"], NEW_PASSWORD);
    assert!(message.contains("wrong user name or password"), "{message}");
    assert_eq!(home.ok(&["favourites"], ""), "b\n");
    assert_eq!(home.json(&["delete"], PASSWORD), json!({ "deleted": "Ana" }));
    assert!(!home.session_file().exists());
    home.fails(&["login", "ana"], PASSWORD);
}

#[test]
fn a_new_password_ends_all_sessions_but_its_own() {
    let home = Home::of_ana();
    let elsewhere = UserStore::open(home.store()).unwrap().log_in("ana", PASSWORD).unwrap();
    let before = home.token();
    home.ok(&["password"], &format!("{PASSWORD}\n{NEW_PASSWORD}\n"));
    assert_ne!(home.token(), before);
    assert_eq!(home.json(&["sessions"], "")["sessions"].as_array().unwrap().len(), 1);
    let users = UserStore::open(home.store()).unwrap();
    assert!(users.resume(elsewhere.token.expose()).is_err());
    home.fails(&["login", "ana"], PASSWORD);
    home.ok(&["login", "ana"], NEW_PASSWORD);

    let message = home.fails(&["password"], format!("{NEW_PASSWORD}\nshort\n"));
    assert!(message.contains("15 characters"), "{message}");
    let message = home.fails(&["password"], NEW_PASSWORD);
    assert!(message.contains("standard input"), "{message}");
    home.ok(&["login", "ana"], NEW_PASSWORD);
}

#[test]
fn a_log_in_that_fails_keeps_the_session_that_was_open() {
    let home = Home::of_ana();
    let before = home.token();
    let wrong = home.fails(&["login", "ana"], "wrong horse battery");
    let unknown = home.fails(&["login", "nobody"], PASSWORD);
    assert_eq!(wrong, unknown);
    assert_eq!(home.token(), before);
    home.ok(&["sessions"], "");
    // One that succeeds takes its place and ends it.
    home.ok(&["login", "ana"], PASSWORD);
    let users = UserStore::open(home.store()).unwrap();
    assert!(users.resume(&before).is_err());
}

#[test]
fn after_many_failures_it_is_said_when_to_try_again() {
    let home = Home::of_ana();
    // Ten failures, an hour apart, the last of them now: there is a minute's wait.
    let hours_ago = Arc::new(AtomicU64::new(0));
    let now = {
        let hours_ago = Arc::clone(&hours_ago);
        move || SystemTime::now() - Duration::from_secs(3600 * hours_ago.load(Ordering::Relaxed))
    };
    let options = UserStoreOptions { clock: Clock::new(now), ..UserStoreOptions::default() };
    let users = UserStore::open_with(home.store(), options).unwrap();
    for hours in (0..10).rev() {
        hours_ago.store(hours, Ordering::Relaxed);
        assert!(users.log_in("ana", "wrong horse battery").is_err());
    }
    let message = home.fails(&["login", "ana"], PASSWORD);
    assert!(message.contains("too many failed log-ins; try again in"), "{message}");
    home.ok(&["sessions"], "");
}

#[test]
fn sessions_are_listed_and_ended() {
    let home = Home::of_ana();
    let users = UserStore::open(home.store()).unwrap();
    let other = users.log_in("ana", PASSWORD).unwrap().session.id;
    let listed = home.json(&["sessions"], "");
    assert_eq!(listed["sessions"][0]["id"], other);
    assert_eq!(listed["sessions"][0]["this"], false);
    assert_eq!(listed["sessions"][1]["this"], true);
    let table = home.ok(&["sessions"], "");
    assert!(table.contains("pixelplay on") && table.contains("this one"), "{table}");

    home.ok(&["sessions", "revoke", &other.to_string()], "");
    let message = home.fails(&["sessions", "revoke", &other.to_string()], "");
    assert!(message.contains("pixelplay user sessions"), "{message}");
    let this = listed["sessions"][1]["id"].to_string();
    home.ok(&["sessions", "revoke", &this], "");
    assert!(!home.session_file().exists());

    home.ok(&["login", "ana"], PASSWORD);
    users.log_in("ana", PASSWORD).unwrap();
    let ended = home.json(&["logout", "--everywhere"], "");
    assert_eq!(ended, json!({ "sessions_ended": 2 }));
    assert_eq!(home.json(&["logout"], ""), json!({ "sessions_ended": 0 }));
    assert!(users.sessions("ana").unwrap().is_empty());
}

/// The command line is not a web page: with sessions of half an hour, users would have to log in
/// again every few commands.
#[test]
fn a_session_of_the_command_line_is_a_long_one() {
    let home = Home::of_ana();
    let later = Duration::from_secs(29 * 24 * 3600);
    let options = UserStoreOptions {
        clock: Clock::new(move || SystemTime::now() + later),
        ..UserStoreOptions::default()
    };
    let users = UserStore::open_with(home.store(), options).unwrap();
    assert_eq!(users.resume(&home.token()).unwrap().username, "ana");
}

#[test]
fn an_operator_looks_after_accounts() {
    let home = Home::of_ana();
    home.ok(&["register", "ben"], PASSWORD);
    let listed = home.json(&["list"], "");
    let names: Vec<_> =
        listed["accounts"].as_array().unwrap().iter().map(|one| &one["username"]).collect();
    assert_eq!(names, ["ana", "ben"]);
    assert!(home.ok(&["list"], "").contains("argon2id"));
    let shown = home.json(&["show", "ana"], "");
    assert_eq!(
        (&shown["log_in_wait_ms"], shown["sessions"].as_array().unwrap().len()),
        (&0.into(), 1)
    );

    for _ in 0..4 {
        home.fails(&["login", "ben"], NEW_PASSWORD);
    }
    assert!(home.ok(&["show", "ben"], "").contains("pixelplay user unlock"));
    home.ok(&["unlock", "ben"], "");
    home.ok(&["login", "ben"], PASSWORD);

    home.ok(&["disable", "ben"], "");
    assert!(home.ok(&["show", "ben"], "").contains("disabled"));
    assert!(home.fails(&["favourites"], "").contains("has ended"));
    assert!(home.fails(&["login", "ben"], PASSWORD).contains("disabled"));
    home.ok(&["enable", "ben"], "");
    home.ok(&["set-password", "ben"], NEW_PASSWORD);
    home.ok(&["login", "ben"], NEW_PASSWORD);
    assert_eq!(home.json(&["end-sessions", "ben"], ""), json!({ "sessions_ended": 1 }));
    assert!(home.fails(&["end-sessions", "ben", "--id", "7777"], "").contains("7777"));
    assert_eq!(home.json(&["expire-hashes"], ""), json!({ "expired": 0 }));
    for args in [&["show", "nobody"][..], &["unlock", "nobody"], &["set-password", "nobody"]] {
        assert!(home.fails(args, PASSWORD).contains("no account has this user name"));
    }
}

#[test]
fn a_database_is_backed_up_and_restored() {
    let home = Home::of_ana();
    home.ok(&["backup", "backup.db"], "");
    assert!(home.fails(&["backup", "backup.db"], "").contains("backup.db"));
    home.ok(&["register", "late"], PASSWORD);
    assert!(home.fails(&["restore", "backup.db"], "").contains("--replace"));
    home.ok(&["restore", "backup.db", "--replace"], "");
    assert!(home.fails(&["show", "late"], "").contains("no account"));
    home.ok(&["favourites"], "");
    fs::remove_file(home.store()).unwrap();
    home.ok(&["restore", "backup.db"], "");
    home.ok(&["favourites"], "");
}

#[test]
fn a_session_that_was_idle_too_long_has_ended() {
    let home = Home::of_ana();
    let idle = UserStoreOptions::default().idle_timeout + Duration::from_secs(1);
    let options = UserStoreOptions {
        clock: Clock::new(move || SystemTime::now() - idle),
        ..UserStoreOptions::default()
    };
    let earlier = UserStore::open_with(home.store(), options).unwrap();
    let token = earlier.log_in("ana", PASSWORD).unwrap().token;
    home.write("users.db.session", token.expose());
    for args in [&["favourites"][..], &["sessions"], &["export"], &["delete"]] {
        let message = home.fails(args, PASSWORD);
        assert!(message.contains("has ended; log in again"), "{message}");
    }
    for damaged in ["", "\n", "no token", "\u{e9}"] {
        home.write("users.db.session", damaged);
        home.fails(&["favourites"], "");
    }
    home.ok(&["login", "ana"], PASSWORD);
    home.ok(&["favourites"], "");
}

#[test]
fn a_mistyped_database_is_not_made() {
    let home = Home::new();
    for args in [&["login", "ana"][..], &["logout"], &["favourites"], &["export"]] {
        let message = home.fails(args, PASSWORD);
        assert!(
            message.contains("users.db") && message.contains("pixelplay user register"),
            "{message}"
        );
    }
    assert!(!home.store().exists());
    home.write(
        "users.db",
        "these are no accounts, but some notes about them, of a hundred bytes at the least; so.",
    );
    let message = home.fails(&["register", "ana"], PASSWORD);
    assert!(message.contains("users.db"), "{message}");
    assert!(!home.session_file().exists());
}

#[test]
fn without_a_name_the_database_is_in_the_data_folder() {
    let home = Home::new();
    let data = home.folder.path().join("data");
    let mut child = home
        .command(&["user", "register", "ana"])
        .env("HOME", home.folder.path())
        .env("XDG_DATA_HOME", &data)
        .env("APPDATA", &data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(PASSWORD.as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(data.join("pixelplay").join("users.db").exists());
}

#[cfg(unix)]
#[test]
fn what_is_kept_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::of_ana();
    for path in [home.store(), home.session_file()] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

/// A session that could not be kept is of no use to anybody, so it must not stay open.
#[test]
fn a_session_that_cannot_be_kept_is_ended() {
    let home = Home::new();
    home.ok(&["register", "ana"], PASSWORD);
    fs::create_dir(home.session_file()).unwrap();
    let message = home.fails(&["login", "ana"], PASSWORD);
    assert!(message.contains("users.db.session"), "{message}");
    let users = UserStore::open(home.store()).unwrap();
    assert!(users.sessions("ana").unwrap().is_empty());
}

#[test]
fn no_secret_is_printed_but_the_token_that_was_asked_for() {
    let home = Home::new();
    let mut printed = String::new();
    let mut note = |args: &[&str], input: &str| {
        let output = home.run(args, input);
        printed += &String::from_utf8_lossy(&output.stdout);
        printed += &stderr(&output);
    };
    note(&["register", "ana"], PASSWORD);
    note(&["register", "ana"], PASSWORD);
    note(&["login", "ana"], NEW_PASSWORD);
    note(&["login", PASSWORD], PASSWORD);
    note(&["login", "ana", PASSWORD], "");
    note(&["register", "ben", PASSWORD], "");
    note(&["login", "ana", "--password", PASSWORD], "");
    note(&["login", "ana", &format!("--password={PASSWORD}")], "");
    note(&["login", "ana"], PASSWORD);
    for args in ["sessions", "favourites", "taste", "export"] {
        note(&[args], "");
        note(&[args, "--json"], "");
    }
    note(&["password"], &format!("{PASSWORD}\n{PASSWORD}x"));
    note(&["password"], &format!("{PASSWORD}\nshort"));
    let token = home.token();
    home.write("users.db.session", format!("{token} {token}"));
    note(&["favourites"], "");
    home.write("users.csv", format!("name,hash\nben,{PASSWORD}\n{PASSWORD},x\n"));
    note(&["import", "users.csv"], "");
    assert!(printed.lines().count() > 20, "{printed}");
    for secret in [PASSWORD, NEW_PASSWORD, &token] {
        assert!(!printed.contains(secret), "{printed}");
    }
    let help = home.ok(&["login", "--help"], "");
    assert!(!help.contains("--password") && !help.contains("SURPLUS"), "{help}");
}

#[test]
fn a_password_of_another_program_is_one_line() {
    let home = Home::new();
    home.ok(&["register", "ana"], &format!("{PASSWORD}\r\nanother line\n"));
    home.ok(&["login", "ana"], PASSWORD);
    for (input, expected) in [
        (&b""[..], "no password on standard input"),
        (b"\xff\xfe password", "not UTF-8"),
        (&[b'x'; 10 << 20], "longer than 1024 bytes"),
    ] {
        let message = home.fails(&["login", "ana"], input);
        assert!(message.contains(expected), "{message}");
    }
}

/// Hashes of crypt_blowfish 1.3, `wrapper.c`: "U*U" and "U*U*".
#[test]
fn accounts_of_another_program_are_brought_in() {
    let home = Home::new();
    let ana = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let ben = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK";
    let bad = "cleo,$argon2id$v=19$m=4096,t=3,p=1$c29tZXNhbHQ$aGFzaA\ndan,md5\na b,x\n";
    let table = format!("mail,hash,name\nx,{ana},ana\nx,{ben},ben\n");
    home.write("users.csv", &table);
    let report = home.json(&["import", "users.csv"], "");
    assert_eq!((&report["imported"], &report["refused"]["count"]), (&2.into(), &0.into()));
    home.ok(&["login", "ana"], "U*U");
    home.fails(&["login", "ben"], "U*U");
    home.ok(&["login", "ben"], "U*U*");

    home.write("more.csv", format!("name,hash\nana,{ana}\n{bad}eve,{ben}\n"));
    let output = home.run(&["import", "more.csv", "--skip-taken", "--json"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("3 rows"), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["imported"], &report["taken"]), (&1.into(), &1.into()));
    let lines: Vec<_> = report["refused"]["first"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4, 5]);

    home.write("none.csv", "user,password\nana,x\n");
    let message = home.fails(&["import", "none.csv"], "");
    assert!(message.contains("`name` and `hash`"), "{message}");
    assert!(home.fails(&["import", "nowhere.csv"], "").contains("nowhere.csv"));
}

#[test]
fn a_taste_leans_a_search() {
    let home = Home::of_ana();
    let index = home.small_index();
    let search = |more: &[&str]| {
        let asked = ["search", "--index", text(&index), "--text", "music", "--json"];
        home.command(&[&asked, more].concat()).output().unwrap()
    };
    let first = |output: Output| {
        assert!(output.status.success(), "{}", stderr(&output));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let first = answer["hits"][0]["id"].as_str().unwrap().to_owned();
        (first, stderr(&output))
    };
    let (_, note) = first(search(&["--taste", "--users", "users.db"]));
    assert!(note.contains("none of the songs in your taste"), "{note}");
    for song in ["loud", "soft"] {
        home.ok(&["taste", "like", song], "");
        let (best, note) = first(search(&["--taste=5", "--users", "users.db"]));
        assert_eq!((best.as_str(), note.as_str()), (song, ""));
        home.ok(&["taste", "clear", song], "");
    }
    home.ok(&["logout"], "");
    let output = search(&["--taste", "--users", "users.db"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("pixelplay user login"));
    assert_eq!(search(&["--users", "users.db"]).status.code(), Some(2));
}

#[test]
fn help_teaches() {
    let home = Home::new();
    let help = home.ok(&["--help"], "");
    assert!(help.contains("pixelplay user register ana"), "{help}");
    for command in [
        "register",
        "login",
        "logout",
        "password",
        "sessions",
        "favourites",
        "taste",
        "export",
        "delete",
        "import",
        "list",
        "show",
        "unlock",
        "disable",
        "enable",
        "set-password",
        "end-sessions",
        "expire-hashes",
        "backup",
        "restore",
    ] {
        assert!(help.contains(command), "{command}");
        assert!(home.ok(&[command, "--help"], "").contains("Usage"), "{command}");
    }
}
