//! Parses PBKDF2 and scrypt hashes of Django, werkzeug and passlib.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::input::HashInput;
use super::problem::{BAD_PBKDF2, BAD_SCRYPT, HashProblem};
use super::scheme::{Prf, Scheme};
use super::stored::{Check, StoredHash};

/// Django writes padding, passlib does not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Fewer bytes could be matched by chance.
const MIN_TAG_BYTES: usize = 16;
/// The longest that these programs write.
const MAX_TAG_BYTES: usize = 64;

/// | program | form |
/// |---|---|
/// | Django | `pbkdf2_sha256$ROUNDS$SALT$BASE64` |
/// | werkzeug | `pbkdf2:sha256:ROUNDS$SALT$HEX` |
/// | passlib | `$pbkdf2-sha256$ROUNDS$BASE64$BASE64`, with `.` for `+`; `$pbkdf2$` is SHA-1 |
pub(super) fn parse_pbkdf2(text: &str) -> Result<StoredHash, HashProblem> {
    let parts: Vec<&str> = text.split('$').collect();
    let (prf, rounds, salt, tag) = match parts[..] {
        ["", "pbkdf2", rounds, salt, tag] => ("sha1", rounds, of_passlib(salt), of_passlib(tag)),
        ["", name, rounds, salt, tag] => {
            (name.strip_prefix("pbkdf2-").unwrap_or(""), rounds, of_passlib(salt), of_passlib(tag))
        }
        [name, rounds, salt, tag] => {
            (name.strip_prefix("pbkdf2_").unwrap_or(""), rounds, of_text(salt), of_base64(tag))
        }
        [method, salt, tag] => match method.split(':').collect::<Vec<_>>()[..] {
            ["pbkdf2", prf, rounds] => (prf, rounds, of_text(salt), of_hex(tag)),
            _ => return Err(BAD_PBKDF2),
        },
        _ => return Err(BAD_PBKDF2),
    };
    let prf = Prf::named(prf).ok_or(BAD_PBKDF2)?;
    let scheme = Scheme::Pbkdf2 { prf, rounds: number(rounds).ok_or(BAD_PBKDF2)? };
    derived(scheme, salt, tag, prf.bytes()).ok_or(BAD_PBKDF2)?
}

/// | program | form |
/// |---|---|
/// | Django | `scrypt$N$SALT$R$P$BASE64` |
/// | werkzeug | `scrypt:N:R:P$SALT$HEX` |
/// | passlib | `$scrypt$ln=LOG_N,r=R,p=P$BASE64$BASE64` |
pub(super) fn parse_scrypt(text: &str) -> Result<StoredHash, HashProblem> {
    let parts: Vec<&str> = text.split('$').collect();
    let (log_n, r, p, salt, tag) = match parts[..] {
        ["", "scrypt", params, salt, tag] => {
            let (log_n, r, p) = match params.split(',').collect::<Vec<_>>()[..] {
                [log_n, r, p] => {
                    (log_n.strip_prefix("ln="), r.strip_prefix("r="), p.strip_prefix("p="))
                }
                _ => return Err(BAD_SCRYPT),
            };
            let [log_n, r, p] = [log_n, r, p].map(|number_of| number_of.and_then(number));
            (log_n, r, p, of_base64(salt), of_base64(tag))
        }
        ["scrypt", n, salt, r, p, tag] => {
            (log_of(n), number(r), number(p), of_text(salt), of_base64(tag))
        }
        [method, salt, tag] => match method.split(':').collect::<Vec<_>>()[..] {
            ["scrypt", n, r, p] => (log_of(n), number(r), number(p), of_text(salt), of_hex(tag)),
            _ => return Err(BAD_SCRYPT),
        },
        _ => return Err(BAD_SCRYPT),
    };
    let (Some(log_n), Some(r), Some(p)) = (log_n, r, p) else {
        return Err(BAD_SCRYPT);
    };
    derived(Scheme::Scrypt { log_n, r, p }, salt, tag, MAX_TAG_BYTES).ok_or(BAD_SCRYPT)?
}

/// Returns the hash, if salt and tag could be decoded and the tag has a sensible length.
fn derived(
    scheme: Scheme,
    salt: Option<Vec<u8>>,
    tag: Option<Vec<u8>>,
    max_tag_bytes: usize,
) -> Option<Result<StoredHash, HashProblem>> {
    let (salt, tag) = (salt?, tag?);
    (MIN_TAG_BYTES..=max_tag_bytes).contains(&tag.len()).then(|| {
        Ok(StoredHash {
            text: String::new(),
            scheme: scheme.checked()?,
            input: HashInput::Typed,
            check: Check::Derived { salt, tag },
        })
    })
}

/// A number without sign or leading zeros.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn log_of(n: &str) -> Option<u32> {
    let n = number(n)?;
    n.is_power_of_two().then(|| n.trailing_zeros())
}

fn of_text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn of_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

fn of_passlib(text: &str) -> Option<Vec<u8>> {
    of_base64(&text.replace('.', "+"))
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
