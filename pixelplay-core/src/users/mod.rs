//! Accounts, sessions and taste in one SQLite file, safe by default.
//!
//! A front end needs four functions: [`UserStore::register`], [`log_in`](UserStore::log_in), which
//! gives a token, [`resume`](UserStore::resume), which says whose token it is, and
//! [`log_out`](UserStore::log_out).
//!
//! ```
//! use pixelplay_core::UserStore;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("users.db");
//! let users = UserStore::open(&path)?;
//! users.register("ana", "correct horse battery")?;
//!
//! let log_in = users.log_in("ana", "correct horse battery")?;
//! let token = log_in.token.expose(); // into a cookie
//!
//! let session = users.resume(token)?; // with every request
//! users.add_favourite(&session.username, "some-song")?;
//! assert!(users.taste("ana")?["some-song"] > 0.99); // it fades with the months
//!
//! users.log_out(token)?;
//! assert!(users.resume(token).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it takes care of
//!
//! * Passwords are hashed with Argon2id and never stored otherwise; hashes of before
//!   ([`import_account`]) are accepted and replaced at the next log-in.
//! * A failed log-in tells neither by its error nor by its time whether the name exists, and slows
//!   down the next one ([`ThrottleOptions`]).
//! * Of tokens only a hash is stored. Sessions end when they idle, when they are old, at log-out,
//!   and when the password changes.
//! * What was acknowledged is on the disk. Any number of threads and processes may use one file.
//!
//! # What is left to the application
//!
//! Only [`resume`](UserStore::resume) tells who is there. Functions that take a user name do as
//! they are told: call them with the name of the session. Sending mail, cookies, and limits on
//! requests are the application's too.
//!
//! [`import_account`]: UserStore::import_account

mod account;
mod clock;
mod confirmation;
mod equal_cost;
mod error;
mod export;
mod hash;
mod hash_input;
mod hash_memory;
mod hash_params;
mod hash_slots;
mod log_in;
mod name;
mod password;
mod pepper;
mod scheme;
mod secret;
mod session;
mod storage;
mod taste;
mod throttle;
mod turns;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction};

pub use account::Account;
pub use clock::Clock;
pub use error::UserError;
pub use hash::HashProblem;
pub use hash_params::{HashParams, HashParamsProblem};
pub use name::NameProblem;
pub use password::PasswordProblem;
pub use pepper::{Pepper, PepperProblem, Peppers};
pub use secret::SecretToken;
pub use session::{LogIn, Session};
pub use taste::Listen;
pub use throttle::{Limit, ThrottleOptions};

use hash_input::HashInput;
use hash_slots::HashSlots;
use name::UserName;
use storage::{Abort, Storage};
use throttle::Throttle;
use turns::Turns;

/// Accounts, sessions and taste in one SQLite file.
///
/// It is shared by reference between threads; see [the module](self) for an example.
pub struct UserStore {
    storage: Storage,
    options: UserStoreOptions,
    throttle: Throttle,
    slots: HashSlots,
    turns: Turns,
}

/// How a [`UserStore`] works. The defaults are safe.
#[derive(Debug, Clone)]
pub struct UserStoreOptions {
    /// What a new password hash costs. Hashes that cost otherwise are replaced at log-in.
    pub hash: HashParams,
    /// Keys that are mixed into the hashes and kept outside the file.
    pub peppers: Peppers,
    /// That the application asks for a second factor too: then 8 characters make a password, else
    /// 15 (NIST SP 800-63B-4, section 3.1.1.2).
    pub second_factor: bool,
    /// That nobody may find out whether a name is taken, as where mail addresses are names:
    /// [`register`](UserStore::register) and [`rename`](UserStore::rename), which tell, are refused
    /// in favour of [`start_registration`](UserStore::start_registration) and
    /// [`start_rename`](UserStore::start_rename).
    pub hidden_names: bool,
    /// A session that is not resumed for this long ends. By default 30 minutes.
    pub idle_session: Duration,
    /// A session ends after this long however much it is used. By default 30 days.
    pub longest_session: Duration,
    /// How long single-use tokens are good for. By default 30 minutes.
    pub confirm_within: Duration,
    /// How failed attempts slow down the next ones.
    pub throttle: ThrottleOptions,
    /// How many passwords are hashed at once in this process; each takes [`HashParams`]' memory,
    /// and keeps it for the next. By default as many as there are cores.
    pub concurrent_hashes: NonZeroUsize,
    /// How long an attempt waits for its turn, before it is [`UserError::Overloaded`]. By default
    /// 30 seconds.
    pub longest_queue: Duration,
    /// How much of what was listened to is kept for each account. By default 1,000.
    pub max_history: u32,
    /// After this long, what was liked weighs half in [`UserStore::taste`]. By default 90 days.
    pub taste_half_life: Duration,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for UserStoreOptions {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let days = |n: u64| minutes(n * 24 * 60);
        Self {
            hash: HashParams::default(),
            peppers: Peppers::default(),
            second_factor: false,
            hidden_names: false,
            idle_session: minutes(30),
            longest_session: days(30),
            confirm_within: minutes(30),
            throttle: ThrottleOptions::default(),
            concurrent_hashes: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            longest_queue: Duration::from_secs(30),
            max_history: 1000,
            taste_half_life: days(90),
            clock: Clock::default(),
        }
    }
}

