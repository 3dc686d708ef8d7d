//! Password hashes: Argon2id for new ones, and hashes from other programs until they are replaced.
//!
//! | file | contents |
//! |---|---|
//! | `params`, `tune` | the settings of new hashes, and tuning them to a machine |
//! | `scheme` | algorithm and settings of any hash, and their limits |
//! | `input` | the form of the password that is hashed: as typed, normalised, or with a pepper |
//! | `stored` | a hash as stored in the database, and checking a password against it |
//! | `parse`, `foreign`, `make` | reading a stored hash, and making a new one |
//! | `tag`, `memory` | Argon2 itself, in memory that is wiped |
//! | `derive` | PBKDF2 and scrypt |
//! | `dummy` | the same amount of work, without a result |
//! | `slots` | how many hashes run at the same time |
//! | `problem` | why a hash cannot be made, read or checked |

mod derive;
mod dummy;
mod foreign;
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
#[cfg(test)]
pub(in crate::users) use scheme::Prf;
pub(in crate::users) use scheme::Scheme;
pub(in crate::users) use slots::{HashSlot, HashSlots};
pub(in crate::users) use stored::StoredHash;
