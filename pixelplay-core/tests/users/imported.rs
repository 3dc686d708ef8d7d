//! Accounts of before: hashes that other programs made are accepted once and replaced.

use super::*;
use pixelplay_core::users::HashProblem;
use std::collections::BTreeMap;

const TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

#[derive(serde::Deserialize)]
struct Original {
    credentials: Credentials,
    passwords: BTreeMap<String, String>,
}

#[derive(serde::Deserialize)]
struct Credentials {
    usernames: BTreeMap<String, User>,
}

#[derive(serde::Deserialize)]
struct User {
    password: String,
}

/// `original.json` was written by `original.py` with Python's bcrypt 4.3.0.
#[test]
fn the_users_of_the_original_application_log_in_and_are_upgraded() {
    let Original { credentials, passwords } =
        serde_json::from_str(include_str!("../fixtures/users/original.json")).unwrap();
    assert_eq!(credentials.usernames.len(), 3);
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    for (name, user) in &credentials.usernames {
        assert!(user.password.contains("$12$"), "the default cost of bcrypt");
        users.import_account(name, &user.password).unwrap();
    }
    for (name, user) in &credentials.usernames {
        let password = &passwords[name];
        refused!(users.log_in(name, &format!("x{password}")), UserError::InvalidCredentials);
        assert_eq!(passwords::stored_hash(&folder, name), user.password);
        for _ in 0..2 {
            let log_in = users.log_in(name, password).unwrap();
            assert_eq!(log_in.session.username, *name);
            let stored = passwords::stored_hash(&folder, name);
            assert!(stored.starts_with(TODAY), "{stored}");
        }
    }
    // Now that all are, nobody pays for bcrypt any more.
    let kinds: Vec<String> = folder
        .sqlite()
        .prepare("SELECT scheme FROM hash_kind")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(kinds, ["argon2id:19:19456:2:1"]);
    // The upgrade is of the password as it is today: composed characters count as one, and no more
    // bytes are cut.
    users.log_in("bj\u{f8}rn", "caf\u{e9} und Fr\u{fc}chte").unwrap();
    let cut = &passwords["clara_42"].as_bytes()[..72];
    let cut = std::str::from_utf8(cut).unwrap();
    refused!(users.log_in("clara_42", cut), UserError::InvalidCredentials);
    users.verify().unwrap();
}

/// Of "password": test.c of phc-winner-argon2 (its `hashtest` lines with m = 2^8), and Python's
/// bcrypt 4.3.0 at cost 4.
const OF_BEFORE: [(&str, &str); 6] = [
    (
        "argon2i-16",
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    ),
    (
        "argon2i-19",
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
    ),
    (
        "argon2id-19",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ),
    ("bcrypt-2a", BCRYPT_2A),
    ("bcrypt-2b", BCRYPT_2B),
    ("bcrypt-2y", BCRYPT_2Y),
];
const BCRYPT_2A: &str = "$2a$04$1lUUq2Oj6H4DEXs/WMz3IeGC48MWF3dbsR.LxC7RN3lrjTAS6fBqa";
const BCRYPT_2B: &str = "$2b$04$nPsoHX7AJpf5gCQOMXrNiO30AsWTaWvh5cxKhkJWY317pBFuf9XMW";
const BCRYPT_2Y: &str = "$2y$04$mmf0xcRvgdnCJEglQmasouKTrsoRFQy6R6tJ9KQJ9WdXFQ9KP9onS";

#[test]
fn weak_hashes_of_every_kind_are_replaced_at_the_first_log_in() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    for (name, hash) in OF_BEFORE {
        users.import_account(name, hash).unwrap();
    }
    for (name, hash) in OF_BEFORE {
        refused!(users.log_in(name, "Password"), UserError::InvalidCredentials);
        assert_eq!(passwords::stored_hash(&folder, name), hash);
        users.log_in(name, "password").unwrap();
        let new = passwords::stored_hash(&folder, name);
        assert!(new.starts_with(TODAY), "{new}");
        users.log_in(name, "password").unwrap();
        assert_eq!(passwords::stored_hash(&folder, name), new);
    }
    assert_eq!(folder.count("hash_kind"), 1);
    users.verify().unwrap();
}

/// Of "cafe" and a combining acute, by Python's argon2-cffi 25.1.0: what other programs hashed is
/// what was typed, while a hash of ours is of the composed form.
#[test]
fn an_argon2_hash_of_before_is_of_what_was_typed() {
    let hash = "$argon2id$v=19$m=8,t=1,p=1$IBmnbno8Odpq3HRNh20lTw$S4iZvCPVNozKq01oaWAkm4xh/zKQvAOLNy5tjvDDRzk";
    let folder = Folder::new();
    let users = folder.open();
    users.import_account("ana", hash).unwrap();
    refused!(users.log_in("ana", "caf\u{e9}"), UserError::InvalidCredentials);
    users.log_in("ana", "cafe\u{301}").unwrap();
    users.log_in("ana", "caf\u{e9}").unwrap();
}

/// Two stores on one file know no more of each other than two processes do.
#[test]
fn log_ins_that_upgrade_one_hash_at_the_same_time_are_both_right() {
    let folder = Folder::new();
    let stores = [folder.open(), folder.open(), folder.open()];
    for n in 0..5 {
        let name = format!("ana{n}");
        import(&stores[0], &name);
        let together = std::sync::Barrier::new(stores.len());
        std::thread::scope(|scope| {
            for users in &stores {
                let (name, together) = (&name, &together);
                scope.spawn(move || {
                    together.wait();
                    users.log_in(name, PASSWORD).unwrap();
                });
            }
        });
        assert_eq!(stores[0].sessions(&name).unwrap().len(), 3);
        assert!(passwords::stored_hash(&folder, &name).starts_with(TODAY));
    }
    assert_eq!(folder.count("attempt"), 0);
}

#[test]
fn a_hash_that_is_none_or_too_dear_is_refused_and_writes_nothing() {
    let folder = Folder::new();
    let users = folder.open();
    let before = folder.stored();
    let bcrypt = BCRYPT_2B;
    let argon2 = OF_BEFORE[2].1;
    for unreadable in [
        "",
        "password",
        "$1$salt$hash",
        "$2x$04$",
        &bcrypt[..59],
        &format!("{bcrypt}A"),
        &format!("{bcrypt}\0"),
        &bcrypt.replace("$04$", "$4$"),
        &argon2[..argon2.len() - 40],
        &argon2.replace("m=256,", ""),
        &argon2.replace("v=19", "v=20"),
        &argon2.replace("argon2id", "argon2x"),
        &"$argon2id$".repeat(1 << 20),
    ] {
        refused!(
            users.import_account("ana", unreadable),
            UserError::Hash(HashProblem::Unreadable { .. })
        );
    }
    for dear in [
        bcrypt.replace("$04$", "$31$"),
        argon2.replace("m=256", "m=4294967295"),
        argon2.replace("m=256,t=2", "m=2097152,t=1"),
        argon2.replace("t=2", "t=4294967295"),
    ] {
        let error = users.import_account("ana", &dear).unwrap_err();
        assert!(matches!(error, UserError::Hash(_)), "{dear}: {error:?}");
    }
    assert!(folder.stored() == before);
}
