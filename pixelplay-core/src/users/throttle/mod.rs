//! Slows down guessing: counts failures, and allows one attempt at a time.
//!
//! | file | contents |
//! |---|---|
//! | `limit` | how long to wait after a number of failures; the options |
//! | `attempts` | counting attempts in the database |
//! | `account_locks` | one attempt at a time per account |

mod account_locks;
mod attempts;
mod limit;

pub use limit::{Limit, ThrottleOptions};

pub(super) use account_locks::{AccountLock, AccountLocks};
pub(super) use attempts::{Attempt, Counted, Throttle};
