//! A secret key kept outside the database, without which password guesses cannot be tested.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::form::Normalised;

/// The output length of HMAC-SHA-256; a shorter key is weaker than the hash (RFC 2104 section 3).
const MIN_KEY_BYTES: usize = 32;
const MAX_ID_CHARS: usize = 32;

/// A secret key that goes into every password hash. A thief who has only the database cannot test
/// any guess.
///
/// Keep it apart from the database (in a secret store, or the environment of the service), and do
/// not lose it: a hash made with a lost pepper can never be verified again. The id is not a secret;
/// it is stored with each hash to say which key it needs.
#[derive(Clone)]
pub struct Pepper {
    id: String,
    key: Zeroizing<Vec<u8>>,
}

impl Pepper {
    /// Creates a pepper from an id of at most 32 characters out of `a-z`, `0-9`, `.`, `_` and `-`,
    /// and a key of at least 32 random bytes.
    ///
    /// # Errors
    ///
    /// If the id has other characters or the key is too short.
    pub fn new(id: &str, key: &[u8]) -> Result<Self, PepperProblem> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > MAX_ID_CHARS || !id.bytes().all(allowed) {
            return Err(PepperProblem::BadId);
        }
        if key.len() < MIN_KEY_BYTES {
            return Err(PepperProblem::ShortKey {
                id: id.to_owned(),
                bytes: key.len(),
                min_bytes: MIN_KEY_BYTES,
            });
        }
        Ok(Self { id: id.to_owned(), key: Zeroizing::new(key.to_vec()) })
    }

    /// Returns the id that is stored with each hash made with this pepper.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the HMAC-SHA-256 of a password, which is hashed in its place.
    pub(super) fn apply(&self, password: &Normalised) -> Zeroizing<[u8; 32]> {
        self.mac(password.as_bytes())
    }

    fn mac(&self, message: &[u8]) -> Zeroizing<[u8; 32]> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length");
        mac.update(message);
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The peppers of an application: the one for new hashes, and older ones that stored hashes still
/// need. A hash with an older pepper, or without one, is replaced when its user next logs in.
#[derive(Debug, Clone, Default)]
pub struct Peppers {
    current: Option<Pepper>,
    older: Vec<Pepper>,
}

impl Peppers {
    /// Creates a set of peppers. If `current` is `None`, new hashes are made without a pepper.
    ///
    /// # Errors
    ///
    /// If two of them have the same id.
    pub fn new(current: Option<Pepper>, older: Vec<Pepper>) -> Result<Self, PepperProblem> {
        let mut ids: Vec<&str> = current.iter().chain(&older).map(Pepper::id).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PepperProblem::SameId { id: pair[0].to_owned() });
        }
        Ok(Self { current, older })
    }

    /// Returns the pepper for new hashes.
    #[must_use]
    pub fn current(&self) -> Option<&Pepper> {
        self.current.as_ref()
    }

    pub(in crate::users) fn find(&self, id: &str) -> Option<&Pepper> {
        let mut all = self.current.iter().chain(&self.older);
        all.find(|pepper| pepper.id == id)
    }
}

/// Why a pepper cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PepperProblem {
    /// The id is empty, too long, or has invalid characters. It is not shown, as it may be the key.
    #[error("the id of a pepper must be 1 to 32 characters of a-z, 0-9, '.', '_' and '-'")]
    BadId,
    /// The key is too short to be secure.
    #[error(
        "the key of pepper {id:?} has {bytes} bytes; use at least {min_bytes} random bytes, for example from `openssl rand`"
    )]
    ShortKey {
        /// The pepper's id.
        id: String,
        /// The length of the key in bytes.
        bytes: usize,
        /// The minimum length in bytes.
        min_bytes: usize,
    },
    /// Two peppers have the same id, so a hash could not say which one it was made with.
    #[error("two peppers have the id {id:?}; give the new one a different id")]
    SameId {
        /// The id.
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"an example key of many a byte: 32";

    /// RFC 4231 section 4.7, test case 6: a key longer than the block.
    #[test]
    fn it_is_hmac_sha_256() {
        let pepper = Pepper::new("rfc4231", &[0xaa; 131]).unwrap();
        let mac = pepper.mac(b"Test Using Larger Than Block-Size Key - Hash Key First");
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn what_is_no_pepper_is_refused() {
        for id in ["", "Upper", "two words", "a/b", "caf\u{e9}", &"x".repeat(33)] {
            let refused = Pepper::new(id, KEY);
            assert!(matches!(refused, Err(PepperProblem::BadId)), "{id}");
        }
        assert!(matches!(
            Pepper::new("2026-01", &KEY[..31]),
            Err(PepperProblem::ShortKey { bytes: 31, .. })
        ));
        let pepper = |id| Pepper::new(id, KEY).unwrap();
        assert!(matches!(
            Peppers::new(Some(pepper("b")), vec![pepper("a"), pepper("b")]),
            Err(PepperProblem::SameId { id }) if id == "b"
        ));
    }

    #[test]
    fn each_is_found_by_its_id() {
        let pepper = |id| Pepper::new(id, KEY).unwrap();
        let peppers = Peppers::new(Some(pepper("new")), vec![pepper("old")]).unwrap();
        assert_eq!(peppers.current().map(Pepper::id), Some("new"));
        for id in ["new", "old"] {
            assert_eq!(peppers.find(id).map(Pepper::id), Some(id));
        }
        assert!(peppers.find("none").is_none());
        assert!(Peppers::default().current().is_none());
    }

    #[test]
    fn the_key_is_not_shown() {
        let peppers = Peppers::new(Some(Pepper::new("new", KEY).unwrap()), Vec::new()).unwrap();
        let shown = format!("{peppers:?}");
        let as_numbers = format!("{}, {}", KEY[0], KEY[1]);
        assert!(shown.contains("new"), "{shown}");
        assert!(!shown.contains("example") && !shown.contains(&as_numbers), "{shown}");
        let short = Pepper::new("new", b"hunter2").unwrap_err();
        assert!(!format!("{short} {short:?}").contains("hunter2"));
    }
}
