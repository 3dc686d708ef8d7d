//! Imported accounts: hashes from other programs are accepted once and then replaced.

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
    // Now that all hashes are upgraded, no log-in pays for bcrypt any more.
    let kinds: Vec<String> = folder
        .sqlite()
        .prepare("SELECT scheme FROM hash_kind")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(kinds, ["argon2id:19:19456:2:1"]);
    // The upgraded hash follows the current rules: the password is normalised, and no longer cut at
    // 72 bytes.
    users.log_in("bj\u{f8}rn", "caf\u{e9} und Fr\u{fc}chte").unwrap();
    let cut = &passwords["clara_42"].as_bytes()[..72];
    let cut = std::str::from_utf8(cut).unwrap();
    refused!(users.log_in("clara_42", cut), UserError::InvalidCredentials);
    users.verify().unwrap();
}

/// Hashes of "password", from test.c of phc-winner-argon2 (its `hashtest` lines with m = 2^8) and
/// from Python's bcrypt 4.3.0 at cost 4.
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

/// Hashes of one password, not in NFC, made by Django 5.2.19, werkzeug 3.1.8 and passlib 1.7.4.
const OF_FRAMEWORKS: [(&str, &str); 15] = [
    (
        "django-pbkdf2",
        "pbkdf2_sha256$1200$lCHeo6kqks7oLreuvZdjKr$rZvNQ6PRru2pF7xrZcePo6l3mOThxYUpIYFTaZO6RjU=",
    ),
    ("django-sha1", "pbkdf2_sha1$700$JxGlTfAW6MjGvSoVCC79I5$x0A0i7wdhHrvrI4ttvpG1SLKLUg="),
    (
        "django-bcrypt-sha256",
        "bcrypt_sha256$$2b$04$.alcDQd5nfc4FPe4dpKN0eDaN0sOR6G6jw2mjkp.5t/y4uYKk5Jf2",
    ),
    ("django-bcrypt", "bcrypt$$2b$04$E9ZOedqGSyA3pnFiJbrwQ.udfJu.JT4DHDSQbQKfVVSJoMzViArUG"),
    (
        "django-argon2",
        "argon2$argon2id$v=19$m=256,t=2,p=1$QW1pOVNKUlRpNGJpMzJGYlhuS1lVbg$LcO90MsGUKhPH1lmS4v3m9Frl0peURqRzxBQnahv0Ng",
    ),
    (
        "django-scrypt",
        "scrypt$1024$4nmCRbhMUmq4L0eKi5ieRw$8$1$TcmGFOJ82gxXMHX0FVm4ULiXXxr9kpu8QaB+hcNQh0bIlkBQ2a0OqXeZHBzWIbiWVSrX0uL+j3HdDOmM+RoRdQ==",
    ),
    (
        "werkzeug-scrypt-small",
        "scrypt:1024:8:1$xvVcE4C3HwT6p1Eo$caa739cf993f40d87d3ae7f1eb32f5474c77fb26d2ef9890645603bcf9a56332bbfe1e22b607d63c2cd5999e648c2b2b25cf707691f30a85e4731108c28e797a",
    ),
    (
        "werkzeug-scrypt",
        "scrypt:32768:8:1$tRJ46QCVMvlOGexb$ee05afdefb46c7a3eb7576b3d2666f59067ba4d49478d299c2a42b11e4fcdf0caccd2f2fbe535498d2d5358637c4445e879ad2281f96af1812dd189e6d963029",
    ),
    (
        "werkzeug-sha256",
        "pbkdf2:sha256:1200$34UrySzoPjrqlVMd$b8cc152494330206dad2b73e5dc7c96effb5625e748bc2a60a7d03cc4248487a",
    ),
    ("werkzeug-sha1", "pbkdf2:sha1:700$cZatX8GNiEvjnE8G$2372d1bad1559a885162689818b35d7922b0338a"),
    (
        "werkzeug-sha512",
        "pbkdf2:sha512:900$KyXAxIGwXCXIqfDW$d2a1a03c78d466d5a5d6af50fe74cca4667f3ebf2f50b3ece122438f6800982dcdc0dac6061bd2846028f2b655b3110ccacff72fe568f4380b8dff6f64951b61",
    ),
    (
        "passlib-sha256",
        "$pbkdf2-sha256$1200$FgIAQAghxFgLAaA0Zkyp9Q$NyGSUt.Ajo9Wt.ZgPNGlJ3.sEYq8KoTOOCKajxZHpic",
    ),
    (
        "passlib-sha512",
        "$pbkdf2-sha512$900$slaKkfKe09q7l7K2ds5Zyw$d5Chlf47Ob0DsQtvxWCzclRYMm2Ye2kuzyzqpKDi/XN1JWfcr1HhHLBY/K5n.6kgGbn89j.rlSE2onHYSoMysA",
    ),
    ("passlib-sha1", "$pbkdf2$700$0FqLMeZ8jxEihBAiZIzxPg$.cI2pF3UOZ71Fg3ej38Sf7jfJs8"),
    (
        "passlib-scrypt",
        "$scrypt$ln=10,r=8,p=1$dU6pdY6xVirlnFNqjdG6Fw$45fO0K8tbp1fSi7XXVSR0dIHEVnYm8jBY2Nb6kK5zJE",
    ),
];

