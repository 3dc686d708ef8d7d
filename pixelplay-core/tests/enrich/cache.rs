//! The cache: its contents, expiry and permissions, and damage to it.

use std::fs;
use std::time::Duration;

use pixelplay_core::Song;
use pixelplay_core::enrich::{
    CacheProblem, Clock, EnrichError, EnrichOptions, enrich_songs, plan_songs,
};

use crate::{Scene, explain, song};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn hits_stay_and_misses_are_asked_for_again_after_their_time() {
    let scene = Scene::new();
    let mut songs = [song("a", "Rain", "Ana"), song("b", "Snow", "Ben")];
    scene.sell(&songs[0]);
    let blank = songs.clone();
    let report = scene.enrich(&mut songs).unwrap();
    assert_eq!((report.matched, report.requests), (1, 2));
    let mut again = blank.clone();
    let report = scene.enrich(&mut again).unwrap();
    assert_eq!((report.matched, report.requests, report.from_cache), (1, 0, 2));
    assert_eq!(again, songs, "the same from the cache, the time of the answer included");

    scene.time.pass(31 * DAY);
    scene.sell(&songs[1]);
    let report = scene.enrich(&mut blank.clone()).unwrap();
    assert_eq!((report.matched, report.requests), (2, 1), "only the miss is asked for");
}

#[test]
fn songs_that_are_looked_up_alike_are_asked_for_once() {
    let scene = Scene::new();
    let mut songs = [
        song("a", "Déjà Vu", "Beyoncé"),
        song("b", "Deja Vu - Remastered", "BEYONCE"),
        song("c", "deja vu (feat. Jay-Z)", "Beyoncé"),
    ];
    scene.sell(&songs[0]);
    let plan = plan_songs(&songs, &scene.provider(), &scene.options(), &mut ()).unwrap();
    assert_eq!((plan.to_ask, plan.requests), (3, 1));
    let report = scene.enrich(&mut songs).unwrap();
    assert_eq!((report.matched, report.requests), (3, 1));
}

#[test]
fn as_many_requests_as_allowed_and_none_from_the_cache_alone() {
    let scene = Scene::new();
    let songs: Vec<Song> =
        (0..5).map(|n| song(&format!("{n}"), &format!("Rain {n}"), "Ana")).collect();
    for song in &songs {
        scene.sell(song);
    }
    let with = |most| EnrichOptions { max_requests: Some(most), ..scene.options() };
    let mut part = songs.clone();
    let report = enrich_songs(&mut part, &scene.provider(), &with(2), &mut ()).unwrap();
    assert_eq!((report.matched, report.not_asked, report.requests), (2, 3, 2));
    let mut offline = songs.clone();
    let report = enrich_songs(&mut offline, &scene.provider(), &with(0), &mut ()).unwrap();
    assert_eq!((report.matched, report.not_asked, report.requests), (2, 3, 0));
    assert_eq!(offline, part);
}

#[test]
fn a_file_that_is_no_cache_is_refused_and_left_as_it_is() {
    let scene = Scene::new();
    let foreign = rusqlite::Connection::open(scene.folder.path().join("other.db")).unwrap();
    foreign.execute_batch("CREATE TABLE x (y)").unwrap();
    drop(foreign);
    fs::write(scene.folder.path().join("text.db"), "id,title,artist\n".repeat(100)).unwrap();
    fs::create_dir(scene.folder.path().join("folder.db")).unwrap();
    for (name, expected) in [
        ("other.db", "an SQLite file from another program"),
        ("text.db", "not an SQLite file"),
        ("folder.db", "directory"),
        ("missing/cache.db", "No such file"),
    ] {
        let path = scene.folder.path().join(name);
        let before = fs::read(&path).ok();
        let options = EnrichOptions { cache: path.clone(), ..scene.options() };
        let mut songs = [song("a", "Rain", "Ana")];
        let error = enrich_songs(&mut songs, &scene.provider(), &options, &mut ()).unwrap_err();
        let message = explain(&error);
        assert!(message.contains(expected) && message.contains(name), "{message}");
        assert_eq!(fs::read(&path).ok(), before);
    }
    assert!(scene.shop.asked().is_empty());
}

