//! Sessions: beginning, resuming, listing and ending them; and when they end by themselves.

use super::*;

#[test]
fn a_token_stands_for_its_session_until_it_logs_out() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("Ana", PASSWORD).unwrap();
    let one = users.log_in("ana", PASSWORD).unwrap();
    let other = users.log_in("ana", PASSWORD).unwrap();
    assert_ne!(one.token, other.token);

    let session = users.resume(one.token.expose()).unwrap();
    assert_eq!(session, one.session);
    assert_eq!(session.username, "Ana");
    assert_eq!(session.created, clock.time());
    assert_eq!(session.ends, clock.time() + 30 * DAY);
    users.log_out(one.token.expose()).unwrap();
    assert!(!is_live(&users, &one));
    users.log_out(one.token.expose()).unwrap();
    assert!(is_live(&users, &other));
    // Another process, or the next start, knows them as well.
    let again = folder.open_with(|options| options.clock = clock.clock());
    assert!(is_live(&again, &other) && !is_live(&again, &one));
}

#[test]
fn what_is_no_token_is_nobodys_session() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let token = log_in.token.expose();
    let last = if token.ends_with('A') { "E" } else { "A" };
    let similar = [
        String::new(),
        token[1..].to_owned(),
        format!("{token}A"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\0"),
        format!("{}{last}", &token[..42]),
        "x".repeat(10 << 20),
        "\u{e9}".repeat(43),
        "' OR 1 = 1 --                              ".to_owned(),
    ];
    let before = folder.stored();
    for wrong in &similar {
        refused!(users.resume(wrong), UserError::InvalidSession);
        users.log_out(wrong).unwrap();
        refused!(users.finish_password_reset(wrong, PASSWORD), UserError::InvalidToken);
        refused!(users.finish_registration(wrong, PASSWORD), UserError::InvalidToken);
        refused!(users.finish_rename(wrong), UserError::InvalidToken);
    }
    assert!(is_live(&users, &log_in));
    assert!(folder.stored() == before);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_or_all_at_once() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    users.register("bea", PASSWORD).unwrap();
    let bea = users.log_in("bea", PASSWORD).unwrap();
    let labelled = |label| {
        clock.forward(SECOND);
        let client = Client { label, ..Client::default() };
        users.log_in_from("ana", PASSWORD, &client).unwrap()
    };
    let long = format!("a\u{1b}[31m\n\0{}", "\u{1f3b5}".repeat(300));
    let [plain, phone, odd] = [None, Some("phone"), Some(long.as_str())].map(labelled);

    let listed = users.sessions("ana").unwrap();
    let ids: Vec<i64> = listed.iter().map(|session| session.id).collect();
    assert_eq!(ids, [odd.session.id, phone.session.id, plain.session.id]);
    assert_eq!(listed[2].label, None);
    assert_eq!(listed[1].label.as_deref(), Some("phone"));
    assert_eq!(listed[0].label, Some(format!("a[31m{}", "\u{1f3b5}".repeat(195))));
    assert_eq!(listed[0].created, clock.time());

    // A session can only be ended through its own account.
    assert!(!users.revoke("bea", phone.session.id).unwrap());
    assert!(!users.revoke("ana", i64::MAX).unwrap());
    assert!(is_live(&users, &phone));
    assert!(users.revoke("ana", phone.session.id).unwrap());
    assert!(!users.revoke("ana", phone.session.id).unwrap());
    assert!(!is_live(&users, &phone) && is_live(&users, &plain));

    assert_eq!(users.log_out_everywhere("ana").unwrap(), 2);
    assert!(!is_live(&users, &plain) && !is_live(&users, &odd));
    assert!(users.sessions("ana").unwrap().is_empty());
    assert!(is_live(&users, &bea));
    refused!(users.sessions("nobody"), UserError::UnknownUser);
    refused!(users.revoke("nobody", bea.session.id), UserError::UnknownUser);
    refused!(users.log_out_everywhere("nobody"), UserError::UnknownUser);
}

#[test]
fn a_session_ends_when_it_idles() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let almost = 30 * MINUTE - Duration::from_millis(1);
    for _ in 0..3 {
        clock.forward(almost);
        assert!(is_live(&users, &log_in));
    }
    clock.forward(30 * MINUTE);
    assert!(!is_live(&users, &log_in));
    assert!(users.sessions("ana").unwrap().is_empty());
    // Nothing brings it back: neither another attempt, nor setting the clock back by less than the
    // session was overdue.
    assert!(!is_live(&users, &log_in));
}

#[test]
fn a_session_ends_when_it_is_old_however_much_it_is_used() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.clock = clock.clock();
        options.idle_timeout = 2 * DAY;
        options.max_session_age = 7 * DAY;
    });
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    assert_eq!(log_in.session.ends, clock.time() + 7 * DAY);
    for _ in 0..6 {
        clock.forward(DAY);
        assert!(is_live(&users, &log_in));
    }
    clock.forward(DAY - Duration::from_millis(1));
    assert!(is_live(&users, &log_in));
    clock.forward(Duration::from_millis(1));
    assert!(!is_live(&users, &log_in));
}

