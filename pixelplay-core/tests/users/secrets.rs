//! No secret appears in any error, `Debug` output or panic message, or in the files.

use super::*;
use pixelplay_core::users::{HashParams, Pepper, Peppers};
use std::error::Error;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// A part of every secret here, and of nothing else.
const MARK: &str = "qzx7";

const RIGHT: &str = "Qzx7 is the right password";
const NEXT: &str = "Qzx7 is the next password";
const WRONG: &str = "Qzx7 is the wrong password";
const TRIED_NAME: &str = "qzx7-tried-name";
const SOURCE: &str = "Qzx7 source";
const PEPPER_KEY: &[u8] = b"Qzx7 is the key of the pepper, at least 32 bytes";

/// All texts that the store has produced.
#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl Said {
    fn add(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    /// Records every text form of a result, and returns its value.
    fn note<T: Debug, E: Error>(&self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.add(format!("{value:?} {value:#?}"));
                Some(value)
            }
            Err(error) => {
                self.add(format!("{error} {error:?} {error:#?}"));
                let mut source = error.source();
                while let Some(error) = source {
                    self.add(format!("{error} {error:?}"));
                    source = error.source();
                }
                None
            }
        }
    }
}

/// Calls every function, with valid and invalid arguments, and returns the tokens it was given.
fn call_everything(users: &UserStore, said: &Said) -> Vec<String> {
    let client = Client { source: Some(SOURCE), label: Some("phone"), ..Client::default() };
    let mut tokens = Vec::new();
    let mut keep = |token: Option<pixelplay_core::users::SecretToken>| {
        let token = token.map_or_else(String::new, |token| token.expose().to_owned());
        tokens.push(token.clone());
        token
    };
    said.add(format!("{users:?}"));
    said.note(users.register("ana", RIGHT));
    said.note(users.register("ana", NEXT));
    said.note(users.register("qzx7", "Qzx7qzx7qzx7qzx7"));
    said.note(users.register(RIGHT, RIGHT));
    for bad in ["Qzx7 short", "Qzx7\0 is no password", &RIGHT.repeat(100), ""] {
        said.note(users.register("bea", bad));
        said.note(users.log_in("ana", bad));
        said.note(users.change_password("ana", RIGHT, bad));
        said.note(users.change_password("ana", bad, NEXT));
        said.note(users.finish_registration(bad, bad));
        said.note(users.import_account("bea", bad));
        // Secrets in the wrong fields.
        said.note(users.register(bad, RIGHT));
        said.note(users.log_in(bad, RIGHT));
        said.note(users.account(bad));
        said.note(users.rename("ana", bad));
        said.note(users.start_rename("ana", bad, &client));
        said.note(users.resume(bad));
        said.note(users.finish_password_reset(bad, RIGHT));
        said.note(users.start_registration(bad, &client));
        said.note(users.log_in_external(bad, &client));
        said.note(users.unlock(bad));
        said.note(users.set_password(bad, bad));
        said.note(users.finish_rename(bad));
        said.note(users.export(bad));
        said.note(users.add_favourite(bad, bad));
    }
    said.note(users.add_favourite("ana", &RIGHT.repeat(100)));
    for name in ["ana", "nobody", TRIED_NAME, RIGHT] {
        said.note(users.log_in_from(name, WRONG, &client));
        said.note(users.change_password_from(name, WRONG, NEXT, &client));
        keep(said.note(users.start_password_reset_from(name, &client)));
    }
    let log_in = said.note(users.log_in_from("ana", RIGHT, &client));
    let token = keep(log_in.map(|log_in| log_in.token));
    said.note(users.resume(&token));
    said.note(users.sessions("ana"));
    said.note(users.account("ana"));
    said.note(users.export("ana"));
    said.note(users.add_favourite("ana", "song"));
    said.note(users.taste("ana"));
    said.note(users.history("ana", 9));
    said.note(users.finish_rename(&token));
    said.note(users.finish_registration(&token, RIGHT));
    said.note(users.finish_password_reset(&token, NEXT));
    let log_in = said.note(users.change_password_from("ana", RIGHT, NEXT, &client));
    let token = keep(log_in.map(|log_in| log_in.token));
    let reset = keep(said.note(users.start_password_reset("ana")));
    said.note(users.finish_password_reset(&reset, "Qzx7"));
    said.note(users.finish_password_reset(&reset, RIGHT));
    said.note(users.finish_password_reset(&reset, RIGHT));
    let registration = keep(said.note(users.start_registration("dora", &client)));
    said.note(users.finish_registration(&registration, RIGHT));
    said.note(users.finish_registration(&registration, RIGHT));
    let rename = keep(said.note(users.start_rename("dora", "eva", &client)));
    said.note(users.finish_rename(&rename));
    said.note(users.log_out(&token));
    said.note(users.log_out_everywhere("ana"));
    said.note(users.revoke("ana", 7));
    said.note(users.delete_account("eva"));
    // These stay in the file: a session, and unused tokens.
    let log_in = said.note(users.log_in_from("ana", RIGHT, &client));
    keep(log_in.as_ref().map(|log_in| log_in.device.clone()));
    keep(log_in.map(|log_in| log_in.token));
    keep(said.note(users.start_password_reset("ana")));
    keep(said.note(users.start_registration("fay", &client)));
    said.note(users.verify());
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// Formats the beginning of a secret like bytes that are printed as numbers.
fn as_numbers(secret: &[u8]) -> String {
    format!("{}, {}, {}, {}", secret[0], secret[1], secret[2], secret[3])
}

#[test]
fn nothing_that_is_said_or_stored_holds_a_secret() {
    let folder = Folder::new();
    let said = Said::default();
    said.note(Pepper::new("Qzx7 is no id", PEPPER_KEY));
    said.note(Pepper::new(std::str::from_utf8(PEPPER_KEY).unwrap(), b"one"));
    said.note(Pepper::new("one", &PEPPER_KEY[..31]));
    said.note(HashParams::new(1, 1, 1));
    let pepper = said.note(Pepper::new("one", PEPPER_KEY)).unwrap();
    said.note(Peppers::new(Some(pepper.clone()), vec![pepper.clone()]));
    let peppers = said.note(Peppers::new(Some(pepper), Vec::new())).unwrap();
    let mut options = UserStoreOptions { peppers, ..UserStoreOptions::default() };
    never_throttled(&mut options);
    said.add(format!("{options:?}"));
    let users = UserStore::open_with(folder.db(), options.clone()).unwrap();
    let tokens = call_everything(&users, &said);
    assert!(tokens.len() >= 9, "{} tokens", tokens.len());

    let bytes = folder.bytes().to_ascii_lowercase();
    assert!(contains(&bytes, b"phone") && contains(&bytes, b"argon2id"));
    assert!(!contains(&bytes, MARK.as_bytes()), "a secret is in the files");
    for token in &tokens {
        let stored = contains(&folder.bytes(), token.as_bytes());
        assert!(!stored, "a token is in the files");
    }
    drop(users);
    // The same holds when a file cannot be opened.
    said.note(UserStore::open(folder.db()));
    options.peppers = Peppers::default();
    said.note(UserStore::open_with(folder.db(), options));

    let said = said.0.into_inner().unwrap();
    assert!(said.len() > 100);
    let numbers = as_numbers(PEPPER_KEY);
    for text in &said {
        let folded = text.to_ascii_lowercase();
        assert!(!folded.contains(MARK), "{text}");
        assert!(!text.contains(&numbers), "{text}");
        assert!(!text.contains("$argon2") && !text.contains("$2b$"), "{text}");
        for token in &tokens {
            assert!(!text.contains(token.as_str()), "{text}");
        }
    }
    println!("{} texts and {} bytes hold none of it", said.len(), bytes.len());
}

#[test]
fn a_panic_inside_says_no_secret_and_the_store_goes_on() {
    let folder = Folder::new();
    let broken = Arc::new(AtomicBool::new(false));
    let users = folder.open_with(|options| {
        never_throttled(options);
        let broken = Arc::clone(&broken);
        options.clock = Clock::new(move || {
            assert!(!broken.load(Ordering::SeqCst), "the clock broke");
            SystemTime::now()
        });
    });
    users.register("ana", RIGHT).unwrap();
    let log_in = users.log_in("ana", RIGHT).unwrap();
    let reset = users.start_password_reset("ana").unwrap();

    let said = Arc::new(Said::default());
    let this_thread = std::thread::current().id();
    let before = Arc::new(std::panic::take_hook());
    let (hook_said, hook_before) = (Arc::clone(&said), Arc::clone(&before));
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == this_thread {
            hook_said.add(format!("{info} {info:?}"));
        } else {
            hook_before(info);
        }
    }));
    broken.store(true, Ordering::SeqCst);
    let client = Client::default();
    let calls: [&dyn Fn() -> Result<(), UserError>; 8] = [
        &|| users.register("bea", RIGHT),
        &|| users.log_in("ana", RIGHT).map(drop),
        &|| users.change_password("ana", RIGHT, NEXT).map(drop),
        &|| users.resume(log_in.token.expose()).map(drop),
        &|| users.finish_password_reset(reset.expose(), NEXT),
        &|| users.start_registration("bea", &client).map(drop),
        &|| users.add_favourite("ana", "song"),
        &|| users.taste("ana").map(drop),
    ];
    let panicked =
        calls.iter().filter(|call| catch_unwind(AssertUnwindSafe(call)).is_err()).count();
    let _ = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| before(info)));
    assert_eq!(panicked, calls.len());

    let said = said.0.lock().unwrap();
    assert_eq!(said.len(), calls.len());
    for text in said.iter() {
        assert!(text.contains("the clock broke"), "{text}");
        assert!(!text.to_ascii_lowercase().contains(MARK), "{text}");
        assert!(!text.contains(log_in.token.expose()) && !text.contains(reset.expose()), "{text}");
    }
    broken.store(false, Ordering::SeqCst);
    assert!(is_live(&users, &log_in));
    users.add_favourite("ana", "song").unwrap();
    users.log_in("ana", RIGHT).unwrap();
    users.finish_password_reset(reset.expose(), NEXT).unwrap();
    users.verify().unwrap();
}
