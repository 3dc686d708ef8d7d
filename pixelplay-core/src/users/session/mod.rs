//! Log-in, and the session that it begins.
//!
//! | file | contents |
//! |---|---|
//! | `credentials` | checking a name and a password against the stored accounts |
//! | `log_in` | actions that need the right password: beginning a session, changing the password |
//! | `external` | accounts that another service vouches for |
//! | `device` | clients that an account has logged in from |
//! | `lifecycle` | the life of a session |
//! | `token` | secrets that are shown once; only their hash is stored |

mod credentials;
mod device;
mod external;
mod lifecycle;
mod log_in;
mod token;

pub use lifecycle::{NewSession, Session};
pub use token::SecretToken;

pub(super) use credentials::Claim;
pub(super) use log_in::{end_all, set_hash};
pub(super) use token::{TokenHash, hash_of};
