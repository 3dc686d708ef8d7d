//! Looks up 500 songs at a shop where nearly everything goes wrong, in a run that is stopped
//! repeatedly.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use pixelplay_core::Song;
use pixelplay_core::enrich::{EnrichError, Refusal, enrich_songs, plan_songs};

use crate::fake_itunes::{as_sold, sold};
use crate::server::{Manners, Reply};
use crate::{Scene, song};

const SONGS: usize = 500;
const MINUTE: Duration = Duration::from_secs(60);

/// Songs with real names if available, otherwise invented ones. Each has a different request
/// target.
fn songs(scene: &Scene) -> Vec<Song> {
    let all = real_songs().unwrap_or_else(|| {
        let made_up = |n: usize| {
            song(&format!("{n}"), &format!("Number {n} of Hearts"), &format!("Band {}", n % 70))
        };
        (0..SONGS * 2).map(made_up).collect()
    });
    let mut targets = HashSet::new();
    let step = (all.len() / (SONGS + 200)).max(1);
    let distinct = all.into_iter().step_by(step).filter(|song| targets.insert(scene.target(song)));
    let mut songs: Vec<Song> = distinct.take(SONGS).collect();
    for song in &mut songs {
        (song.artwork_url, song.preview_url, song.external_url) = (None, None, None);
    }
    assert_eq!(songs.len(), SONGS);
    songs
}

#[cfg(feature = "catalog")]
fn real_songs() -> Option<Vec<Song>> {
    let table = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/songs/tidytuesday_spotify_songs.csv.gz");
    if !table.exists() {
        println!("skipped: real names ({} is missing)", table.display());
        return None;
    }
    let table = pixelplay_core::catalog::SongTable::open(&table).unwrap();
    Some(table.clean(&mut ()).unwrap().songs)
}

#[cfg(not(feature = "catalog"))]
fn real_songs() -> Option<Vec<Song>> {
    println!("skipped: real names (tables cannot be read without the feature `catalog`)");
    None
}

/// The shop's results for the song with this number, and the expected refusal.
fn stock(at: usize, song: &Song) -> (Vec<serde_json::Value>, Option<Refusal>) {
    let title = song.title.as_deref().unwrap();
    let (artist, length) = (song.artist.as_deref().unwrap(), song.duration_ms.unwrap());
    let right = as_sold(song);
    let karaoke = sold(
        &format!("{title} (Karaoke Version) [Originally Performed By {artist}]"),
        "Sing It Band",
        "Party",
        length,
    );
    let mixed = sold(&format!("{title} (Mixed)"), artist, "Ibiza (DJ Mix)", length);
    let other = sold("An Entirely Unrelated Piece of Work", artist, "Album", length);
    let stranger = sold(title, "Zyx Wvutsr Qponm", "Album", length);
    let long = sold(title, artist, "Album", length + 60_000);
    match at % 10 {
        0..=3 => (vec![karaoke, mixed, right], None),
        4 => (vec![right], None),
        5 => (vec![karaoke, other], Some(Refusal::Cover)),
        6 => (vec![mixed], Some(Refusal::Mixed)),
        7 => (vec![], Some(Refusal::NothingFound)),
        8 => (vec![stranger], Some(Refusal::OtherArtist)),
        _ => (vec![long, other], Some(Refusal::OtherLength)),
    }
}

/// Makes many of the shop's replies go wrong.
fn misbehave(scene: &Scene) {
    let time = scene.time.clone();
    let mut recent: Vec<Duration> = Vec::new();
    scene.shop.fault(move |before, _, good| {
        // Reject requests that are too fast, like the real shop.
        let now = time.passed();
        recent.retain(|then| now < *then + MINUTE);
        recent.push(now);
        if recent.len() > 20 {
            return Reply::new(403).body("too fast");
        }
        match before {
            n if n % 7 == 3 => Reply::new(503).with("Retry-After", "7"),
            n if n % 11 == 5 => {
                let wait = time.now() + Duration::from_secs(90);
                Reply::new(429).with("Retry-After", http_date(wait))
            }
            n if n % 13 == 6 => {
                let half = good.body.len() / 2;
                good.sent(Manners::CutAfter(half))
            }
            n if n % 17 == 9 => Reply::new(500).body("{\"results\": []}"),
            n if n % 19 == 4 => {
                Reply::new(200).with("Content-Type", "text/html").body("<html>log in</html>")
            }
            n if n % 23 == 8 => good.body(vec![b' '; 5 << 20]),
            n if n % 29 == 11 => {
                Reply::new(302).with("Location", "https://elsewhere.example/search")
            }
            n if n % 31 == 12 => good.body("{\"resultCount\": \"x\", \"results\": {\"a\": 1}}"),
            n if n % 37 == 2 => Reply::new(403).body("wait"),
            n if n % 101 == 50 => good.sent(Manners::HangAfter(3)),
            n if n % 103 == 51 => good.body("no HTTP at all").sent(Manners::Raw),
            _ => good,
        }
    });
}

