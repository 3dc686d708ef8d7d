//! The cost of a password hash, whichever program made it.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Params, Version};

use super::problem::HashProblem;

/// The maximum memory of one hash: 1 GiB.
pub(super) const MAX_MEMORY_KIB: u32 = 1 << 20;
pub(super) const MAX_PASSES: u32 = 64;
pub(super) const MAX_LANES: u32 = 16;
/// The maximum of memory times passes, which determines the time of a hash: 1 GiB takes one or two
/// seconds.
pub(super) const MAX_KIB_PASSES: u64 = 1 << 20;

const MIN_BCRYPT_COST: u32 = 4;
/// 16,384 rounds, about a second. A more expensive hash would slow down every log-in, since each
/// costs as much as the most expensive one.
const MAX_BCRYPT_COST: u32 = 14;
/// About a second; Django 6 uses 1.2 million.
const MAX_PBKDF2_ROUNDS: u32 = 3_000_000;
/// scrypt takes 128 N r bytes, and time for N r p blocks: 64 MiB and a quarter of a second are
/// usual, and these limits are four times as high.
const MAX_SCRYPT_MEMORY: u128 = 256 << 20;
const MAX_SCRYPT_BLOCKS: u128 = 1 << 22;

/// An algorithm and the settings that determine its time and memory.
///
/// Its text (`argon2id:19:19456:2:1` for version, KiB, passes and lanes; `bcrypt:12`;
/// `pbkdf2-sha256:600000`; `scrypt:15:8:1`) is stored in a column next to the hash, so that the
/// database can list the schemes in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::users) enum Scheme {
    Argon2 { variant: Algorithm, version: Version, memory_kib: u32, passes: u32, lanes: u32 },
    Bcrypt { cost: u32 },
    Pbkdf2 { prf: Prf, rounds: u32 },
    Scrypt { log_n: u32, r: u32, p: u32 },
}

/// The hash function under PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::users) enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

impl Prf {
    pub(super) const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of its output. A longer tag of PBKDF2 would take twice the work.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prf| prf.name() == name)
    }
}

impl Scheme {
    /// Rejects settings that would bring the machine down, wherever they come from: a row of the
    /// database is also external input.
    pub(super) fn checked(self) -> Result<Self, HashProblem> {
        let affordable = match self {
            Self::Argon2 { memory_kib, passes, lanes, .. } => {
                if Params::new(memory_kib, passes, lanes, None).is_err() {
                    return Err(HashProblem::Unreadable {
                        what: "its Argon2 parameters are invalid",
                    });
                }
                memory_kib <= MAX_MEMORY_KIB
                    && passes <= MAX_PASSES
                    && lanes <= MAX_LANES
                    && u64::from(memory_kib) * u64::from(passes) <= MAX_KIB_PASSES
            }
            Self::Bcrypt { cost } => {
                if cost < MIN_BCRYPT_COST {
                    return Err(HashProblem::Unreadable { what: "its bcrypt cost is invalid" });
                }
                cost <= MAX_BCRYPT_COST
            }
            Self::Pbkdf2 { rounds, .. } => {
                if rounds == 0 {
                    return Err(HashProblem::Unreadable { what: "its PBKDF2 rounds are invalid" });
                }
                rounds <= MAX_PBKDF2_ROUNDS
            }
            Self::Scrypt { log_n, r, p } => {
                if !(1..64).contains(&log_n) || r == 0 || p == 0 {
                    return Err(HashProblem::Unreadable {
                        what: "its scrypt parameters are invalid",
                    });
                }
                // The crate computes with them before it checks them.
                let memory = (1_u128 << log_n) * 128 * u128::from(r);
                memory <= MAX_SCRYPT_MEMORY && memory / 128 * u128::from(p) <= MAX_SCRYPT_BLOCKS
            }
        };
        if affordable { Ok(self) } else { Err(HashProblem::TooDear { scheme: self.to_string() }) }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2 { variant, version, memory_kib, passes, lanes } => {
                let version = u32::from(*version);
                write!(f, "{variant}:{version}:{memory_kib}:{passes}:{lanes}")
            }
            Self::Bcrypt { cost } => write!(f, "bcrypt:{cost}"),
            Self::Pbkdf2 { prf, rounds } => write!(f, "pbkdf2-{}:{rounds}", prf.name()),
            Self::Scrypt { log_n, r, p } => write!(f, "scrypt:{log_n}:{r}:{p}"),
        }
    }
}

