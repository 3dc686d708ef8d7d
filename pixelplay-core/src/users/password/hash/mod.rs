//! Password hashes: Argon2id for new ones, and those of other programs as long as they last.
//!
//! | file | what lives there |
//! |---|---|
//! | `params`, `tune` | the settings of new hashes, and those that a machine can afford |
//! | `scheme` | algorithm and settings of any hash, and what is too much for a machine |
//! | `input` | what of a password went in: as typed, normalised, or under a pepper |
//! | `stored` | a hash as the database has it, and whether a password is its |
//! | `parse`, `make` | a stored hash read back, and a new one |
//! | `tag`, `memory` | Argon2 itself, in memory that is wiped |
//! | `dummy` | as much work, with nothing to show for it |
//! | `slots` | how many run at once |
//! | `problem` | why one cannot be made, read or checked |

mod dummy;
mod input;
#[cfg(test)]
pub(in crate::users) mod ledger;
mod make;
mod memory;
mod params;
mod parse;
mod problem;
mod scheme;
mod slots;
mod stored;
mod tag;
mod tune;

pub use params::{HashParams, HashParamsProblem};
pub use problem::HashProblem;

pub(in crate::users) use dummy::dummy_hash;
pub(in crate::users) use input::HashInput;
pub(in crate::users) use memory::HashMemory;
pub(in crate::users) use scheme::Scheme;
pub(in crate::users) use slots::{HashSlot, HashSlots};
pub(in crate::users) use stored::StoredHash;
