//! MusicBrainz and the Cover Art Archive.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pixelplay_core::Song;
use pixelplay_core::enrich::{EnrichOptions, EnrichReport, MusicBrainz, enrich_songs};
use serde_json::json;

use crate::server::{Reply, Server};
use crate::{Scene, song};

const RECORDING: &str = "b1a9c0e9-d987-4042-ae91-78d6a3267d69";
const GROUP: &str = "6b47c9a0-b9e1-3df9-a5e8-50a6ce0dbdbd";

/// A fake MusicBrainz, and a fake archive that answers with `cover`. Both record their requests.
struct Archive {
    scene: Scene,
    musicbrainz: Server,
    covers: Server,
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Archive {
    fn new(cover: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let scene = Scene::new();
        let times = Arc::new(Mutex::new(Vec::new()));
        let note = {
            let (time, times) = (scene.time.clone(), Arc::clone(&times));
            move || times.lock().unwrap().push(time.passed())
        };
        let answer = json!({"count": 1, "recordings": [{
            "id": RECORDING, "score": 100, "title": "Rain", "length": 201_000, "first-release-date": "1971",
            "artist-credit": [{"name": "Ana", "joinphrase": ""}],
            "releases": [{"id": RECORDING, "title": "Weather", "status": "Official", "date": "1971-02-03",
                "release-group": {"id": GROUP, "primary-type": "Album"}}],
        }]});
        let musicbrainz = Server::start({
            let note = note.clone();
            move |_| {
                note();
                Reply::new(200).with("Content-Type", "application/json").body(answer.to_string())
            }
        });
        let asked = Mutex::new(0);
        let covers = Server::start(move |_| {
            note();
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            cover(*asked - 1)
        });
        Self { scene, musicbrainz, covers, times }
    }

    fn provider(&self) -> MusicBrainz {
        MusicBrainz::at(&self.musicbrainz.url(), &self.covers.url(), "ana@example.org").unwrap()
    }

    fn enrich(&self, song: &mut Song) -> EnrichReport {
        let provider = self.provider();
        let songs = std::slice::from_mut(song);
        enrich_songs(songs, &provider, &self.scene.options(), &mut ()).unwrap()
    }
}

#[test]
fn a_recording_is_found_with_the_cover_of_its_album() {
    let archive =
        Archive::new(|_| Reply::new(307).with("Location", "https://archive.org/download/x.jpg"));
    let mut found = song("a", "Rain", "Ana");
    found.duration_ms = None;
    let report = archive.enrich(&mut found);
    assert_eq!((report.matched, report.requests), (1, 2));
    assert_eq!(found.album.as_deref(), Some("Weather"));
    assert_eq!((found.year, found.duration_ms), (Some(1971), Some(201_000)));
    let url = format!("https://musicbrainz.org/recording/{RECORDING}");
    assert_eq!(found.external_url, Some(url));
    // The archive's own address, which is permanent; the target of its redirect may change.
    let cover = format!("{}/release-group/{GROUP}/front-500", archive.covers.url());
    assert_eq!(found.artwork_url, Some(cover));
    assert_eq!(found.extra["enriched_from"], "musicbrainz");

    let asked = archive.musicbrainz.requests();
    let agent = asked[0].header("user-agent").unwrap();
    assert!(agent.starts_with("pixelplay/") && agent.ends_with("( ana@example.org )"), "{agent}");
    let times = archive.times.lock().unwrap().clone();
    assert_eq!(times, [Duration::ZERO, Duration::from_secs(1)], "one per second for both servers");
    // The archive's redirect causes no further request, and a second run sends no request at all.
    let mut again = song("a", "Rain", "Ana");
    assert_eq!(archive.enrich(&mut again).requests, 0);
    assert_eq!(again.artwork_url, found.artwork_url);
}

#[test]
fn an_album_without_a_cover_is_remembered_too() {
    let archive = Archive::new(|_| Reply::new(404));
    for expected in [2, 0] {
        let mut found = song("a", "Rain", "Ana");
        let report = archive.enrich(&mut found);
        assert_eq!((report.matched, report.requests), (1, expected));
        assert_eq!(found.artwork_url, None);
    }
}

#[test]
fn an_archive_that_fails_leaves_the_rest_and_is_asked_again_the_next_time() {
    let archive = Archive::new(|asked| match asked {
        0..3 => Reply::new(500),
        _ => Reply::new(307).with("Location", "/x"),
    });
    let mut found = song("a", "Rain", "Ana");
    let report = archive.enrich(&mut found);
    assert_eq!((report.matched, report.requests, report.failed_requests), (1, 4, 3));
    assert!(found.album.is_some() && found.artwork_url.is_none());
    let report = archive.enrich(&mut found);
    assert_eq!((report.matched, report.requests), (1, 1));
    assert!(found.artwork_url.is_some());
}

#[test]
fn a_song_that_is_found_is_filled_even_if_no_request_is_left_for_its_cover() {
    let archive = Archive::new(|_| Reply::new(307).with("Location", "/x"));
    let mut found = song("a", "Rain", "Ana");
    let provider = archive.provider();
    let options = EnrichOptions { max_requests: Some(1), ..archive.scene.options() };
    let songs = std::slice::from_mut(&mut found);
    let report = enrich_songs(songs, &provider, &options, &mut ()).unwrap();
    assert_eq!((report.matched, report.requests), (1, 1));
    assert!(found.album.is_some() && found.artwork_url.is_none());
    archive.enrich(&mut found);
    assert!(found.artwork_url.is_some());
}
