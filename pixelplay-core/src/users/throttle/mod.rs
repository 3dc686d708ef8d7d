//! What slows guessing down: failures that are counted, and one attempt at a time.
//!
//! | file | what lives there |
//! |---|---|
//! | `limit` | how long to wait after so many failures; the options |
//! | `attempts` | attempts, counted in the database |
//! | `account_locks` | one attempt at a time for each account |

mod account_locks;
mod attempts;
mod limit;

pub use limit::{Limit, ThrottleOptions};

pub(super) use account_locks::{AccountLock, AccountLocks};
pub(super) use attempts::{Attempt, Counted, Throttle};
