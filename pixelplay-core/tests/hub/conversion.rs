//! Repositories that have only pickled weights on `main`, and a converter's pull request with the
//! same weights as safetensors.

use std::fs;

use pixelplay_core::encoder::hub::{HubError, HubOptions, download};
use pixelplay_core::{Encoder, EncoderOptions};
use serde_json::json;

use crate::checkpoints::Checkpoint;
use crate::fake_hub::{COMMIT, CONVERTED, NEWER, pull_request};
use crate::server::Reply;
use crate::{REPO, Scene, explain, tree};

/// A repository like openai/clip-vit-base-patch32.
fn pickled() -> Scene {
    let scene = Scene::new();
    scene.hub.change(|world| world.convert(66));
    scene
}

fn at(scene: &Scene, revision: &str) -> HubOptions {
    HubOptions { revision: Some(revision.to_owned()), ..scene.options() }
}

#[test]
fn the_pull_request_of_the_converter_stands_in_for_main_and_that_is_said() {
    let scene = pickled();
    let snapshot = scene.get().unwrap();
    assert_eq!(snapshot.requested, "main");
    assert_eq!(snapshot.revision, "refs/pr/66");
    assert_eq!(snapshot.commit, CONVERTED);
    let encoder = snapshot.open(EncoderOptions::default()).unwrap();
    assert_eq!(encoder.name(), format!("{REPO}@{CONVERTED}"));
    assert_eq!(encoder.fingerprint(), Checkpoint::small().open().fingerprint());
    // Stored the way huggingface_hub does it, with all files from one commit.
    let read = |path: &str| fs::read_to_string(scene.repo().join(path)).unwrap();
    assert_eq!(read("refs/refs/pr/66"), CONVERTED);
    assert_eq!(read("refs/main"), COMMIT);
    assert_eq!(tree(&snapshot.dir).len(), 4);
    assert!(!scene.repo().join("snapshots").join(COMMIT).exists());

    scene.hub.hub.forget();
    scene.hub.cdn.forget();
    let again = scene.get().unwrap();
    assert_eq!((again.revision, again.commit), (snapshot.revision, snapshot.commit));
    assert_eq!(scene.hub.gets(), 1, "only the list of pull requests");
}

#[test]
fn weights_on_main_come_before_those_of_a_pull_request() {
    let scene = pickled();
    scene.get().unwrap();
    scene.hub.change(|world| {
        world.files = world.pull.as_ref().unwrap().1.clone();
        world.commit = NEWER.to_owned();
    });
    for options in [scene.options(), scene.offline()] {
        let snapshot = scene.get_with(&options).unwrap();
        assert_eq!((snapshot.revision.as_str(), snapshot.commit.as_str()), ("main", NEWER));
    }
}

#[test]
fn a_revision_that_is_named_is_never_left() {
    let scene = pickled();
    let refused = |options: &HubOptions| {
        let error = scene.get_with(options).unwrap_err();
        assert!(matches!(error, HubError::PickledWeights { .. }), "{error:?}");
        let message = explain(&error);
        assert!(message.contains("use revision `refs/pr/66`"), "{message}");
    };
    let opted_out = HubOptions { follow_conversion: false, ..scene.options() };
    for options in [at(&scene, "main"), at(&scene, COMMIT), opted_out.clone()] {
        refused(&options);
    }
    // Not even if the pull request is in the cache.
    scene.get().unwrap();
    for options in [at(&scene, "main"), opted_out] {
        refused(&options);
        let offline = HubOptions { offline: Some(true), ..options };
        let error = scene.get_with(&offline).unwrap_err();
        assert!(matches!(error, HubError::NotCached { .. }), "{error:?}");
    }
    let named = scene.get_with(&at(&scene, "refs/pr/66")).unwrap();
    assert_eq!(named.requested, "refs/pr/66");
    assert_eq!((named.revision, named.commit.as_str()), (named.requested, CONVERTED));
}

