//! How failed attempts slow down later ones, whether or not the account exists.

use super::*;

/// Returns the answer to a log-in attempt, in words.
fn attempt(users: &UserStore, name: &str, password: &str, client: &Client<'_>) -> String {
    match users.log_in_from(name, password, client) {
        Ok(_) => "in".to_owned(),
        Err(UserError::InvalidCredentials) => "wrong".to_owned(),
        Err(UserError::Throttled { retry_after, .. }) => {
            format!("wait {}", retry_after.as_millis())
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn wrong(users: &UserStore, name: &str) -> String {
    attempt(users, name, OTHER_PASSWORD, &Client::default())
}

fn small_limit(free_attempts: u32, max_failures: u32) -> Limit {
    Limit {
        free_attempts,
        initial_backoff: SECOND,
        max_backoff: 4 * SECOND,
        max_failures,
        decay_interval: MINUTE,
    }
}

#[test]
fn waits_double_to_an_hour_and_nobody_learns_who_exists() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    import(&users, "ana");
    let both = || {
        let answers = ["ana", "nobody", "no name"].map(|name| wrong(&users, name));
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let [answer, ..] = answers;
        answer
    };
    for _ in 0..4 {
        assert_eq!(both(), "wrong");
    }
    let mut waits = Vec::new();
    for _ in 0..14 {
        let answer = both();
        let wait: u64 = answer.strip_prefix("wait ").unwrap().parse().unwrap();
        waits.push(wait / 1000);
        clock.forward(Duration::from_millis(wait - 1));
        assert_eq!(both(), "wait 1");
        clock.forward(Duration::from_millis(1));
        assert_eq!(both(), "wrong");
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);
    // The right password is not checked either.
    assert_eq!(attempt(&users, "ana", PASSWORD, &Client::default()), "wait 3600000");
}

#[test]
fn at_the_hard_cap_one_attempt_is_left_for_each_that_is_forgiven() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.clock = clock.clock();
        options.throttle.account = small_limit(0, 5);
    });
    import(&users, "ana");
    for wait in ["wait 1000", "wait 2000", "wait 4000", "wait 4000"] {
        assert_eq!(wrong(&users, "ana"), "wrong");
        assert_eq!(wrong(&users, "ana"), wait);
        clock.forward(4 * SECOND);
    }
    assert_eq!(wrong(&users, "ana"), "wrong");
    // One failure is forgiven each minute since the first, 16 s ago, whatever came in between.
    for wait in [44_000, 60_000, 60_000] {
        assert_eq!(wrong(&users, "ana"), format!("wait {wait}"));
        clock.forward(Duration::from_millis(wait));
        assert_eq!(wrong(&users, "ana"), "wrong");
    }
    // After a long time, all failures are forgiven.
    clock.forward(10 * MINUTE);
    assert_eq!(wrong(&users, "ana"), "wrong");
    assert_eq!(wrong(&users, "ana"), "wait 1000");
}

#[test]
fn a_right_password_clears_the_count() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!(wrong(&users, "Ana"), "wrong");
        }
        assert_eq!(wrong(&users, "ANA"), "wait 1000");
        clock.forward(SECOND);
        assert_eq!(attempt(&users, "ana", PASSWORD, &Client::default()), "in");
        assert_eq!(folder.count("attempt"), 0);
    }
    // A password reset by mail clears the failures as well.
    for _ in 0..4 {
        wrong(&users, "ana");
    }
    let token = users.start_password_reset("ana").unwrap();
    users.finish_password_reset(token.expose(), OTHER_PASSWORD).unwrap();
    users.log_in("ana", OTHER_PASSWORD).unwrap();
}

