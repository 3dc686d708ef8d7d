//! Passwords: from the typed text to the stored hash, and checking it at each log-in.
//!
//! | file | contents |
//! |---|---|
//! | `form` | a password as typed, and normalised |
//! | `policy` | whether a new password is good enough |
//! | `breached` | passwords that are known from breaches |
//! | `problem` | why a password cannot be accepted |
//! | `pepper` | keys that are kept outside the file |
//! | `hash/` | the hashes |
//! | `equal_cost` | checking a password at a cost that does not depend on the account |

mod breached;
mod equal_cost;
mod form;
mod hash;
mod pepper;
mod policy;
mod problem;

pub use breached::BreachedPasswords;
pub use hash::{HashParams, HashParamsProblem, HashProblem};
pub use pepper::{Pepper, PepperProblem, Peppers};
pub use problem::PasswordProblem;

pub(super) use equal_cost::verify_at_equal_cost;
pub(super) use form::{Normalised, Password};
pub(super) use hash::{HashInput, HashSlot, HashSlots, Scheme, StoredHash};
pub(super) use policy::PasswordPolicy;
