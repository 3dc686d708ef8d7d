//! Tokens: random, shown once, stored as a hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::users::error::UserError;

/// 256 bits cannot be guessed, so a plain hash is enough, and looking a token up needs no throttle.
const TOKEN_BYTES: usize = 32;

/// The number of characters of a token in base64url without padding.
const TOKEN_CHARS: usize = 43;

/// A bearer token: 32 random bytes as 43 characters of base64url.
///
/// The store keeps only its SHA-256, so this is the only chance to pass it on: put a session token
/// into a cookie (`HttpOnly`, `Secure`, `SameSite`), and send a single-use token to the owner of
/// the email address. It is wiped from memory when dropped, and neither `Debug` nor any error shows
/// it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(Zeroizing<String>);

impl SecretToken {
    /// Returns the token in plain text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns a new random token.
    pub(in crate::users) fn random() -> Result<Self, UserError> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        getrandom::fill(bytes.as_mut())
            .map_err(|source| UserError::NoRandomness { source: Box::new(source) })?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()))))
    }

    /// Takes a token that a client presented.
    pub(super) fn of(presented: &str) -> Self {
        Self(Zeroizing::new(presented.to_owned()))
    }

    /// Returns the hash that is stored.
    pub(in crate::users) fn hash(&self) -> TokenHash {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken(***)")
    }
}

/// The SHA-256 of a token.
pub(in crate::users) type TokenHash = [u8; 32];

/// Returns the stored hash of a token that a client presented; `None` if it cannot be one of ours.
pub(in crate::users) fn hash_of(token: &str) -> Option<TokenHash> {
    (token.len() == TOKEN_CHARS).then(|| Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_43_characters_that_a_cookie_can_hold_and_is_not_shown() {
        let token = SecretToken::random().unwrap();
        assert_eq!(token.expose().len(), TOKEN_CHARS);
        assert!(
            token.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_eq!(format!("{token:?}"), "SecretToken(***)");
        assert_ne!(token, SecretToken::random().unwrap());
        assert_eq!(hash_of(token.expose()), Some(token.hash()));
        assert_eq!(hash_of(""), None);
        assert_eq!(hash_of(&"a".repeat(1_000_000)), None);
    }

    #[test]
    fn the_hash_is_sha_256() {
        // NIST FIPS 180-4 example "abc", through the same function.
        let digest: TokenHash = Sha256::digest(b"abc").into();
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