#[test]
fn whoever_is_logged_in_is_not_touched() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    for _ in 0..4 {
        wrong(&users, "ana");
    }
    assert_eq!(wrong(&users, "ana"), "wait 1000");
    assert!(is_live(&users, &log_in));
    users.add_favourite("ana", "song").unwrap();
    // Failed log-ins by others do not keep a user from changing the password; failed changes are
    // counted separately.
    let new = users.change_password("ana", PASSWORD, OTHER_PASSWORD).unwrap();
    for _ in 0..4 {
        refused!(
            users.change_password("ana", PASSWORD, OTHER_PASSWORD),
            UserError::InvalidCredentials
        );
    }
    refused!(
        users.change_password("ana", OTHER_PASSWORD, PASSWORD),
        UserError::Throttled { what: Attempted::PasswordChange, retry_after } if retry_after == SECOND
    );
    assert!(is_live(&users, &new));
}

#[test]
fn a_source_is_slowed_down_whatever_names_it_tries() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.clock = clock.clock();
        options.throttle.source = small_limit(2, 100);
    });
    users.register("ana", PASSWORD).unwrap();
    let (bad, good) = (from("192.0.2.1"), from("192.0.2.2"));
    for name in ["one", "two", "three"] {
        assert_eq!(attempt(&users, name, OTHER_PASSWORD, &bad), "wrong");
    }
    for (name, password) in [("four", OTHER_PASSWORD), ("ana", PASSWORD)] {
        assert_eq!(attempt(&users, name, password, &bad), "wait 1000");
    }
    // Other sources are not affected, and refused attempts were not counted against any account.
    assert_eq!(attempt(&users, "ana", PASSWORD, &good), "in");
    assert_eq!(attempt(&users, "ana", PASSWORD, &Client::default()), "in");
    // A successful attempt leaves no trace, not even in the wait.
    clock.forward(SECOND);
    for _ in 0..3 {
        assert_eq!(attempt(&users, "ana", PASSWORD, &bad), "in");
    }
    assert_eq!(attempt(&users, "five", OTHER_PASSWORD, &bad), "wrong");
    assert_eq!(attempt(&users, "six", OTHER_PASSWORD, &bad), "wait 2000");
    for tried in ["192.0.2.1", "five"] {
        assert!(!contains(&folder.bytes(), tried.as_bytes()), "{tried} is in the file");
    }
}

#[test]
fn the_count_outlives_the_process_and_is_one_for_all() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let open = || folder.open_with(|options| options.clock = clock.clock());
    let (one, other) = (open(), open());
    import(&one, "ana");
    for users in [&one, &other, &one, &other] {
        assert_eq!(wrong(users, "ana"), "wrong");
    }
    assert_eq!(wrong(&one, "ana"), "wait 1000");
    drop((one, other));
    assert_eq!(wrong(&open(), "ana"), "wait 1000");
}

#[test]
fn log_ins_resets_and_registrations_are_counted_apart() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.throttle.source = small_limit(2, 100));
    import(&users, "ana");
    let client = from("192.0.2.1");
    let throttled = |answer: Result<(), UserError>| match answer {
        Err(UserError::Throttled { what, .. }) => Some(what),
        Err(UserError::InvalidCredentials) | Ok(()) => None,
        Err(other) => panic!("{other:?}"),
    };
    let log_in = || throttled(users.log_in_from("victim", OTHER_PASSWORD, &client).map(drop));
    let reset = || throttled(users.start_password_reset_from("victim", &client).map(drop));
    let register = || throttled(users.start_registration("victim", &client).map(drop));
    let rename = || throttled(users.start_rename("ana", "victim", &client).map(drop));
    let change = || {
        let changed = users.change_password_from("victim", PASSWORD, OTHER_PASSWORD, &client);
        throttled(changed.map(drop))
    };
    let all: [(Attempted, &dyn Fn() -> Option<Attempted>); 5] = [
        (Attempted::LogIn, &log_in),
        (Attempted::PasswordReset, &reset),
        (Attempted::Registration, &register),
        (Attempted::Rename, &rename),
        (Attempted::PasswordChange, &change),
    ];
    for (attempted, attempt) in all {
        // No kind of attempt is affected by those before it.
        let answers: Vec<_> = (0..4).map(|_| attempt()).collect();
        assert_eq!(answers, [None, None, None, Some(attempted)]);
    }
}

