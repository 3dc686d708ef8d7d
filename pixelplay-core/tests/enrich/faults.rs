//! Invalid answers, and how each is handled.

use std::time::Duration;

use pixelplay_core::enrich::{
    EnrichError, EnrichOptions, EnrichReport, ITunes, Refusal, enrich_songs,
};
use pixelplay_core::{HttpProxy, Song};

use crate::fake_itunes::{as_sold, sold};
use crate::server::{Manners, Reply, Server};
use crate::{Scene, explain, song};

fn one() -> Song {
    song("a", "Rain", "Ana")
}

fn enrich_with(scene: &Scene, options: &EnrichOptions) -> Result<EnrichReport, EnrichError> {
    enrich_songs(&mut [one()], &scene.provider(), options, &mut ())
}

#[test]
fn what_passes_is_tried_again_after_the_time_asked_for() {
    for (fault, least) in [
        (Reply::new(503).with("Retry-After", "100"), 100),
        (Reply::new(429).with("Retry-After", "Fri, 15 Jan 2027 08:03:20 GMT"), 200),
        (Reply::new(403), 5),
        (Reply::new(500), 5),
        (Reply::new(502).with("Retry-After", "nonsense"), 5),
    ] {
        let scene = Scene::new();
        scene.sell(&one());
        let status = fault.status;
        scene.shop.fault(move |before, _, good| if before == 0 { fault.clone() } else { good });
        let report = scene.enrich(&mut [one()]).unwrap();
        assert_eq!(
            (report.matched, report.requests, report.failed_requests),
            (1, 2, 1),
            "{status}"
        );
        assert_eq!(scene.time.passed(), Duration::from_secs(least), "{status}");
    }
}

#[test]
fn waits_grow_and_a_shop_that_stays_shut_is_left() {
    let scene = Scene::new();
    scene.sell(&one());
    scene.shop.fault(|_, _, _| Reply::new(429));
    let error = scene.enrich(&mut [one()]).unwrap_err();
    assert!(matches!(error, EnrichError::Failing { failures: 10, answers: 0, .. }), "{error:?}");
    let message = explain(&error);
    assert!(message.contains("status 429") && message.contains("run it again later"), "{message}");
    let asked = scene.shop.asked();
    let waits: Vec<u64> = asked.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_secs()).collect();
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);

    // The next run succeeds.
    scene.shop.heal();
    assert_eq!(scene.enrich(&mut [one()]).unwrap().matched, 1);
}

#[test]
fn a_wait_of_hours_is_told_and_not_waited_for() {
    let scene = Scene::new();
    scene.shop.fault(|_, _, _| Reply::new(429).with("Retry-After", "86400"));
    let error = scene.enrich(&mut [one()]).unwrap_err();
    assert!(explain(&error).contains("asks for a wait of 86400 s"), "{error}");
    assert_eq!(scene.time.passed(), Duration::ZERO);
}

#[test]
fn a_song_that_breaks_the_shop_does_not_keep_the_others_from_being_found() {
    let scene = Scene::new();
    let mut songs = [song("a", "Rain", "Ana"), song("b", "Snow", "Ben"), song("c", "", "Cy")];
    scene.sell(&songs[1]);
    let bad = scene.target(&songs[0]);
    scene.shop.fault(
        move |_, request, good| {
            if request.target == bad { Reply::new(500) } else { good }
        },
    );
    let report = scene.enrich(&mut songs).unwrap();
    assert_eq!((report.matched, report.failed.count, report.unnamed.count), (1, 1, 1));
    assert_eq!(report.failed.ids, ["a"]);
    assert!(report.last_failure.unwrap().contains("status 500"));
    assert_eq!(songs[0].extra["enriched_note"], "itunes: no usable answer");
    assert_eq!(report.requests, 4);
}

