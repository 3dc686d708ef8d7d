//! Parses stored hashes: ours, and those from other programs.

use std::str::FromStr;

use argon2::password_hash::phc::{Ident, PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use bcrypt::HashParts;

use super::foreign::{parse_pbkdf2, parse_scrypt};
use super::input::HashInput;
use super::problem::{BAD_ARGON2, BAD_BCRYPT, HashProblem};
use super::scheme::Scheme;
use super::stored::{Argon2Hash, Check, StoredHash};

/// Longer than any hash of these kinds, whose fields are each bounded.
const MAX_HASH_BYTES: usize = 512;

impl StoredHash {
    /// Parses a hash made by us or by another program. Rejects it if checking a password against it
    /// would bring the machine down.
    pub(in crate::users) fn parse(text: &str, input: HashInput) -> Result<Self, HashProblem> {
        if text.len() > MAX_HASH_BYTES {
            return Err(HashProblem::Unreadable { what: "it is longer than any known hash" });
        }
        if text.starts_with("$argon2") {
            return parse_argon2(text, input);
        }
        let name = text.strip_prefix('$').unwrap_or(text);
        let foreign = if let Some(phc) = text.strip_prefix("argon2$") {
            // Django puts the name of the algorithm before the PHC string, without its `$`.
            parse_argon2(&format!("${phc}"), HashInput::Typed)
        } else if let Some(bcrypt) = text.strip_prefix("bcrypt_sha256$") {
            parse_bcrypt(bcrypt, true)
        } else if let Some(bcrypt) = text.strip_prefix("bcrypt$") {
            parse_bcrypt(bcrypt, false)
        } else if name.starts_with('2') {
            parse_bcrypt(text, false)
        } else if name.starts_with("pbkdf2") {
            parse_pbkdf2(text)
        } else if name.starts_with("scrypt") {
            parse_scrypt(text)
        } else {
            Err(HashProblem::Unreadable {
                what: "it is not a hash of Argon2, bcrypt, PBKDF2 or scrypt in a known form",
            })
        };
        foreign.map(|hash| StoredHash { text: text.to_owned(), ..hash })
    }
}

fn parse_argon2(text: &str, input: HashInput) -> Result<StoredHash, HashProblem> {
    let phc = PasswordHash::new(text).map_err(|_| BAD_ARGON2)?;
    let params = Params::try_from(&phc).map_err(|_| BAD_ARGON2)?;
    // The crate uses defaults for missing parameters and the last of repeated ones; the reference
    // implementation accepts neither. A `keyid` names a secret that we do not have.
    let names: Vec<Ident> = phc.params.iter().map(|(name, _)| name).collect();
    let names: Vec<&str> = names.iter().map(Ident::as_str).collect();
    if !matches!(names[..], ["m", "t", "p"] | ["m", "t", "p", "data"]) {
        return Err(BAD_ARGON2);
    }
    // Strings without a version predate version 1.3.
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
        check: Check::Argon2(Box::new(Argon2Hash {
            // Includes the associated data of the string, if any.
            hasher: Argon2::new(variant, version, params),
            salt: phc.salt.ok_or(BAD_ARGON2)?,
            tag: phc.hash.ok_or(BAD_ARGON2)?,
        })),
    })
}

fn parse_bcrypt(text: &str, of_sha256: bool) -> Result<StoredHash, HashProblem> {
    if !["$2a$", "$2b$", "$2y$"].iter().any(|&v| text.starts_with(v)) {
        return Err(BAD_BCRYPT);
    }
    let parts = HashParts::from_str(text).map_err(|_| BAD_BCRYPT)?;
    let cost = parts.get_cost();
    Ok(StoredHash {
        text: text.to_owned(),
        scheme: Scheme::Bcrypt { cost }.checked()?,
        // We do not make such hashes ourselves.
        input: HashInput::Typed,
        check: Check::Bcrypt { hash: text.to_owned(), of_sha256 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            // A tag of three bytes, which one in 16 million guesses would match.
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA",
            "$2a$",
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$xx$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2a$05$CCCCCCCCCCCCCCCCCCCC\u{e9}.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
            "$6$rounds=5000$salt$hash",
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "!",
            "argon2",
            "argon2$",
            "bcrypt",
            "bcrypt$",
            "bcrypt_sha256$",
            "bcrypt_sha256$2b$04$.alcDQd5nfc4FPe4dpKN0eDaN0sOR6G6jw2mjkp.5t/y4uYKk5Jf2",
            "pbkdf2",
            "scrypt",
            "pbkdf2_sha256$1200$salt$",
            "pbkdf2_sha256$1200$salt$AAAA",
            "pbkdf2_sha256$01200$salt$rZvNQ6PRru2pF7xrZcePo6l3mOThxYUpIYFTaZO6RjU=",
            "pbkdf2_sha256$+1200$salt$rZvNQ6PRru2pF7xrZcePo6l3mOThxYUpIYFTaZO6RjU=",
            "pbkdf2_md5$1200$salt$rZvNQ6PRru2pF7xrZcePo6l3mOThxYUpIYFTaZO6RjU=",
            "pbkdf2:sha256:1200$salt$b8cc152494330206dad2b73e5dc7c96effb5625e748bc2a60a7d03cc424848\u{e9}",
            "pbkdf2:sha256$salt$b8cc152494330206dad2b73e5dc7c96effb5625e748bc2a60a7d03cc4248487a",
            // Longer than one block of SHA-256, which would take twice the work.
            "pbkdf2:sha256:1200$s$b8cc152494330206dad2b73e5dc7c96effb5625e748bc2a60a7d03cc4248487a00",
            "$pbkdf2-sha256$1200$FgIAQAghxFgLAaA0Zkyp9Q$NyGSUt",
            "scrypt:1023:8:1$salt$caa739cf993f40d87d3ae7f1eb32f547",
            "scrypt:1024:8$salt$caa739cf993f40d87d3ae7f1eb32f547",
            "$scrypt$ln=10,r=8$dU6pdY6xVirlnFNqjdG6Fw$45fO0K8tbp1fSi7XXVSR0dIHEVnYm8jBY2Nb6kK5zJE",
            "$scrypt$ln=0,r=8,p=1$dU6pdY6xVirlnFNqjdG6Fw$45fO0K8tbp1fSi7XXVSR0dIHEVnYm8jBY2Nb6kK5zJE",
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
            "bcrypt_sha256$$2b$15$.alcDQd5nfc4FPe4dpKN0eDaN0sOR6G6jw2mjkp.5t/y4uYKk5Jf2",
            "pbkdf2_sha256$3000001$salt$rZvNQ6PRru2pF7xrZcePo6l3mOThxYUpIYFTaZO6RjU=",
            "pbkdf2_sha256$4294967295$salt$rZvNQ6PRru2pF7xrZcePo6l3mOThxYUpIYFTaZO6RjU=",
            "scrypt:1048576:8:1$salt$caa739cf993f40d87d3ae7f1eb32f547",
            "scrypt:2147483648:8:1$salt$caa739cf993f40d87d3ae7f1eb32f547",
            "$scrypt$ln=14,r=8,p=64$dU6pdY6xVirlnFNqjdG6Fw$45fO0K8tbp1fSi7XXVSR0dIHEVnYm8jBY2Nb6kK5zJE",
        ] {
            let refused = StoredHash::parse(text, HashInput::Typed).err();
            assert!(matches!(refused, Some(HashProblem::TooDear { .. })), "{text}: {refused:?}");
        }
    }
}
