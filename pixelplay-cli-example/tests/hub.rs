//! Tests the commands with checkpoints from a hub that is configured by the environment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../../pixelplay-core/tests/support/checkpoints.rs"]
mod checkpoints;
#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../../pixelplay-core/tests/hub/fake_hub.rs"]
mod fake_hub;
#[allow(dead_code, reason = "the tests of the library use the rest")]
#[path = "../../pixelplay-core/tests/support/server.rs"]
mod server;

use std::process::{Command, Output, Stdio};

use safetensors::Dtype;
use tempfile::TempDir;

use checkpoints::Checkpoint;
use fake_hub::{COMMIT, CONVERTED, FakeHub, File, TOKEN};
use server::{Manners, Reply, Server};

struct Scene {
    hub: FakeHub,
    home: TempDir,
    /// The hub's checkpoint in a folder.
    folder: TempDir,
}

/// Weights of two megabytes, which take a while to download.
fn checkpoint() -> Checkpoint {
    let mut config = Checkpoint::small().config;
    config["text_config"]["vocab_size"] = 16_384.into();
    config["text_config"]["eos_token_id"] = 16_383.into();
    Checkpoint::new("hub", &config, Dtype::F32)
}

impl Scene {
    /// A hub with a private repository, so that nothing works without the token.
    fn new() -> Self {
        let folder = checkpoint().write();
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| {
            let entry = entry.unwrap();
            File::new(entry.file_name().to_str().unwrap(), std::fs::read(entry.path()).unwrap())
        });
        let files = files.collect();
        let hub = FakeHub::start("org/mini", files);
        hub.change(|world| world.is_private = true);
        Self { hub, home: tempfile::tempdir().unwrap(), folder }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pixelplay"));
        command.args(args).stdin(Stdio::null());
        // Remove the user's settings.
        for (name, _) in std::env::vars() {
            let name = name.to_uppercase();
            if name.starts_with("HF_") || name.starts_with("HUGGING") || name.ends_with("_PROXY") {
                command.env_remove(name.to_lowercase()).env_remove(name);
            }
        }
        command
            .env("HF_HOME", self.home.path())
            .env("HF_ENDPOINT", self.hub.hub.url())
            .env("HF_TOKEN", TOKEN);
        command
    }

    /// The output for the same checkpoint in a folder.
    fn expected(&self) -> Vec<u8> {
        let folder = self.folder.path().to_str().unwrap();
        let output = self.command(&["encode", "--text", "rain", "--encoder", folder]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        output.stdout
    }
}

const ENCODE: [&str; 5] = ["encode", "--text", "rain", "--encoder", "hub:org/mini"];

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_encoder_comes_from_the_hub_and_then_from_the_cache() {
    let scene = Scene::new();
    let online = scene.command(&ENCODE).output().unwrap();
    assert!(online.status.success(), "{}", stderr(&online));
    assert!(scene.home.path().join("hub/models--org--mini/refs/main").is_file());

    assert_eq!(online.stdout, scene.expected(), "it is the same checkpoint");

    scene.hub.hub.forget();
    let pinned = format!("hub:org/mini@{COMMIT}");
    let offline = scene
        .command(&["encode", "--text", "rain", "--encoder", &pinned])
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .unwrap();
    assert_eq!(offline.stdout, online.stdout);
    assert!(scene.hub.hub.requests().is_empty());

    scene.hub.fault(|_, _| Reply::new(503));
    let down = scene.command(&ENCODE).output().unwrap();
    assert_eq!(down.stdout, online.stdout);
    let message = stderr(&down);
    assert!(message.contains("503") && message.contains(COMMIT), "{message}");
}

#[test]
fn weights_of_a_pull_request_are_announced_beside_the_output() {
    let scene = Scene::new();
    let expected = scene.expected();
    scene.hub.change(|world| world.convert(66));
    for offline in ["0", "1"] {
        let output = scene.command(&ENCODE).env("HF_HUB_OFFLINE", offline).output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.stdout, expected, "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        for expected in ["refs/pr/66", "converter", CONVERTED] {
            assert!(message.contains(expected), "{message}");
        }
    }
    let check = ["model", "check", "hub:org/mini", "--json"];
    let output = scene.command(&check).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["path"].as_str().unwrap().contains(CONVERTED));
    assert!(stderr(&output).contains("refs/pr/66"));

    let named = ["encode", "--text", "rain", "--encoder", "hub:org/mini@main"];
    assert_eq!(scene.command(&named).output().unwrap().status.code(), Some(1));
}

