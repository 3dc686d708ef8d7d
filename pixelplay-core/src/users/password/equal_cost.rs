//! Checks a password at a cost that does not depend on the account.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::form::Password;
use super::hash::{HashMemory, HashParams, HashProblem, Scheme, StoredHash, dummy_hash};
use super::pepper::Peppers;

/// Returns whether the password matches this stored hash; `stored` is `None` for a name without an
/// account.
///
/// A failed log-in costs the same whether or not the user exists, and however old the hash is.
/// Otherwise its timing would reveal which names exist (as it did in Django, CVE-2016-2513, once
/// the default cost was higher than the cost of old hashes). The cost is that of all
/// `stored_schemes`, the schemes of all users, together with the current one:
///
/// * Argon2: each setting runs once, the user's own for real and the others over a dummy salt. The
///   cost of one setting cannot be made up of others, because they also differ in memory.
/// * scrypt: likewise.
/// * bcrypt: as much as the most expensive hash, of cost C. A hash of cost c is followed by dummies
///   of c, c + 1, ... C - 1, for 2^c + 2^c + 2^(c+1) + ... + 2^(C-1) = 2^C.
/// * PBKDF2: for each hash function, as many rounds as the most expensive hash. A hash with fewer
///   rounds is followed by a dummy with the remaining rounds.
///
/// The hashes run one after the other, so the memory needed is that of the largest. The remaining
/// difference is a few microseconds: the HMAC of a pepper, the set-up of each dummy, and the
/// SHA-256 under Django's bcrypt.
///
/// # Errors
///
/// If the hash needs a pepper that was not given (after the same work), or memory cannot be
/// allocated. Neither error says anything about the password; both are for the operator, not for
/// the user who logs in.
pub(in crate::users) fn verify_at_equal_cost(
    stored: Option<&StoredHash>,
    password: &Password<'_>,
    peppers: &Peppers,
    stored_schemes: &[Scheme],
    current: &HashParams,
    memory: &mut HashMemory,
) -> Result<bool, HashProblem> {
    let input = match stored {
        Some(stored) => stored.input_of(password, peppers),
        None => Ok(None),
    };
    // If there is nothing to compare with, the same work is done on the typed password, and its
    // result is ignored.
    let (input, can_be_right) = match input {
        Ok(Some(input)) => (input, Ok(true)),
        Ok(None) => (as_typed(password), Ok(false)),
        Err(problem) => (as_typed(password), Err(problem)),
    };
    let mut matches = false;
    for step in plan(stored, stored_schemes, current) {
        match step {
            Step::Compare(stored) => matches = stored.matches(&input, memory)?,
            Step::Dummy(scheme) => dummy_hash(&input, scheme, memory)?,
        }
    }
    Ok(can_be_right? & matches)
}

fn as_typed(password: &Password<'_>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(password.typed().to_vec())
}

enum Step<'a> {
    Compare(&'a StoredHash),
    Dummy(Scheme),
}