#[test]
fn only_an_open_pull_request_of_the_converter_is_followed() {
    let other = |field: &str, value: serde_json::Value| {
        let mut pull = pull_request(66, "SFconvertbot", "open");
        pull[field] = value;
        pull
    };
    for pull in [
        pull_request(66, "SomebodyElse", "open"),
        pull_request(66, "sfconvertbot", "open"),
        pull_request(66, "SFconvertbot", "closed"),
        pull_request(66, "SFconvertbot", "merged"),
        other("author", json!("SFconvertbot")),
        other("title", json!("Better weights")),
        other("isPullRequest", json!(false)),
    ] {
        let scene = pickled();
        let shown = pull.to_string();
        scene.hub.change(|world| world.discussions = json!([pull]));
        let message = scene.fails();
        for expected in ["Python pickle (pytorch_model.bin)", "refs/pr/NUMBER"] {
            assert!(message.contains(expected), "{shown}: {message}");
        }
        assert!(!scene.repo().join("refs").exists());
        assert_eq!(scene.hub.cdn.requests().len(), 0);
    }

    let scene = pickled();
    let pulls = [
        pull_request(15, "SFconvertbot", "open"),
        pull_request(66, "SFconvertbot", "open"),
        pull_request(70, "SFconvertbot", "closed"),
        pull_request(99, "SomebodyElse", "open"),
    ];
    scene.hub.change(|world| world.discussions = pulls.into());
    assert_eq!(scene.get().unwrap().revision, "refs/pr/66");
    // The cached conversion is not used once the hub says that there is none.
    scene.hub.change(|world| world.discussions = json!([]));
    assert!(scene.fails().contains("Python pickle"));
}

#[test]
fn without_a_hub_the_pull_request_is_found_again() {
    let scene = pickled();
    assert!(scene.get_with(&scene.offline()).is_err());
    scene.get().unwrap();
    scene.hub.hub.forget();
    let offline = scene.get_with(&scene.offline()).unwrap();
    assert!(scene.hub.hub.requests().is_empty());
    let nobody_there =
        HubOptions { endpoint: Some("http://127.0.0.1:9".to_owned()), ..scene.options() };
    let unreachable = scene.get_with(&nobody_there).unwrap();
    // The hub fails only for the list of pull requests.
    scene.hub.fault(|request, reply| match request.target.contains("discussions") {
        true => Reply::new(503),
        false => reply,
    });
    let half = scene.get().unwrap();
    assert!(offline.unchecked.is_none());
    assert!(unreachable.unchecked.is_some() && half.unchecked.is_some());
    for snapshot in [offline, unreachable, half] {
        assert_eq!(snapshot.requested, "main");
        assert_eq!(snapshot.revision, "refs/pr/66");
        assert_eq!(snapshot.commit, CONVERTED);
        assert!(Encoder::open(&snapshot.dir).is_ok());
    }

    // Without a cached copy, a list that cannot be fetched is not treated as empty.
    let empty = pickled();
    empty.hub.fault(|request, reply| match request.target.contains("discussions") {
        true => Reply::new(503),
        false => reply,
    });
    let message = empty.fails();
    assert!(message.contains("503") && message.contains("cannot be asked"), "{message}");
}

#[test]
fn without_a_hub_there_must_be_one_complete_pull_request_and_no_other() {
    let scene = pickled();
    scene.get().unwrap();
    let pulls = scene.repo().join("refs/refs/pr");
    let complete = |commit: &str| {
        let snapshot = scene.repo().join("snapshots").join(commit);
        fs::create_dir_all(&snapshot).unwrap();
        Checkpoint::small().write_to(&snapshot);
    };
    // A snapshot without weights does not count, and neither does the same commit under another
    // number.
    fs::write(pulls.join("9"), CONVERTED).unwrap();
    fs::write(pulls.join("101"), COMMIT).unwrap();
    for (name, commit) in [("102", "../../../../etc"), ("103", ""), ("x", NEWER)] {
        fs::write(pulls.join(name), commit).unwrap();
    }
    fs::create_dir(pulls.join("104")).unwrap();
    let found = scene.get_with(&scene.offline()).unwrap();
    assert_eq!((found.revision.as_str(), found.commit.as_str()), ("refs/pr/66", CONVERTED));

    // With two candidates, it cannot be determined offline which one is the converter's.
    complete(NEWER);
    fs::write(pulls.join("100"), NEWER).unwrap();
    assert!(scene.get_with(&scene.offline()).is_err());
    fs::remove_file(pulls.join("100")).unwrap();
    assert!(scene.get_with(&scene.offline()).is_ok());

    // If `main` is not known to lack weights, nothing replaces it.
    fs::remove_dir_all(scene.repo().join(".no_exist")).unwrap();
    assert!(scene.get_with(&scene.offline()).is_err());
}