#[test]
fn what_is_no_answer_is_told_from_one() {
    let page =
        |kind: &'static str, body: &str| Reply::new(200).with("Content-Type", kind).body(body);
    let json = "application/json";
    let deep = "[".repeat(200_000);
    for (reply, expected) in [
        (page("text/html", "<html>log in</html>"), "text/html"),
        (page("image/png", "{\"results\": []}"), "image/png"),
        (page(json, "{\"results\": []}").with("Content-Encoding", "gzip"), "content-encoding"),
        (page(json, "{\"results\": {}}"), "no list of results"),
        (page(json, "{\"error\": 3}"), "no list of results"),
        (page(json, "{\"results\": ["), "EOF"),
        (page(json, ""), "EOF"),
        (page(json, &deep), "recursion limit"),
        (page(json, "\u{0}\u{0}"), "expected value"),
        (page(json, &" ".repeat(5 << 20)), "larger than"),
        (page(json, "{\"results\": []}").sent(Manners::CutAfter(4)), "did not answer"),
        (page(json, "{\"results\": []}").sent(Manners::HangAfter(4)), "timeout"),
        (page(json, "220 smtp.example.org ready\r\n").sent(Manners::Raw), "did not answer"),
        (page(json, "").sent(Manners::Raw), "did not answer"),
        (Reply::new(302).with("Location", "http://127.0.0.1:1/search"), "another host"),
        (Reply::new(302).with("Location", "https://elsewhere.example/"), "another host"),
        (Reply::new(301).with("Location", "file:///etc/passwd"), "another host"),
        (Reply::new(302), "another host"),
        (Reply::new(302).with("Location", "/search?again"), "redirects too often"),
        (Reply::new(400), "status 400"),
        (Reply::new(204), "status 204"),
    ] {
        let scene = Scene::new();
        let copy = reply.clone();
        scene.shop.fault(move |_, _, _| copy.clone());
        let report = scene.enrich(&mut [one()]).unwrap();
        assert_eq!(report.failed.count, 1, "{reply:?}");
        let what = report.last_failure.unwrap();
        assert!(
            what.contains(expected) && (what.contains("127.0.0.1") || what.contains("itunes")),
            "{expected}: {what}"
        );
        // The answer is not cached: the next run requests it again.
        scene.shop.heal();
        scene.sell(&one());
        assert_eq!(scene.enrich(&mut [one()]).unwrap().matched, 1);
    }
}

#[test]
fn a_redirect_within_the_host_is_followed() {
    let scene = Scene::new();
    let found = serde_json::json!({"results": [as_sold(&one())]}).to_string();
    scene.shop.fault(move |_, request, good| match request.target.as_str() {
        "/moved?x=1" => good.body(found.clone()),
        _ => Reply::new(301).with("Location", "/moved?x=1"),
    });
    assert_eq!(scene.enrich(&mut [one()]).unwrap().matched, 1);
}

