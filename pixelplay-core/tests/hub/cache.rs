//! The cache: its layout, the requests it saves, and its use when the hub is unavailable.

use std::fs;

use pixelplay_core::encoder::hub::{HubError, HubOptions};
use pixelplay_core::{Encoder, EncoderOptions};

use crate::checkpoints::Checkpoint;
use crate::fake_hub::{COMMIT, File, NEWER};
use crate::server::Reply;
use crate::{REPO, Scene, explain, tree};

#[test]
fn what_is_downloaded_opens_and_is_named_by_its_commit() {
    let scene = Scene::new();
    let encoder =
        Encoder::from_hub_with(REPO, &scene.options(), EncoderOptions::default(), &mut ()).unwrap();
    assert_eq!(encoder.name(), format!("{REPO}@{COMMIT}"));
    let local = Checkpoint::small().open();
    assert_eq!(encoder.fingerprint(), local.fingerprint());
    assert_eq!(encoder.encode_text("w1 w2").unwrap(), local.encode_text("w1 w2").unwrap());
}

/// The layout is described in huggingface_hub's documentation, "Manage the cache".
#[cfg(unix)]
#[test]
fn the_cache_has_the_layout_that_all_clients_share() {
    let scene = Scene::new();
    let snapshot = scene.get().unwrap();
    assert_eq!(snapshot.dir, scene.repo().join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(scene.repo().join("refs/main")).unwrap(), COMMIT);
    let wanted = ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"];
    assert_eq!(tree(&snapshot.dir), wanted);
    for file in wanted {
        let link = fs::read_link(snapshot.dir.join(file)).unwrap();
        let blob = scene.blob(file);
        let name = blob.file_name().unwrap().to_str().unwrap();
        assert_eq!(link.to_str().unwrap(), format!("../../blobs/{name}"));
        assert!(blob.is_file() && !blob.is_symlink());
    }
    assert_eq!(tree(&scene.repo().join("blobs")).len(), wanted.len());
}

#[test]
fn a_second_time_nothing_is_downloaded() {
    let scene = Scene::new();
    scene.get().unwrap();
    assert_eq!(scene.hub.gets(), 4 + 2, "two of them are redirected");
    scene.hub.hub.forget();
    scene.hub.cdn.forget();

    let again = scene.get().unwrap();
    assert!(again.unchecked.is_none());
    let asked = scene.hub.hub.requests();
    assert_eq!(asked.len(), 1, "only the commit of `main`: {asked:?}");
    assert_eq!(asked[0].method, "HEAD");

    let pinned = HubOptions { revision: Some(COMMIT.to_owned()), ..scene.options() };
    scene.hub.hub.forget();
    scene.get_with(&pinned).unwrap();
    assert_eq!(scene.hub.hub.requests().len(), 0, "a commit never changes");
}

#[test]
fn offline_the_cache_answers_alone() {
    let scene = Scene::new();
    let message = explain(&scene.get_with(&scene.offline()).unwrap_err());
    for expected in ["org/clip", "config.json", "HF_HUB_OFFLINE", "Encoder::open"] {
        assert!(message.contains(expected), "{message}");
    }
    scene.get().unwrap();
    scene.hub.hub.forget();
    for revision in [None, Some(COMMIT.to_owned())] {
        let options = HubOptions { revision, ..scene.offline() };
        assert_eq!(scene.get_with(&options).unwrap().commit, COMMIT);
    }
    assert_eq!(scene.hub.hub.requests().len(), 0);

    fs::remove_file(scene.blob("tokenizer.json")).unwrap();
    let message = explain(&scene.get_with(&scene.offline()).unwrap_err());
    assert!(message.contains("tokenizer.json"), "{message}");
}