#[test]
fn hashes_of_django_werkzeug_and_passlib_are_accepted_and_replaced() {
    const TYPED: &str = "caf\u{e9} und Fru\u{308}chte \u{1f3b5}";
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    for (name, hash) in OF_FRAMEWORKS {
        users.import_account(name, hash).unwrap();
    }
    for (name, hash) in OF_FRAMEWORKS {
        refused!(
            users.log_in(name, "caf\u{e9} und Fruchte \u{1f3b5}"),
            UserError::InvalidCredentials
        );
        assert_eq!(passwords::stored_hash(&folder, name), hash);
        users.log_in(name, TYPED).unwrap();
        assert!(passwords::stored_hash(&folder, name).starts_with(TODAY));
        // From then on, it is normalised like any other password.
        users.log_in(name, "caf\u{e9} und Fr\u{fc}chte \u{1f3b5}").unwrap();
    }
    assert_eq!(folder.count("hash_kind"), 1);
    users.verify().unwrap();
}

#[test]
fn imported_hashes_that_nobody_uses_expire() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.import_account("abandoned", &BCRYPT_2B.replace("$04$", "$14$")).unwrap();
    users.import_account("in-use", &CHEAP_HASH).unwrap();
    users.register("ana", PASSWORD).unwrap();
    clock.forward(100 * DAY);
    users.import_account("late", &CHEAP_HASH).unwrap();
    users.log_in("in-use", PASSWORD).unwrap();
    assert_eq!(users.expire_imported_hashes(90 * DAY).unwrap(), 1);
    assert_eq!(users.expire_imported_hashes(90 * DAY).unwrap(), 0);
    let kinds = |name: &str| users.account(name).unwrap().hash_kind;
    assert_eq!(kinds("abandoned"), None);
    assert_eq!(kinds("late").as_deref(), Some("bcrypt:4"));
    // No log-in pays for bcrypt 14 any more. The account still exists, without a password.
    let kind = "SELECT count(*) FROM hash_kind WHERE scheme = 'bcrypt:14'";
    assert_eq!(folder.sqlite().query_row(kind, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    for guess in ["", "password", PASSWORD] {
        refused!(users.log_in("abandoned", guess), UserError::InvalidCredentials);
    }
    let token = users.start_password_reset("abandoned").unwrap();
    users.finish_password_reset(token.expose(), OTHER_PASSWORD).unwrap();
    users.log_in("abandoned", OTHER_PASSWORD).unwrap();
    users.log_in("late", PASSWORD).unwrap();
    users.verify().unwrap();
}

/// A hash of "cafe" and a combining acute, made by Python's argon2-cffi 25.1.0: other programs hash
/// the password as typed, while our hashes are made from the normalised form.
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

/// Two stores on one file know no more about each other than two processes do.
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
