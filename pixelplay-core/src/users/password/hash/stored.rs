//! A stored password hash, and checking passwords against it.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::{Output, Salt};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::derive_into;
use super::input::HashInput;
use super::memory::HashMemory;
use super::params::HashParams;
use super::problem::{BAD_BCRYPT, HashProblem};
use super::scheme::Scheme;
use super::tag::argon2_into;
use crate::users::password::form::Password;
use crate::users::password::pepper::{Pepper, Peppers};

#[cfg(test)]
use super::ledger;

/// A hash as stored in the database: an Argon2 PHC string, or a hash from another program.
pub(in crate::users) struct StoredHash {
    pub(super) text: String,
    pub(super) scheme: Scheme,
    pub(super) input: HashInput,
    pub(super) check: Check,
}

/// What a password is checked against.
pub(super) enum Check {
    Argon2(Box<Argon2Hash>),
    /// The hash itself, and whether it was made from the SHA-256 of the password in hex (Django's
    /// way around bcrypt's limit of 72 bytes).
    Bcrypt {
        hash: String,
        of_sha256: bool,
    },
    /// PBKDF2 or scrypt, as the scheme says.
    Derived {
        salt: Vec<u8>,
        tag: Vec<u8>,
    },
}

pub(super) struct Argon2Hash {
    pub(super) hasher: Argon2<'static>,
    pub(super) salt: Salt,
    pub(super) tag: Output,
}

impl StoredHash {
    /// Returns the text to store in the database. Do not show it.
    pub(in crate::users) fn text(&self) -> &str {
        &self.text
    }

    pub(in crate::users) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(in crate::users) fn input(&self) -> &HashInput {
        &self.input
    }

    /// Returns whether a hash made now would have different settings. Stronger settings also count
    /// as different: as long as one hash has them, every log-in pays for them.
    pub(in crate::users) fn needs_upgrade(
        &self,
        current: &HashParams,
        pepper: Option<&Pepper>,
    ) -> bool {
        self.scheme != current.scheme() || self.input != HashInput::current(pepper)
    }

    /// Returns the bytes to hash; `None` if the password cannot be right because it has no normal
    /// form.
    pub(in crate::users) fn input_of(
        &self,
        password: &Password<'_>,
        peppers: &Peppers,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, HashProblem> {
        let bytes = match &self.input {
            HashInput::Typed => Some(password.typed().to_vec()),
            HashInput::Normalised => password.normalised().map(|text| text.as_bytes().to_vec()),
            HashInput::Peppered { pepper } => {
                let found = peppers.find(pepper);
                let pepper =
                    found.ok_or_else(|| HashProblem::UnknownPepper { id: pepper.clone() })?;
                let normalised = password.normalised();
                normalised.map(|text| pepper.apply(text).to_vec())
            }
        };
        Ok(bytes.map(Zeroizing::new))
    }

    /// Returns whether the hash was made from this input, in a time that does not depend on how
    /// much of it agrees.
    pub(in crate::users) fn matches(
        &self,
        input: &[u8],
        memory: &mut HashMemory,
    ) -> Result<bool, HashProblem> {
        #[cfg(test)]
        ledger::note(self.scheme);
        match &self.check {
            Check::Argon2(argon2) => {
                let mut tag = Zeroizing::new(vec![0; argon2.tag.len()]);
                argon2_into(&argon2.hasher, input, &argon2.salt, &mut tag, memory)?;
                Ok(tag.ct_eq(argon2.tag.as_bytes()).into())
            }
            Check::Bcrypt { hash, of_sha256 } => {
                let input = if *of_sha256 { sha256_in_hex(input) } else { input.to_vec().into() };
                bcrypt::verify(&*input, hash).map_err(|_| BAD_BCRYPT)
            }
            Check::Derived { salt, tag } => {
                let mut derived = Zeroizing::new(vec![0; tag.len()]);
                derive_into(self.scheme, input, salt, &mut derived)?;
                Ok(derived.ct_eq(tag).into())
            }
        }
    }
}

fn sha256_in_hex(input: &[u8]) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(input);
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(nibbles.map(|nibble| DIGITS[usize::from(nibble)]).collect())
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash")
            .field("scheme", &self.scheme)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether another program's hash was made from this password.
    fn is_of(text: &str, password: &str) -> bool {
        let stored = StoredHash::parse(text, HashInput::Typed).unwrap();
        stored.matches(password.as_bytes(), &mut HashMemory::default()).unwrap()
    }

    /// From `src/test.c` in the reference implementation, phc-winner-argon2, except the last three,
    /// which are from argon2-cffi 25.1.0.
    #[test]
    fn argon2_of_other_programs() {
        for (text, password) in [
            (
                "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
                "password",
            ),
            (
                "$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs",
                "password",
            ),
            (
                "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
                "password",
            ),
            (
                "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "password",
            ),
            (
                "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
                "password",
            ),
            (
                "$argon2d$v=19$m=256,t=2,p=2$c29tZXNhbHQ$e2nJLXw4iarRKB28i678Esw3yA8cdeM+8sLUDCjrxXM",
                "password",
            ),
            (
                "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
                "password",
            ),
            // Not in NFC: exactly the bytes that were typed.
            (
                "$argon2id$v=19$m=1024,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$1+oxRAa/XJxWxBcQUtXi7OrGSYyUDT1dUjQMK+Tehns",
                "e\u{301}te\u{301} rainy",
            ),
        ] {
            assert!(is_of(text, password), "{text}");
            assert!(!is_of(text, "Password"), "{text}");
        }
    }

    /// From `wrapper.c` in Openwall's crypt_blowfish.
    #[test]
    fn bcrypt_of_openwall() {
        for (text, password) in [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
            ("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"),
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", ""),
            (
                "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
            ),
        ] {
            assert!(is_of(text, password), "{text}");
            assert!(is_of(&text.replace("$2a$", "$2y$"), password), "{text}");
            assert!(!is_of(text, "u*u"), "{text}");
        }
    }

    /// Made by `bcrypt.hashpw` of the Python package bcrypt 4.3.0.
    #[test]
    fn bcrypt_of_python() {
        for (text, password) in [
            (
                "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
                "correct horse battery",
            ),
            (
                "$2b$05$abcdefghijklmnopqrstuunFxCJVQzibCYZC6d92cTxB.zE9JyAlu",
                "p\u{e2}t\u{e9} \u{e0} la cr\u{e8}me",
            ),
            (
                "$2a$06$CCCCCCCCCCCCCCCCCCCCC.B89qfXT6X4YpdOolaDxYp9mRzEl1MJC",
                "e\u{301}te\u{301} xxx",
            ),
            (
                "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S",
                "01234567890123456789012345678901234567890123456789012345678901234567890123456789",
            ),
            (
                "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S",
                "012345678901234567890123456789012345678901234567890123456789012345678901",
            ),
            // This version treats NUL like any other byte.
            ("$2b$04$abcdefghijklmnopqrstuusjHI0zQHpOe3SFDK1IriYv6N79Gzr32", "a\0b"),
            (
                "$2b$07$/////////////////////uqDEzZU4ebhRs2oC.ZuufFFExG5wcqxO",
                "\u{1f3b5} late at night",
            ),
        ] {
            assert!(is_of(text, password), "{text}");
            assert!(!is_of(text, "a"), "{text}");
        }
        // In a different composition these are different bytes.
        assert!(!is_of(
            "$2a$06$CCCCCCCCCCCCCCCCCCCCC.B89qfXT6X4YpdOolaDxYp9mRzEl1MJC",
            "\u{e9}t\u{e9} xxx"
        ));
    }
}
