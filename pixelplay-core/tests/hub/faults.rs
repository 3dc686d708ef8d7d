//! Invalid answers from a hub.

use std::time::Duration;

use pixelplay_core::encoder::hub::{HubError, HubOptions};

use crate::server::{Manners, Reply, Server};
use crate::{Scene, explain, tree};

#[test]
fn redirects_without_end_are_left() {
    let scene = Scene::new();
    scene.hub.fault(|request, _| Reply::new(302).with("Location", request.target.clone()));
    let message = scene.fails();
    assert!(message.contains("redirects more than 10 times"), "{message}");
    assert_eq!(scene.hub.hub.requests().len(), 11, "there is no retry");
}

#[test]
fn a_redirect_to_what_is_no_web_address_is_not_followed() {
    for location in ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", ""] {
        let scene = Scene::new();
        scene.hub.fault(move |_, _| Reply::new(302).with("Location", location));
        let message = scene.fails();
        assert!(message.contains("which is not an address"), "{location}: {message}");
    }
}

#[test]
fn headers_that_could_leave_the_cache_are_refused() {
    let scene = Scene::new();
    for (header, value, expected) in [
        ("X-Repo-Commit", "../../x", "names no commit"),
        ("X-Repo-Commit", "", "names no commit"),
        ("X-Repo-Commit", "main", "names no commit"),
        ("ETag", "\"../../x\"", "names no hash"),
        ("ETag", "\"\"", "names no hash"),
        ("ETag", "\"some-other-kind\"", "names no hash"),
    ] {
        scene.hub.fault(move |_, reply| reply.with(header, value));
        let message = scene.fails();
        assert!(message.contains(expected), "{header} {value}: {message}");
        assert!(message.contains("HF_ENDPOINT"), "{message}");
    }
    scene.hub.fault(|_, reply| reply.with("X-Linked-Size", "-1"));
    assert!(scene.fails().contains("does not give the size"));
    assert!(tree(scene.cache.path()).is_empty());
}

#[test]
fn files_of_two_commits_are_not_mixed() {
    let scene = Scene::new();
    scene.hub.fault(|request, reply| match request.target.contains("preprocessor") {
        true => reply.with("X-Repo-Commit", crate::fake_hub::NEWER),
        false => reply,
    });
    let message = scene.fails();
    assert!(message.contains("a file of commit 7654"), "{message}");
}

#[test]
fn json_of_an_absurd_size_is_not_taken() {
    let scene = Scene::new();
    scene.hub.fault(|request, reply| match request.target.contains("tokenizer") {
        true => reply.with("X-Linked-Size", "99999999999"),
        false => reply,
    });
    let message = scene.fails();
    assert!(message.contains("99999999999 bytes, at most"), "{message}");
}

#[test]
fn what_is_no_hub_is_told_from_a_hub() {
    // A captive portal, which answers every request with success.
    let portal = Scene::new();
    portal.hub.fault(|_, _| Reply::new(200).body("<html>please log in</html>"));
    let message = portal.fails();
    assert!(message.contains("does not respond like a Hugging Face hub"), "{message}");

    for garbage in ["220 smtp.example.org ready\r\n", "\0\u{1}\u{2}", "HTTP/1.1 abc\r\n\r\n", ""] {
        let scene = Scene::new();
        let server = Server::start(move |_| Reply::default().body(garbage).sent(Manners::Raw));
        let options = HubOptions { endpoint: Some(server.url()), ..scene.options() };
        let error = scene.get_with(&options).unwrap_err();
        assert!(
            matches!(error, HubError::BadResponse { .. } | HubError::NotCached { .. }),
            "{garbage:?}: {error:?}"
        );
        assert!(explain(&error).contains("127.0.0.1"));
        assert!(tree(scene.cache.path()).is_empty());
    }
}

#[test]
fn a_server_that_never_answers_is_left() {
    let scene = Scene::new();
    // The system accepts the connection, and no one reads from it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = HubOptions {
        endpoint: Some(format!("http://{}", silent.local_addr().unwrap())),
        timeout: Some(Duration::from_millis(100)),
        retries: 1,
        ..scene.options()
    };
    let message = explain(&scene.get_with(&options).unwrap_err());
    assert!(message.contains("timeout"), "{message}");
}
