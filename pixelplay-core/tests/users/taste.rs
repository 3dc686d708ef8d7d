//! Favourites, ratings, history, and the weights derived from them.

use super::*;

#[test]
fn favourites_come_and_go_the_newest_first() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    import(&users, "ana");
    import(&users, "bea");
    for song in ["first", "b", "a", "last"] {
        users.add_favourite("ana", song).unwrap();
        if song != "b" {
            clock.forward(SECOND);
        }
    }
    // A second time changes nothing, not even the order.
    users.add_favourite("ana", "first").unwrap();
    assert_eq!(users.favourites("ana").unwrap(), ["last", "a", "b", "first"]);
    assert!(users.favourites("bea").unwrap().is_empty());
    assert!(!users.remove_favourite("bea", "a").unwrap());
    assert!(users.remove_favourite("ana", "a").unwrap());
    assert!(!users.remove_favourite("ana", "a").unwrap());
    assert_eq!(users.favourites("ana").unwrap(), ["last", "b", "first"]);
    refused!(users.add_favourite("nobody", "a"), UserError::UnknownUser);
}

#[test]
fn a_song_is_liked_or_disliked_but_not_both() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    import(&users, "ana");
    users.like("ana", "a").unwrap();
    clock.forward(SECOND);
    users.like("ana", "b").unwrap();
    clock.forward(SECOND);
    users.dislike("ana", "a").unwrap();
    assert_eq!(users.likes("ana").unwrap(), ["b"]);
    assert_eq!(users.dislikes("ana").unwrap(), ["a"]);
    clock.forward(SECOND);
    users.like("ana", "a").unwrap();
    assert_eq!(users.likes("ana").unwrap(), ["a", "b"]);
    assert!(users.dislikes("ana").unwrap().is_empty());
    assert!(users.clear_rating("ana", "a").unwrap());
    assert!(!users.clear_rating("ana", "a").unwrap());
    assert_eq!(users.likes("ana").unwrap(), ["b"]);
}

#[test]
fn song_ids_are_kept_as_they_are_up_to_1024_bytes() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    let longest = "\u{e9}".repeat(512);
    let mut odd = vec![
        "'; DROP TABLE account; --",
        "\0",
        "a\0b",
        "\u{202e}abc",
        " a ",
        "A",
        "a",
        "e\u{301}",
        "\u{e9}",
        &longest,
    ];
    for song in &odd {
        users.add_favourite("ana", song).unwrap();
        users.like("ana", song).unwrap();
        users.record_listen("ana", song).unwrap();
    }
    odd.sort_unstable();
    let sorted = |mut songs: Vec<String>| {
        songs.sort_unstable();
        songs
    };
    assert_eq!(sorted(users.favourites("ana").unwrap()), odd);
    assert_eq!(sorted(users.likes("ana").unwrap()), odd);
    let heard = users.history("ana", 100).unwrap();
    assert_eq!(sorted(heard.into_iter().map(|listen| listen.song).collect()), odd);

    for (song, length) in
        [(String::new(), 0), (format!("{longest}x"), 1025), ("x".repeat(10 << 20), 10 << 20)]
    {
        for refused in [
            users.add_favourite("ana", &song),
            users.like("ana", &song),
            users.dislike("ana", &song),
            users.record_listen("ana", &song),
        ] {
            refused!(
                refused,
                UserError::SongId { max_bytes: 1024, found } if found == length
            );
        }
        assert!(!users.remove_favourite("ana", &song).unwrap());
        assert!(!users.clear_rating("ana", &song).unwrap());
    }
}

#[test]
fn an_account_holds_ten_thousand_and_another_one_still_has_room() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    import(&users, "bea");
    folder
        .sqlite()
        .execute_batch(
            "CREATE TEMP TABLE number AS
                 WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 9999) SELECT k FROM n;
             INSERT INTO favourite SELECT 1, 'song ' || k, 0 FROM number;
             INSERT INTO rating SELECT 1, 'song ' || k, k % 2, 0 FROM number;",
        )
        .unwrap();
    users.add_favourite("ana", "the 10000th").unwrap();
    users.dislike("ana", "the 10000th").unwrap();
    refused!(
        users.add_favourite("ana", "one more"),
        UserError::LimitReached { what: "favourites", limit: 10_000 }
    );
    for rate in [UserStore::like, UserStore::dislike] {
        refused!(
            rate(&users, "ana", "one more"),
            UserError::LimitReached { what: "ratings", limit: 10_000 }
        );
    }
    assert_eq!(users.favourites("ana").unwrap().len(), 10_000);
    // Adding an existing song again is allowed, and removing a song makes room for another.
    users.add_favourite("ana", "song 7").unwrap();
    users.like("ana", "the 10000th").unwrap();
    assert!(users.remove_favourite("ana", "song 7").unwrap());
    users.add_favourite("ana", "one more").unwrap();
    users.add_favourite("bea", "a").unwrap();
    // Most are from 1970.
    let taste: Vec<String> = users.taste("ana").unwrap().into_keys().collect();
    assert_eq!(taste, ["one more", "the 10000th"]);
}

