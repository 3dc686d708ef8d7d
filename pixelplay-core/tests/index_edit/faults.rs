//! Full disks, missing permissions, and paths that are not an index.

use super::*;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Runs one operation in a restricted child process, and prints the outcome.
pub(super) fn child(role: &str, path: &Path) {
    let more = path.with_file_name("more.arrow");
    let result = match role {
        "try-to-replace" => {
            SongIndexWriter::create(path, WriterOptions::new(3)).and_then(|mut writer| {
                for (song, vector) in many() {
                    writer.push(&song, &vector)?;
                }
                writer.finish()
            })
        }
        "try-to-add" => SongIndexEditor::open(path, EditOptions::default(), &mut ())
            .and_then(|editor| editor.add(&SongIndex::open(&more)?, &mut ()))
            .map(|_| ()),
        "try-to-compact" => SongIndexEditor::open(path, EditOptions::default(), &mut ())
            .and_then(|editor| editor.compact(&mut ()))
            .map(|_| ()),
        "try-to-open" => SongIndex::open(path).map(|_| ()),
        other => panic!("no such role: {other}"),
    };
    match result {
        Ok(()) => println!("\noutcome: done"),
        Err(error) => println!("\noutcome: {error}: {:?}", io_error(&error)),
    }
}

fn io_error(error: &SongIndexError) -> Option<&io::Error> {
    match error {
        SongIndexError::Io { source, .. } => Some(source),
        _ => None,
    }
}

fn many() -> Vec<Row> {
    (0..4000).map(|n| row(&format!("many {n}"), n)).collect()
}

fn outcome(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("outcome: "));
    let stderr = String::from_utf8_lossy(&output.stderr);
    line.unwrap_or_else(|| panic!("{text}\n{stderr}")).to_owned()
}

#[test]
fn a_full_disk_leaves_the_old_index_and_says_where() {
    for is_folder in [false, true] {
        for role in ["try-to-replace", "try-to-add"] {
            if is_folder && role == "try-to-replace" {
                continue;
            }
            let folder = Folder::new();
            let path = if is_folder {
                folder.shards(&[&["a"], &["b"]])
            } else {
                folder.file("songs.arrow", &["a", "b"])
            };
            write(&folder.path("more.arrow"), &many());
            let before = contents(&SongIndex::open(&path).unwrap());
            // Limit the file size to a few blocks, which the system reports like a full disk.
            let full = processes::child(role, &path);
            let mut limited = Command::new("sh");
            limited.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]);
            limited.arg(full.get_program()).args(full.get_args());
            limited.envs(full.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let outcome = outcome(limited);
            assert!(
                outcome.contains("cannot write")
                    && outcome.contains(path.to_str().unwrap())
                    && outcome.contains("FileTooLarge"),
                "{outcome}"
            );
            assert_eq!(contents(&SongIndex::open(&path).unwrap()), before);
            SongIndex::open(&path).unwrap().verify().unwrap();
            let left = names(if is_folder { &path } else { folder.0.path() });
            assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
            assert!(left.len() <= 3, "{left:?}");
        }
    }
}

/// A child process without root privileges, or `None` if no other user can run this binary.
fn unprivileged(role: &str, path: &Path) -> Option<Command> {
    let mut command = processes::child(role, path);
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(path.parent()?).ok()?);
    if owner == 0 {
        const NOBODY: u32 = 65_534;
        command.uid(NOBODY).gid(NOBODY);
        let mut probe = processes::child("nothing", path);
        probe.env_clear().uid(NOBODY).gid(NOBODY);
        if !probe.status().is_ok_and(|status| status.success()) {
            println!("skipped: the tests run as root, and no other user can run them");
            return None;
        }
    }
    Some(command)
}

#[test]
fn missing_rights_are_named_and_lose_nothing() {
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let folder = Folder::new();
    let file = folder.file("songs.arrow", &["a", "b"]);
    let shards = folder.shards(&[&["a"], &["b"]]);
    folder.file("more.arrow", &["c"]);
    for folder in [folder.0.path(), &shards] {
        mode(folder, 0o555);
    }
    let before = fs::read(&file).unwrap();
    for (role, path) in [
        ("try-to-replace", &file),
        ("try-to-add", &file),
        ("try-to-add", &shards),
        ("try-to-compact", &shards),
    ] {
        let Some(command) = unprivileged(role, path) else {
            break;
        };
        let outcome = outcome(command);
        assert!(
            outcome.contains("PermissionDenied") && outcome.contains(path.to_str().unwrap()),
            "{role}: {outcome}"
        );
        assert!(!outcome.contains(".pixelplay"), "{outcome}");
    }
    mode(&file, 0o000);
    if let Some(command) = unprivileged("try-to-open", &file) {
        let outcome = outcome(command);
        assert!(outcome.contains("PermissionDenied"), "{outcome}");
    }
    mode(&file, 0o644);
    for folder in [folder.0.path(), &shards] {
        mode(folder, 0o755);
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(ids(&shards), ["a", "b"]);
    assert_eq!(names(&shards), ["part-0.arrow", "part-1.arrow"]);
}

#[test]
fn pipes_and_devices_are_refused_and_not_waited_for() {
    let folder = Folder::new();
    let pipe = folder.path("pipe.arrow");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let errors = [
        SongIndex::open(&pipe).unwrap_err(),
        SongIndex::open("/dev/null").unwrap_err(),
        SongIndex::open(folder.0.path()).unwrap_err(),
        map(&pipe).unwrap_err(),
        SongIndexEditor::open(&pipe, EditOptions::default(), &mut ()).unwrap_err(),
        SongIndexWriter::create(&pipe, WriterOptions::new(3)).unwrap_err(),
    ];
    for error in errors {
        let whole = format!("{error} {:?}", io_error(&error));
        assert!(whole.contains("regular file") || whole.contains("device"), "{whole}");
    }
    assert_eq!(names(folder.0.path()), ["pipe.arrow"]);
}

#[test]
fn a_missing_folder_is_named_and_not_a_temporary_file() {
    let folder = Folder::new();
    let path = folder.path("none/songs.arrow");
    let error = SongIndexWriter::create(&path, WriterOptions::new(3)).unwrap_err();
    let source = io_error(&error).unwrap().to_string();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    let missing = folder.path("none");
    assert_eq!(source, format!("there is no folder {}; create it first", missing.display()));
    let error = SongIndexEditor::open(&path, EditOptions::default(), &mut ()).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}
