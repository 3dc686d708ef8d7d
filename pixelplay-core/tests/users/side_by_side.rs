//! Two processes of eight threads each, on one file: nothing is lost, nothing is done twice, and no
//! call fails because the file is busy.

use super::child::{child, finished};
use super::*;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

const PROCESSES: usize = 2;

/// The accounts that all writers of favourites share, and how many songs each adds to one before it
/// goes on to the next: an account holds 10,000 at most.
const SHARED_ACCOUNTS: usize = 60;
const SHARED_BY_EACH: usize = 2000;

fn shared_account(song: usize) -> String {
    format!("shared-{}", song / SHARED_BY_EACH)
}

/// What one process did, by kind of operation.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Tally {
    /// Songs added to the account that all share, by thread.
    added: BTreeMap<String, usize>,
    /// Names that were registered first by this process.
    won: Vec<String>,
    /// Names that were already taken.
    lost: usize,
    /// Generations of the shared password that this process set.
    changed: Vec<u64>,
    /// Tokens, by the generation of the password that they were given for.
    tokens: Vec<(u64, String)>,
    log_ins: usize,
    sessions_ended: usize,
    read: usize,
    longest_write_ms: u128,
}

fn shared_password(generation: u64) -> String {
    format!("rainy night drive {generation}")
}

fn open(db: &Path) -> UserStore {
    let mut options = UserStoreOptions::default();
    never_throttled(&mut options);
    options.queue_timeout = 5 * MINUTE;
    UserStore::open_with(db, options).unwrap()
}

/// The role `share PROCESS` of a [`child`].
pub(super) fn share(db: &Path, process: usize) {
    let users = open(db);
    let over = AtomicBool::new(false);
    let is_over = || over.load(Ordering::Relaxed);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        // All writers of favourites share their accounts.
        let adders: Vec<_> = (0..2)
            .map(|thread| {
                let (users, is_over) = (&users, &is_over);
                scope.spawn(move || {
                    let (mut n, mut longest) = (0, 0);
                    while !is_over() {
                        let start = Instant::now();
                        users
                            .add_favourite(&shared_account(n), &format!("{process} {thread} {n}"))
                            .unwrap();
                        longest = longest.max(start.elapsed().as_millis());
                        n += 1;
                    }
                    (format!("{process} {thread}"), n, longest)
                })
            })
            .collect();
        // All race for the same names, half of them hashing a password on the way.
        let racers: Vec<_> = [true, false]
            .map(|hashes| {
                let (users, is_over) = (&users, &is_over);
                scope.spawn(move || {
                    let (mut won, mut lost) = (Vec::new(), 0);
                    for n in 0.. {
                        let name = format!("race-{hashes}-{n}");
                        let made = if hashes {
                            users.register(&name, PASSWORD)
                        } else {
                            users.import_account(&name, &CHEAP_HASH)
                        };
                        match made {
                            Ok(()) => won.push(name),
                            Err(UserError::NameTaken) => lost += 1,
                            Err(other) => panic!("{other:?}"),
                        }
                        if is_over() {
                            break;
                        }
                    }
                    (won, lost)
                })
            })
            .into();
        // All change one password, starting from the last one they know.
        let changers: Vec<_> = (0..2)
            .map(|_| {
                let (users, is_over) = (&users, &is_over);
                scope.spawn(move || {
                    let (mut changed, mut tokens) = (Vec::new(), Vec::new());
                    for generation in 0.. {
                        let [old, new] = [generation, generation + 1].map(shared_password);
                        match users.log_in("locked", &old) {
                            Ok(log_in) => {
                                tokens.push((generation, log_in.token.expose().to_owned()))
                            }
                            Err(UserError::InvalidCredentials) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                        match users.change_password("locked", &old, &new) {
                            Ok(log_in) => {
                                changed.push(generation + 1);
                                tokens.push((generation + 1, log_in.token.expose().to_owned()));
                            }
                            // Another thread was faster.
                            Err(UserError::InvalidCredentials) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                        if is_over() {
                            break;
                        }
                    }
                    (changed, tokens)
                })
            })
            .collect();
        // One logs in and out, one reads and resumes.
        let visitor = scope.spawn(|| {
            let (mut log_ins, mut ended) = (0, 0);
            while !is_over() {
                let log_in = users.log_in("visited", PASSWORD).unwrap();
                log_ins += 1;
                assert!(is_live(&users, &log_in));
                if log_ins % 2 == 0 {
                    assert!(users.revoke("visited", log_in.session.id).unwrap());
                } else {
                    users.log_out(log_in.token.expose()).unwrap();
                }
                assert!(!is_live(&users, &log_in));
                ended += 1;
            }
            (log_ins, ended)
        });
        let reader = scope.spawn(|| {
            let mut read = 0;
            let mut last = 0;
            while !is_over() {
                let now = users.favourites(&shared_account(0)).unwrap().len();
                assert!(now >= last, "a favourite went missing");
                last = now;
                users.export("visited").unwrap();
                refused!(users.resume(&"A".repeat(43)), UserError::InvalidSession);
                read += 1;
            }
            read
        });
        std::thread::sleep(soak(3 * SECOND, 60 * SECOND));
        over.store(true, Ordering::Relaxed);
        for adder in adders {
            let (thread, added, longest) = adder.join().unwrap();
            tally.added.insert(thread, added);
            tally.longest_write_ms = tally.longest_write_ms.max(longest);
        }
        for racer in racers {
            let (won, lost) = racer.join().unwrap();
            tally.won.extend(won);
            tally.lost += lost;
        }
        for changer in changers {
            let (changed, tokens) = changer.join().unwrap();
            tally.changed.extend(changed);
            tally.tokens.extend(tokens);
        }
        (tally.log_ins, tally.sessions_ended) = visitor.join().unwrap();
        tally.read = reader.join().unwrap();
    });
    let path = db.with_file_name(format!("tally {process}"));
    fs::write(path, serde_json::to_string(&tally).unwrap()).unwrap();
}