#[test]
fn the_history_is_bounded_for_each_account() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.max_history = 3;
        options.clock = clock.clock();
    });
    import(&users, "ana");
    import(&users, "bea");
    users.record_listen("bea", "of bea").unwrap();
    for song in ["a", "b", "b", "c", "d"] {
        users.record_listen("ana", song).unwrap();
        clock.forward(SECOND);
    }
    users.record_listen("bea", "of bea").unwrap();
    let heard = |limit| -> Vec<String> {
        let history = users.history("ana", limit).unwrap();
        history.into_iter().map(|listen| listen.song).collect()
    };
    assert_eq!(heard(usize::MAX), ["d", "c", "b"]);
    assert_eq!(heard(2), ["d", "c"]);
    assert!(heard(0).is_empty());
    assert_eq!(users.history("ana", 1).unwrap()[0].at, clock.time() - SECOND);
    assert_eq!(folder.count("listen"), 5);
    assert_eq!(users.clear_history("ana").unwrap(), 3);
    assert!(heard(9).is_empty());
    assert_eq!(users.history("bea", 9).unwrap().len(), 2);

    let forgetful = folder.open_with(|options| options.max_history = 0);
    forgetful.record_listen("bea", "x").unwrap();
    assert!(forgetful.history("bea", 9).unwrap().is_empty());
}

#[test]
fn weights_halve_with_every_90_days() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    import(&users, "ana");
    users.add_favourite("ana", "favourite").unwrap();
    users.like("ana", "liked").unwrap();
    users.dislike("ana", "disliked").unwrap();
    users.record_listen("ana", "heard").unwrap();
    users.add_favourite("ana", "both").unwrap();
    users.like("ana", "both").unwrap();
    users.add_favourite("ana", "torn").unwrap();
    users.dislike("ana", "torn").unwrap();
    for _ in 0..5 {
        users.record_listen("ana", "often").unwrap();
    }
    let taste = |expected: &[(&str, f64)]| {
        let found = users.taste("ana").unwrap();
        let found: Vec<(&str, f64)> = found.iter().map(|(song, w)| (song.as_str(), *w)).collect();
        assert_eq!(found, expected);
    };
    // 1 + 1 and 5 x 0.25 are clamped to 1; 1 - 1 is zero and left out.
    taste(&[
        ("both", 1.0),
        ("disliked", -1.0),
        ("favourite", 1.0),
        ("heard", 0.25),
        ("liked", 1.0),
        ("often", 1.0),
    ]);
    clock.forward(90 * DAY);
    users.record_listen("ana", "heard").unwrap();
    // "heard": 0.25 from today, and half of 0.25.
    taste(&[
        ("both", 1.0),
        ("disliked", -0.5),
        ("favourite", 0.5),
        ("heard", 0.375),
        ("liked", 0.5),
        ("often", 0.625),
    ]);
    // After 7 half-lives: 1/128, and (1/128 + 1/64) / 4 for "heard". After 3 more, weights below
    // 0.001 are gone.
    clock.forward(540 * DAY);
    taste(&[
        ("both", 2.0 / 128.0),
        ("disliked", -1.0 / 128.0),
        ("favourite", 1.0 / 128.0),
        ("heard", 3.0 / 512.0),
        ("liked", 1.0 / 128.0),
        ("often", 5.0 / 512.0),
    ]);
    clock.forward(3 * 90 * DAY);
    taste(&[("both", 2.0 / 1024.0), ("often", 5.0 / 4096.0)]);
    // Entries in the future, from a clock that was ahead, weigh the same as today's.
    clock.back(2000 * DAY);
    assert_eq!(users.taste("ana").unwrap()["disliked"], -1.0);
}

#[test]
fn the_half_life_may_be_set() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.clock = clock.clock();
        options.taste_half_life = DAY;
    });
    import(&users, "ana");
    users.add_favourite("ana", "song").unwrap();
    clock.forward(2 * DAY);
    assert_eq!(users.taste("ana").unwrap()["song"], 0.25);
    users.remove_favourite("ana", "song").unwrap();
    assert!(users.taste("ana").unwrap().is_empty());
}
