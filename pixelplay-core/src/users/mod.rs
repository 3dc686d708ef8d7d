//! Accounts, sessions and taste in one SQLite file, safe by default.
//!
//! A front end needs four functions: [`UserStore::register`], [`log_in`](UserStore::log_in), which
//! returns a token, [`resume`](UserStore::resume), which returns the session of a token, and
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
//! let session = users.resume(token)?; // on every request
//! users.add_favourite(&session.username, "some-song")?;
//! assert!(users.taste("ana")?["some-song"] > 0.99); // it fades with the months
//!
//! users.log_out(token)?;
//! assert!(users.resume(token).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the store does
//!
//! * Passwords are stored only as Argon2id hashes. Older hashes from other programs
//!   ([`import_account`]) are accepted and replaced at the next log-in.
//! * A failed log-in reveals neither by its error nor by its timing whether the name exists, and it
//!   slows down the next attempt ([`ThrottleOptions`]). The owner of the name can still log in from
//!   a client that has logged in before ([`NewSession::device`]).
//! * Only hashes of tokens are stored. Sessions end when they are idle for too long, when they are
//!   too old, at log-out, and when the password changes.
//! * Every acknowledged change is on disk. Any number of threads and processes may use one file.
//!
//! # What the application does
//!
//! Only [`resume`](UserStore::resume) authenticates. Functions that take a user name do not check
//! who calls them: pass the name from the session. The application also sends emails, sets cookies,
//! and limits requests.
//!
//! [`import_account`]: UserStore::import_account
//!
//! # Source layout
//!
//! | module | contents |
//! |---|---|
//! | `store`, `options` | [`UserStore`]: opening and checking it; its options |
//! | `backup` | backups, and restoring them |
//! | `admin` | what the operator does: listing, unlocking and disabling accounts |
//! | `account`, `name`, `confirmation`, `personal_data` | accounts and their names, single-use tokens, export of everything stored about a person |
//! | `password/` | passwords and their hashes |
//! | `session/` | log-in, sessions and their tokens |
//! | `throttle/` | slowing down guessing |
//! | `taste/` | what a person likes |
//! | `database`, `schema.sql`, `schema_2.sql` | the SQLite file |
//! | `foreign_log` | detecting a log that belongs to another file |
//! | `clock`, `error` | the clock, and the error type |

mod account;
mod admin;
mod backup;
mod clock;
mod confirmation;
mod database;
mod error;
mod foreign_log;
mod name;
mod options;
mod password;
mod personal_data;
mod session;
mod store;
mod taste;
mod throttle;

pub use admin::Account;
pub use clock::Clock;
pub use error::UserError;
pub use name::NameProblem;
pub use options::{Client, SessionLifetime, UserStoreOptions};
pub use password::{
    BreachedPasswords, HashParams, HashParamsProblem, HashProblem, PasswordProblem, Pepper,
    PepperProblem, Peppers,
};
pub use session::{NewSession, SecretToken, Session};
pub use store::UserStore;
pub use taste::Listen;
pub use throttle::{Attempted, Limit, ThrottleOptions};
