//! Tests the commands as users run them: real processes, real files, exit codes and messages.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pixelplay_core::index::WriterOptions;
use pixelplay_core::{Fingerprint, Song, SongId, SongIndexWriter};
use serde_json::Value;
use tempfile::TempDir;

/// A scratch folder with its own cache, separate from those of other tests and of the user.
struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn sample_picture(&self) -> PathBuf {
        let sample = &pixelplay_data::SAMPLE_IMAGES[0];
        self.write("sample.jpg", sample.jpeg)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pixelplay"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("PIXELPLAY_CACHE", self.path("cache"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must succeed and returns what it printed.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Runs a command that must fail and returns its message.
    fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?} printed a result");
        stderr(&output)
    }

    /// A small index of invented songs.
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
        let index = self.path("songs.arrow");
        self.ok(&["build-index", text(&table), text(&index)]);
        index
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[test]
fn match_ranks_ten_starter_songs_and_builds_the_index_once() {
    let scratch = Scratch::new();
    let picture = scratch.sample_picture();
    let table = scratch.ok(&["match", text(&picture)]);
    assert!(table.contains("title") && table.contains('%'), "{table}");

    let cached: Vec<_> = fs::read_dir(scratch.path("cache"))
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect()
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|e| e == "arrow"))
        .collect();
    assert_eq!(cached.len(), 1, "{cached:?}");
    let built = fs::metadata(&cached[0]).unwrap().modified().unwrap();

    let answer = scratch.json(&["match", text(&picture), "--json"]);
    assert_eq!(fs::metadata(&cached[0]).unwrap().modified().unwrap(), built);
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 10);
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for hit in hits {
        assert!(table.contains(hit["title"].as_str().unwrap().split(' ').next().unwrap()));
        assert!(!hit["mood"].as_array().unwrap().is_empty(), "{hit}");
        let percent = hit["match_percent"].as_f64().unwrap();
        assert!((0.0..=100.0).contains(&percent));
    }
}

#[test]
fn search_blends_filters_and_leaves_named_songs_out() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    let index = text(&index);
    let picture = scratch.sample_picture();

    let all = scratch.json(&["search", "--index", index, "--text", "a calm evening", "--json"]);
    assert_eq!(ids(&all).len(), 4);

    let filtered = scratch.json(&[
        "search",
        "--index",
        index,
        "--text",
        "music",
        "--where",
        "year >= 1983 and not genre in (metal)",
        "--json",
    ]);
    let mut found = ids(&filtered);
    found.sort_unstable();
    assert_eq!(found, ["happy", "soft"]);

    let hybrid = scratch.json(&[
        "search",
        "--index",
        index,
        "--image",
        text(&picture),
        "--text",
        "sun",
        "--like",
        "soft:0.5",
        "--unlike",
        "sad",
        "--json",
    ]);
    let mut found = ids(&hybrid);
    found.sort_unstable();
    assert_eq!(found, ["happy", "loud"]);

    let capped = scratch.json(&[
        "search",
        "--index",
        index,
        "--text",
        "music",
        "--max-per-artist",
        "1",
        "--json",
    ]);
    assert_eq!(ids(&capped).len(), 3, "Ada has two songs");
}

#[test]
fn similar_leaves_the_song_itself_out() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    for by in ["description", "audio"] {
        let answer =
            scratch.json(&["similar", "soft", "--index", text(&index), "--by", by, "--json"]);
        let found = ids(&answer);
        assert!(!found.is_empty() && !found.contains(&"soft"), "{by}: {found:?}");
    }
    let message = scratch.fails(&["similar", "lulla", "--index", text(&index)]);
    assert!(message.contains("did you mean") && message.contains("soft"), "{message}");
}

