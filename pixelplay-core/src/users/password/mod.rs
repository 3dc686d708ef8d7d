//! Passwords: from what is typed to a hash that is stored, and back again at each log-in.
//!
//! | file | what lives there |
//! |---|---|
//! | `form` | a password as typed, and normalised |
//! | `policy` | whether a new one will do |
//! | `problem` | why one cannot be taken |
//! | `pepper` | keys that are kept outside the file |
//! | `hash/` | the hashes |
//! | `equal_cost` | checking a password at a cost that does not say whose it is |

mod equal_cost;
mod form;
mod hash;
mod pepper;
mod policy;
mod problem;

pub use hash::{HashParams, HashParamsProblem, HashProblem};
pub use pepper::{Pepper, PepperProblem, Peppers};
pub use problem::PasswordProblem;

pub(super) use equal_cost::verify_at_equal_cost;
pub(super) use form::{Normalised, Password};
pub(super) use hash::{HashInput, HashSlot, HashSlots, Scheme, StoredHash};
pub(super) use policy::PasswordPolicy;
