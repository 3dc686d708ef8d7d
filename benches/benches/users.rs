//! The user store: whether timing reveals which users exist, how fast sessions resume, and how much
//! time and memory a burst of log-ins takes.
//!
//!     cargo bench -p pixelplay-benches --bench users
//!
//! Add the names of parts after `--` (`enumeration`, `resume`, `storm`, `latency`, `capacity`) to
//! run only those, and `--quick` to run each measurement once, as tests do. Criterion completes one
//! measurement before it starts the next. Here the results are compared on a machine whose speed
//! varies, so the candidates take turns, and their medians are compared. The first row of each
//! comparison is measured twice: the difference between the two results is the machine's noise.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot be set up has nothing to measure, and prints what it has"
)]

use std::env;
use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use pixelplay_core::users::{Clock, Limit, ThrottleOptions};
use pixelplay_core::{UserError, UserStore, UserStoreOptions};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::params;
use sha2::{Digest, Sha256};

const PASSWORD: &str = "correct horse battery";
const WRONG: &str = "wrong horse battery";

/// Hashes of the right form that match no password: only their cost matters here.
const BCRYPT_12: &str = "$2b$12$.....................................................";
const WEAK_ARGON2: &str = "$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const PBKDF2_FEW: &str =
    "pbkdf2_sha256$260000$somesalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PBKDF2_MANY: &str = "pbkdf2:sha256:600000$somesalt$0000000000000000000000000000000000000000000000000000000000000000";
const SCRYPT: &str =
    "scrypt:32768:8:1$somesalt$0000000000000000000000000000000000000000000000000000000000000000";

/// The number of simultaneous log-ins in a storm.
const STORM: usize = 64;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [first, path, at_once] = args.as_slice()
        && first == "storm-child"
    {
        return storm_child(Path::new(path), at_once.parse().ok());
    }
    // `cargo bench` passes `--bench`; `cargo test --benches` does not.
    let quick = !args.iter().any(|arg| arg == "--bench") || args.iter().any(|arg| arg == "--quick");
    let names = args.iter().filter(|arg| !arg.starts_with('-'));
    let wanted: Vec<&str> = names.map(String::as_str).collect();
    let is_wanted = |part| wanted.is_empty() || wanted.contains(&part);
    if is_wanted("enumeration") {
        enumeration(quick);
    }
    if is_wanted("resume") {
        resume(quick);
    }
    if is_wanted("storm") {
        storm(quick);
    }
    if is_wanted("latency") {
        latency(quick);
    }
    if is_wanted("capacity") {
        capacity(quick);
    }
}

/// Without the throttle, because hundreds of failures in a row are measured here.
fn options() -> UserStoreOptions {
    UserStoreOptions {
        throttle: ThrottleOptions { account: Limit::NONE, source: Limit::NONE },
        ..UserStoreOptions::default()
    }
}

fn enumeration(quick: bool) {
    let folder = tempfile::tempdir().unwrap();
    for (store, kinds) in [
        ("a store of today's hashes", &[][..]),
        (
            "a store that also has two older kinds of hashes",
            &[
                ("bcrypt, cost 12", "ben", BCRYPT_12),
                ("argon2id, 4 MiB, 1 pass", "cleo", WEAK_ARGON2),
            ],
        ),
        (
            "a store that holds hashes of Django and werkzeug as well",
            &[
                ("PBKDF2-SHA256, 260,000 rounds", "dan", PBKDF2_FEW),
                ("PBKDF2-SHA256, 600,000 rounds", "eve", PBKDF2_MANY),
                ("scrypt, N = 32,768", "fay", SCRYPT),
            ],
        ),
    ] {
        let tries = match (quick, kinds.is_empty()) {
            (true, _) => 1,
            (false, true) => 200,
            // Each computes every kind of hash, which takes half a second.
            (false, false) => 40,
        };
        let path = folder.path().join(format!("{}.db", kinds.len()));
        let users = UserStore::open_with(path, options()).unwrap();
        users.register("ana", PASSWORD).unwrap();
        let mut rows = vec![
            ("unknown user".to_owned(), "nobody"),
            ("unknown user, again".to_owned(), "nobody"),
            ("wrong password, today's hash".to_owned(), "ana"),
        ];
        for (kind, name, hash) in kinds {
            users.import_account(name, hash).unwrap();
            rows.push((format!("wrong password, {kind}"), name));
        }
        let times = take_turns(tries, rows.len(), |row| {
            let refused = users.log_in(rows[row].1, WRONG);
            assert!(matches!(refused, Err(UserError::InvalidCredentials)));
        });
        println!("\nfailed log-ins in {store}; {tries} of each, taking turns");
        println!(
            "{:<42} {:>10} {:>10} {:>10} {:>8}",
            "", "median", "1st quart.", "3rd quart.", "differs"
        );
        let first = median(&times[0]);
        for ((what, _), times) in rows.iter().zip(&times) {
            let differs = 100.0 * (median(times) / first - 1.0);
            println!(
                "{what:<42} {:>7.2} ms {:>7.2} ms {:>7.2} ms {differs:>+7.2}%",
                median(times),
                quantile(times, 0.25),
                quantile(times, 0.75),
            );
        }
    }
}

