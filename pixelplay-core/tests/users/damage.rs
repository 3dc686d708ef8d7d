//! Files that are cut short or have flipped bits.
//!
//! SQLite keeps no checksums: it only finds inconsistent structures. So a flip inside a text or a
//! number can go unnoticed. For such flips, the tests assert that they give nobody access, and
//! print how many there are.

use super::*;
use rand::RngExt as _;

const PAGE: usize = 4096;

/// A closed store, and what belongs to it.
struct Whole {
    bytes: Vec<u8>,
    hash: String,
    token: String,
    answers: Vec<String>,
    clock: SetClock,
}

fn whole() -> Whole {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    for name in ["bea", "clara"] {
        import(&users, name);
    }
    for n in 0..30 {
        for name in ["ana", "bea"] {
            users.add_favourite(name, &format!("song {n} of {name}")).unwrap();
            users.like(name, &format!("liked {n}")).unwrap();
            users.record_listen(name, &format!("heard {n}")).unwrap();
        }
    }
    users.start_password_reset("clara").unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let token = log_in.token.expose().to_owned();
    let answers = answers(&users, &token).unwrap();
    let hash = passwords::stored_hash(&folder, "ana");
    drop(users);
    Whole { bytes: fs::read(folder.db()).unwrap(), hash, token, answers, clock }
}

/// Makes every query that changes nothing.
fn answers(users: &UserStore, token: &str) -> Result<Vec<String>, UserError> {
    let mut answers = vec![format!("{:?}", users.resume(token)?)];
    for name in ["ana", "bea", "clara"] {
        answers.push(users.export(name)?);
        answers.push(format!("{:?}", users.account(name)?));
        answers.push(format!("{:?}", users.sessions(name)?));
        answers.push(format!("{:?}", users.taste(name)?));
        answers.push(format!("{:?}", users.favourites(name)?));
        answers.push(format!("{:?}", users.history(name, 100)?));
    }
    Ok(answers)
}

/// Counts the outcomes for damaged files.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    failed: usize,
    found: usize,
    harmless: usize,
    unseen: usize,
}

impl Tally {
    /// Opens, reads, verifies and writes. Only panics, hangs and unauthorised access are failures
    /// here.
    fn add(&mut self, whole: &Whole, damaged: &[u8]) {
        let folder = Folder::new();
        fs::write(folder.db(), damaged).unwrap();
        let users = match UserStore::open_with(folder.db(), whole.clock.options()) {
            Ok(users) => users,
            Err(error) => {
                plain(&error);
                self.refused += 1;
                return;
            }
        };
        let answered = answers(&users, &whole.token);
        let verified = users.verify();
        for wrong in ["A".repeat(43), whole.token.to_uppercase(), String::new()] {
            assert!(users.resume(&wrong).is_err(), "a wrong token was taken");
        }
        match (&answered, &verified) {
            (Err(error), _) => {
                plain(error);
                self.failed += 1;
            }
            (Ok(_), Err(error)) => {
                plain(error);
                self.found += 1;
            }
            (Ok(answers), Ok(())) if *answers == whole.answers => self.harmless += 1,
            (Ok(_), Ok(())) => self.unseen += 1,
        }
        let written = [
            users.add_favourite("ana", "one more"),
            users.record_listen("bea", "one more"),
            users.import_account("dora", &CHEAP_HASH),
            users.log_out(&whole.token),
            users.delete_account("bea"),
        ];
        written.iter().filter_map(|result| result.as_ref().err()).for_each(plain);
        // A change that was accepted is there, whatever else is lost.
        if written[0].is_ok() && verified.is_ok() && answered.is_ok() {
            assert!(users.favourites("ana").unwrap().contains(&"one more".to_owned()));
        }
    }
}

