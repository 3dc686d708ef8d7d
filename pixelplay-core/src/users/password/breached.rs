//! Passwords that are known from breaches, in a file of their SHA-1 hashes.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::form::Normalised;
use super::problem::PasswordProblem;
use crate::users::error::UserError;

/// The hex digits of a SHA-1.
const HASH_CHARS: usize = 40;

/// The hex digits that name a range file; its lines hold the rest.
const RANGE_CHARS: usize = 5;

/// Passwords that are known from breaches, as Have I Been Pwned publishes them: either one file,
/// sorted by hash, with lines of `SHA1:COUNT`; or a folder of range files, each named by the first
/// five digits (`21BD1` or `21BD1.txt`) and with lines of the other 35. Its downloader
/// (`haveibeenpwned-downloader`) writes both. NTLM hashes are not supported.
///
/// Nothing is loaded, and nothing is sent: a look-up reads the file at a few dozen positions.
#[derive(Debug, Clone)]
pub struct BreachedPasswords {
    path: PathBuf,
    is_folder: bool,
}

impl BreachedPasswords {
    /// Opens a file or a folder, and checks that its first line looks as it should.
    ///
    /// # Errors
    /// [`UserError::Io`] if it cannot be read, and [`UserError::BadOptions`] if it contains
    /// anything else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, UserError> {
        let path = path.as_ref().to_owned();
        let metadata = fs::metadata(&path).map_err(|source| failed(&path, source))?;
        let breached = Self { is_folder: metadata.is_dir(), path };
        let (file, digits) = if breached.is_folder {
            let found = ["00000", "FFFFF"].map(|range| breached.range_file(range));
            let Some(file) = found.into_iter().flatten().next() else {
                return Err(breached.unreadable("it has no range file 00000 or 00000.txt"));
            };
            (file, HASH_CHARS - RANGE_CHARS)
        } else {
            (breached.path.clone(), HASH_CHARS)
        };
        let mut first = Vec::new();
        File::open(&file)
            .and_then(|file| BufReader::new(file).take_line(&mut first))
            .map_err(|source| failed(&file, source))?;
        let hash = hash_in(&first);
        if hash.len() != digits || !hash.iter().all(u8::is_ascii_hexdigit) {
            let what = format!("its first line does not begin with {digits} hex digits of a SHA-1");
            return Err(breached.unreadable(&what));
        }
        Ok(breached)
    }

    /// Refuses a password that is in the list.
    pub(in crate::users) fn refuse(&self, password: &Normalised) -> Result<(), UserError> {
        let hash = Sha1::digest(password.as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let (range, rest) = hash.split_at(RANGE_CHARS);
        let (file, wanted) = if self.is_folder {
            match self.range_file(range) {
                Some(file) => (file, rest),
                // Ranges that were not downloaded are not checked.
                None => return Ok(()),
            }
        } else {
            (self.path.clone(), hash.as_str())
        };
        match contains(&file, wanted.as_bytes()) {
            Ok(true) => Err(PasswordProblem::Breached.into()),
            Ok(false) => Ok(()),
            Err(source) => Err(failed(&file, source)),
        }
    }

    fn range_file(&self, range: &str) -> Option<PathBuf> {
        let names = [range.to_owned(), format!("{range}.txt")];
        names.iter().map(|name| self.path.join(name)).find(|path| path.is_file())
    }

    fn unreadable(&self, what: &str) -> UserError {
        let path = self.path.display();
        UserError::BadOptions {
            what: format!("{path} does not hold breached passwords sorted by SHA-1: {what}"),
        }
    }
}

fn failed(path: &Path, source: io::Error) -> UserError {
    UserError::Io { action: "read", path: path.to_owned(), source }
}