#[test]
fn newer_tampered_and_damaged_caches_are_told_apart() {
    let scene = Scene::new();
    let mut songs = [song("a", "Rain", "Ana")];
    scene.sell(&songs[0]);
    let problem = |sql: &str| {
        let copy = scene.folder.path().join("copy.db");
        fs::copy(scene.cache(), &copy).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        let options = EnrichOptions { cache: copy.clone(), ..scene.options() };
        let mut songs = [song("a", "Rain", "Ana")];
        let result = enrich_songs(&mut songs, &scene.provider(), &options, &mut ());
        fs::remove_file(&copy).unwrap();
        match result.unwrap_err() {
            EnrichError::Cache { problem, .. } => problem,
            other => panic!("{other}"),
        }
    };
    scene.enrich(&mut songs).unwrap();
    let newer = problem("PRAGMA user_version = 99");
    assert!(matches!(newer, CacheProblem::Newer { found: 99, supported: 1 }), "{newer}");
    for sql in [
        "CREATE TRIGGER t AFTER INSERT ON answer BEGIN DELETE FROM answer; END",
        "DROP TABLE turn",
        "UPDATE answer SET body = '[{]'",
        "UPDATE answer SET body = '{}'",
    ] {
        let damaged = problem(sql);
        assert!(matches!(damaged, CacheProblem::Damaged(_)), "{sql}: {damaged}");
        assert!(damaged.to_string().contains("delete it"), "{damaged}");
    }
}

#[test]
fn what_a_tampered_cache_says_is_checked_as_an_answer_is() {
    let scene = Scene::new();
    let mut songs = [song("a", "Rain", "Ana")];
    scene.sell(&songs[0]);
    scene.enrich(&mut songs.clone()).unwrap();
    let connection = rusqlite::Connection::open(scene.cache()).unwrap();
    connection
        .execute_batch("UPDATE answer SET body = replace(body, 'https://is1-ssl', 'javascript:')")
        .unwrap();
    drop(connection);
    assert_eq!(scene.enrich(&mut songs).unwrap().matched, 1);
    assert_eq!(songs[0].artwork_url, None);
    assert!(songs[0].preview_url.is_some());
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_loses_the_request_under_way_and_no_other() {
    use std::thread::sleep;

    const KILLS: usize = 6;
    let scene = Scene::new();
    for song in crate::child::songs() {
        scene.sell(&song);
    }
    let url = scene.shop.server.url();
    for kill in 0..KILLS {
        let before = scene.shop.asked().len();
        let mut child = crate::child::start(&url, &scene.cache());
        // Kill it a few requests later, whatever it is doing.
        while scene.shop.asked().len() < before + 8 + kill {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(crate::child::start(&url, &scene.cache()).wait().unwrap().success());
    let asked = scene.shop.asked().len();
    assert!(
        (120..=120 + KILLS).contains(&asked),
        "{asked} requests for 120 songs and {KILLS} kills"
    );
    println!("120 songs, {KILLS} kills: {asked} requests");
}

#[test]
fn what_another_run_has_got_while_this_one_waits_is_not_asked_for() {
    let scene = std::sync::Arc::new(Scene::new());
    let songs: Vec<Song> = ["A", "B", "C"].map(|title| song(title, title, "Ana")).into();
    for song in &songs {
        scene.sell(song);
    }
    // While the first run waits to request B, a second run requests it.
    let second = std::sync::Once::new();
    let clock = Clock::new(
        {
            let time = scene.time.clone();
            move || time.now()
        },
        {
            let (scene, b) = (scene.clone(), [songs[1].clone()]);
            move |wait| {
                second.call_once(|| {
                    let report = scene.enrich(&mut b.clone()).unwrap();
                    assert_eq!((report.matched, report.requests), (1, 1));
                });
                scene.time.pass(wait);
            }
        },
    );
    let options = EnrichOptions { clock, ..scene.options() };
    let report = enrich_songs(&mut songs.clone(), &scene.provider(), &options, &mut ()).unwrap();
    assert_eq!((report.matched, report.requests), (3, 2));
    let asked = scene.shop.asked();
    let times: Vec<u64> = asked.iter().map(|(time, ..)| time.as_secs()).collect();
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 3), "{times:?}");
}

#[cfg(unix)]
#[test]
fn two_processes_at_once_share_answers_and_pace() {
    let scene = Scene::new();
    for song in crate::child::songs() {
        scene.sell(&song);
    }
    let url = scene.shop.server.url();
    let children = [0, 1].map(|_| crate::child::start(&url, &scene.cache()));
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    // If an answer takes longer than the 5 ms between turns, both processes may request it.
    let asked = scene.shop.asked();
    assert!((120..=240).contains(&asked.len()), "{} requests", asked.len());
    let connection = rusqlite::Connection::open(scene.cache()).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM answer"), 120);
    println!("120 songs, two processes: {} requests", asked.len());
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt;

    let scene = Scene::new();
    scene.enrich(&mut [song("a", "Rain", "Ana")]).unwrap();
    for (path, mode) in [(scene.cache(), 0o444), (scene.folder.path().into(), 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let url = scene.shop.server.url();
    match crate::child::unprivileged(&url, &scene.cache()) {
        Some(mut child) => assert!(child.wait().unwrap().success()),
        None => println!("skipped: the tests run as root, and no other user can run them"),
    }
    fs::set_permissions(scene.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