#[test]
fn what_the_hub_refuses_is_explained_without_the_token() {
    let scene = Scene::new();
    let refused = |command: &mut Command, expected: &str| {
        let output = command.output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        assert!(message.starts_with("error: ") && message.contains(expected), "{message}");
        assert!(!message.contains("hf_"), "{message}");
    };
    refused(scene.command(&ENCODE).env_remove("HF_TOKEN"), "set HF_TOKEN");
    refused(scene.command(&ENCODE).env("HF_TOKEN", "hf_wrong"), "was not accepted");
    refused(scene.command(&ENCODE).env("HF_HUB_OFFLINE", "yes"), "is not in the cache");
    let elsewhere = ["encode", "--text", "x", "--encoder", "hub:../../x"];
    refused(&mut scene.command(&elsewhere), "is not a valid repository name");
}

#[test]
fn two_processes_at_once_share_one_download() {
    let scene = Scene::new();
    let spawn =
        || scene.command(&ENCODE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let running = [spawn(), spawn(), spawn()];
    let outputs = running.map(|child| child.wait_with_output().unwrap());
    for output in &outputs {
        assert!(output.status.success(), "{}", stderr(output));
        assert_eq!(output.stdout, outputs[0].stdout);
    }
    assert_eq!(scene.hub.cdn.requests().len(), 1);
}

#[test]
fn the_environment_names_the_proxy_and_what_goes_around_it() {
    let scene = Scene::new();
    let (hub, cdn) = (scene.hub.hub.address, scene.hub.cdn.address);
    let proxy = Server::start(move |request| {
        let to_cdn = request.target.contains(&cdn.to_string());
        Reply::new(200).sent(Manners::Tunnel(if to_cdn { cdn } else { hub }))
    });
    let around = scene
        .command(&ENCODE)
        .env("HTTP_PROXY", proxy.url())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert!(around.status.success(), "{}", stderr(&around));
    assert!(proxy.requests().is_empty());

    let other_home = tempfile::tempdir().unwrap();
    let through = scene
        .command(&ENCODE)
        .env("HTTP_PROXY", proxy.url())
        .env("HF_HOME", other_home.path())
        .output()
        .unwrap();
    assert!(through.status.success(), "{}", stderr(&through));
    assert!(!proxy.requests().is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_download_that_hangs_and_keeps_what_arrived() {
    let scene = Scene::new();
    scene.hub.fault(|request, reply| match request.target.contains("signature") {
        true => reply.sent(Manners::HangAfter(100_000)),
        false => reply,
    });
    let child = scene
        .command(&ENCODE)
        .env("HF_HUB_DOWNLOAD_TIMEOUT", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while scene.hub.cdn.requests().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let message = stderr(&output);
    assert!(message.contains("is kept") && !message.contains("nothing was changed"), "{message}");
    let blobs = scene.home.path().join("hub/models--org--mini/blobs");
    let partial = std::fs::read_dir(blobs)
        .unwrap()
        .map(|entry| entry.unwrap())
        .find(|entry| entry.path().extension().is_some_and(|e| e == "incomplete"));
    assert!(partial.unwrap().metadata().unwrap().len() <= 100_000);
}

#[test]
fn model_check_takes_what_the_hub_has() {
    let scene = Scene::new();
    let output = scene.command(&["model", "check", "hub:org/mini", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["usable"], true, "{report}");
    assert!(report["path"].as_str().unwrap().contains(COMMIT));
    let files = report["files"].as_array().unwrap();
    let weights = files.iter().find(|file| file["name"] == "model.safetensors");
    let bytes = checkpoint().weights().len();
    assert_eq!(weights.unwrap()["bytes"], bytes, "of the file, not of the link");
}