#[test]
fn five_hundred_songs_are_found_or_explained_at_the_pace_and_nothing_is_asked_twice() {
    let scene = Scene::new();
    let mut songs = songs(&scene);
    let mut expected = HashMap::new();
    for (at, song) in songs.iter().enumerate() {
        let (offer, refusal) = stock(at, song);
        scene.shop.offer(&scene.target(song), offer);
        expected.insert(song.id.clone(), refusal);
    }
    misbehave(&scene);

    let provider = scene.provider();
    let plan = plan_songs(&songs, &provider, &scene.options(), &mut ()).unwrap();
    assert_eq!((plan.to_ask, plan.requests), (500, 500));
    assert_eq!(plan.time, Duration::from_secs(499 * 3));
    assert!(!scene.cache().exists(), "a plan leaves nothing behind");

    // Stop every run in the middle, except the last.
    let mut runs = 0;
    let report = loop {
        runs += 1;
        let mut calls = 0;
        let mut stop_at_times = |_| {
            calls += 1;
            if runs < 8 && calls > 2000 + 100 * runs {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        match enrich_songs(&mut songs, &provider, &scene.options(), &mut stop_at_times) {
            Ok(report) => break report,
            Err(error) => assert!(matches!(error, EnrichError::Cancelled), "{error}"),
        }
        assert!(songs.iter().all(|song| song.artwork_url.is_none()), "all or nothing");
    };
    assert_eq!(runs, 8);

    // Every song is found or has an explanation.
    let unmatched: u64 = report.unmatched.values().map(|songs| songs.count).sum();
    assert_eq!(report.matched + unmatched + report.failed.count, 500, "{report}");
    let mut explained = 0;
    for song in &songs {
        let note = song.extra.get("enriched_note").map(String::as_str);
        match (&expected[&song.id], note) {
            (None, None) => {
                assert_eq!(song.extra["enriched_from"], "itunes");
                let artwork = song.artwork_url.as_deref().unwrap();
                assert!(artwork.ends_with("/600x600bb.jpg"), "{artwork}");
                assert!(song.preview_url.is_some() && song.external_url.is_some());
            }
            (Some(reason), Some(note)) if note == format!("itunes: {reason}") => explained += 1,
            // Three requests in a row failed for this song.
            (_, Some("itunes: no usable answer")) => {}
            (expected, note) => panic!("{song:?}: expected {expected:?}, found {note:?}"),
        }
    }
    assert_eq!(explained, unmatched);
    assert!(report.failed.count < 10, "{report}");

    // The pace holds across all runs, by the shop's clock.
    let asked = scene.shop.asked();
    let times: Vec<Duration> = asked.iter().map(|(time, ..)| *time).collect();
    assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + Duration::from_secs(3)));
    let in_minute_from = |start: Duration| {
        times.iter().filter(|time| (start..start + MINUTE).contains(*time)).count()
    };
    let busiest = times.iter().map(|start| in_minute_from(*start)).max().unwrap();
    assert!(busiest <= 20, "{busiest} requests in a minute");

    let minutes = scene.time.passed().as_secs() / 60;
    let in_minute = |minute: u64| in_minute_from(Duration::from_secs(60 * minute)).to_string();
    let counts: Vec<String> = (0..=minutes).map(in_minute).collect();
    println!("requests in each simulated minute: {}", counts.join(" "));

    // A request is repeated only if all earlier replies were bad.
    let mut answered = BTreeMap::new();
    for (_, target, is_good) in &asked {
        *answered.entry(target).or_insert(0) += u32::from(*is_good);
    }
    assert!(answered.values().all(|times| *times <= 1));
    let good = asked.iter().filter(|(.., is_good)| *is_good).count();
    println!(
        "500 songs in {runs} runs: {} matched, {unmatched} explained, {} without a usable answer; {} requests, {good} \
         answered well, {} not; {:.0} simulated minutes, at most {busiest} requests in any of them; answered twice: 0",
        report.matched,
        report.failed.count,
        asked.len(),
        asked.len() - good,
        scene.time.passed().as_secs_f64() / 60.0,
    );

    // Another run requests only the failed songs, and the next run requests nothing.
    scene.shop.heal();
    let failed = report.failed.count;
    let report = scene.enrich(&mut songs).unwrap();
    assert_eq!((report.requests, report.failed.count), (failed, 0));
    assert_eq!(scene.enrich(&mut songs).unwrap().requests, 0);
}

fn http_date(time: std::time::SystemTime) -> String {
    // 1,800,000,000 is Fri, 15 Jan 2027 08:00:00 GMT; the story takes less than a day and a half
    // from then.
    let since =
        time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() - 1_800_000_000 + 8 * 3600;
    let (day, rest) = (since / 86_400, since % 86_400);
    let name = ["Fri", "Sat", "Sun"][usize::try_from(day).unwrap()];
    format!(
        "{name}, {} Jan 2027 {:02}:{:02}:{:02} GMT",
        15 + day,
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
