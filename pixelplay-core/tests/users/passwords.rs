//! Passwords: which are accepted, how they are changed, and peppers.

use super::*;
use pixelplay_core::users::{HashParams, HashProblem, Pepper, Peppers};

#[test]
fn short_and_guessable_passwords_are_refused() {
    let folder = Folder::new();
    let users = folder.open();
    refused!(users.register("ana", ""), UserError::Password(PasswordProblem::Empty));
    refused!(
        users.register("ana", "tuba rain driv"),
        UserError::Password(PasswordProblem::TooShort { min_chars: 15 })
    );
    for guessable in [
        "passwordpassword",
        "123456789012345",
        "qwertyuiopasdfg",
        "aaaaaaaaaaaaaaa",
        "pixelplaypixelplay",
    ] {
        refused!(users.register("ana", guessable), UserError::Password(PasswordProblem::Common));
    }
    refused!(
        users.register("ana.lima@example.org", "Ana.Lima@Example.org"),
        UserError::Password(PasswordProblem::IsName)
    );
    for forbidden in ["a\0 in the password", "a tab\tin the password", "a\u{378} in the password"] {
        refused!(
            users.register("ana", forbidden),
            UserError::Password(PasswordProblem::ForbiddenCharacter)
        );
    }
    refused!(users.account("ana"), UserError::UnknownUser);
    // There are no composition rules: a few words in any script, or 64 characters and more.
    let drive = "\u{96e8}\u{306e}\u{591c}\u{306e}\u{30c9}\u{30e9}\u{30a4}\u{30d6}\u{3068}\u{97f3}\u{697d}\u{3068}\u{30b3}\u{30fc}\u{30d2}\u{30fc}";
    let long = "the tuba player of the third house on the left snores in b flat ".repeat(16);
    assert_eq!(long.len(), 1024);
    for (name, password) in [("a", "tuba rain drive"), ("b", drive), ("c", &long)] {
        users.register(name, password).unwrap();
        users.log_in(name, password).unwrap();
    }
}

#[test]
fn with_a_second_factor_8_characters_will_do() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.second_factor = true);
    refused!(
        users.register("ana", "tubarai"),
        UserError::Password(PasswordProblem::TooShort { min_chars: 8 })
    );
    refused!(users.register("ana", "password"), UserError::Password(PasswordProblem::Common));
    users.register("ana", "tubarain").unwrap();
    users.log_in("ana", "tubarain").unwrap();
}

#[test]
fn a_password_is_the_same_however_it_is_composed_and_no_other() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    users.register("ana", "cafe\u{301} und Fru\u{308}chte").unwrap();
    users.log_in("ana", "caf\u{e9} und Fr\u{fc}chte").unwrap();
    users.log_in("ana", "caf\u{e9}\u{a0}und\u{3000}Fr\u{fc}chte").unwrap();
    for other in [
        "Caf\u{e9} und Fr\u{fc}chte",
        "cafe und Fruchte",
        "caf\u{e9} und Fr\u{fc}chte ",
        "caf\u{e9} und Fr\u{fc}cht",
        "",
    ] {
        refused!(users.log_in("ana", other), UserError::InvalidCredentials);
    }
}

/// Passes a password to a store that has an account `ana` with [`PASSWORD`] and a token for its
/// reset.
type Give = fn(&UserStore, token: &str, password: &str) -> Result<(), UserError>;