fn plan<'a>(
    stored: Option<&'a StoredHash>,
    stored_schemes: &[Scheme],
    current: &HashParams,
) -> Vec<Step<'a>> {
    let own = stored.map(StoredHash::scheme);
    let schemes: BTreeSet<Scheme> =
        stored_schemes.iter().copied().chain(own).chain([current.scheme()]).collect();
    let mut steps = Vec::new();
    let mut dearest_bcrypt = None;
    let mut most_rounds = BTreeMap::new();
    for scheme in schemes {
        match (scheme, stored) {
            // In order of cost: the last is the most expensive.
            (Scheme::Bcrypt { cost }, _) => dearest_bcrypt = Some(cost),
            (Scheme::Pbkdf2 { prf, rounds }, _) => drop(most_rounds.insert(prf, rounds)),
            (_, Some(stored)) if own == Some(scheme) => steps.push(Step::Compare(stored)),
            _ => steps.push(Step::Dummy(scheme)),
        }
    }
    if let Some(dearest) = dearest_bcrypt {
        match (own, stored) {
            (Some(Scheme::Bcrypt { cost }), Some(stored)) => {
                steps.push(Step::Compare(stored));
                steps.extend((cost..dearest).map(|cost| Step::Dummy(Scheme::Bcrypt { cost })));
            }
            _ => steps.push(Step::Dummy(Scheme::Bcrypt { cost: dearest })),
        }
    }
    for (prf, most) in most_rounds {
        let mut left = most;
        if let (Some(Scheme::Pbkdf2 { prf: own, rounds }), Some(stored)) = (own, stored)
            && own == prf
        {
            steps.push(Step::Compare(stored));
            left -= rounds;
        }
        if left > 0 {
            steps.push(Step::Dummy(Scheme::Pbkdf2 { prf, rounds: left }));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::password::hash::{HashInput, Prf, ledger};
    use crate::users::password::pepper::Pepper;

    /// Returns each hash of Argon2 and scrypt, and the total rounds of bcrypt and of PBKDF2.
    fn cost(done: &[Scheme]) -> (Vec<Scheme>, u64, BTreeMap<Prf, u64>) {
        let mut whole = Vec::new();
        let mut bcrypt = 0;
        let mut pbkdf2 = BTreeMap::new();
        for &scheme in done {
            match scheme {
                Scheme::Argon2 { .. } | Scheme::Scrypt { .. } => whole.push(scheme),
                Scheme::Bcrypt { cost } => bcrypt += 1 << cost,
                Scheme::Pbkdf2 { prf, rounds } => {
                    *pbkdf2.entry(prf).or_default() += u64::from(rounds);
                }
            }
        }
        whole.sort();
        (whole, bcrypt, pbkdf2)
    }

    /// The password that Django 5.2, werkzeug 3.1 and passlib 1.7 hashed.
    const FRENCH: &str = "caf\u{e9} und Fru\u{308}chte \u{1f3b5}";

    /// `password` under Argon2 of two kinds (phc-winner-argon2's `src/test.c`), `U*U` under bcrypt
    /// (crypt_blowfish's `wrapper.c`), and `a\0b` under another cost of it (Python's bcrypt 4.3.0);
    /// and hashes of Django, werkzeug and passlib.
    const STORED: [(&str, &str); 8] = [
        (
            "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
            "password",
        ),
        (
            "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            "password",
        ),
        ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
        ("$2b$04$abcdefghijklmnopqrstuusjHI0zQHpOe3SFDK1IriYv6N79Gzr32", "a\0b"),
        ("bcrypt_sha256$$2b$04$.alcDQd5nfc4FPe4dpKN0eDaN0sOR6G6jw2mjkp.5t/y4uYKk5Jf2", FRENCH),
        (
            "pbkdf2:sha256:1200$34UrySzoPjrqlVMd$b8cc152494330206dad2b73e5dc7c96effb5625e748bc2a60a7d03cc4248487a",
            FRENCH,
        ),
        ("pbkdf2_sha1$700$JxGlTfAW6MjGvSoVCC79I5$x0A0i7wdhHrvrI4ttvpG1SLKLUg=", FRENCH),
        (
            "$scrypt$ln=10,r=8,p=1$dU6pdY6xVirlnFNqjdG6Fw$45fO0K8tbp1fSi7XXVSR0dIHEVnYm8jBY2Nb6kK5zJE",
            FRENCH,
        ),
    ];

    #[test]
    fn every_log_in_that_fails_does_the_same_work() {
        let pepper = Pepper::new("a", &[1; 32]).unwrap();
        let peppers = Peppers::new(Some(pepper.clone()), Vec::new()).unwrap();
        let lost = Pepper::new("lost", &[2; 32]).unwrap();
        let mut users: Vec<(StoredHash, &str)> = STORED
            .iter()
            .map(|&(text, password)| {
                let stored = StoredHash::parse(text, HashInput::Typed).unwrap();
                (stored, password)
            })
            .collect();
        users.push((StoredHash::of("rainy night drive", None), "rainy night drive"));
        users.push((StoredHash::of("rainy night drive", Some(&pepper)), "rainy night drive"));
        let unusable = StoredHash::of("rainy night drive", Some(&lost));

        // A scheme that no user has any more, and the most expensive one of bcrypt.
        let mut schemes: Vec<Scheme> = users.iter().map(|(stored, _)| stored.scheme()).collect();
        schemes.push(Scheme::Bcrypt { cost: 7 });
        schemes.push(Scheme::Pbkdf2 { prf: Prf::Sha256, rounds: 1500 });
        let current = HashParams::new(7168, 5, 1).unwrap();
        let log_in = |stored: Option<&StoredHash>, password: &str| {
            ledger::take();
            let password = Password::new(password).unwrap();
            let right = verify_at_equal_cost(
                stored,
                &password,
                &peppers,
                &schemes,
                &current,
                &mut HashMemory::default(),
            );
            (right, cost(&ledger::take()))
        };

        let (nobody, expected) = log_in(None, "rainy night drove");
        assert_eq!(nobody, Ok(false));
        // Two foreign settings of Argon2, ours, the current one, and one of scrypt.
        assert_eq!((expected.0.len(), expected.1), (5, 1 << 7));
        assert_eq!(expected.2, BTreeMap::from([(Prf::Sha1, 700), (Prf::Sha256, 1500)]));
        for (stored, password) in &users {
            for wrong in ["rainy night drove", "", "\u{7}", &"x".repeat(1024)] {
                let (right, done) = log_in(Some(stored), wrong);
                assert_eq!(right, Ok(false), "{stored:?} {wrong:?}");
                assert_eq!(done, expected, "{stored:?} {wrong:?}");
            }
            let (right, done) = log_in(Some(stored), password);
            assert_eq!(right, Ok(true), "{stored:?}");
            assert_eq!(done, expected, "{stored:?}");
        }
        let (right, done) = log_in(Some(&unusable), "rainy night drive");
        let problem = HashProblem::UnknownPepper { id: "lost".into() };
        assert_eq!(right, Err(problem));
        assert_eq!(done, expected);
    }

    #[test]
    fn without_bcrypt_there_is_none() {
        let current = HashParams::default();
        let password = Password::new("rainy night drive").unwrap();
        ledger::take();
        let nobody = verify_at_equal_cost(
            None,
            &password,
            &Peppers::default(),
            &[],
            &current,
            &mut HashMemory::default(),
        );
        assert_eq!(nobody, Ok(false));
        assert_eq!(ledger::take(), [current.scheme()]);
    }

    /// A password that only matches the work done in place of a comparison is wrong.
    #[test]
    fn what_has_no_normal_form_is_right_for_foreign_hashes_alone() {
        let stored = |input| StoredHash::parse(STORED[3].0, input).unwrap();
        let password = Password::new("a\0b").unwrap();
        assert!(password.normalised().is_none());
        let current = HashParams::default();
        let none = Peppers::default();
        let check = |stored: &StoredHash| {
            verify_at_equal_cost(
                Some(stored),
                &password,
                &none,
                &[],
                &current,
                &mut HashMemory::default(),
            )
        };
        assert_eq!(check(&stored(HashInput::Typed)), Ok(true));

        // The same bytes under Argon2, declared as normalised, which they cannot have been.
        let phc = of_bytes(b"a\0b");
        let foreign = StoredHash::parse(&phc, HashInput::Typed).unwrap();
        let own = StoredHash::parse(&phc, HashInput::Normalised).unwrap();
        assert_eq!(check(&foreign), Ok(true));
        assert_eq!(check(&own), Ok(false));
    }

    fn of_bytes(bytes: &[u8]) -> String {
        use argon2::{Argon2, Params, PasswordHasher};
        let params = Params::new(256, 1, 1, None).unwrap();
        let hash = Argon2::from(params).hash_password_with_salt(bytes, b"somesalt");
        hash.unwrap().to_string()
    }
}