#[test]
fn without_a_hub_a_branch_is_what_it_was_and_that_is_said() {
    let scene = Scene::new();
    scene.get().unwrap();
    let nobody_there = HubOptions {
        // Port 9 is `discard`, a service that is practically never running.
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        ..scene.options()
    };
    let snapshot = scene.get_with(&nobody_there).unwrap();
    assert_eq!(snapshot.commit, COMMIT);
    assert!(matches!(snapshot.unchecked, Some(HubError::Network { .. })));
    for status in [401, 403, 429, 500, 503] {
        scene.hub.hub.forget();
        scene.hub.fault(move |_, _| Reply::new(status));
        let snapshot = scene.get().unwrap();
        assert!(snapshot.unchecked.is_some(), "{status}");
        let asked = scene.hub.hub.requests().len();
        assert_eq!(asked, 1, "with a cached copy, there are no retries if the hub is down");
    }
    // A missing revision is an answer, not a network failure.
    scene.hub.fault(|_, _| Reply::new(404).with("X-Error-Code", "RevisionNotFound"));
    assert!(scene.fails().contains("has no revision"));

    let empty = Scene::new();
    let message = explain(
        &empty
            .get_with(&HubOptions { endpoint: nobody_there.endpoint, ..empty.options() })
            .unwrap_err(),
    );
    assert!(message.contains("cannot be asked") && message.contains("127.0.0.1"), "{message}");
}

#[test]
fn a_branch_that_moved_is_followed_and_shares_what_stayed() {
    let scene = Scene::new();
    scene.get().unwrap();
    let mut other = Checkpoint::small();
    other.tensor("text_projection.weight")[0] += 1.0;
    scene.hub.change(|world| {
        world.commit = NEWER.to_owned();
        world.files[3] = File::new("model.safetensors", other.weights());
    });
    scene.hub.hub.forget();
    scene.hub.cdn.forget();
    let snapshot = scene.get().unwrap();
    assert_eq!(snapshot.commit, NEWER);
    assert_eq!(scene.hub.cdn.requests().len(), 1, "only the weights have changed");
    assert_eq!(scene.hub.gets(), 2);
    assert_eq!(fs::read_to_string(scene.repo().join("refs/main")).unwrap(), NEWER);
    assert!(Encoder::open(&snapshot.dir).is_ok());
    // The old commit is still available if it is pinned.
    let pinned = HubOptions { revision: Some(COMMIT.to_owned()), ..scene.offline() };
    assert!(scene.get_with(&pinned).is_ok());
}

#[test]
fn a_ref_moves_only_when_its_snapshot_is_complete() {
    let scene = Scene::new();
    scene.get().unwrap();
    scene.hub.change(|world| {
        world.commit = NEWER.to_owned();
        world.files[3] = File::new("model.safetensors", "other weights");
    });
    scene.hub.fault(|request, reply| match request.target.contains("signature") {
        true => Reply::new(500),
        false => reply,
    });
    assert!(scene.fails().contains("500"));
    let offline = scene.get_with(&scene.offline()).unwrap();
    assert_eq!(offline.commit, COMMIT, "the previous complete snapshot is still used");
}

#[test]
fn what_python_has_downloaded_is_used() {
    // The cache as huggingface_hub writes it: relative links, and no newline after the commit.
    let scene = Scene::new();
    let snapshot = scene.repo().join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    Checkpoint::small().write_to(&snapshot);
    fs::create_dir_all(scene.repo().join("refs/refs/pr")).unwrap();
    fs::write(scene.repo().join("refs/refs/pr/1"), COMMIT).unwrap();
    let options = HubOptions { revision: Some("refs/pr/1".to_owned()), ..scene.offline() };
    assert_eq!(scene.get_with(&options).unwrap().commit, COMMIT);
    // A ref that was written by hand or by an attacker.
    for bad in ["../../../../etc", "main", ""] {
        fs::write(scene.repo().join("refs/refs/pr/1"), bad).unwrap();
        let found = scene.get_with(&options);
        assert!(matches!(found, Err(HubError::NotCached { .. })), "{found:?}");
    }
}

#[test]
fn a_pull_request_is_a_revision() {
    let scene = Scene::new();
    let options = HubOptions { revision: Some("refs/pr/1".to_owned()), ..scene.options() };
    assert_eq!(scene.get_with(&options).unwrap().commit, COMMIT);
    assert!(scene.repo().join("refs/refs/pr/1").is_file());
}