#[test]
fn that_somebody_is_there_is_written_once_a_minute() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let begun = clock.time();
    let before = folder.stored();
    for _ in 0..59 {
        clock.forward(SECOND);
        assert_eq!(users.resume(log_in.token.expose()).unwrap().last_seen, begun);
    }
    assert!(folder.stored() == before);
    clock.forward(SECOND);
    assert!(is_live(&users, &log_in));
    assert!(folder.stored() != before);
    assert_eq!(users.sessions("ana").unwrap()[0].last_seen, begun + MINUTE);
}

#[test]
fn a_session_in_use_does_not_look_idle_however_short_that_is() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| {
        options.clock = clock.clock();
        options.idle_timeout = 10 * SECOND;
    });
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    for _ in 0..20 {
        clock.forward(7 * SECOND);
        assert!(is_live(&users, &log_in));
    }
    clock.forward(10 * SECOND);
    assert!(!is_live(&users, &log_in));
}

#[test]
fn ended_sessions_are_swept() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    users.register("bea", PASSWORD).unwrap();
    for _ in 0..3 {
        users.log_in("ana", PASSWORD).unwrap();
    }
    assert_eq!(folder.count("session"), 3);
    clock.forward(30 * MINUTE);
    users.log_in("bea", PASSWORD).unwrap();
    assert_eq!(folder.count("session"), 1);
}

#[test]
fn a_clock_that_is_corrected_logs_nobody_out() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    for by in [SECOND, MINUTE, 20 * MINUTE] {
        clock.back(by);
        assert!(is_live(&users, &log_in));
    }
    assert_eq!(users.sessions("ana").unwrap().len(), 1);
    // From then on, its idle time is measured by the new clock.
    clock.forward(29 * MINUTE);
    assert!(is_live(&users, &log_in));
    clock.forward(30 * MINUTE);
    assert!(!is_live(&users, &log_in));
}

/// While the clock is a year ahead, sessions begin as usual. Once the clock is right again, the age
/// of these sessions is unknown.
#[test]
fn a_session_from_the_future_has_ended() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let early = users.log_in("ana", PASSWORD).unwrap();
    clock.forward(365 * DAY);
    let stay = SessionLifetime { idle_timeout: 90 * DAY, max_age: 365 * DAY };
    let client = Client { lifetime: Some(stay), ..Client::default() };
    let ahead = users.log_in("ana", PASSWORD).unwrap();
    let long = users.log_in_from("ana", PASSWORD, &client).unwrap();
    assert!(is_live(&users, &ahead) && is_live(&users, &long));
    clock.back(365 * DAY);
    for wait in [Duration::ZERO, SECOND * 3600, DAY, 29 * DAY, 170 * DAY] {
        clock.forward(wait);
        assert!(!is_live(&users, &ahead) && !is_live(&users, &long), "{wait:?}");
        assert!(users.sessions("ana").unwrap().iter().all(|one| one.id == early.session.id));
        // New log-ins are still possible.
        users.log_in("ana", PASSWORD).unwrap();
        users.log_out_everywhere("ana").unwrap();
    }
}

#[test]
fn a_log_in_may_have_a_lifetime_of_its_own() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let stay = SessionLifetime { idle_timeout: 30 * DAY, max_age: 90 * DAY };
    let client = Client { lifetime: Some(stay), ..Client::default() };
    let remembered = users.log_in_from("ana", PASSWORD, &client).unwrap();
    let plain = users.log_in("ana", PASSWORD).unwrap();
    assert_eq!(remembered.session.ends, clock.time() + 90 * DAY);
    clock.forward(30 * MINUTE);
    assert!(is_live(&users, &remembered) && !is_live(&users, &plain));
    // Another store with other options accepts it too, and a log-in that cleans up leaves it open.
    let strict = folder.open_with(|options| {
        options.clock = clock.clock();
        options.idle_timeout = MINUTE;
    });
    let short = strict.log_in("ana", PASSWORD).unwrap();
    for _ in 0..3 {
        clock.forward(29 * DAY);
        assert!(is_live(&strict, &remembered) && !is_live(&strict, &short));
    }
    clock.forward(3 * DAY);
    assert!(!is_live(&users, &remembered));
    let for_ever = SessionLifetime { idle_timeout: Duration::MAX, max_age: Duration::MAX };
    let client = Client { lifetime: Some(for_ever), ..Client::default() };
    let for_ever = users.log_in_from("ana", PASSWORD, &client).unwrap();
    clock.forward(5000 * DAY);
    assert!(is_live(&users, &for_ever));
}

#[test]
fn a_million_wrong_tokens_open_nothing_write_nothing_and_shut_nobody_out() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let before = folder.stored();
    let tries = soak(100_000, 1_000_000);
    let mut refused = 0;
    for n in 0..tries {
        let wrong = match n % 4 {
            0 => format!("{n:x}"),
            1 => format!("{n:050}"),
            _ => format!("{n:A>43}"),
        };
        match users.resume(&wrong) {
            Err(UserError::InvalidSession) => refused += 1,
            other => panic!("{wrong}: {other:?}"),
        }
    }
    println!("{refused} of {tries} wrong tokens refused");
    assert_eq!(refused, tries);
    assert!(is_live(&users, &log_in));
    assert!(folder.stored() == before);
}