/// Returns every function that takes a password, with a description of the parameter.
fn password_paths() -> Vec<(&'static str, Give)> {
    vec![
        ("register", |users, _, long| users.register("new", long)),
        ("log_in", |users, _, long| users.log_in("ana", long).map(drop)),
        ("log_in of nobody", |users, _, long| users.log_in("nobody", long).map(drop)),
        ("log_in of no name", |users, _, long| users.log_in("no name", long).map(drop)),
        ("log_in_from", |users, _, long| {
            users.log_in_from("ana", long, &from("192.0.2.1")).map(drop)
        }),
        ("change_password, old", |users, _, long| {
            users.change_password("ana", long, OTHER_PASSWORD).map(drop)
        }),
        ("change_password, new", |users, _, long| {
            users.change_password("ana", PASSWORD, long).map(drop)
        }),
        ("change_password of nobody, new", |users, _, long| {
            users.change_password("nobody", PASSWORD, long).map(drop)
        }),
        ("change_password of no name, new", |users, _, long| {
            users.change_password("no name", PASSWORD, long).map(drop)
        }),
        ("change_password_from, old", |users, _, long| {
            let client = Client::default();
            users.change_password_from("ana", long, OTHER_PASSWORD, &client).map(drop)
        }),
        ("change_password_from, new", |users, _, long| {
            let client = Client::default();
            users.change_password_from("ana", PASSWORD, long, &client).map(drop)
        }),
        ("finish_password_reset", |users, token, long| users.finish_password_reset(token, long)),
        ("finish_password_reset, wrong token", |users, _, long| {
            users.finish_password_reset(&"A".repeat(43), long)
        }),
        ("finish_registration", |users, token, long| {
            users.finish_registration(token, long).map(drop)
        }),
        ("set_password", |users, _, long| users.set_password("ana", long)),
        ("register_from", |users, _, long| users.register_from("other", long, &from("192.0.2.1"))),
    ]
}

#[test]
fn a_password_beyond_1024_bytes_is_refused_on_every_path_before_anything_is_done() {
    let folder = Folder::new();
    let users = folder.open();
    import(&users, "ana");
    let token = users.start_password_reset("ana").unwrap();
    let before = folder.stored();
    let long = "\u{e9}".repeat(5 << 20);
    // Passwords that only become short enough when normalised are refused as well.
    for long in [&long, &long[..1026], &"x".repeat(1025), &"e\u{301}".repeat(342)] {
        for (path, give) in password_paths() {
            match give(&users, token.expose(), long) {
                Err(UserError::Password(PasswordProblem::TooLong { max_bytes: 1024 })) => {}
                other => panic!("{path}, {} bytes: {other:?}", long.len()),
            }
        }
    }
    // Not even an attempt was counted.
    assert!(folder.stored() == before);
}

#[test]
fn a_password_of_1024_bytes_is_looked_at_on_every_path() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    import(&users, "ana");
    let token = users.start_password_reset("ana").unwrap();
    let longest = "the tuba player of the third house on the left snores in b flat ".repeat(16);
    for (path, give) in password_paths() {
        let answer = give(&users, token.expose(), &longest);
        assert!(!matches!(answer, Err(UserError::Password(_))), "{path}: {answer:?}");
    }
}

#[test]
fn a_changed_password_ends_all_sessions_and_begins_one() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    users.register("ana", PASSWORD).unwrap();
    users.register("bea", PASSWORD).unwrap();
    let bea = users.log_in("bea", PASSWORD).unwrap();
    let [one, other] = [(); 2].map(|()| users.log_in("ana", PASSWORD).unwrap());

    refused!(
        users.change_password("ana", "not the password", OTHER_PASSWORD),
        UserError::InvalidCredentials
    );
    refused!(
        users.change_password("nobody", PASSWORD, OTHER_PASSWORD),
        UserError::InvalidCredentials
    );
    refused!(
        users.change_password("ana", PASSWORD, "passwordpassword"),
        UserError::Password(PasswordProblem::Common)
    );
    refused!(
        users.change_password("ana", PASSWORD, "short"),
        UserError::Password(PasswordProblem::TooShort { .. })
    );
    assert!(is_live(&users, &one) && is_live(&users, &other));

    let client = Client { label: Some("phone"), ..Client::default() };
    let new = users.change_password_from("ana", PASSWORD, OTHER_PASSWORD, &client).unwrap();
    assert!(!is_live(&users, &one) && !is_live(&users, &other));
    assert!(is_live(&users, &new) && is_live(&users, &bea));
    assert_eq!(users.sessions("ana").unwrap(), std::slice::from_ref(&new.session));
    assert_eq!(new.session.label.as_deref(), Some("phone"));
    refused!(users.log_in("ana", PASSWORD), UserError::InvalidCredentials);
    users.log_in("ana", OTHER_PASSWORD).unwrap();
}