impl FromStr for Scheme {
    type Err = HashProblem;

    fn from_str(text: &str) -> Result<Self, HashProblem> {
        let unreadable = HashProblem::Unreadable { what: "its scheme is unknown" };
        let mut fields = text.split(':');
        let name = fields.next().unwrap_or_default();
        let numbers: Option<Vec<u32>> = fields.map(|field| field.parse().ok()).collect();
        let scheme = match (name, numbers.as_deref()) {
            ("bcrypt", Some(&[cost])) => Self::Bcrypt { cost },
            ("scrypt", Some(&[log_n, r, p])) => Self::Scrypt { log_n, r, p },
            (name, Some(&[rounds])) => {
                let prf = name.strip_prefix("pbkdf2-").and_then(Prf::named).ok_or(unreadable)?;
                Self::Pbkdf2 { prf, rounds }
            }
            (variant, Some(&[version, memory_kib, passes, lanes])) => {
                let (Ok(variant), Ok(version)) =
                    (Algorithm::new(variant), Version::try_from(version))
                else {
                    return Err(unreadable);
                };
                Self::Argon2 { variant, version, memory_kib, passes, lanes }
            }
            _ => return Err(unreadable),
        };
        scheme.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn its_text_is_read_back() {
        for text in [
            "argon2id:19:19456:2:1",
            "argon2i:16:256:2:2",
            "argon2d:19:1048576:1:16",
            "argon2id:19:16384:64:1",
            "bcrypt:4",
            "bcrypt:14",
            "pbkdf2-sha256:600000",
            "pbkdf2-sha1:1",
            "pbkdf2-sha512:3000000",
            "scrypt:15:8:1",
            "scrypt:17:8:1",
        ] {
            assert_eq!(text.parse::<Scheme>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_too_dear_is_refused() {
        for text in [
            "argon2id:19:1048577:1:1",
            "argon2id:19:1048576:2:1",
            "argon2id:19:19456:65:1",
            "argon2id:19:19456:2:17",
            "argon2id:19:4294967295:4294967295:16777215",
            "bcrypt:15",
            "bcrypt:17",
            "bcrypt:31",
            "bcrypt:4294967295",
            "pbkdf2-sha256:3000001",
            "scrypt:19:8:1",
            "scrypt:15:8:17",
            "scrypt:22:8:1",
        ] {
            let refused = text.parse::<Scheme>();
            assert!(
                matches!(&refused, Err(HashProblem::TooDear { scheme }) if scheme == text),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_no_scheme_is_refused() {
        for text in [
            "",
            "bcrypt",
            "bcrypt:",
            "bcrypt:3",
            "bcrypt:-1",
            "bcrypt:12:1",
            "argon2id",
            "argon2id:19:19456:2",
            "argon2id:19:19456:2:1:1",
            "argon2id:18:19456:2:1",
            "argon2id:19:7:2:1",
            "argon2id:19:64:2:9",
            "argon2id:19:19456:0:1",
            "argon2id:19:19456:2:0",
            "argon2ds:19:19456:2:1",
            "scrypt:15:8:1:1",
            "scrypt:0:8:1",
            "scrypt:64:8:1",
            "scrypt:15:0:1",
            "scrypt:15:8:0",
            "pbkdf2-sha256:0",
            "pbkdf2-md5:1000",
            "pbkdf2:1000",
            "sha256:1000",
            "none",
            "argon2id:19:99999999999:2:1",
        ] {
            let refused = text.parse::<Scheme>();
            assert!(matches!(refused, Err(HashProblem::Unreadable { .. })), "{text}: {refused:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_scheme_or_none(text in "[a-z0-9:]{0,40}|(argon2(i|d|id):1[69]|bcrypt|scrypt|pbkdf2-sha(1|256|512))(:[0-9]{1,10}){0,4}") {
            if let Ok(scheme) = text.parse::<Scheme>() {
                prop_assert_eq!(scheme.to_string().parse::<Scheme>().ok(), Some(scheme));
            }
        }
    }
}
