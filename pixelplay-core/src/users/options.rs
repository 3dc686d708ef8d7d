//! How a store works, and who is at the other end.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use super::clock::Clock;
use super::password::{HashParams, Peppers};
use super::throttle::ThrottleOptions;

/// How a [`UserStore`](super::UserStore) works. The defaults are safe.
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
    /// [`register`](super::UserStore::register) and [`rename`](super::UserStore::rename), which
    /// tell, are refused in favour of
    /// [`start_registration`](super::UserStore::start_registration) and
    /// [`start_rename`](super::UserStore::start_rename).
    pub hidden_names: bool,
    /// A session that is not resumed for this long ends. By default 30 minutes.
    pub idle_timeout: Duration,
    /// A session ends after this long however much it is used. By default 30 days.
    pub max_session_age: Duration,
    /// How long single-use tokens are good for. By default 30 minutes.
    pub confirm_within: Duration,
    /// How failed attempts slow down the next ones.
    pub throttle: ThrottleOptions,
    /// How many passwords are hashed at once in this process; each takes [`HashParams`]' memory,
    /// and keeps it for the next. By default as many as there are cores.
    pub concurrent_hashes: NonZeroUsize,
    /// How long an attempt waits for its turn, before it is
    /// [`UserError::Overloaded`](super::UserError::Overloaded). By default 30 seconds.
    pub queue_timeout: Duration,
    /// How much of what was listened to is kept for each account. By default 1,000.
    pub max_history: u32,
    /// After this long, what was liked weighs half in
    /// [`UserStore::taste`](super::UserStore::taste). By default 90 days.
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
            idle_timeout: minutes(30),
            max_session_age: days(30),
            confirm_within: minutes(30),
            throttle: ThrottleOptions::default(),
            concurrent_hashes: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            queue_timeout: Duration::from_secs(30),
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
    /// [`UserStore::sessions`](super::UserStore::sessions). Control characters are left out, and it
    /// is cut after 200 characters.
    pub label: Option<&'a str>,
}