#[test]
fn registrations_from_one_source_are_limited() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.throttle.source = small_limit(2, 100));
    let client = from("192.0.2.1");
    users.register_from("ana", PASSWORD, &client).unwrap();
    for _ in 0..2 {
        refused!(users.register_from("ana", PASSWORD, &client), UserError::NameTaken);
    }
    refused!(
        users.register_from("bea", PASSWORD, &client),
        UserError::Throttled { what: Attempted::Registration, retry_after } if retry_after <= SECOND
    );
    users.register_from("bea", PASSWORD, &from("192.0.2.2")).unwrap();
    users.register("clara", PASSWORD).unwrap();
}

#[test]
fn all_addresses_of_an_ipv6_network_are_one_source() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.throttle.source = small_limit(2, 100));
    import(&users, "ana");
    for n in 0..3 {
        let address = format!("2001:db8:1:2::{n:x}");
        let name = format!("name-{n}");
        assert_eq!(attempt(&users, &name, OTHER_PASSWORD, &from(&address)), "wrong");
    }
    let answer = attempt(&users, "ana", PASSWORD, &from("[2001:db8:1:2:ffff::9]:443"));
    assert!(answer.starts_with("wait"), "{answer}");
    assert_eq!(attempt(&users, "ana", PASSWORD, &from("2001:db8:1:3::1")), "in");
}

#[test]
fn failures_are_forgiven_in_their_time_whatever_comes_between() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.clock = clock.clock();
        options.throttle.source = Limit { max_backoff: 60 * MINUTE, ..small_limit(2, 100) };
    });
    import(&users, "ana");
    let client = from("192.0.2.1");
    // One failure is forgiven a minute: a source that fails no more often than that never waits.
    for n in 0..30 {
        assert_eq!(attempt(&users, &format!("name-{n}"), OTHER_PASSWORD, &client), "wrong");
        clock.forward(MINUTE / 2);
        assert_eq!(attempt(&users, "ana", PASSWORD, &client), "in", "{n}");
        clock.forward(MINUTE / 2);
    }
}

#[test]
fn limits_beyond_what_is_safe_are_refused() {
    let folder = Folder::new();
    for set in [
        (|limits| limits.account.max_failures = 101) as fn(&mut ThrottleOptions),
        |limits| limits.account.free_attempts = u32::MAX,
        |limits| limits.account.decay_interval = Duration::ZERO,
        |limits| limits.source.max_failures = u32::MAX,
        |limits| limits.source.max_backoff = Duration::MAX,
    ] {
        let mut options = UserStoreOptions::default();
        set(&mut options.throttle);
        refused!(UserStore::open_with(folder.db(), options), UserError::BadOptions { .. });
    }
    assert!(folder.names().is_empty());
}

#[test]
fn attempts_side_by_side_do_not_slip_through() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    import(&users, "ana");
    let answers: Vec<String> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12).map(|_| scope.spawn(|| wrong(&users, "ana"))).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let looked_at = answers.iter().filter(|answer| *answer == "wrong").count();
    assert_eq!(looked_at, 4, "{answers:?}");
}

/// More people than the number of free failures log in at once, all from one address.
#[test]
fn right_attempts_of_many_from_one_source_are_no_failures() {
    let folder = Folder::new();
    let users = folder.open_with(|options| {
        options.throttle.source = small_limit(3, 100);
        options.concurrent_hashes = std::num::NonZeroUsize::new(2).unwrap();
    });
    for n in 0..24 {
        import(&users, &format!("name-{n}"));
    }
    std::thread::scope(|scope| {
        for n in 0..24 {
            let users = &users;
            scope.spawn(move || {
                let client = from("192.0.2.1");
                assert_eq!(attempt(users, &format!("name-{n}"), PASSWORD, &client), "in");
            });
        }
    });
    assert_eq!(folder.count("attempt"), 0);
}

#[test]
fn right_attempts_side_by_side_are_no_failures() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(users.log_in("ana", PASSWORD).is_ok()));
        }
    });
    assert_eq!(users.sessions("ana").unwrap().len(), 8);
}