#[test]
fn lies_are_refused() {
    let right = as_sold(&one());
    let with = |field: &str, value: serde_json::Value| {
        let mut lie = right.clone();
        lie[field] = value;
        lie
    };
    let scene_with = |results: Vec<serde_json::Value>| {
        let scene = Scene::new();
        scene.shop.offer(&scene.target(&one()), results);
        let mut songs = [one()];
        let report = scene.enrich(&mut songs).unwrap();
        let [song] = songs;
        (report, song)
    };
    // Answers with a different song.
    for (lie, expected) in [
        (sold("Rain", "Ana Tribute Band", "Album", 200_000), Refusal::Cover),
        (sold("Rain (Mixed)", "Ana", "Album", 200_000), Refusal::Mixed),
        (sold("Rain", "Ben", "Album", 200_000), Refusal::OtherArtist),
        (sold("Snow", "Ana", "Album", 200_000), Refusal::OtherTitle),
        (sold("Rain", "Ana", "Album", 2_000_000), Refusal::OtherLength),
        (with("trackName", serde_json::json!("Rain\u{1b}]0;gotcha\u{7}")), Refusal::NothingFound),
        (with("artistName", serde_json::json!("Ana\u{202e}")), Refusal::NothingFound),
        (with("trackId", serde_json::json!(-1)), Refusal::NothingFound),
        (with("kind", serde_json::json!("music-video")), Refusal::NothingFound),
        (serde_json::json!(null), Refusal::NothingFound),
        (serde_json::json!([[["song"]]]), Refusal::NothingFound),
    ] {
        let (report, song) = scene_with(vec![lie.clone()]);
        assert_eq!(report.unmatched.keys().collect::<Vec<_>>(), [&expected], "{lie}");
        assert_eq!(song.artwork_url, None);
    }
    // The right song, with invalid fields.
    for (field, value) in [
        ("artworkUrl100", "http://is1-ssl.mzstatic.com/x/100x100bb.jpg"),
        ("artworkUrl100", "https://evil.example/x/100x100bb.jpg"),
        ("artworkUrl100", "https://is1-ssl.mzstatic.com@evil.example/x.jpg"),
        ("artworkUrl100", "javascript:alert(1)"),
        ("artworkUrl100", "https://is1-ssl.mzstatic.com/\"onerror=\"x"),
    ] {
        let (report, song) = scene_with(vec![with(field, serde_json::json!(value))]);
        assert_eq!(report.matched, 1, "{value}");
        assert_eq!(song.artwork_url, None, "{value}");
        assert!(song.preview_url.is_some());
    }
    let mut lie = right.clone();
    for (field, value) in [
        ("collectionName", serde_json::json!("x".repeat(501))),
        ("releaseDate", serde_json::json!("99999-01-01")),
        ("primaryGenreName", serde_json::json!(["Pop"])),
        ("previewUrl", serde_json::json!({"href": "https://a.example"})),
        ("trackExplicitness", serde_json::json!(true)),
    ] {
        lie[field] = value;
    }
    let (report, song) = scene_with(vec![lie]);
    assert_eq!(report.matched, 1);
    let unfilled = (song.album, song.year, song.genre, song.preview_url, song.explicit);
    assert_eq!(unfilled, (None, None, None, None, None));
}

#[test]
fn a_shop_that_is_not_there_is_told() {
    let scene = Scene::new();
    let provider = ITunes::at("http://127.0.0.1:9", "US").unwrap();
    let mut songs: Vec<Song> =
        (0..20).map(|n| song(&format!("{n}"), &format!("Rain {n}"), "Ana")).collect();
    let error = enrich_songs(&mut songs, &provider, &scene.options(), &mut ()).unwrap_err();
    assert!(matches!(error, EnrichError::Failing { failures: 10, .. }), "{error}");
    assert!(error.to_string().contains("http://127.0.0.1:9/search"), "{error}");
}

#[test]
fn requests_go_through_the_proxy() {
    let scene = Scene::new();
    scene.sell(&one());
    let shop = scene.shop.server.address;
    // For plain http, the client may either send CONNECT or the whole address.
    let proxy = Server::start(move |request| match request.method.as_str() {
        "CONNECT" => Reply::new(200).sent(Manners::Tunnel(shop)),
        _ => Reply::new(400),
    });
    let options = EnrichOptions { proxy: HttpProxy::Url(proxy.url()), ..scene.options() };
    assert_eq!(enrich_with(&scene, &options).unwrap().matched, 1);
    assert!(!proxy.requests().is_empty());
    let bad = EnrichOptions { proxy: HttpProxy::Url("::".into()), ..scene.options() };
    assert!(matches!(enrich_with(&scene, &bad), Err(EnrichError::BadOptions { .. })));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let scene = Scene::new();
    let good = scene.options();
    for options in [
        EnrichOptions { min_confidence: f64::NAN, ..good.clone() },
        EnrichOptions { min_confidence: 1.5, ..good.clone() },
        EnrichOptions { max_failures: 0, ..good.clone() },
        EnrichOptions { timeout: Duration::ZERO, ..good.clone() },
    ] {
        assert!(matches!(enrich_with(&scene, &options), Err(EnrichError::BadOptions { .. })));
    }
}