#[test]
fn build_index_reports_what_it_dropped_and_keeps_the_old_file_on_failure() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    let before = fs::read(&index).unwrap();

    let bad = scratch.write("bad.csv", "colour,shape\nred,round\n");
    let message = scratch.fails(&["build-index", text(&bad), text(&index)]);
    assert!(message.contains("bad.csv"), "{message}");
    assert_eq!(fs::read(&index).unwrap(), before);

    let table =
        scratch.write("more.csv", "id,title,artist,energy\na,One,X,0.5\na,One,X,0.5\nb,NA,X,0.5\n");
    let report = scratch.json(&["build-index", text(&table), text(&index), "--json"]);
    assert_eq!(report["clean"]["rows_read"], 3, "{report}");
    assert_eq!(report["clean"]["kept"], 1);
    assert_eq!(report["clean"]["merged"]["count"], 1);
    assert_eq!(report["build"]["songs"], 1);
}

#[test]
fn clean_reads_foreign_headers_and_reports() {
    let scratch = Scratch::new();
    let table = "Werk|Von|energy\nRain|Ana|50%\nRain|Ana|0.5\n|Ben|0.2\n";
    let table = scratch.write("t.csv", table);
    let out = scratch.path("cleaned.csv");
    let message = scratch.fails(&["clean", text(&table), text(&out)]);
    assert!(message.contains("title=NAME") && message.contains("Werk"), "{message}");
    assert!(!out.exists());

    let mut args = vec!["clean", text(&table), text(&out)];
    args.extend(["--column", "title=Werk", "--column", "artist=Von"]);
    args.extend(["--delimiter", "pipe"]);
    let printed = scratch.ok(&args);
    assert!(
        printed.contains("3 rows read: 1 song kept, 1 repeat merged, 1 row dropped"),
        "{printed}"
    );
    let cleaned = fs::read_to_string(&out).unwrap();
    assert_eq!(cleaned.lines().count(), 2, "{cleaned}");
    args.push("--json");
    let report = &scratch.json(&args)["clean"];
    assert_eq!(report["dropped"]["missing_title"]["lines"][0], 4);
    assert_eq!(report["converted"]["energy"]["percent_sign"]["count"], 1);

    // Cleaning a clean table does not change it, and a table cannot be overwritten with itself.
    let again = scratch.path("again.csv");
    scratch.ok(&["clean", text(&out), text(&again)]);
    assert_eq!(fs::read_to_string(&again).unwrap(), cleaned);
    let message = scratch.fails(&["clean", text(&out), text(&out)]);
    assert!(message.contains("another file"), "{message}");

    args.extend(["--max-rows", "2"]);
    let message = scratch.fails(&args);
    assert!(message.contains("max_rows"), "{message}");
    for bad in [["--column", "Werk"], ["--delimiter", "ab"]] {
        let output = scratch.run(&[&["clean", text(&table), text(&out)][..], &bad].concat());
        assert_eq!(output.status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn songs_are_described_with_the_phrases_of_a_file() {
    let scratch = Scratch::new();
    scratch.small_index();
    let (table, index) = (scratch.path("songs.csv"), scratch.path("mine.arrow"));
    let phrases = scratch.ok(&["build-index", "--print-templates"]);
    assert!(phrases.contains("version = ") && phrases.contains("{decade}"));
    let mut own = String::new();
    for line in phrases.lines() {
        own.push_str(match line.trim() {
            phrase if phrase.starts_with('"') => "\"nothing but rain\",",
            other => other,
        });
        own.push('\n');
    }
    let own = scratch.write("mine.toml", own);
    let built = scratch.json(&[
        "build-index",
        text(&table),
        text(&index),
        "--templates",
        text(&own),
        "--title-weight",
        "0",
        "--json",
    ]);
    assert_eq!(built["build"]["songs"], 4);
    let answer = scratch.json(&["search", "--index", text(&index), "--text", "rain", "--json"]);
    let told = answer["hits"][0]["description"].as_str().unwrap();
    assert!(told.contains("nothing but rain") && !told.contains("a photo of"), "{told}");

    // Added songs must be described with the same phrases.
    let more = scratch.write("more.csv", "id,title,artist,energy,valence\nm,More,Ana,0.2,0.9\n");
    let said = scratch.fails(&["add", text(&index), text(&more)]);
    assert!(said.contains("--templates"), "{said}");
    let added =
        scratch.json(&["add", text(&index), text(&more), "--templates", text(&own), "--json"]);
    assert_eq!(added["edit"]["added"], 1);

    let broken = scratch.write("broken.toml", "version = 3");
    let said =
        scratch.fails(&["build-index", text(&table), text(&index), "--templates", text(&broken)]);
    assert!(said.contains("broken.toml") && said.contains("version"), "{said}");
}

#[test]
fn an_audit_tells_how_evenly_pictures_use_a_catalogue() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    fs::create_dir(scratch.path("pictures")).unwrap();
    for sample in pixelplay_data::SAMPLE_IMAGES {
        scratch.write(&format!("pictures/{}.JPG", sample.name), sample.jpeg);
    }
    scratch.write("pictures/notes.txt", "no picture");
    let audit = |more: &[&'static str]| -> Vec<&'static str> {
        let args = ["audit", "pictures", "--index", "songs.arrow", "-k", "2"];
        [args.as_slice(), more].concat()
    };
    let report = scratch.json(&audit(&["--json"]));
    assert_eq!((report["queries"].as_u64(), report["songs"].as_u64()), (Some(5), Some(4)));
    let hubs = report["hubs"].as_array().unwrap();
    let shown: u64 = hubs.iter().map(|hub| hub["queries"].as_u64().unwrap()).sum();
    assert_eq!(shown, 10);
    assert_eq!(report["songs_ever_shown"], hubs.len());
    let told = scratch.ok(&audit(&["--max-per-artist", "1", "--distinct-songs"]));
    assert!(told.contains("at least one of 5 queries") && told.contains("Gini"), "{told}");

    let uncorrected = scratch.fails(&audit(&["--hubness-correction", "0.5"]));
    assert!(uncorrected.contains("correct"), "{uncorrected}");
    let told =
        scratch.json(&["correct-hubness", text(&index), "pictures", "--nearest", "2", "--json"]);
    assert_eq!(told["songs"], 4);
    scratch.ok(&audit(&["--hubness-correction", "0.5"]));
    assert_eq!(scratch.json(&audit(&["--json"])), report);

    // A file with a picture's extension that is not a picture is skipped with a message.
    scratch.write("pictures/broken.png", "no picture");
    let output = scratch.run(&audit(&[]));
    assert!(output.status.success());
    assert!(stderr(&output).contains("broken.png"));
    fs::create_dir(scratch.path("empty")).unwrap();
    let said = scratch.fails(&["audit", "empty", "--index", text(&index)]);
    assert!(said.contains("no picture"), "{said}");
}

#[test]
fn verify_tells_a_whole_index_from_a_damaged_one() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    assert!(scratch.ok(&["verify", text(&index)]).contains("4 songs"));

    let mut bytes = fs::read(&index).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    let damaged = scratch.write("damaged.arrow", &bytes);
    let message = scratch.fails(&["verify", text(&damaged)]);
    assert!(message.contains("damaged.arrow"), "{message}");
}

#[test]
fn an_index_of_another_encoder_is_refused_with_a_way_out() {
    let scratch = Scratch::new();
    let path = scratch.path("elsewhere.arrow");
    let options = WriterOptions {
        fingerprint: Fingerprint::new("another encoder").ok(),
        ..WriterOptions::new(2)
    };
    let mut writer = SongIndexWriter::create(&path, options).unwrap();
    let song = Song::new(SongId::new("a").unwrap());
    writer.push(&song, &[1.0, 0.0]).unwrap();
    writer.finish().unwrap();
    let picture = scratch.sample_picture();
    let message = scratch.fails(&["match", text(&picture), "--index", text(&path)]);
    assert!(message.contains("--encoder"), "{message}");
    let message = scratch.fails(&["match", text(&picture), "--encoder", "no-such-folder"]);
    assert!(message.contains("no-such-folder"), "{message}");
}

#[test]
fn mistakes_are_named() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    let index = text(&index);
    let not_a_picture = scratch.write("notes.jpg", "these are no pixels");
    let telephone = scratch.write("broken.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1");
    let folder = text(scratch.folder.path());
    for (args, expected) in [
        (vec!["match", "nowhere.jpg"], "nowhere.jpg"),
        (vec!["match", text(&telephone)], "broken.heic`): it is a HEIC picture: export it as JPEG"),
        (vec!["match", folder], "it is a folder, not a picture"),
        (vec!["match", text(&not_a_picture)], "notes.jpg"),
        (vec!["search", "--index", "nowhere.arrow", "--text", "x"], "nowhere.arrow"),
        (vec!["search", "--index", text(&not_a_picture), "--text", "x"], "notes.jpg"),
        (vec!["search", "--index", index], "empty"),
        (vec!["search", "--index", index, "--text", "x", "--where", "energy >"], "energy >"),
        (vec!["search", "--index", index, "--text", "x", "--where", "colour = 3"], "energy"),
        (vec!["search", "--index", index, "--text", "x", "--text-weight", "2"], "between 0 and 1"),
        (vec!["build-index", "nowhere.csv", "out.arrow"], "nowhere.csv"),
        (vec!["encode"], "nothing to encode"),
    ] {
        let message = scratch.fails(&args);
        assert!(message.starts_with("error: "), "{args:?}: {message}");
        assert!(message.contains(expected), "{args:?}: {message}");
    }
}

#[test]
fn an_index_gains_and_loses_songs() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    let index = text(&index);
    let songs = |json: &Value| json["edit"]["songs"].as_u64().or(json["songs"].as_u64());
    let more = scratch.write(
        "more.csv",
        "id,title,artist,energy,valence\nnew,Dawn,Dee,0.3,0.7\nloud,Storm II,Ada,0.9,0.2\n",
    );
    let message = scratch.fails(&["add", index, text(&more)]);
    assert!(message.contains("\"loud\"") && message.contains("replace"), "{message}");
    let added = scratch.json(&["add", index, text(&more), "--replace", "--json"]);
    assert_eq!(songs(&added), Some(5));
    assert_eq!((&added["edit"]["added"], &added["edit"]["replaced"]), (&1.into(), &1.into()));
    let answer = scratch.json(&["search", "--index", index, "--like", "new", "-k", "5", "--json"]);
    let titles: Vec<_> =
        answer["hits"].as_array().unwrap().iter().map(|hit| &hit["title"]).collect();
    assert!(titles.contains(&&Value::from("Storm II")), "{titles:?}");

    let message = scratch.fails(&["remove", index, "new", "nobody"]);
    assert!(message.contains("\"nobody\""), "{message}");
    let gone = scratch.write("gone.txt", "loud\n\n nobody \n");
    let text_of = scratch.ok(&["remove", index, "new", "--from", text(&gone), "--ignore-missing"]);
    assert_eq!(text_of.trim(), "2 removed, 1 not found, 3 songs in the index");
    assert!(scratch.fails(&["remove", index]).contains("nothing to remove"));

    // A folder of two files, which compacting merges.
    let folder = scratch.path("folder");
    fs::create_dir(&folder).unwrap();
    fs::copy(index, folder.join("a.arrow")).unwrap();
    let other = scratch.path("other.arrow");
    scratch.ok(&["build-index", text(&more), text(&other)]);
    assert_eq!(songs(&scratch.json(&["add", text(&folder), text(&other), "--json"])), Some(5));
    assert_eq!(songs(&scratch.json(&["compact", text(&folder), "--json"])), Some(5));
    assert!(scratch.ok(&["verify", text(&folder)]).contains("is intact: 5 songs"));
    let shards = fs::read_dir(&folder).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "arrow")
    });
    assert_eq!(shards.count(), 1);
}

