//! Downloads that are cut off, resumed or stopped, and several downloads at once.

use std::fs;
use std::ops::ControlFlow;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use pixelplay_core::encoder::hub::{HubError, HubOptions, download};
use pixelplay_core::progress::Update;

use crate::fake_hub::{cut_after, first};
use crate::server::{Manners, Reply, Request};
use crate::{REPO, Scene, assert_nothing_is_published, checkpoint_files, explain};

const WEIGHTS: &str = "model.safetensors";

fn weights() -> Vec<u8> {
    checkpoint_files().remove(3).bytes
}

fn of_weights(request: &Request) -> bool {
    request.target.contains("signature")
}

fn ranges(scene: &Scene) -> Vec<Option<String>> {
    let asked = scene.hub.cdn.requests();
    asked.iter().map(|r| r.header("range").map(str::to_owned)).collect()
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_was() {
    let scene = Scene::new();
    scene.hub.fault(first(1, of_weights, cut_after(1000)));
    let snapshot = scene.get().unwrap();
    assert_eq!(fs::read(snapshot.dir.join(WEIGHTS)).unwrap(), weights());
    assert_eq!(ranges(&scene), [None, Some("bytes=1000-".to_owned())]);
    assert!(!scene.partial(WEIGHTS).exists());
}

#[test]
fn a_connection_that_breaks_again_and_again_is_patient_only_while_bytes_arrive() {
    let scene = Scene::new();
    // Each attempt gets 1000 bytes more, so there is no limit on the number of cuts.
    scene.hub.fault(first(10, of_weights, cut_after(1000)));
    scene.get().unwrap();
    assert_eq!(ranges(&scene).len(), 11);

    let scene = Scene::new();
    scene.hub.fault(first(usize::MAX, of_weights, cut_after(0)));
    let message = scene.fails();
    assert!(message.contains(WEIGHTS), "{message}");
    assert_eq!(ranges(&scene).len(), 1 + 2, "one attempt and two retries");
    assert_nothing_is_published(&scene, WEIGHTS);
}

#[test]
fn the_next_run_goes_on_too() {
    let scene = Scene::new();
    scene.hub.fault(first(usize::MAX, of_weights, |reply: Reply| match reply.status {
        200 => reply.sent(Manners::CutAfter(1000)),
        _ => Reply::new(503),
    }));
    assert!(scene.fails().contains("503"));
    assert_eq!(fs::read(scene.partial(WEIGHTS)).unwrap(), &weights()[..1000]);
    assert_nothing_is_published(&scene, WEIGHTS);
    scene.hub.heal();
    scene.hub.cdn.forget();
    let snapshot = scene.get().unwrap();
    assert_eq!(ranges(&scene), [Some("bytes=1000-".to_owned())]);
    assert_eq!(fs::read(snapshot.dir.join(WEIGHTS)).unwrap(), weights());
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let scene = Scene::new();
    scene.hub.change(|world| world.ignores_ranges = true);
    scene.hub.fault(first(1, of_weights, cut_after(1000)));
    let snapshot = scene.get().unwrap();
    assert_eq!(fs::read(snapshot.dir.join(WEIGHTS)).unwrap(), weights());
    assert_eq!(ranges(&scene).len(), 2);
}

#[test]
fn a_partial_file_that_cannot_be_gone_on_with_is_begun_anew() {
    for partial in [
        // Longer than the complete file.
        vec![7; weights().len() + 1],
        // The server answers that there are no bytes after it (416).
        weights()[..500].to_vec(),
    ] {
        let scene = Scene::new();
        fs::create_dir_all(scene.repo().join("blobs")).unwrap();
        fs::write(scene.partial(WEIGHTS), &partial).unwrap();
        scene.hub.fault(first(
            1,
            |r| of_weights(r) && r.header("range").is_some(),
            |_| Reply::new(416),
        ));
        let snapshot = scene.get().unwrap();
        assert_eq!(fs::read(snapshot.dir.join(WEIGHTS)).unwrap(), weights());
    }
}

#[test]
fn a_partial_file_of_other_bytes_is_found_out_and_removed() {
    let scene = Scene::new();
    fs::create_dir_all(scene.repo().join("blobs")).unwrap();
    fs::write(scene.partial(WEIGHTS), [7; 500]).unwrap();
    let message = scene.fails();
    assert!(message.contains("hash") && message.contains("try again"), "{message}");
    assert!(!scene.partial(WEIGHTS).exists());
    assert_nothing_is_published(&scene, WEIGHTS);
    scene.get().unwrap();
}

#[test]
fn other_bytes_than_announced_are_an_error_and_are_not_kept() {
    let change = |reply: Reply, bytes: Vec<u8>| reply.body(bytes);
    let mut flipped = weights();
    flipped[2000] ^= 1;
    let longer = [weights(), vec![0]].concat();
    for (bytes, expected) in [(flipped, "hash"), (longer, "more than")] {
        let scene = Scene::new();
        let sent = bytes.clone();
        scene.hub.fault(first(usize::MAX, of_weights, move |reply| change(reply, sent.clone())));
        let message = scene.fails();
        assert!(message.contains(expected), "{message}");
        assert!(!scene.partial(WEIGHTS).exists());
        assert_nothing_is_published(&scene, WEIGHTS);
    }
    // A file in git has a different kind of hash.
    let scene = Scene::new();
    scene.hub.fault(first(
        usize::MAX,
        |r| r.method == "GET",
        |mut reply: Reply| {
            if let Some(byte) = reply.body.first_mut() {
                *byte ^= 1;
            }
            reply
        },
    ));
    assert!(scene.fails().contains("hash"));
    assert_nothing_is_published(&scene, "config.json");
}

#[test]
fn fewer_bytes_than_announced_are_no_file() {
    // Once with a length that matches the bytes sent, and once without a length.
    for manners in [Manners::Well, Manners::WithoutLength] {
        let scene = Scene::new();
        let sent = manners.clone();
        scene.hub.fault(first(usize::MAX, of_weights, move |reply: Reply| {
            let body = reply.body[..reply.body.len().min(900)].to_vec();
            Reply::new(200).body(body).sent(sent.clone())
        }));
        let message = scene.fails();
        assert!(message.contains("ended after 900"), "{manners:?}: {message}");
        assert_nothing_is_published(&scene, WEIGHTS);
    }
}

#[test]
fn a_range_that_was_not_asked_for_is_not_taken() {
    let scene = Scene::new();
    scene.hub.fault(first(usize::MAX, of_weights, |reply: Reply| match reply.status {
        206 => reply.with("Content-Range", "bytes 7-9/10"),
        _ => reply.sent(Manners::CutAfter(1000)),
    }));
    let message = scene.fails();
    assert!(message.contains("from 1000 on"), "{message}");
    assert_nothing_is_published(&scene, WEIGHTS);
}

#[test]
fn progress_counts_bytes_and_can_stop() {
    let scene = Scene::new();
    let mut seen = Vec::new();
    download(REPO, &scene.options(), &mut |progress: Update| {
        seen.push(progress);
        ControlFlow::Continue(())
    })
    .unwrap();
    let total = weights().len() as u64;
    let of_weights: Vec<_> = seen
        .iter()
        .filter(|p| p.stage == "downloading model.safetensors" && p.total == Some(total))
        .map(|p| p.done)
        .collect();
    assert!(of_weights.is_sorted(), "{of_weights:?}");
    assert_eq!(of_weights.last(), Some(&total));
    for stage in ["asking the hub", "downloading config.json", "checking the download"] {
        assert!(seen.iter().any(|p| p.stage == stage), "{stage}");
    }

    // Stop at every point in turn: the download reports it, and the next run succeeds.
    for stop_at in 0..seen.len() {
        let scene = Scene::new();
        let mut calls = 0;
        let stopped = download(REPO, &scene.options(), &mut |_: Update| {
            calls += 1;
            match calls > stop_at {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let error = stopped.unwrap_err();
        assert!(matches!(error, HubError::Cancelled), "{stop_at}: {error:?}");
        assert_eq!(calls, stop_at + 1, "the callback is not called again");
    }
}

#[test]
fn what_arrived_before_a_stop_is_kept() {
    let scene = Scene::new();
    scene.hub.fault(first(1, of_weights, cut_after(1000)));
    let stopped = download(REPO, &scene.options(), &mut |progress: Update| match progress.stage
        == "downloading model.safetensors"
        && progress.done > 0
    {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    assert!(stopped.is_err());
    let kept = fs::metadata(scene.partial(WEIGHTS)).unwrap().len();
    assert_eq!(kept, 1000);
    assert_nothing_is_published(&scene, WEIGHTS);
    scene.get().unwrap();
    assert_eq!(ranges(&scene), [None, Some("bytes=1000-".to_owned())]);
}

#[test]
fn several_at_once_download_each_file_once() {
    let scene = Scene::new();
    let together = Arc::new(Barrier::new(6));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            let (together, options) = (Arc::clone(&together), scene.options());
            scope.spawn(move || {
                together.wait();
                let snapshot = download(REPO, &options, &mut ()).unwrap();
                assert_eq!(fs::read(snapshot.dir.join(WEIGHTS)).unwrap(), weights());
            });
        }
    });
    assert_eq!(scene.hub.cdn.requests().len(), 1);
    let left: Vec<_> = crate::tree(&scene.repo())
        .into_iter()
        .filter(|path| path.contains("incomplete") || path.contains("tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn whoever_waits_for_another_download_can_be_stopped() {
    let scene = Scene::new();
    let locks = scene.cache.path().join(".locks/models--org--clip");
    fs::create_dir_all(&locks).unwrap();
    let blob = scene.blob("config.json");
    let name = format!("{}.lock", blob.file_name().unwrap().to_str().unwrap());
    let held = fs::File::create(locks.join(name)).unwrap();
    held.lock().unwrap();
    let mut waited = 0;
    let stopped = download(REPO, &scene.options(), &mut |progress: Update| {
        waited += usize::from(progress.stage == "downloading config.json");
        match waited == 3 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    assert!(matches!(stopped, Err(HubError::Cancelled)));
    assert_eq!(scene.hub.gets(), 0);
    drop(held);
    scene.get().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_nothing_is_published() {
    let scene = Scene::new();
    fs::create_dir_all(scene.repo().join("blobs")).unwrap();
    // Every write to this device fails with "no space left".
    std::os::unix::fs::symlink("/dev/full", scene.partial(WEIGHTS)).unwrap();
    let error = scene.get().unwrap_err();
    let HubError::Write { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    let message = explain(&error);
    assert!(message.contains("HF_HOME"), "{message}");
    assert_nothing_is_published(&scene, WEIGHTS);
}

#[test]
fn a_server_that_falls_silent_is_left_and_asked_again() {
    let scene = Scene::new();
    scene.hub.fault(first(1, of_weights, |reply: Reply| reply.sent(Manners::HangAfter(1000))));
    let options = HubOptions { timeout: Some(Duration::from_millis(300)), ..scene.options() };
    let snapshot = scene.get_with(&options).unwrap();
    assert_eq!(fs::read(snapshot.dir.join(WEIGHTS)).unwrap(), weights());
    assert_eq!(ranges(&scene), [None, Some("bytes=1000-".to_owned())]);
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    let scene = Scene::new();
    scene.hub.fault(first(1, of_weights, |_| Reply::new(429).with("Retry-After", "1")));
    let start = Instant::now();
    scene.get().unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    // A wait of an hour is refused.
    let scene = Scene::new();
    scene.hub.fault(first(usize::MAX, of_weights, |_| Reply::new(429).with("Retry-After", "3600")));
    let message = scene.fails();
    assert!(message.contains("429") && message.contains("3600 s"), "{message}");
    assert_eq!(ranges(&scene).len(), 1);
}

#[test]
fn an_error_of_the_server_is_tried_again_a_few_times() {
    for status in [408, 429, 500, 502, 503, 504] {
        let scene = Scene::new();
        scene.hub.fault(first(2, |_| true, move |_| Reply::new(status)));
        scene.get().unwrap();

        let scene = Scene::new();
        scene.hub.fault(move |_, _| Reply::new(status));
        let message = scene.fails();
        assert!(message.contains(&status.to_string()), "{message}");
        assert_eq!(scene.hub.hub.requests().len(), 1 + 2, "{status}");
    }
}
