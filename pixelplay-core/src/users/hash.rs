//! A stored password hash: made, read back, compared.

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use bcrypt::HashParts;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::hash_input::HashInput;
use super::hash_memory::HashMemory;
use super::hash_params::HashParams;
use super::password::{Normalised, Password};
use super::pepper::{Pepper, Peppers};
use super::scheme::Scheme;

/// Longer than any PHC string of Argon2, whose fields are each bounded.
const MAX_HASH_BYTES: usize = 512;
/// RFC 9106 section 3.1: 16 bytes are recommended for a salt of a password hash.
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
/// For work that is done for its time alone.
const DUMMY_SALT: [u8; SALT_BYTES] = *b"pixelplay: dummy";

/// A hash as the database has it: an Argon2 PHC string, or bcrypt's.
pub(super) struct StoredHash {
    text: String,
    scheme: Scheme,
    input: HashInput,
    /// `None` for bcrypt, which is checked by its text.
    argon2: Option<Box<Argon2Hash>>,
}

struct Argon2Hash {
    hasher: Argon2<'static>,
    salt: Salt,
    tag: Output,
}

impl StoredHash {
    /// A new hash, by today's settings.
    pub(super) fn new(
        password: &Normalised,
        params: &HashParams,
        pepper: Option<&Pepper>,
        memory: &mut HashMemory,
    ) -> Result<Self, HashProblem> {
        let scheme = params.scheme();
        let hasher = argon2_of(scheme)?;
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|error| HashProblem::NoRandomness { what: error.to_string() })?;
        let mut tag = [0; TAG_BYTES];
        match pepper {
            Some(pepper) => {
                argon2_into(&hasher, &*pepper.apply(password), &salt, &mut tag, memory)?
            }
            None => argon2_into(&hasher, password.as_bytes(), &salt, &mut tag, memory)?,
        }
        let phc = || {
            Ok::<_, argon2::password_hash::phc::Error>(PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: phc_params(params)?,
                salt: Some(Salt::new(&salt)?),
                hash: Some(Output::new(&tag)?),
            })
        };
        #[expect(
            clippy::expect_used,
            reason = "three numbers and two buffers of a size that PHC strings have"
        )]
        let text = phc().expect("a PHC string").to_string();
        Self::parse(&text, HashInput::today(pepper))
    }

    /// Reads a hash of ours or of another program, unless to check a password against it would take
    /// the machine down.
    pub(super) fn parse(text: &str, input: HashInput) -> Result<Self, HashProblem> {
        if text.len() > MAX_HASH_BYTES {
            return Err(HashProblem::Unreadable { what: "it is longer than any that is known" });
        }
        if text.starts_with("$argon2") {
            parse_argon2(text, input)
        } else if ["$2a$", "$2b$", "$2y$"].iter().any(|&v| text.starts_with(v)) {
            parse_bcrypt(text)
        } else {
            Err(HashProblem::Unreadable {
                what: "it is neither a PHC string of Argon2 nor a bcrypt hash of version 2a, 2b or 2y",
            })
        }
    }

    /// For the database, and for nobody's eyes.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(super) fn input(&self) -> &HashInput {
        &self.input
    }

    /// Whether a hash that was made now would be another one. Settings that are merely stronger
    /// than today's count as other ones too: as long as one hash has them, everybody's log-in pays
    /// for them.
    pub(super) fn needs_upgrade(&self, today: &HashParams, pepper: Option<&Pepper>) -> bool {
        self.scheme != today.scheme() || self.input != HashInput::today(pepper)
    }

    /// What of the password is hashed; `None` where it cannot be right, since it has no normal
    /// form.
    pub(super) fn input_of(
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

    /// Whether it is of this input, in a time that does not depend on how nearly.
    pub(super) fn matches(
        &self,
        input: &[u8],
        memory: &mut HashMemory,
    ) -> Result<bool, HashProblem> {
        #[cfg(test)]
        ledger::note(self.scheme);
        let Some(argon2) = &self.argon2 else {
            return bcrypt::verify(input, &self.text).map_err(|_| BAD_BCRYPT);
        };
        let mut tag = Zeroizing::new(vec![0; argon2.tag.len()]);
        argon2_into(&argon2.hasher, input, &argon2.salt, &mut tag, memory)?;
        Ok(tag.ct_eq(argon2.tag.as_bytes()).into())
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash")
            .field("scheme", &self.scheme)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// As much work as to check a password under this scheme, with nothing to show for it.
pub(super) fn work_on(
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
    }
    Ok(())
}

/// Why a password hash cannot be made, read or checked. No message holds anything of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashProblem {
    /// It is of another kind, or damaged.
    #[error("the password hash cannot be read: {what}; have its user set a new password")]
    Unreadable {
        /// What is wrong with it.
        what: &'static str,
    },
    /// To check one password would take seconds or more than 1 GiB.
    #[error(
        "the password hash is too dear to be checked ({scheme}); have its user set a new password"
    )]
    TooDear {
        /// Its algorithm and settings.
        scheme: String,
    },
    /// The hash was made with a pepper that is not among those given.
    #[error("the password hash needs the pepper {id:?}; give it among the older ones")]
    UnknownPepper {
        /// The pepper's id.
        id: String,
    },
    /// The memory that the hash fills cannot be had.
    #[error("not enough memory for a password hash of {memory_kib} KiB; let fewer run at once")]
    OutOfMemory {
        /// How much it is, in KiB.
        memory_kib: u32,
    },
    /// The operating system gives no random bytes for a salt.
    #[error("the system gives no random bytes: {what}")]
    NoRandomness {
        /// What it said.
        what: String,
    },
}

