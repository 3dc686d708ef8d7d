//! Slows down guessing: counts failures, and allows one attempt at a time.
//!
//! | file | contents |
//! |---|---|
//! | `limit` | the options: how many failures are free, how long to wait after more |
//! | `bucket` | a leaky bucket of failures, which handles a clock that jumps |
//! | `source` | what counts as one source |
//! | `attempts` | counting attempts in the database |
//! | `account_locks` | one attempt at a time per account |

mod account_locks;
mod attempts;
mod bucket;
mod limit;
mod source;

pub use attempts::Attempted;
pub use limit::{Limit, ThrottleOptions};

pub(super) use account_locks::{AccountLock, AccountLocks};
pub(super) use attempts::{Attempt, Counted, Throttle};