#[test]
fn a_404_of_somebody_in_between_leads_to_no_other_weights() {
    let scene = pickled();
    scene.hub.fault(|request, reply| {
        match request.target.contains(COMMIT) && request.target.ends_with("safetensors") {
            true => Reply::new(404).body("a page of some proxy"),
            false => reply,
        }
    });
    assert!(scene.fails().contains("Python pickle"));
}

#[test]
fn a_list_of_pull_requests_cannot_lead_out_of_the_cache() {
    let number = |number: &str| {
        let pull = pull_request(7, "SFconvertbot", "open").to_string();
        let pull = pull.replace("\"num\":7", &format!("\"num\":{number}"));
        format!("{{\"discussions\":[{pull}]}}")
    };
    let bodies = [
        (number("\"66\""), "refs/pr/NUMBER"),
        (number("\"../../../../escaped\""), "refs/pr/NUMBER"),
        (number("-1"), "refs/pr/NUMBER"),
        (number("66.0"), "refs/pr/NUMBER"),
        (number("[66]"), "refs/pr/NUMBER"),
        (number("1e999"), "refs/pr/NUMBER"),
        (number("18446744073709551616"), "refs/pr/NUMBER"),
        // The number may be that large, but the hub has no such revision.
        (number("18446744073709551615"), "no revision"),
        ("{\"discussions\": \"no list\"}".to_owned(), "refs/pr/NUMBER"),
        ("{\"discussions\": [1, {\"num\": \"x\"}, null]}".to_owned(), "refs/pr/NUMBER"),
        ("[]".to_owned(), "refs/pr/NUMBER"),
        ("<html>".to_owned(), "refs/pr/NUMBER"),
        (" ".repeat(2 << 20), "refs/pr/NUMBER"),
        (String::new(), "refs/pr/NUMBER"),
    ];
    for (body, expected) in bodies {
        let scene = pickled();
        let shown: String = body.chars().take(99).collect();
        scene.hub.fault(move |request, reply| match request.target.contains("discussions") {
            true => Reply::new(200).body(body.as_str()),
            false => reply,
        });
        let message = scene.fails();
        assert!(message.contains(expected), "{shown}: {message}");
        assert_eq!(scene.hub.cdn.requests().len(), 0);
        let refs = tree(&scene.repo().join("refs"));
        assert!(refs.is_empty(), "{shown}: {refs:?}");
        let beside: Vec<_> = fs::read_dir(scene.cache.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name != "models--org--clip" && name != ".locks")
            .collect();
        assert!(beside.is_empty(), "{shown}: {beside:?}");
    }
}

#[test]
fn a_pull_request_that_answers_with_a_path_is_refused() {
    let scene = pickled();
    scene.hub.fault(|request, reply| match request.target.contains("refs%2Fpr%2F66") {
        true => reply.with("X-Repo-Commit", "../../../../escaped"),
        false => reply,
    });
    assert!(scene.fails().contains("names no commit"));
    assert!(tree(&scene.repo().join("snapshots")).is_empty());
    assert!(!scene.repo().join("refs").exists());
}

#[test]
fn a_pull_request_without_what_it_promises_is_an_error_of_its_own() {
    let scene = pickled();
    scene.hub.change(|world| {
        let files = &mut world.pull.as_mut().unwrap().1;
        files.retain(|file| !file.name.ends_with(".safetensors"));
    });
    let error = scene.get().unwrap_err();
    let message = explain(&error);
    assert!(message.contains(CONVERTED), "{message}");
    assert!(!scene.repo().join("refs").exists());
}

#[test]
fn the_way_to_it_can_be_cancelled() {
    let scene = pickled();
    scene.hub.fault(|request, reply| match request.target.contains("discussions") {
        true => Reply::new(503),
        false => reply,
    });
    let mut calls = 0;
    let mut stop = |_| {
        calls += 1;
        match calls {
            1 => std::ops::ControlFlow::Continue(()),
            _ => std::ops::ControlFlow::Break(()),
        }
    };
    let result = download(REPO, &scene.options(), &mut stop);
    let error = result.unwrap_err();
    assert!(explain(&error).contains("cancelled"), "{error:?}");
    let asked = scene.hub.hub.requests();
    assert!(asked.last().unwrap().target.contains("discussions"), "{asked:?}");
}