const BAD_ARGON2: HashProblem =
    HashProblem::Unreadable { what: "it is no whole PHC string of Argon2" };
const BAD_BCRYPT: HashProblem = HashProblem::Unreadable { what: "it is no whole bcrypt hash" };

fn parse_argon2(text: &str, input: HashInput) -> Result<StoredHash, HashProblem> {
    let phc = PasswordHash::new(text).map_err(|_| BAD_ARGON2)?;
    let params = Params::try_from(&phc).map_err(|_| BAD_ARGON2)?;
    // The crate takes its defaults for what is missing and the last of what is there twice; the
    // reference takes neither. A `keyid` names a secret that is not ours.
    let names: Vec<Ident> = phc.params.iter().map(|(name, _)| name).collect();
    let names: Vec<&str> = names.iter().map(Ident::as_str).collect();
    if !matches!(names[..], ["m", "t", "p"] | ["m", "t", "p", "data"]) {
        return Err(BAD_ARGON2);
    }
    // Strings without a version are older than the second one, 1.3.
    let version = phc.version.unwrap_or(Version::V0x10.into());
    let variant = Algorithm::new(phc.algorithm).map_err(|_| BAD_ARGON2)?;
    let version = Version::try_from(version).map_err(|_| BAD_ARGON2)?;
    let scheme = Scheme::Argon2 {
        variant,
        version,
        memory_kib: params.m_cost(),
        passes: params.t_cost(),
        lanes: params.p_cost(),
    };
    Ok(StoredHash {
        text: text.to_owned(),
        scheme: scheme.checked()?,
        input,
        argon2: Some(Box::new(Argon2Hash {
            // With the associated data of the string, if it has any.
            hasher: Argon2::new(variant, version, params),
            salt: phc.salt.ok_or(BAD_ARGON2)?,
            tag: phc.hash.ok_or(BAD_ARGON2)?,
        })),
    })
}

fn parse_bcrypt(text: &str) -> Result<StoredHash, HashProblem> {
    let parts = HashParts::from_str(text).map_err(|_| BAD_BCRYPT)?;
    let cost = parts.get_cost();
    Ok(StoredHash {
        text: text.to_owned(),
        scheme: Scheme::Bcrypt { cost }.checked()?,
        // None of these is ours.
        input: HashInput::Typed,
        argon2: None,
    })
}

fn phc_params(params: &HashParams) -> Result<ParamsString, argon2::password_hash::phc::Error> {
    let mut phc = ParamsString::new();
    phc.add_decimal("m", params.memory_kib())?;
    phc.add_decimal("t", params.passes())?;
    phc.add_decimal("p", params.lanes())?;
    Ok(phc)
}

fn argon2_of(scheme: Scheme) -> Result<Argon2<'static>, HashProblem> {
    let Scheme::Argon2 { variant, version, memory_kib, passes, lanes } = scheme else {
        return Err(BAD_ARGON2);
    };
    let params = Params::new(memory_kib, passes, lanes, Some(TAG_BYTES)).map_err(|_| BAD_ARGON2)?;
    Ok(Argon2::new(variant, version, params))
}

/// The tag, in memory that is wiped afterwards as RFC 9106 section 4 recommends, and which the
/// crate's own is not.
fn argon2_into(
    hasher: &Argon2<'_>,
    input: &[u8],
    salt: &[u8],
    tag: &mut [u8],
    memory: &mut HashMemory,
) -> Result<(), HashProblem> {
    let blocks = hasher.params().block_count();
    memory
        .with(blocks, |memory| hasher.hash_password_into_with_memory(input, salt, tag, memory))
        .ok_or(HashProblem::OutOfMemory { memory_kib: hasher.params().m_cost() })?
        .map_err(|_| BAD_ARGON2)
}