/// Returns whether a sorted file has a line with this hash: a binary search over its bytes.
fn contains(path: &Path, wanted: &[u8]) -> io::Result<bool> {
    let mut file = BufReader::with_capacity(512, File::open(path)?);
    let (mut low, mut high) = (0, file.get_ref().metadata()?.len());
    let mut line = Vec::new();
    // The wanted line begins in low..high.
    while low < high {
        let middle = low + (high - low) / 2;
        // The first line that begins at or after the middle.
        file.seek(SeekFrom::Start(middle.saturating_sub(1)))?;
        let mut begin = middle;
        if middle > 0 {
            file.take_line(&mut line)?;
            begin = middle - 1 + line.len() as u64;
        }
        file.take_line(&mut line)?;
        if begin >= high || line.is_empty() {
            high = middle;
            continue;
        }
        let hash = hash_in(&line).to_ascii_uppercase();
        match wanted.cmp(&hash[..]) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => high = middle,
            std::cmp::Ordering::Greater => low = begin + line.len() as u64,
        }
    }
    Ok(false)
}

/// Returns the part of a line before its count.
fn hash_in(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| matches!(byte, b':' | b'\r' | b'\n'));
    &line[..end.unwrap_or(line.len())]
}

trait TakeLine {
    /// Reads a line, including the line break. No valid line is longer than a hash and a count, so
    /// no more than that is read from any other file either.
    fn take_line(&mut self, line: &mut Vec<u8>) -> io::Result<()>;
}

impl TakeLine for BufReader<File> {
    fn take_line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        line.clear();
        io::Read::take(&mut *self, 128).read_until(b'\n', line).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::password::form::Password;

    fn sha1(text: &str) -> String {
        Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn is_refused(breached: &BreachedPasswords, password: &str) -> bool {
        let password = Password::new(password).unwrap();
        match breached.refuse(password.normalised().unwrap()) {
            Ok(()) => false,
            Err(UserError::Password(PasswordProblem::Breached)) => true,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn known(count: usize) -> Vec<String> {
        let mut hashes: Vec<String> =
            (0..count).map(|n| format!("{}:{}", sha1(&format!("known {n}")), n * n + 1)).collect();
        hashes.sort();
        hashes
    }

    #[test]
    fn every_line_of_a_file_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pwned.txt");
        for (count, end) in [(1, "\n"), (2, "\r\n"), (3, ""), (500, "\r\n"), (501, "\n")] {
            let separator = if end.is_empty() { "\n" } else { end };
            fs::write(&path, known(count).join(separator) + end).unwrap();
            let breached = BreachedPasswords::open(&path).unwrap();
            for n in 0..count {
                assert!(is_refused(&breached, &format!("known {n}")), "{n} of {count}");
            }
            for n in 0..500 {
                assert!(!is_refused(&breached, &format!("unknown {n}")), "{n} of {count}");
            }
        }
    }

    #[test]
    fn range_files_are_read_with_and_without_an_ending() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("00000"), format!("{}:3\n", "A".repeat(35))).unwrap();
        for (n, line) in known(40).iter().enumerate() {
            let ending = if n % 2 == 0 { ".txt" } else { "" };
            fs::write(folder.path().join(format!("{}{ending}", &line[..5])), &line[5..]).unwrap();
        }
        let breached = BreachedPasswords::open(folder.path()).unwrap();
        for n in 0..40 {
            assert!(is_refused(&breached, &format!("known {n}")), "{n}");
            assert!(!is_refused(&breached, &format!("unknown {n}")), "{n}");
        }
    }

    #[test]
    fn what_holds_no_hashes_is_refused_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pwned.txt");
        let refused = |path: &Path| BreachedPasswords::open(path).unwrap_err();
        assert!(matches!(refused(&path), UserError::Io { .. }));
        for text in ["", "password\n", "0123456789ABCDEF0123456789ABCDEF:5\n", &"x".repeat(1 << 20)]
        {
            fs::write(&path, text).unwrap();
            assert!(matches!(refused(&path), UserError::BadOptions { .. }));
        }
        assert!(matches!(refused(folder.path()), UserError::BadOptions { .. }));
    }
}