#[test]
fn vectors_of_other_programs_become_an_index() {
    let scratch = Scratch::new();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
    let mut npy =
        [b"\x93NUMPY\x01\x00", [header.len() as u8, 0].as_slice(), header.as_bytes()].concat();
    npy.extend([3.0_f32, 4.0, 1.0, 0.0].iter().flat_map(|v| v.to_le_bytes()));
    let vectors = scratch.write("vectors.npy", npy);
    let table = scratch.write("table.csv", "id,title\na,Storm\nb,Dawn\n");
    let (vectors, table) = (text(&vectors), text(&table));
    let out = scratch.path("out.arrow");
    let out = text(&out);
    let message = scratch.fails(&["import", vectors, out, "--table", table]);
    assert!(message.contains("row 0") && message.contains("normalise"), "{message}");
    let report = scratch.json(&["import", vectors, out, "--table", table, "--normalize", "--json"]);
    assert_eq!((&report["songs"], &report["dim"]), (&2.into(), &2.into()));
    assert!(scratch.ok(&["verify", out]).contains("2 songs, 2 dimensions"));
    let short = scratch.write("short.csv", "id\na\n");
    let message = scratch.fails(&["import", vectors, out, "--table", text(&short), "--normalize"]);
    assert!(message.contains("1 rows") && message.contains("2 vectors"), "{message}");
}