fn resume(quick: bool) {
    const SESSIONS: usize = 10_000;
    let (rounds, calls) = if quick { (1, 100) } else { (9, 20_000) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    let now = SystemTime::now();
    // The clock is stopped, so nothing is written, as for most requests of an active session.
    let options = UserStoreOptions { clock: Clock::new(move || now), ..options() };
    let users = UserStore::open_with(&path, options).unwrap();
    users.register("ana", PASSWORD).unwrap();
    let tokens = add_sessions(&path, SESSIONS, now);
    let resume_all = |seed: u64, calls: usize| {
        let mut rng = StdRng::seed_from_u64(seed);
        for _ in 0..calls {
            let token = &tokens[rng.random_range(0..tokens.len())];
            black_box(users.resume(token).unwrap());
        }
    };
    resume_all(0, if quick { calls } else { 2 * SESSIONS });
    let times = take_turns(rounds, 2, |threads| {
        thread::scope(|scope| {
            for thread in 0..=threads {
                let resume_all = &resume_all;
                scope.spawn(move || resume_all(thread as u64, calls));
            }
        });
    });
    println!(
        "\n`resume` of {SESSIONS} sessions, warm; median of {rounds} rounds of {calls} calls per thread"
    );
    for (at, times) in times.iter().enumerate() {
        let threads = at + 1;
        let per_second = (threads * calls) as f64 / median(times) * 1000.0;
        println!("{threads} thread(s) {per_second:>10.0} calls/s");
    }
}

/// Inserts sessions with SQL, because ten thousand log-ins would hash for minutes.
fn add_sessions(path: &Path, count: usize, now: SystemTime) -> Vec<String> {
    let millis = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    let mut database = rusqlite::Connection::open(path).unwrap();
    let transaction = database.transaction().unwrap();
    let tokens: Vec<String> = (0..count).map(|at| format!("{at:043}")).collect();
    for token in &tokens {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        transaction
            .execute(
                "INSERT INTO session (account, token_hash, created, last_seen) VALUES (1, ?1, ?2, ?2)",
                params![hash, millis],
            )
            .unwrap();
    }
    transaction.commit().unwrap();
    tokens
}

/// Measures the capacity of one file: calls a second by one thread and by four, with every write
/// synced to disk.
fn capacity(quick: bool) {
    let (rounds, calls) = if quick { (1, 8) } else { (5, 400) };
    let folder = tempfile::tempdir().unwrap();
    let users = UserStore::open_with(folder.path().join("users.db"), options()).unwrap();
    for person in 0..4 {
        users.register(&format!("user{person}"), PASSWORD).unwrap();
    }
    let tokens: Vec<_> =
        (0..4).map(|n| users.log_in(&format!("user{n}"), PASSWORD).unwrap().token).collect();
    let log_in = |person: usize, _| {
        users.log_in(&format!("user{person}"), PASSWORD).unwrap();
    };
    let resume = |person: usize, _| {
        users.resume(tokens[person].expose()).unwrap();
    };
    let add = |person: usize, call: usize| {
        users.add_favourite(&format!("user{person}"), &format!("song {call}")).unwrap();
    };
    /// A call, given the number of the person and of the call.
    type Call<'a> = &'a (dyn Fn(usize, usize) + Sync);
    let parts: [(&str, usize, Call<'_>); 3] = [
        ("log-ins", calls / 8, &log_in),
        ("resumed sessions", calls * 25, &resume),
        ("favourites added", calls, &add),
    ];
    println!("\ncalls a second; median of {rounds} rounds");
    for (what, calls, call) in parts {
        for threads in [1, 4] {
            // No song is added twice: the second time, nothing would be written.
            let mut done = 100_000 * threads;
            let times = take_turns(rounds, 1, |_| {
                let first = done;
                done += calls;
                thread::scope(|scope| {
                    for person in 0..threads {
                        scope.spawn(move || (first..first + calls).for_each(|n| call(person, n)));
                    }
                });
            });
            let per_second = (threads * calls) as f64 / median(&times[0]) * 1000.0;
            println!("{what:<20} {threads} thread(s) {per_second:>10.0}");
        }
    }
}

fn storm(quick: bool) {
    let people = if quick { 2 } else { STORM };
    let rounds = if quick { 1 } else { 5 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    let users = UserStore::open(&path).unwrap();
    for person in 0..people {
        users.register(&format!("user{person}"), PASSWORD).unwrap();
    }
    drop(users);
    let default = UserStoreOptions::default().concurrent_hashes.get();
    println!("\n{people} log-ins at once, each run in a separate process; median of {rounds}");
    println!("{:<24} {:>14} {:>14} {:>10}", "", "memory before", "high water", "all in");
    let bounds = [1, default, STORM];
    let mut runs = vec![Vec::new(); bounds.len()];
    for _ in 0..rounds {
        for (bound, runs) in bounds.iter().zip(&mut runs) {
            let child = Command::new(env::current_exe().unwrap())
                .args(["storm-child", path.to_str().unwrap(), &bound.to_string()])
                .output()
                .unwrap();
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
            let printed = String::from_utf8(child.stdout).unwrap();
            let numbers: Vec<f64> =
                printed.split_whitespace().map(|n| n.parse().unwrap()).collect();
            runs.push(numbers);
        }
    }
    for (bound, runs) in bounds.iter().zip(&runs) {
        let column = |at: usize| median(&runs.iter().map(|run| run[at]).collect::<Vec<_>>());
        let what = match *bound {
            STORM => "without a bound".to_owned(),
            _ if *bound == default => format!("{bound} hashes (default)"),
            _ => format!("{bound} hashes"),
        };
        println!(
            "{what:<24} {:>10.1} MiB {:>10.1} MiB {:>8.2} s",
            column(0),
            column(1),
            column(2) / 1000.0
        );
    }
}

/// Prints the memory high-water mark in MiB before and after the storm, and how many milliseconds
/// the storm took.
fn storm_child(path: &Path, at_once: Option<NonZeroUsize>) {
    let options = UserStoreOptions {
        concurrent_hashes: at_once.unwrap(),
        queue_timeout: Duration::from_secs(600),
        ..UserStoreOptions::default()
    };
    let users = UserStore::open_with(path, options).unwrap();
    let people =
        (0..STORM).take_while(|person| users.account(&format!("user{person}")).is_ok()).count();
    let (ready, done) = (Barrier::new(people + 1), Barrier::new(people + 1));
    let (mut before, mut took) = (0.0, Duration::ZERO);
    thread::scope(|scope| {
        for person in 0..people {
            let (users, ready, done) = (&users, &ready, &done);
            scope.spawn(move || {
                let name = format!("user{person}");
                ready.wait();
                users.log_in(&name, PASSWORD).unwrap();
                done.wait();
            });
        }
        before = high_water_mib();
        ready.wait();
        let start = Instant::now();
        done.wait();
        took = start.elapsed();
    });
    println!("{before} {} {}", high_water_mib(), took.as_millis());
}

/// Only Linux provides the mark in a file. On other systems it is not measured.
fn high_water_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.map_or(f64::NAN, |kib| kib.parse::<f64>().unwrap() / 1024.0)
}

fn latency(quick: bool) {
    let rounds = if quick { 1 } else { 100 };
    let folder = tempfile::tempdir().unwrap();
    let users = UserStore::open_with(folder.path().join("users.db"), options()).unwrap();
    users.register("ana", PASSWORD).unwrap();
    let mut people = 0;
    let names = ["register", "log_in", "add_favourite"];
    let times = take_turns(rounds, names.len(), |row| {
        people += 1;
        match names[row] {
            "register" => users.register(&format!("user{people}"), PASSWORD).unwrap(),
            "log_in" => drop(users.log_in("ana", PASSWORD).unwrap()),
            _ => users.add_favourite("ana", &people.to_string()).unwrap(),
        }
    });
    println!("\nlatencies; {rounds} of each, taking turns");
    println!("{:<16} {:>10} {:>10}", "", "median", "9 in 10");
    for (name, times) in names.iter().zip(&times) {
        println!("{name:<16} {:>7.2} ms {:>7.2} ms", median(times), quantile(times, 0.9));
    }
}

/// Measures each of `kinds` once in each of `rounds`, and returns the milliseconds. Every round
/// begins with a different kind.
fn take_turns(rounds: usize, kinds: usize, mut run: impl FnMut(usize)) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::new(); kinds];
    for round in 0..rounds {
        for at in 0..kinds {
            let kind = (round + at) % kinds;
            let start = Instant::now();
            run(kind);
            times[kind].push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Interpolates linearly between the two nearest values, like numpy.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}
