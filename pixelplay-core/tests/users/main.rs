//! The user store: what it promises to people and applications, and what it refuses. After kills,
//! full disks and damage, nothing that was acknowledged is lost and nobody gains access.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stdout,
    reason = "children report to their parents by printing; tests print counts and what they skip"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pixelplay_core::users::{
    Attempted, BreachedPasswords, Client, Clock, Limit, NameProblem, NewSession, PasswordProblem,
    SessionLifetime, ThrottleOptions,
};
use pixelplay_core::{UserError, UserStore, UserStoreOptions};
use rusqlite::Connection;

use folder::Folder;

/// Fails unless an error is of this kind.
macro_rules! refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($pattern)),
        }
    };
}

mod accounts;
#[cfg(unix)]
mod acknowledged;
#[cfg(unix)]
mod backups;
#[cfg(unix)]
mod child;
mod confirmations;
mod damage;
mod external;
#[cfg(unix)]
mod faults;
#[path = "../support/folder.rs"]
mod folder;
mod imported;
#[cfg(unix)]
mod kills;
mod migration;
mod operator;
mod passwords;
mod power;
#[cfg(unix)]
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/process.rs"]
mod process;
mod secrets;
mod sessions;
#[cfg(unix)]
mod side_by_side;
mod taste;
mod throttle;
mod under_attack;

const PASSWORD: &str = "correct horse battery";
const OTHER_PASSWORD: &str = "rainy night drive";

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A hash of [`PASSWORD`] with bcrypt at its lowest cost: an account with it is quick to create and
/// to check.
static CHEAP_HASH: LazyLock<String> = LazyLock::new(|| bcrypt::hash(PASSWORD, 4).unwrap());

impl Folder {
    fn db(&self) -> PathBuf {
        self.path("users.db")
    }

    fn open(&self) -> UserStore {
        self.open_with(|_| ())
    }

    fn open_with(&self, set: impl FnOnce(&mut UserStoreOptions)) -> UserStore {
        let mut options = UserStoreOptions::default();
        set(&mut options);
        UserStore::open_with(self.db(), options).unwrap()
    }

    /// Opens the file with plain SQLite.
    fn sqlite(&self) -> Connection {
        let connection = Connection::open(self.db()).unwrap();
        connection.busy_timeout(MINUTE).unwrap();
        connection
    }

    fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.sqlite().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// Returns the bytes of the database and of the files that SQLite keeps next to it. Do not call
    /// this while another process has it open: reading a file and closing it releases the locks
    /// that this process has on it.
    fn bytes(&self) -> Vec<u8> {
        [self.stored(), fs::read(self.path("users.db-shm")).unwrap_or_default()].concat()
    }

    /// Returns the database and the log. The third file is an index of the log, which readers also
    /// write to.
    fn stored(&self) -> Vec<u8> {
        let read = |name| fs::read(self.path(name)).unwrap_or_default();
        [read("users.db"), read("users.db-wal")].concat()
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct SetClock(Arc<AtomicU64>);

impl SetClock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }

    fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.time())
    }

    fn options(&self) -> UserStoreOptions {
        UserStoreOptions { clock: self.clock(), ..UserStoreOptions::default() }
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
    }

    fn back(&self, by: Duration) {
        self.0.fetch_sub(by.as_millis() as u64, Ordering::SeqCst);
    }
}

/// Creates an account quickly, because no password is hashed.
fn import(users: &UserStore, name: &str) {
    users.import_account(name, &CHEAP_HASH).unwrap();
}

fn never_throttled(options: &mut UserStoreOptions) {
    options.throttle = ThrottleOptions { account: Limit::NONE, source: Limit::NONE };
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn from(source: &str) -> Client<'_> {
    Client { source: Some(source), ..Client::default() }
}

fn is_live(users: &UserStore, log_in: &NewSession) -> bool {
    match users.resume(log_in.token.expose()) {
        Ok(session) => {
            assert_eq!(session.id, log_in.session.id);
            true
        }
        Err(UserError::InvalidSession) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Returns `few`, or with `PIXELPLAY_SOAK=1` the `many` that the promise is about.
fn soak<T>(few: T, many: T) -> T {
    if std::env::var_os("PIXELPLAY_SOAK").is_some() { many } else { few }
}
