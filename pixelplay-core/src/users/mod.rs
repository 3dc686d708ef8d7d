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
//!
//! # Where it is in the source
//!
//! | room | what lives there |
//! |---|---|
//! | `store`, `options` | [`UserStore`]: opened, checked; how it works |
//! | `account`, `name`, `confirmation`, `personal_data` | accounts and what they may be called, single-use tokens, all that is stored about a person |
//! | `password/` | passwords and their hashes |
//! | `session/` | log-in, sessions and their tokens |
//! | `throttle/` | what slows guessing down |
//! | `taste/` | what a person likes |
//! | `database`, `schema.sql` | the SQLite file |
//! | `clock`, `error` | the time, and what can go wrong |

mod account;
mod clock;
mod confirmation;
mod database;
mod error;
mod name;
mod options;
mod password;
mod personal_data;
mod session;
mod store;
mod taste;
mod throttle;

pub use account::Account;
pub use clock::Clock;
pub use error::UserError;
pub use name::NameProblem;
pub use options::{Client, UserStoreOptions};
pub use password::{
    HashParams, HashParamsProblem, HashProblem, PasswordProblem, Pepper, PepperProblem, Peppers,
};
pub use session::{NewSession, SecretToken, Session};
pub use store::UserStore;
pub use taste::Listen;
pub use throttle::{Limit, ThrottleOptions};