/// Checks that the error names the file, or says that something in it was not found.
fn plain(error: &UserError) {
    match error {
        UserError::NotAUserStore { .. }
        | UserError::Damaged { .. }
        | UserError::NewerSchema { .. }
        | UserError::Storage { .. }
        | UserError::ReadOnly { .. } => {
            assert!(error.to_string().contains("users.db"), "{error}");
        }
        UserError::UnknownUser
        | UserError::InvalidSession
        | UserError::NameTaken
        | UserError::Hash(_) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flipped_bit_anywhere_opens_nothing_and_breaks_nothing() {
    let whole = whole();
    let mut rng = rand::rng();
    let mut tally = Tally::default();
    let flips = soak(300, 10_000);
    for n in 0..flips {
        // The header and the first tables matter most.
        let at = match n % 3 {
            0 => rng.random_range(0..108),
            1 => rng.random_range(0..2 * PAGE),
            _ => rng.random_range(0..whole.bytes.len()),
        };
        let mut damaged = whole.bytes.clone();
        damaged[at] ^= 1 << rng.random_range(0..8);
        tally.add(&whole, &damaged);
    }
    println!("{flips} flips of a bit in {} bytes: {tally:?}", whole.bytes.len());
    assert!(tally.refused > 0 && tally.found > 0 && tally.harmless > 0, "{tally:?}");
}

/// The lookup keys of names, and the songs of favourites, are stored in separate trees.
#[test]
fn an_index_that_disagrees_with_its_table_is_found() {
    const LEAF_OF_AN_INDEX: u8 = 10;
    let whole = whole();
    let mut altered = 0;
    for page in (PAGE..whole.bytes.len()).step_by(PAGE) {
        let of_page = &whole.bytes[page..][..PAGE];
        let found = of_page.windows(5).position(|window| window == b"clara");
        let Some(at) = found.filter(|_| of_page[0] == LEAF_OF_AN_INDEX) else {
            continue;
        };
        let mut damaged = whole.bytes.clone();
        damaged[page + at + 4] = b'b';
        let folder = Folder::new();
        fs::write(folder.db(), damaged).unwrap();
        refused!(folder.open().verify(), UserError::Damaged { .. });
        altered += 1;
    }
    assert_eq!(altered, 2, "one by the key and one by the skeleton");
}

#[test]
fn scrambled_pages_break_nothing() {
    let whole = whole();
    let mut rng = rand::rng();
    let mut tally = Tally::default();
    let pages = whole.bytes.len() / PAGE;
    let rounds = soak(60, 2_000);
    for n in 0..rounds {
        let mut damaged = whole.bytes.clone();
        let page = rng.random_range(0..pages) * PAGE..;
        let page = &mut damaged[page][..PAGE];
        match n % 3 {
            0 => page.fill(0),
            1 => page.iter_mut().for_each(|byte| *byte = rng.random_range(0..=255)),
            // A copy of another page.
            _ => {
                let other = rng.random_range(0..pages) * PAGE;
                page.copy_from_slice(&whole.bytes[other..other + PAGE]);
            }
        }
        tally.add(&whole, &damaged);
    }
    println!("{rounds} pages zeroed, scrambled or swapped: {tally:?}");
    assert!(tally.found > 0, "{tally:?}");
}

#[test]
fn a_file_that_is_cut_short_is_found() {
    let whole = whole();
    let mut rng = rand::rng();
    let mut tally = Tally::default();
    let lengths: Vec<usize> = (1..whole.bytes.len() / PAGE)
        .map(|pages| pages * PAGE)
        .chain([2, 15, 16, 99, 100, 511, 512, 1024, PAGE - 1, PAGE + 1])
        .chain((0..soak(10, 1000)).map(|_| rng.random_range(2..whole.bytes.len())))
        .collect();
    for &length in &lengths {
        tally.add(&whole, &whole.bytes[..length]);
    }
    println!("cut to {} lengths: {tally:?}", lengths.len());
    assert_eq!(tally.harmless + tally.unseen, 0, "{tally:?}");
    // An empty file cannot be distinguished from a new one.
    let folder = Folder::new();
    fs::write(folder.db(), b"").unwrap();
    refused!(folder.open().account("ana"), UserError::UnknownUser);
}

#[test]
fn a_damaged_hash_lets_nobody_in() {
    let whole = whole();
    let hash = whole.hash.as_bytes();
    let mut places = whole.bytes.windows(hash.len()).enumerate();
    let (start, _) = places.find(|(_, window)| *window == hash).unwrap();
    for at in (start..start + hash.len()).step_by(soak(11, 1)) {
        let folder = Folder::new();
        let mut damaged = whole.bytes.clone();
        damaged[at] ^= 1;
        fs::write(folder.db(), damaged).unwrap();
        let users = folder.open_with(never_throttled);
        for password in [PASSWORD, OTHER_PASSWORD] {
            refused!(
                users.log_in("ana", password),
                UserError::InvalidCredentials | UserError::Hash(_)
            );
        }
    }
}