#[test]
fn two_processes_of_eight_threads_lose_no_update_and_are_never_locked_out() {
    let folder = Folder::new();
    // The file does not exist yet: creating it is part of the race.
    let users = open(&folder.db());
    import(&users, "visited");
    for n in 0..SHARED_ACCOUNTS {
        import(&users, &shared_account(n * SHARED_BY_EACH));
    }
    users.register("locked", &shared_password(0)).unwrap();
    drop(users);

    let start = Instant::now();
    let children: Vec<_> = (0..PROCESSES)
        .map(|process| child(&format!("share {process}"), &folder.db()).spawn().unwrap())
        .collect();
    for child in children {
        finished(child);
    }
    let tallies: Vec<Tally> = (0..PROCESSES)
        .map(|process| {
            let tally = fs::read_to_string(folder.path(&format!("tally {process}"))).unwrap();
            serde_json::from_str(&tally).unwrap()
        })
        .collect();

    let users = open(&folder.db());
    users.verify().unwrap();
    let of_accounts = (0..SHARED_ACCOUNTS).map(|n| shared_account(n * SHARED_BY_EACH));
    let mut found: Vec<String> =
        of_accounts.flat_map(|name| users.favourites(&name).unwrap()).collect();
    found.sort();
    let mut expected: Vec<String> = tallies
        .iter()
        .flat_map(|tally| &tally.added)
        .flat_map(|(thread, count)| (0..*count).map(move |n| format!("{thread} {n}")))
        .collect();
    expected.sort();
    assert!(found == expected, "{} favourites, not {}", found.len(), expected.len());

    let mut won: Vec<&String> = tallies.iter().flat_map(|tally| &tally.won).collect();
    won.sort();
    let names = won.len();
    won.dedup();
    assert_eq!(won.len(), names, "a name was given twice");
    for name in won {
        users.account(name).unwrap();
    }

    let mut changed: Vec<u64> = tallies.iter().flat_map(|tally| tally.changed.clone()).collect();
    changed.sort_unstable();
    let last = changed.len() as u64;
    assert_eq!(changed, (1..=last).collect::<Vec<_>>(), "a password was changed twice or not");
    users.log_in("locked", &shared_password(last)).unwrap();
    let (mut live, mut dead) = (0, 0);
    for (generation, token) in tallies.iter().flat_map(|tally| &tally.tokens) {
        match users.resume(token) {
            Ok(_) if *generation == last => live += 1,
            Err(UserError::InvalidSession) if *generation < last => dead += 1,
            other => panic!("a session of password {generation} of {last}: {other:?}"),
        }
    }
    assert!(users.sessions("visited").unwrap().is_empty());
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    for tally in &tallies {
        println!(
            "one process: {:?} favourites, {} names won and {} lost, {} password changes, {} log-ins, {} reads, \
             the longest write took {} ms",
            tally.added,
            tally.won.len(),
            tally.lost,
            tally.changed.len(),
            tally.log_ins,
            tally.read,
            tally.longest_write_ms
        );
    }
    println!(
        "{:.1} s: {} favourites, {names} names (and {} lost), {last} password changes, {} log-ins, {live} live and {dead} \
         ended sessions, {} reads",
        start.elapsed().as_secs_f64(),
        found.len(),
        sum(|tally| tally.lost),
        sum(|tally| tally.log_ins),
        sum(|tally| tally.read),
    );
    assert!(last > 0 && names > 2 && live > 0);
}

#[test]
fn processes_that_make_a_store_at_the_same_time_make_one() {
    for _ in 0..soak(3, 50) {
        let folder = Folder::new();
        let children: Vec<_> =
            (0..6).map(|_| child("touch", &folder.db()).spawn().unwrap()).collect();
        for child in children {
            finished(child);
        }
        let users = folder.open();
        users.verify().unwrap();
        import(&users, "ana");
    }
}