#[test]
fn a_table_in_place_of_an_index_gets_a_hint() {
    let scratch = Scratch::new();
    let table = scratch.write("songs.csv", "id,title,artist\n1,Dawn,Ana\n");
    for args in [
        vec!["verify", text(&table)],
        vec!["search", "--index", text(&table), "--text", "x"],
        vec!["remove", text(&table), "1"],
    ] {
        let message = scratch.fails(&args);
        assert!(message.contains("build-index"), "{message}");
    }
}

#[test]
fn encode_prints_unit_vectors_as_json_lines() {
    let scratch = Scratch::new();
    let picture = scratch.sample_picture();
    let lines = scratch.ok(&["encode", text(&picture), "--text", "a", "--text", "b"]);
    let vectors: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(vectors.len(), 3);
    for vector in &vectors {
        let square: f64 = vector["embedding"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap().powi(2))
            .sum();
        assert!((square - 1.0).abs() < 1e-4, "{square}");
        assert_eq!(vector["encoder"], vectors[0]["encoder"]);
    }
}

#[test]
fn a_picture_may_come_from_standard_input() {
    let scratch = Scratch::new();
    let picture = scratch.sample_picture();
    let index = scratch.small_index();
    let from = |bytes: &[u8], args: &[&str]| {
        let input = scratch.write("input", bytes);
        scratch.command(args).stdin(fs::File::open(input).unwrap()).output().unwrap()
    };
    let jpeg = fs::read(&picture).unwrap();
    for (named, piped) in [
        (vec!["match", text(&picture)], vec!["match", "-"]),
        (vec!["search", "--image", text(&picture)], vec!["search", "--image", "-"]),
        (vec!["audit", text(&picture)], vec!["audit", "-"]),
    ] {
        let more = ["--index", text(&index), "--json"];
        let output = from(&jpeg, &[&piped[..], &more].concat());
        assert!(output.status.success(), "{piped:?}: {}", stderr(&output));
        let expected = scratch.ok(&[&named[..], &more].concat());
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{piped:?}");
    }
    let output = from(&jpeg, &["encode", "-"]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["picture"], "-");
    let output = from(&jpeg, &["correct-hubness", text(&index), "-", "--nearest", "1"]);
    assert!(output.status.success(), "{}", stderr(&output));

    for (bytes, said) in [
        (&b""[..], "standard input is empty"),
        (&b"no picture"[..], "it is a text file"),
        (&jpeg[..2000], "is truncated"),
    ] {
        let output = from(bytes, &["match", "-", "--index", text(&index)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("standard input"), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    let output = from(&jpeg, &["encode", "-", "-"]);
    assert!(stderr(&output).contains("pass `-` only once"), "{}", stderr(&output));
}

/// Endless input is not read forever.
#[cfg(target_os = "linux")]
#[test]
fn standard_input_is_bounded() {
    let scratch = Scratch::new();
    let endless = fs::File::open("/dev/zero").unwrap();
    let output = scratch.command(&["encode", "-"]).stdin(endless).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("at most 512 MiB"), "{}", stderr(&output));
}

#[test]
fn a_home_that_cannot_be_written_costs_only_time() {
    let scratch = Scratch::new();
    let picture = scratch.sample_picture();
    let kept = scratch.ok(&["match", text(&picture), "--json"]);
    // A file, because root may write to any folder.
    let home = scratch.write("home", "");
    let command = |cache: &str| {
        let mut command = scratch.command(&["match", text(&picture), "--json"]);
        command
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("LOCALAPPDATA", &home)
            .env("TMPDIR", scratch.path("temporary"))
            .env("PIXELPLAY_CACHE", cache);
        command.output().unwrap()
    };
    fs::create_dir(scratch.path("temporary")).unwrap();
    let output = command("");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), kept);
    let note: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(note["note"].as_str().unwrap().contains("set PIXELPLAY_CACHE"), "{note}");
    assert_eq!(
        fs::read_dir(scratch.path("temporary")).unwrap().count(),
        0,
        "nothing is left there"
    );

    // If the user chose the folder, no other folder is used instead.
    let output = command(text(&home));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn errors_are_json_for_those_who_ask_for_json() {
    let scratch = Scratch::new();
    let index = scratch.small_index();
    let missing = scratch.path("missing.arrow");
    let broken = scratch.write("broken.jpg", "no picture");
    for (args, code, error, cause) in [
        (vec!["search", "--text", "x", "--index", text(&missing)], 1, "missing.arrow", true),
        (vec!["match", text(&broken), "--index", text(&index)], 1, "broken.jpg", true),
        (vec!["similar", "nobody", "--index", text(&index)], 1, "\"nobody\"", false),
        (vec!["search", "--wrong"], 2, "--wrong", false),
        (vec!["user", "--users", "none.db", "favourites"], 1, "none.db", false),
    ] {
        let output = scratch.run(&[&args[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        let said: Value = serde_json::from_slice(&output.stderr)
            .unwrap_or_else(|_| panic!("{args:?}: {}", stderr(&output)));
        assert!(said["error"].as_str().unwrap().contains(error), "{said}");
        let causes = said["causes"].as_array().unwrap();
        assert_eq!(!causes.is_empty(), cause, "{said}");
        // Without --json, the error is a sentence, followed by its causes.
        let output = scratch.run(&args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    }
    assert!(scratch.ok(&["search", "--json", "--help"]).contains("Usage"));
    // A song's id may look like a flag.
    let message = scratch.fails(&["similar", "--index", text(&index), "--", "--json"]);
    assert!(message.starts_with("error: "), "{message}");
}

/// U+202E makes the rest of the line read from right to left.
#[test]
fn nothing_that_steers_the_terminal_reaches_it() {
    let scratch = Scratch::new();
    let index = scratch.path("songs.arrow");
    let title = "Rain\u{202e}gpj\u{2066}\u{200f}\u{61c}\u{9b}";
    let mut writer = SongIndexWriter::create(&index, WriterOptions::new(2)).unwrap();
    for (id, vector) in [("a", [1.0, 0.0]), ("b", [0.6, 0.8])] {
        let mut song = Song::new(SongId::new(id).unwrap());
        song.title = Some(title.to_owned());
        writer.push(&song, &vector).unwrap();
    }
    writer.finish().unwrap();
    let steers =
        |text: &str| text.contains(['\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}', '\u{9b}']);
    let table = scratch.ok(&["similar", "a", "--index", text(&index)]);
    assert!(table.contains("Raingpj\u{fffd}") && !steers(&table), "{table:?}");
    let json = scratch.ok(&["similar", "a", "--index", text(&index), "--json"]);
    assert!(!steers(&json), "{json:?}");
    let answer: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["hits"][0]["title"], title);
    let message = scratch.fails(&["similar", "rain", "--index", text(&index)]);
    assert!(message.contains("Raingpj") && !steers(&message), "{message:?}");
}

#[test]
fn help_teaches_and_a_closed_pipe_is_no_error() {
    let scratch = Scratch::new();
    assert!(scratch.ok(&["--help"]).contains("pixelplay match beach.jpg"));
    for command in [
        "match",
        "search",
        "similar",
        "build-index",
        "import",
        "add",
        "remove",
        "compact",
        "clean",
        "verify",
        "encode",
    ] {
        assert!(scratch.ok(&[command, "--help"]).contains("Usage"), "{command}");
    }
    let mut child = scratch
        .command(&["encode", "--text", "a", "--text", "b"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}
