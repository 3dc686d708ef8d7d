//! Accounts: names, passwords, and what is stored of them.
// Until the store itself stands, nobody outside the tests calls these.
#![allow(dead_code)]

mod equal_cost;
mod hash;
mod hash_input;
mod hash_params;
mod hash_slots;
mod name;
mod password;
mod pepper;
mod scheme;

pub use hash::HashProblem;
pub use hash_params::{HashParams, HashParamsProblem};
pub use name::NameProblem;
pub use password::{PasswordPolicy, PasswordProblem};
pub use pepper::{Pepper, PepperProblem, Peppers};
