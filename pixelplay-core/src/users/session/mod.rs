//! Log-in, and the session that begins with it.
//!
//! | file | what lives there |
//! |---|---|
//! | `credentials` | a name and a password against what is stored |
//! | `log_in` | what a right password is good for: a session, and a new password |
//! | `lifecycle` | a session from its beginning to its end |
//! | `token` | secrets that are shown once; only their hash is stored |

mod credentials;
mod lifecycle;
mod log_in;
mod token;

pub use lifecycle::{NewSession, Session};
pub use token::SecretToken;

pub(super) use credentials::Claim;
pub(super) use log_in::end_all;
pub(super) use token::{TokenHash, hash_of};