/// Who is at the other end, as far as the application knows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client<'a> {
    /// Where an attempt comes from, for instance an IP address; failures are counted for it as
    /// well. Only its keyed hash is stored. Give what the client cannot choose.
    pub source: Option<&'a str>,
    /// What the client calls itself, for instance `"Firefox on Linux"`: shown in
    /// [`UserStore::sessions`]. Control characters are left out, and it is cut after 200
    /// characters.
    pub label: Option<&'a str>,
}

impl UserStore {
    /// Opens a store, or makes it; a new file can be read by its owner only, and an existing one is
    /// closed to others.
    ///
    /// SQLite keeps two files beside it while it is open (`-wal`, `-shm`); whoever copies the file
    /// must take the first along, or close the store before. Keep it on a local disk: network file
    /// systems do not lock as SQLite needs. And do not open the file by other means in a process
    /// that has it open: on Unix, closing it drops SQLite's locks.
    ///
    /// # Errors
    /// If the file cannot be opened or written, is none of ours, is damaged, or has a newer schema.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, UserError> {
        Self::open_with(path, UserStoreOptions::default())
    }

    /// [`open`](Self::open) with options.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`HashProblem::UnknownPepper`] if stored hashes hold a pepper
    /// that is not in the options.
    pub fn open_with(path: impl AsRef<Path>, options: UserStoreOptions) -> Result<Self, UserError> {
        let storage = Storage::open(path.as_ref())?;
        let attempt_key = storage.read("open", |reader| {
            let mut kinds = reader.prepare("SELECT DISTINCT input FROM hash_kind")?;
            let mut inputs = kinds.query([])?;
            while let Some(row) = inputs.next()? {
                let input = row.get::<_, String>(0)?.parse().map_err(UserError::Hash)?;
                if let HashInput::Peppered { pepper: id } = input
                    && options.peppers.find(&id).is_none()
                {
                    return Err(UserError::Hash(HashProblem::UnknownPepper { id }).into());
                }
            }
            Ok(reader.query_row("SELECT attempt_key FROM secret", [], |row| row.get(0))?)
        })?;
        Ok(Self {
            storage,
            throttle: Throttle::new(options.throttle.clone(), attempt_key),
            slots: HashSlots::new(options.concurrent_hashes.get()),
            turns: Turns::default(),
            options,
        })
    }

    /// Reads every page of the file and checks it, and that all belongs together. Takes a second
    /// per gigabyte or so.
    ///
    /// # Errors
    /// [`UserError::Damaged`] with what was found first, and if the file cannot be read.
    pub fn verify(&self) -> Result<(), UserError> {
        self.storage.verify()
    }

    fn now(&self) -> clock::Millis {
        self.options.clock.now()
    }

    /// Reads something of an account.
    fn read_for<T>(
        &self,
        action: &'static str,
        name: &str,
        mut run: impl FnMut(&Connection, i64) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let name = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        self.storage.read(action, |reader| {
            let account = account_of(reader, &name)?.ok_or(UserError::UnknownUser)?;
            run(reader, account)
        })
    }

    /// Writes something of an account.
    fn write_for<T>(
        &self,
        action: &'static str,
        name: &str,
        mut run: impl FnMut(&Transaction<'_>, i64) -> Result<T, Abort>,
    ) -> Result<T, UserError> {
        let name = UserName::parse(name).map_err(|_| UserError::UnknownUser)?;
        self.storage.write(action, |transaction| {
            let account = account_of(transaction, &name)?.ok_or(UserError::UnknownUser)?;
            run(transaction, account)
        })
    }
}

/// The account of a name.
fn account_of(reader: &Connection, name: &UserName) -> rusqlite::Result<Option<i64>> {
    reader
        .prepare_cached("SELECT id FROM account WHERE name_key = ?")?
        .query_row([name.key()], |row| row.get(0))
        .optional()
}

impl fmt::Debug for UserStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserStore").field("path", &self.storage.path()).finish_non_exhaustive()
    }
}
