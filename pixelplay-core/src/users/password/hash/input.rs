//! The form in which a password is hashed.

use std::fmt;
use std::str::FromStr;

use super::problem::HashProblem;
use crate::users::password::pepper::Pepper;

/// How the password was normalized before it was hashed. It is stored in a column next to the
/// hash, since the hash does not record it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::users) enum HashInput {
    /// The bytes as typed, for a hash from another program.
    Typed,
    /// The normalised password.
    Normalised,
    /// The HMAC of the normalised password under the pepper of this id.
    Peppered { pepper: String },
}

impl HashInput {
    /// Returns the form that new hashes use.
    pub(in crate::users) fn current(pepper: Option<&Pepper>) -> Self {
        pepper.map_or(Self::Normalised, |pepper| Self::Peppered { pepper: pepper.id().to_owned() })
    }
}

impl fmt::Display for HashInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed => f.write_str("typed"),
            Self::Normalised => f.write_str("normalised"),
            Self::Peppered { pepper } => write!(f, "pepper:{pepper}"),
        }
    }
}

impl FromStr for HashInput {
    type Err = HashProblem;

    fn from_str(text: &str) -> Result<Self, HashProblem> {
        match (text, text.strip_prefix("pepper:")) {
            ("typed", _) => Ok(Self::Typed),
            ("normalised", _) => Ok(Self::Normalised),
            (_, Some(pepper)) => Ok(Self::Peppered { pepper: pepper.to_owned() }),
            _ => Err(HashProblem::Unreadable { what: "its input form is unknown" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_is_read_back() {
        for text in ["typed", "normalised", "pepper:2026-01"] {
            assert_eq!(text.parse::<HashInput>().unwrap().to_string(), text);
        }
        assert!("".parse::<HashInput>().is_err());
        assert!("pepper".parse::<HashInput>().is_err());
    }
}