/// Two stores on one file know no more about each other than two processes do.
#[test]
fn of_changes_at_the_same_time_the_first_is_right_and_the_others_are_wrong() {
    let folder = Folder::new();
    let stores = [folder.open(), folder.open(), folder.open()];
    stores[0].register("ana", PASSWORD).unwrap();
    let mut old = PASSWORD.to_owned();
    for round in 0..4 {
        let together = std::sync::Barrier::new(stores.len());
        let answers: Vec<_> = std::thread::scope(|scope| {
            let changes: Vec<_> = stores
                .iter()
                .enumerate()
                .map(|(at, users)| {
                    let (old, together) = (&old, &together);
                    scope.spawn(move || {
                        let new = format!("{OTHER_PASSWORD} {round} {at}");
                        together.wait();
                        let changed = users.change_password("ana", old, &new);
                        changed.map(|log_in| (new, log_in))
                    })
                })
                .collect();
            changes.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (right, wrong): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        for answer in wrong {
            refused!(answer, UserError::InvalidCredentials);
        }
        let mut right: Vec<_> = right.into_iter().flatten().collect();
        assert_eq!(right.len(), 1, "round {round}");
        let (new, log_in) = right.remove(0);
        assert!(is_live(&stores[1], &log_in));
        assert_eq!(stores[2].sessions("ana").unwrap().len(), 1);
        old = new;
    }
    stores[0].log_in("ana", &old).unwrap();
}

#[test]
fn hashes_of_other_settings_are_replaced_at_log_in() {
    let folder = Folder::new();
    folder.open().register("ana", PASSWORD).unwrap();
    assert!(stored_hash(&folder, "ana").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let users = folder.open_with(|options| options.hash = HashParams::new(7168, 5, 1).unwrap());
    refused!(users.log_in("ana", OTHER_PASSWORD), UserError::InvalidCredentials);
    assert!(stored_hash(&folder, "ana").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    for _ in 0..2 {
        users.log_in("ana", PASSWORD).unwrap();
        assert!(stored_hash(&folder, "ana").starts_with("$argon2id$v=19$m=7168,t=5,p=1$"));
    }
    users.verify().unwrap();
}

pub(super) fn stored_hash(folder: &Folder, name: &str) -> String {
    let sql = "SELECT hash FROM account WHERE name = ?";
    folder.sqlite().query_row(sql, [name], |row| row.get(0)).unwrap()
}

fn pepper(id: &str) -> Pepper {
    Pepper::new(id, format!("the key of {id}, at least 32 bytes").as_bytes()).unwrap()
}

fn peppered(current: Option<&str>, older: &[&str]) -> UserStoreOptions {
    let older = older.iter().map(|id| pepper(id)).collect();
    UserStoreOptions {
        peppers: Peppers::new(current.map(pepper), older).unwrap(),
        ..UserStoreOptions::default()
    }
}

#[test]
fn a_pepper_is_rotated_at_log_in_and_then_no_longer_needed() {
    let folder = Folder::new();
    folder.open().register("ana", PASSWORD).unwrap();
    let open = |options| UserStore::open_with(folder.db(), options);
    for (current, older) in [
        // From no pepper to one, then to another, then back to none.
        (Some("one"), &[][..]),
        (Some("two"), &["one"][..]),
        (None, &["two"][..]),
    ] {
        let users = open(peppered(current, older)).unwrap();
        let before = stored_hash(&folder, "ana");
        refused!(users.log_in("ana", OTHER_PASSWORD), UserError::InvalidCredentials);
        assert_eq!(stored_hash(&folder, "ana"), before);
        users.log_in("ana", PASSWORD).unwrap();
        let after = stored_hash(&folder, "ana");
        assert_ne!(after, before);
        drop(users);
        // The older pepper is no longer needed.
        let users = open(peppered(current, &[])).unwrap();
        users.log_in("ana", PASSWORD).unwrap();
        assert_eq!(stored_hash(&folder, "ana"), after);
        users.verify().unwrap();
    }
}

#[test]
fn a_store_is_not_opened_without_a_pepper_that_its_hashes_hold() {
    let folder = Folder::new();
    let open = |options| UserStore::open_with(folder.db(), options);
    open(peppered(Some("one"), &[])).unwrap().register("ana", PASSWORD).unwrap();
    for missing in [peppered(None, &[]), peppered(Some("two"), &["three"])] {
        let error = open(missing).unwrap_err();
        assert!(
            matches!(&error, UserError::Hash(HashProblem::UnknownPepper { id }) if id == "one"),
            "{error:?}"
        );
        assert!(error.to_string().contains("\"one\""), "{error}");
    }
    let other = Pepper::new("one", &[7; 32]).unwrap();
    let wrong_key = UserStoreOptions {
        peppers: Peppers::new(Some(other), Vec::new()).unwrap(),
        ..UserStoreOptions::default()
    };
    refused!(open(wrong_key).unwrap().log_in("ana", PASSWORD), UserError::InvalidCredentials);
    open(peppered(Some("one"), &[])).unwrap().log_in("ana", PASSWORD).unwrap();
}

#[test]
fn the_minimum_length_can_be_set_within_bounds() {
    let folder = Folder::new();
    let open = |chars| {
        let options =
            UserStoreOptions { min_password_chars: Some(chars), ..UserStoreOptions::default() };
        UserStore::open_with(folder.db(), options)
    };
    let users = open(12).unwrap();
    users.register("ana", "Zx9!kL2#pQ7$").unwrap();
    refused!(
        users.register("bea", "Zx9!kL2#pQ7"),
        UserError::Password(PasswordProblem::TooShort { min_chars: 12 })
    );
    refused!(users.register("bea", "123456789012"), UserError::Password(PasswordProblem::Common));
    for chars in [0, 7, 65, u32::MAX] {
        refused!(open(chars), UserError::BadOptions { .. });
    }
    for chars in [8, 64] {
        open(chars).unwrap();
    }
}

#[test]
fn passwords_from_breaches_are_refused_wherever_one_is_set() {
    // The second is the hash of "correct horse battery staple".
    let known = [
        "1D8EF4A2AF8E2B4BF9F2B5E8D5CFD0B4E6D1B8A1:2",
        "ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42:384",
    ];
    let folder = Folder::new();
    let path = folder.path("pwned-passwords-sha1-ordered-by-hash.txt");
    fs::write(&path, known.join("\n")).unwrap();
    let users = folder.open_with(|options| {
        options.breached_passwords = Some(BreachedPasswords::open(&path).unwrap());
    });
    let breached = "correct horse battery staple";
    users.register("ana", PASSWORD).unwrap();
    let token = users.start_password_reset("ana").unwrap();
    for answer in [
        users.register("bea", breached).err(),
        users.change_password("ana", PASSWORD, breached).err(),
        users.set_password("ana", breached).err(),
        users.finish_password_reset(token.expose(), breached).err(),
    ] {
        refused!(answer.map_or(Ok(()), Err), UserError::Password(PasswordProblem::Breached));
    }
    users.log_in("ana", PASSWORD).unwrap();
    fs::remove_file(&path).unwrap();
    refused!(users.register("bea", OTHER_PASSWORD), UserError::Io { .. });
}