#[test]
fn older_and_newer_sets_of_files_are_found() {
    let scene = Scene::new();
    let index = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    scene.hub.change(|world| {
        world.files[1].name = "processor_config.json".to_owned();
        world.files[2] = File::new("vocab.json", "{}");
        world.files.push(File::new("merges.txt", "#version"));
        world.files[3] = File::new("model-00001-of-00002.safetensors", "one");
        world.files.push(File::new("model-00002-of-00002.safetensors", "two"));
        world.files.push(File::new("model.safetensors.index.json", index));
    });
    let snapshot = scene.get().unwrap();
    assert_eq!(
        tree(&snapshot.dir),
        [
            "config.json",
            "merges.txt",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "processor_config.json",
            "vocab.json",
        ]
    );
    // Files missing from the repository are recorded, as in huggingface_hub.
    let missing = scene.repo().join(".no_exist").join(COMMIT);
    assert_eq!(tree(&missing), ["model.safetensors", "preprocessor_config.json", "tokenizer.json"]);
    assert!(scene.get_with(&scene.offline()).is_ok());
    fs::remove_file(scene.blob("model-00002-of-00002.safetensors")).unwrap();
    let message = explain(&scene.get_with(&scene.offline()).unwrap_err());
    assert!(message.contains("model-00002-of-00002"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_complete_cache_need_not_be_writable() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.get().unwrap();
    // If the tests run as root, writing still succeeds, and only the first half is tested.
    let set_mode = |mode| {
        for folder in ["", "blobs", "refs", "snapshots"] {
            let path = scene.repo().join(folder);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    set_mode(0o555);
    let complete = scene.get();
    let can_write = fs::write(scene.repo().join("probe"), "").is_ok();
    scene.hub.change(|world| world.commit = NEWER.to_owned());
    let incomplete = scene.get();
    set_mode(0o755);
    assert!(complete.is_ok());
    if !can_write {
        let message = explain(&incomplete.unwrap_err());
        assert!(message.contains("cannot write") && message.contains("HF_HOME"), "{message}");
    }
}

#[test]
fn a_cache_that_cannot_be_is_an_error_with_a_way_out() {
    let scene = Scene::new();
    let file = scene.cache.path().join("a file");
    fs::write(&file, "").unwrap();
    let options = HubOptions { cache: Some(file.join("hub")), ..scene.options() };
    let message = explain(&scene.get_with(&options).unwrap_err());
    assert!(message.contains("cannot write") && message.contains("HF_HOME"), "{message}");
}

/// Runs if `PIXELPLAY_HUB_PYTHON` names a Python with `huggingface_hub`.
#[cfg(unix)]
#[test]
fn python_and_we_use_what_the_other_has_downloaded() {
    let Some(python) = std::env::var_os("PIXELPLAY_HUB_PYTHON") else {
        eprintln!("skipped: PIXELPLAY_HUB_PYTHON is not set to a Python with huggingface_hub");
        return;
    };
    let python = |scene: &Scene, offline: bool| {
        let program = "import sys, huggingface_hub as hub\n\
            for file in ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'model.safetensors']:\n\
            \x20   print(hub.hf_hub_download('org/clip', file))\n\
            if len(sys.argv) > 1: print(hub.snapshot_download('org/clip', local_files_only=True))";
        let output = std::process::Command::new(&python)
            .args(["-c", program])
            .args(offline.then_some("snapshot"))
            .env("HF_HOME", scene.cache.path())
            .env("HF_HUB_CACHE", scene.cache.path())
            .env("HF_ENDPOINT", scene.hub.hub.url())
            .env("HF_HUB_OFFLINE", if offline { "1" } else { "0" })
            .env("HF_HUB_DISABLE_XET", "1")
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };

    let ours = Scene::new();
    let snapshot = ours.get().unwrap();
    ours.hub.hub.forget();
    let found = python(&ours, true);
    let paths: Vec<_> = found.lines().map(std::path::PathBuf::from).collect();
    assert_eq!(paths.len(), 5);
    assert_eq!(paths[0], snapshot.dir.join("config.json"));
    assert_eq!(paths[4], snapshot.dir);
    assert!(ours.hub.hub.requests().is_empty());

    let theirs = Scene::new();
    let before = tree(&ours.repo());
    python(&theirs, false);
    theirs.hub.hub.forget();
    let snapshot = theirs.get_with(&theirs.offline()).unwrap();
    assert!(Encoder::open(snapshot.dir).is_ok());
    assert_eq!(theirs.get().unwrap().commit, COMMIT);
    assert!(theirs.hub.hub.requests().iter().all(|r| r.method == "HEAD"));
    let after = tree(&theirs.repo());
    assert_eq!(after, before, "both leave the same files");
}