/// Which hashes this thread has computed, for tests of what a log-in costs.
#[cfg(test)]
pub(super) mod ledger {
    use super::Scheme;
    use std::cell::RefCell;

    thread_local! {
        static DONE: RefCell<Vec<Scheme>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note(scheme: Scheme) {
        DONE.with_borrow_mut(|done| done.push(scheme));
    }

    /// What was done since the last call.
    pub(in crate::users) fn take() -> Vec<Scheme> {
        DONE.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{AssociatedData, ParamsBuilder};

    impl StoredHash {
        /// One that was made now, at the default cost.
        pub(in crate::users) fn of(password: &str, pepper: Option<&Pepper>) -> Self {
            let password = Password::new(password).unwrap();
            let (params, mut memory) = (HashParams::default(), HashMemory::default());
            Self::new(password.normalised().unwrap(), &params, pepper, &mut memory).unwrap()
        }
    }

    /// Whether another program's hash is of this password.
    fn is_of(text: &str, password: &str) -> bool {
        let stored = StoredHash::parse(text, HashInput::Typed).unwrap();
        stored.matches(password.as_bytes(), &mut HashMemory::default()).unwrap()
    }

    /// RFC 9106 sections 5.1 to 5.3, which have a secret and associated data.
    #[test]
    fn argon2_of_rfc_9106() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        for (variant, expected) in [
            (
                Algorithm::Argon2d,
                "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb",
            ),
            (
                Algorithm::Argon2i,
                "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
            ),
            (
                Algorithm::Argon2id,
                "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
            ),
        ] {
            let params = params.clone();
            let hasher = Argon2::new_with_secret(&[3; 8], variant, Version::V0x13, params).unwrap();
            let mut tag = [0; 32];
            argon2_into(&hasher, &[1; 32], &[2; 16], &mut tag, &mut HashMemory::default()).unwrap();
            let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{variant}");
        }
    }

    /// Of `src/test.c` in the reference implementation, phc-winner-argon2, but for the last three,
    /// which are argon2-cffi 25.1.0's.
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
            // Not in NFC: what was typed, to the byte.
            (
                "$argon2id$v=19$m=1024,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$1+oxRAa/XJxWxBcQUtXi7OrGSYyUDT1dUjQMK+Tehns",
                "e\u{301}te\u{301} rainy",
            ),
        ] {
            assert!(is_of(text, password), "{text}");
            assert!(!is_of(text, "Password"), "{text}");
        }
    }

    /// Of `wrapper.c` in Openwall's crypt_blowfish.
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
            // That version takes NUL for a byte like another.
            ("$2b$04$abcdefghijklmnopqrstuusjHI0zQHpOe3SFDK1IriYv6N79Gzr32", "a\0b"),
            (
                "$2b$07$/////////////////////uqDEzZU4ebhRs2oC.ZuufFFExG5wcqxO",
                "\u{1f3b5} late at night",
            ),
        ] {
            assert!(is_of(text, password), "{text}");
            assert!(!is_of(text, "a"), "{text}");
        }
        // In another composition these are other bytes.
        assert!(!is_of(
            "$2a$06$CCCCCCCCCCCCCCCCCCCCC.B89qfXT6X4YpdOolaDxYp9mRzEl1MJC",
            "\u{e9}t\u{e9} xxx"
        ));
    }

    fn check(stored: &StoredHash, password: &str, peppers: &Peppers) -> Result<bool, HashProblem> {
        let password = Password::new(password).unwrap();
        match stored.input_of(&password, peppers)? {
            Some(input) => stored.matches(&input, &mut HashMemory::default()),
            None => Ok(false),
        }
    }

    #[test]
    fn a_new_hash_is_of_its_password_alone() {
        let none = Peppers::default();
        let stored = StoredHash::of("caf\u{e9} in the rain", None);
        let today = stored.text().strip_prefix("$argon2id$v=19$m=19456,t=2,p=1$");
        // 16 bytes and 32 in Base64.
        let lengths: Vec<usize> = today.unwrap().split('$').map(str::len).collect();
        assert_eq!(lengths, [22, 43]);
        let stored = StoredHash::parse(stored.text(), stored.input().clone()).unwrap();
        assert_eq!(check(&stored, "cafe\u{301} in the rain", &none), Ok(true));
        for wrong in ["cafe in the rain", "caf\u{e9} in the rai", "", "\u{7}"] {
            assert_eq!(check(&stored, wrong, &none), Ok(false), "{wrong:?}");
        }
        let again = StoredHash::of("caf\u{e9} in the rain", None);
        assert_ne!(stored.text(), again.text());
    }

    #[test]
    fn a_peppered_hash_needs_its_pepper() {
        let pepper = |id, byte| Pepper::new(id, &[byte; 32]).unwrap();
        let of = |current, older| Peppers::new(current, older).unwrap();
        let stored = StoredHash::of("rainy night drive", Some(&pepper("a", 1)));
        assert_eq!(stored.input().to_string(), "pepper:a");
        let right = of(Some(pepper("b", 2)), vec![pepper("a", 1)]);
        assert_eq!(check(&stored, "rainy night drive", &right), Ok(true));
        assert_eq!(check(&stored, "rainy night drove", &right), Ok(false));
        let other_key = of(Some(pepper("a", 2)), Vec::new());
        assert_eq!(check(&stored, "rainy night drive", &other_key), Ok(false));
        let lost = check(&stored, "rainy night drive", &Peppers::default());
        assert_eq!(lost, Err(HashProblem::UnknownPepper { id: "a".into() }));
    }

    #[test]
    fn whatever_is_not_todays_is_made_anew() {
        let pepper = Pepper::new("a", &[1; 32]).unwrap();
        let other = Pepper::new("b", &[1; 32]).unwrap();
        let today = HashParams::default();
        let dearer = HashParams::new(19456, 3, 1).unwrap();
        let plain = StoredHash::of("rainy night drive", None);
        let peppered = StoredHash::of("rainy night drive", Some(&pepper));
        assert!(!plain.needs_upgrade(&today, None));
        assert!(!peppered.needs_upgrade(&today, Some(&pepper)));
        assert!(plain.needs_upgrade(&dearer, None));
        assert!(plain.needs_upgrade(&today, Some(&pepper)));
        assert!(peppered.needs_upgrade(&today, None));
        assert!(peppered.needs_upgrade(&today, Some(&other)));
        let foreign = StoredHash::parse(plain.text(), HashInput::Typed).unwrap();
        assert!(foreign.needs_upgrade(&today, None));
        let bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let bcrypt = StoredHash::parse(bcrypt, HashInput::Normalised).unwrap();
        assert_eq!(bcrypt.input(), &HashInput::Typed);
        assert!(bcrypt.needs_upgrade(&today, None));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let salt_and_tag = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        for text in [
            "",
            "password",
            "$",
            "$argon2",
            "$argon2id",
            "$argon2id$v=19$m=256,t=2,p=1",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            &format!("$argon2id$v=18$m=256,t=2,p=1{salt_and_tag}"),
            &format!("$argon2ds$v=19$m=256,t=2,p=1{salt_and_tag}"),
            &format!("$argon2id$v=19$m=256,t=0,p=1{salt_and_tag}"),
            &format!("$argon2id$v=19$m=256,m=512,t=2,p=1{salt_and_tag}"),
            // Made with a secret that the string only names.
            &format!("$argon2id$v=19$m=256,t=2,p=1,keyid=Zm9v{salt_and_tag}"),
            &format!("$argon2id$v=19$m=256,t=2,p=1{salt_and_tag}$"),
            &format!("$argon2id$v=19$m=256,t=2,p=1{salt_and_tag}\n"),
            &format!("$argon2id$v=19$m=256,t=2,p=1${}", "A".repeat(10 << 20)),
            // A tag of three bytes, which one guess in 16 million would match.
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$2a$",
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$xx$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$05$CCCCCCCCCCCCCCCCCCCC\u{e9}.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$6$rounds=5000$salt$hash",
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        ] {
            let refused = StoredHash::parse(text, HashInput::Typed).err();
            assert!(
                matches!(refused, Some(HashProblem::Unreadable { .. })),
                "{:.90}: {refused:?}",
                text
            );
        }
    }

    #[test]
    fn a_hash_that_would_take_the_machine_down_is_refused() {
        let salt_and_tag = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        for text in [
            &format!("$argon2id$v=19$m=4294967295,t=1,p=1{salt_and_tag}"),
            &format!("$argon2id$v=19$m=1048577,t=1,p=1{salt_and_tag}"),
            &format!("$argon2id$v=19$m=256,t=4294967295,p=1{salt_and_tag}"),
            "$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        ] {
            let refused = StoredHash::parse(text, HashInput::Typed).err();
            assert!(matches!(refused, Some(HashProblem::TooDear { .. })), "{text}: {refused:?}");
        }
    }

    #[test]
    fn neither_salt_nor_tag_is_shown() {
        let stored = StoredHash::of("rainy night drive", None);
        let shown = format!("{stored:?}");
        for secret in stored.text().rsplit('$').take(2) {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(!shown.contains("tag") && !shown.contains("salt"), "{shown}");
    }
}
