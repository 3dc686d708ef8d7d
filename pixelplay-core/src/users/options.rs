//! Options of a store, and information about a client.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use super::clock::Clock;
use super::error::UserError;
use super::password::{BreachedPasswords, HashParams, PasswordPolicy, Peppers};
use super::throttle::ThrottleOptions;

/// Options of a [`UserStore`](super::UserStore). The defaults are safe.
#[derive(Debug, Clone)]
pub struct UserStoreOptions {
    /// Whether to create a file that does not exist. `false` for commands that only make sense with
    /// accounts: a mistyped path is then an error. `true` by default.
    pub create: bool,
    /// The cost of new password hashes. Hashes with a different cost are replaced at log-in.
    pub hash: HashParams,
    /// Keys that are mixed into the hashes and kept outside the file.
    pub peppers: Peppers,
    /// Whether the application also asks for a second factor. Passwords then need at least 8
    /// characters, otherwise 15 (NIST SP 800-63B-4, section 3.1.1.2).
    pub second_factor: bool,
    /// The minimum number of characters of a new password, from 8 to 64, in place of the 15 or 8
    /// above. `None` by default.
    pub min_password_chars: Option<u32>,
    /// Passwords that are known from breaches. A new password that is among them is refused. `None`
    /// by default.
    pub breached_passwords: Option<BreachedPasswords>,
    /// Whether to hide which names are taken, for example if names are email addresses.
    /// [`register`](super::UserStore::register) and [`rename`](super::UserStore::rename), which
    /// would reveal it, are then disabled in favour of
    /// [`start_registration`](super::UserStore::start_registration) and
    /// [`start_rename`](super::UserStore::start_rename).
    pub hidden_names: bool,
    /// A session ends if it is not resumed for this long. 30 minutes by default;
    /// [`Client::lifetime`] sets it for one log-in.
    pub idle_timeout: Duration,
    /// A session ends after this long, however much it is used. 30 days by default, at most 100 years;
    /// [`Client::lifetime`] sets it for one log-in.
    pub max_session_age: Duration,
    /// How long single-use tokens are valid. 30 minutes by default.
    pub confirm_within: Duration,
    /// How failed attempts slow down later ones.
    pub throttle: ThrottleOptions,
    /// How many passwords this process hashes at the same time. Each takes the memory that
    /// [`HashParams`] sets, and keeps it for the next hash. The number of cores by default.
    pub concurrent_hashes: NonZeroUsize,
    /// How long an attempt waits for its turn before it fails with
    /// [`UserError::Overloaded`](super::UserError::Overloaded). 30 seconds by default.
    pub queue_timeout: Duration,
    /// The number of listens kept per account. 1,000 by default.
    pub max_history: u32,
    /// The time after which weights in [`UserStore::taste`](super::UserStore::taste) are halved. 90
    /// days by default.
    pub taste_half_life: Duration,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for UserStoreOptions {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let days = |n: u64| minutes(n * 24 * 60);
        Self {
            create: true,
            hash: HashParams::default(),
            peppers: Peppers::default(),
            second_factor: false,
            min_password_chars: None,
            breached_passwords: None,
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

impl UserStoreOptions {
    pub(super) fn check(&self) -> Result<(), UserError> {
        self.throttle.check()?;
        self.policy().map(drop)
    }

    pub(super) fn policy(&self) -> Result<PasswordPolicy, UserError> {
        match self.min_password_chars {
            Some(chars) => PasswordPolicy::at_least(chars),
            None if self.second_factor => Ok(PasswordPolicy::WITH_SECOND_FACTOR),
            None => Ok(PasswordPolicy::default()),
        }
    }
}

/// What the application knows about a client.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client<'a> {
    /// Where an attempt comes from, for example an IP address. Failures are also counted per
    /// source; for IPv6 addresses, per /64. Only a keyed hash of it is stored. Use something that
    /// the client cannot choose.
    pub source: Option<&'a str>,
    /// The name that the client gives itself, for example `"Firefox on Linux"`, shown in
    /// [`UserStore::sessions`](super::UserStore::sessions). Control characters are removed, and it
    /// is truncated to 200 characters.
    pub label: Option<&'a str>,
    /// The token of an earlier log-in ([`NewSession::device`](super::NewSession::device)) on the
    /// same client, for any account. With it, the owner of an account can log in while strangers
    /// guess its password: the failures of others do not count for this client.
    pub device: Option<&'a str>,
    /// How long the session lasts, for example with "remember me". `None` for the store's
    /// [`idle_timeout`](UserStoreOptions::idle_timeout) and
    /// [`max_session_age`](UserStoreOptions::max_session_age).
    pub lifetime: Option<SessionLifetime>,
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetime {
    /// The session ends if it is not resumed for this long.
    pub idle_timeout: Duration,
    /// The session ends after this long, however much it is used.
    pub max_age: Duration,
}
