//! Accounts: creating, finding, renaming, exporting and erasing them; and valid names.

use super::*;
use serde_json::json;

#[test]
fn an_account_is_registered_and_found_however_its_name_is_typed() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("Ame\u{301}lie@Example.ORG", PASSWORD).unwrap();
    let account = users.account("am\u{e9}lie@example.org").unwrap();
    assert_eq!(account.username, "Am\u{e9}lie@Example.ORG");
    assert_eq!(account.created, clock.time());
    let log_in = users.log_in("AM\u{c9}LIE@example.org", PASSWORD).unwrap();
    assert_eq!(log_in.session.username, "Am\u{e9}lie@Example.ORG");
    refused!(users.account("amelie@example.org"), UserError::UnknownUser);
    refused!(users.log_in("amelie@example.org", PASSWORD), UserError::InvalidCredentials);
    drop(users);
    let users = folder.open();
    users.verify().unwrap();
    users.log_in("am\u{e9}lie@example.org", PASSWORD).unwrap();
}

#[test]
fn names_that_look_alike_are_one_name() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "Paypal0");
    import(&users, "other");
    for alike in [
        "paypal0",
        "PAYPAL0",
        "\u{ff30}aypal0",
        "paypaI0",
        "paypa10",
        "p\u{430}ypal0",
        "paypalo",
        "p\u{430}yp\u{430}lO",
    ] {
        refused!(users.register(alike, PASSWORD), UserError::NameTaken);
        refused!(users.import_account(alike, &CHEAP_HASH), UserError::NameTaken);
        refused!(users.rename("other", alike), UserError::NameTaken);
    }
    // Looking alike is not being the same: the other spelling does not find the account.
    refused!(users.account("p\u{430}ypal0"), UserError::UnknownUser);
    assert_eq!(folder.count("account"), 2);
}

#[test]
fn right_to_left_names_and_addresses_are_names() {
    let folder = Folder::new();
    let users = folder.open();
    for name in [
        "\u{5d0}\u{5d1}\u{5d2}",
        "\u{645}\u{631}\u{64a}\u{645}",
        "o'hara+music@example.org",
        "\u{6771}\u{4eac}",
    ] {
        import(&users, name);
        users.add_favourite(name, "song").unwrap();
        assert_eq!(users.account(name).unwrap().username, name);
    }
}

const BAD_NAMES: [&str; 12] = [
    "",
    " ",
    "ana lima",
    "\u{3000}",
    "ana\0",
    "\0",
    "ana\u{7}",
    "ana\nlima",
    "ana\u{202e}nimda",
    "\u{2067}ana",
    "ana\u{5d0}",
    "\u{1f3b5}",
];

#[test]
fn what_is_no_name_is_refused_with_a_reason_and_nothing_is_written() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    let before = folder.stored();
    let long = "x".repeat(10 << 20);
    for bad in BAD_NAMES.into_iter().chain([long.as_str(), &long[..255]]) {
        let client = Client::default();
        refused!(users.register(bad, PASSWORD), UserError::Name(_));
        refused!(users.import_account(bad, &CHEAP_HASH), UserError::Name(_));
        refused!(users.rename("ana", bad), UserError::Name(_));
        refused!(users.start_registration(bad, &client), UserError::Name(_));
        refused!(users.start_rename("ana", bad, &client), UserError::Name(_));
    }
    refused!(
        users.register(&long, PASSWORD),
        UserError::Name(NameProblem::TooLong { max_bytes: 254 })
    );
    let reason = users.register("ana\0", PASSWORD).unwrap_err().to_string();
    assert!(reason.contains("U+0000"), "{reason}");
    assert!(folder.stored() == before);
}

#[test]
fn what_is_no_name_is_nobodys() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    import(&users, "ana");
    let long = "x".repeat(10 << 20);
    for bad in BAD_NAMES.into_iter().chain([long.as_str(), &long[..255]]) {
        let unknown = [
            users.account(bad).err(),
            users.export(bad).err(),
            users.sessions(bad).err(),
            users.revoke(bad, 1).err(),
            users.log_out_everywhere(bad).err(),
            users.rename(bad, "other").err(),
            users.delete_account(bad).err(),
            users.add_favourite(bad, "song").err(),
            users.remove_favourite(bad, "song").err(),
            users.favourites(bad).err(),
            users.like(bad, "song").err(),
            users.dislike(bad, "song").err(),
            users.clear_rating(bad, "song").err(),
            users.likes(bad).err(),
            users.dislikes(bad).err(),
            users.record_listen(bad, "song").err(),
            users.history(bad, 1).err(),
            users.clear_history(bad).err(),
            users.taste(bad).err(),
        ];
        for error in unknown {
            assert!(matches!(error, Some(UserError::UnknownUser)), "{error:?}");
        }
    }
    // A log-in form reveals no more about an invalid name than about an unknown one.
    for bad in ["", "ana lima", "ana\0", "ana\u{202e}nimda", &long[..1024]] {
        refused!(users.log_in(bad, PASSWORD), UserError::InvalidCredentials);
        users.start_password_reset(bad).unwrap();
    }
    let changed = users.change_password("ana\0", PASSWORD, OTHER_PASSWORD);
    refused!(changed, UserError::InvalidCredentials);
    for too_long in [
        users.log_in(&long, PASSWORD).err(),
        users.change_password(&long, PASSWORD, OTHER_PASSWORD).err(),
        users.start_password_reset(&long).err(),
    ] {
        assert!(
            matches!(too_long, Some(UserError::Name(NameProblem::TooLong { .. }))),
            "{too_long:?}"
        );
    }
}

