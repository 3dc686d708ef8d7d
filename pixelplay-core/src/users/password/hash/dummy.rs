//! Work that is done only for the time it takes.

use std::hint::black_box;

use super::derive::derive_into;
use super::memory::HashMemory;
use super::problem::{BAD_BCRYPT, HashProblem};
use super::scheme::Scheme;
use super::tag::{SALT_BYTES, TAG_BYTES, argon2_into, argon2_of};

#[cfg(test)]
use super::ledger;

/// As long as the shortest hash under PBKDF2: then no length of a tag takes more than one block.
const DUMMY_TAG_BYTES: usize = 20;

const DUMMY_SALT: [u8; SALT_BYTES] = *b"pixelplay: dummy";

/// Does as much work as checking a password under this scheme, without a result.
pub(in crate::users) fn dummy_hash(
    input: &[u8],
    scheme: Scheme,
    memory: &mut HashMemory,
) -> Result<(), HashProblem> {
    #[cfg(test)]
    ledger::note(scheme);
    match scheme {
        Scheme::Argon2 { .. } => {
            let mut tag = [0; TAG_BYTES];
            argon2_into(&argon2_of(scheme)?, input, &DUMMY_SALT, &mut tag, memory)?;
            black_box(tag);
        }
        Scheme::Bcrypt { cost } => {
            let parts = bcrypt::hash_with_salt(input, cost, DUMMY_SALT);
            black_box(parts.map_err(|_| BAD_BCRYPT)?);
        }
        Scheme::Pbkdf2 { .. } | Scheme::Scrypt { .. } => {
            let mut tag = [0; TAG_BYTES];
            derive_into(scheme, input, &DUMMY_SALT, &mut tag[..DUMMY_TAG_BYTES])?;
            black_box(tag);
        }
    }
    Ok(())
}
