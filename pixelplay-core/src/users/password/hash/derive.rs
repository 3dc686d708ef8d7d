//! PBKDF2 and scrypt, for hashes from other programs.

use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::problem::{BAD_ARGON2, BAD_SCRYPT, HashProblem};
use super::scheme::{Prf, Scheme};

/// Computes the tag of PBKDF2 or scrypt.
pub(super) fn derive_into(
    scheme: Scheme,
    input: &[u8],
    salt: &[u8],
    tag: &mut [u8],
) -> Result<(), HashProblem> {
    match scheme {
        Scheme::Pbkdf2 { prf: Prf::Sha1, rounds } => {
            pbkdf2_hmac::<Sha1>(input, salt, rounds, tag);
        }
        Scheme::Pbkdf2 { prf: Prf::Sha256, rounds } => {
            pbkdf2_hmac::<Sha256>(input, salt, rounds, tag);
        }
        Scheme::Pbkdf2 { prf: Prf::Sha512, rounds } => {
            pbkdf2_hmac::<Sha512>(input, salt, rounds, tag);
        }
        Scheme::Scrypt { log_n, r, p } => {
            let log_n = u8::try_from(log_n).map_err(|_| BAD_SCRYPT)?;
            let params = scrypt::Params::new(log_n, r, p).map_err(|_| BAD_SCRYPT)?;
            scrypt::scrypt(input, salt, &params, tag).map_err(|_| BAD_SCRYPT)?;
        }
        Scheme::Argon2 { .. } | Scheme::Bcrypt { .. } => return Err(BAD_ARGON2),
    }
    Ok(())
}
