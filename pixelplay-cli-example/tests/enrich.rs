//! Tests `enrich` as users run it, with a fake shop on the loopback interface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../../pixelplay-core/tests/support/server.rs"]
mod server;

use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use pixelplay_core::index::{WriterOptions, write_index};
use pixelplay_core::{Song, SongId, SongIndex};
use serde_json::{Value, json};
use tempfile::TempDir;

use server::{Reply, Server};

/// An index of five songs, and a shop that has all of them.
struct Scene {
    shop: Server,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let songs: Vec<Song> = (0..5)
            .map(|n| {
                let mut song = Song::new(SongId::new(format!("{n}")).unwrap());
                song.title = Some(format!("Rain {n}"));
                song.artist = Some("Ana".into());
                song
            })
            .collect();
        let vectors = [1.0, 0.0].repeat(5);
        let path = folder.path().join("songs.arrow");
        write_index(path, &songs, &vectors, WriterOptions::new(2)).unwrap();
        let shop = Server::start(|request| {
            let number = request.target.split("Rain+").nth(1).unwrap()[..1].to_owned();
            let found = json!({"kind": "song", "trackId": 7, "trackName": format!("Rain {number}"), "artistName": "Ana",
                "artworkUrl100": "https://is1-ssl.mzstatic.com/a/100x100bb.jpg"});
            Reply::new(200)
                .with("Content-Type", "text/javascript")
                .body(json!({"results": [found]}).to_string())
        });
        Self { shop, folder }
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pixelplay"));
        command
            .args(["enrich", "songs.arrow", "out.arrow"])
            .args(["--base-url", &self.shop.url()])
            .args(more)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for (name, _) in std::env::vars() {
            if name.to_uppercase().ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    fn ok(&self, more: &[&str]) -> String {
        let output = self.run(more);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn has(&self, file: &str) -> bool {
        self.folder.path().join(file).exists()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_dry_run_asks_nothing_and_leaves_nothing() {
    let scene = Scene::new();
    let text = scene.ok(&["--dry-run"]);
    assert!(text.contains("5 of 5 songs to look up at itunes: 5 requests, about 12 s"), "{text}");
    assert!(text.contains("/search?term=Ana+Rain+0&country=US"), "{text}");
    let plan: Value = serde_json::from_str(&scene.ok(&["--dry-run", "--json"])).unwrap();
    assert_eq!((&plan["to_ask"], &plan["seconds"]), (&json!(5), &json!(12.0)));
    assert!(!scene.has("out.arrow") && !scene.has("enrich.db"));
    assert!(scene.shop.requests().is_empty());
}

#[test]
fn songs_are_filled_and_the_cache_is_used_the_next_time() {
    let scene = Scene::new();
    let text = scene.ok(&["--per-minute", "600"]);
    assert!(text.contains("5 of 5 songs found at itunes"), "{text}");
    assert!(text.ends_with("wrote out.arrow\n"), "{text}");
    let song = SongIndex::open(scene.folder.path().join("out.arrow")).unwrap().song(3).unwrap();
    assert!(song.artwork_url.unwrap().ends_with("/600x600bb.jpg"));
    let report: Value = serde_json::from_str(&scene.ok(&["--json"])).unwrap();
    assert_eq!((&report["matched"], &report["requests"]), (&json!(5), &json!(0)));
    assert_eq!(scene.shop.requests().len(), 5);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_and_another_run_goes_on() {
    let scene = Scene::new();
    let mut child =
        scene.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while scene.shop.requests().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        sleep(Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = stderr(&output);
    assert!(said.contains("interrupted; the answers so far are in the cache"), "{said}");
    assert!(!scene.has("out.arrow"));
    let report = scene.ok(&["--per-minute", "600", "--json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    // The request that was pending when the signal arrived was answered, and its answer kept.
    let kept = report["from_cache"].as_u64().unwrap();
    assert!(kept >= 1, "{report}");
    let answered =
        report["requests"].as_u64().unwrap() - report["failed_requests"].as_u64().unwrap();
    assert_eq!(kept + answered, 5, "{report}");
}

#[test]
fn what_is_wrong_is_told() {
    let scene = Scene::new();
    for (more, expected) in [
        (&["--provider", "musicbrainz"][..], "is not a contact address"),
        (&["--country", "Germany"], "is not a country code"),
        (&["--min-confidence", "7"], "from 0 to 1"),
        (&["--cache", "songs.arrow"], "not an SQLite file"),
        (&["--per-minute", "0"], "--per-minute"),
    ] {
        let output = scene.run(more);
        assert!(!output.status.success());
        let said = stderr(&output);
        assert!(said.contains(expected), "{more:?}: {said}");
    }
    assert!(scene.shop.requests().is_empty());
}
