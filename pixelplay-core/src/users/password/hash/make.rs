//! Makes new hashes with the current settings.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Version};

use super::input::HashInput;
use super::memory::HashMemory;
use super::params::HashParams;
use super::problem::HashProblem;
use super::stored::StoredHash;
use super::tag::{SALT_BYTES, TAG_BYTES, argon2_into, argon2_of};
use crate::users::password::form::Normalised;
use crate::users::password::pepper::Pepper;

impl StoredHash {
    /// Makes a new hash with the current settings.
    pub(in crate::users) fn new(
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
            reason = "three numbers and two buffers of sizes that are valid in PHC strings"
        )]
        let text = phc().expect("a PHC string").to_string();
        Self::parse(&text, HashInput::current(pepper))
    }
}

fn phc_params(params: &HashParams) -> Result<ParamsString, argon2::password_hash::phc::Error> {
    let mut phc = ParamsString::new();
    phc.add_decimal("m", params.memory_kib())?;
    phc.add_decimal("t", params.passes())?;
    phc.add_decimal("p", params.lanes())?;
    Ok(phc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::password::form::Password;
    use crate::users::password::pepper::Peppers;

    impl StoredHash {
        /// Makes a hash at the default cost.
        pub(in crate::users) fn of(password: &str, pepper: Option<&Pepper>) -> Self {
            let password = Password::new(password).unwrap();
            let (params, mut memory) = (HashParams::default(), HashMemory::default());
            Self::new(password.normalised().unwrap(), &params, pepper, &mut memory).unwrap()
        }
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
        let fields = stored.text().strip_prefix("$argon2id$v=19$m=19456,t=2,p=1$");
        // 16 bytes and 32 in Base64.
        let lengths: Vec<usize> = fields.unwrap().split('$').map(str::len).collect();
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
    fn whatever_is_not_current_is_made_anew() {
        let pepper = Pepper::new("a", &[1; 32]).unwrap();
        let other = Pepper::new("b", &[1; 32]).unwrap();
        let current = HashParams::default();
        let dearer = HashParams::new(19456, 3, 1).unwrap();
        let plain = StoredHash::of("rainy night drive", None);
        let peppered = StoredHash::of("rainy night drive", Some(&pepper));
        assert!(!plain.needs_upgrade(&current, None));
        assert!(!peppered.needs_upgrade(&current, Some(&pepper)));
        assert!(plain.needs_upgrade(&dearer, None));
        assert!(plain.needs_upgrade(&current, Some(&pepper)));
        assert!(peppered.needs_upgrade(&current, None));
        assert!(peppered.needs_upgrade(&current, Some(&other)));
        let foreign = StoredHash::parse(plain.text(), HashInput::Typed).unwrap();
        assert!(foreign.needs_upgrade(&current, None));
        let bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let bcrypt = StoredHash::parse(bcrypt, HashInput::Normalised).unwrap();
        assert_eq!(bcrypt.input(), &HashInput::Typed);
        assert!(bcrypt.needs_upgrade(&current, None));
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