#[test]
fn a_renamed_account_keeps_all_but_its_name() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    users.add_favourite("ana", "song").unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    users.rename("ana", "Beatriz").unwrap();

    assert_eq!(users.resume(log_in.token.expose()).unwrap().username, "Beatriz");
    assert_eq!(users.favourites("beatriz").unwrap(), ["song"]);
    refused!(users.account("ana"), UserError::UnknownUser);
    refused!(users.log_in("ana", PASSWORD), UserError::InvalidCredentials);
    users.log_in("beatriz", PASSWORD).unwrap();
    // The old name is free again, and the same name in a different case is not a different name.
    import(&users, "ana");
    users.rename("beatriz", "BEATRIZ").unwrap();
    assert_eq!(users.account("beatriz").unwrap().username, "BEATRIZ");
    refused!(users.rename("BEATRIZ", "ana"), UserError::NameTaken);
    refused!(users.rename("nobody", "clara"), UserError::UnknownUser);
    users.verify().unwrap();
}

#[test]
fn an_export_holds_all_there_is_and_no_secret() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("Ana", PASSWORD).unwrap();
    import(&users, "other");
    users.add_favourite("other", "of another").unwrap();
    clock.forward(SECOND);
    let label = Some("Firefox \"on\" Linux");
    let client = Client { source: Some("192.0.2.7"), label, ..Client::default() };
    let log_in = users.log_in_from("ana", PASSWORD, &client).unwrap();
    users.add_favourite("ana", "b").unwrap();
    users.add_favourite("ana", "a").unwrap();
    clock.forward(SECOND);
    users.like("ana", "liked").unwrap();
    users.dislike("ana", "\u{202e}dis\0liked\"").unwrap();
    users.record_listen("ana", "heard").unwrap();
    users.record_listen("ana", "heard").unwrap();

    let text = users.export("ANA").unwrap();
    let exported: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (start, one, two) = (1_700_000_000_000_u64, 1_700_000_001_000_u64, 1_700_000_002_000_u64);
    assert_eq!(
        exported,
        json!({
            "username": "Ana",
            "created_ms": start,
            "external_id": null,
            "devices": [{"created_ms": one, "last_used_ms": one}],
            "sessions": [{"label": "Firefox \"on\" Linux", "created_ms": one, "last_seen_ms": one}],
            "favourites": [{"song": "a", "added_ms": one}, {"song": "b", "added_ms": one}],
            "ratings": [
                {"song": "liked", "liked": true, "rated_ms": two},
                {"song": "\u{202e}dis\0liked\"", "liked": false, "rated_ms": two}
            ],
            "history": [{"song": "heard", "at_ms": two}, {"song": "heard", "at_ms": two}],
        })
    );
    for secret in [log_in.token.expose(), log_in.device.expose(), "argon2", "192.0.2.7"] {
        assert!(!text.contains(secret), "{text}");
    }
    refused!(users.export("nobody"), UserError::UnknownUser);
}

/// A song id long enough that SQLite keeps it on pages of its own.
fn long_song(of: &str) -> String {
    format!("{of}-{}", "\u{e9}".repeat(480))
}

#[test]
fn a_deleted_account_is_erased_from_the_files() {
    let folder = Folder::new();
    let users = folder.open();
    // The account is created between others, so that pages are shared, split and merged.
    for n in 0..40 {
        let name = format!("mm-name-{n:03}");
        import(&users, &name);
        for k in 0..6 {
            users.add_favourite(&name, &format!("mm-song-{n:03}-{k}")).unwrap();
            users.like(&name, &long_song(&format!("mm-long-{n:03}-{k}"))).unwrap();
            users.record_listen(&name, &format!("mm-heard-{n:03}-{k}")).unwrap();
        }
    }
    users.start_rename("mm-name-001", "mm-next-001", &Client::default()).unwrap();
    let label = Some("mm-label-001");
    let client = Client { source: Some("mm-source-001"), label, ..Client::default() };
    users.log_in_from("mm-name-001", PASSWORD, &client).unwrap();
    users.rename("mm-name-003", "mm-late-003").unwrap();
    for (is_there, mark) in [(true, "mm-label-001"), (false, "mm-source-001")] {
        assert_eq!(contains(&folder.bytes(), mark.as_bytes()), is_there, "{mark}");
    }
    for n in (1..40).step_by(2) {
        let name = if n == 3 { "mm-late-003".to_owned() } else { format!("mm-name-{n:03}") };
        users.delete_account(&name).unwrap();
        refused!(users.account(&name), UserError::UnknownUser);
        let bytes = folder.bytes();
        for kind in ["name", "next", "late", "song", "long", "heard", "label"] {
            let mark = format!("mm-{kind}-{n:03}");
            assert!(!contains(&bytes, mark.as_bytes()), "{mark} is still there");
        }
    }
    assert_eq!(folder.count("account"), 20);
    for table in ["favourite", "rating", "listen"] {
        assert_eq!(folder.count(table), 120, "{table}");
    }
    for table in ["session", "confirmation", "device", "attempt"] {
        assert_eq!(folder.count(table), 0, "{table}");
    }
    users.verify().unwrap();
    refused!(users.delete_account("mm-name-001"), UserError::UnknownUser);
    import(&users, "mm-name-001");
    assert!(users.favourites("mm-name-001").unwrap().is_empty());
}
