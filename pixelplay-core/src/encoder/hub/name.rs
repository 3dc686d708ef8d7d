//! Names from outside that become part of paths and addresses. They are checked here, once.

use sha2::Digest;

use super::error::HubError;

/// A model repository, `name` or `namespace/name`, by the rules of huggingface_hub's
/// `validate_repo_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repo(String);

impl Repo {
    pub(super) fn parse(repo: &str) -> Result<Self, HubError> {
        match problem_of(repo) {
            None => Ok(Self(repo.to_owned())),
            Some(problem) => Err(HubError::InvalidRepo { repo: repo.to_owned(), problem }),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of its folder in the cache.
    pub(super) fn folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }
}

fn problem_of(repo: &str) -> Option<&'static str> {
    let parts: Vec<&str> = repo.split('/').collect();
    if parts.len() > 2 {
        return Some("it has more than one slash");
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for part in parts {
        if !(1..=96).contains(&part.len()) {
            return Some("each part must have between 1 and 96 characters");
        }
        if !part.chars().all(|c| word(c) || c == '-' || c == '.') {
            return Some("only letters, digits, `-`, `_` and `.` are allowed");
        }
        if !part.starts_with(word) || !part.ends_with(word) {
            return Some("no part may start or end with `-` or `.`");
        }
    }
    if repo.contains("--") || repo.contains("..") {
        return Some("`--` and `..` are not allowed");
    }
    repo.ends_with(".git").then_some("it must not end with `.git`")
}

/// A branch, tag, commit or `refs/pr/NUMBER`; safe as a relative path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Revision(String);

impl Revision {
    pub(super) fn parse(revision: &str) -> Result<Self, HubError> {
        // Stricter than git: the allowed characters have no special meaning in a shell, a URL or a
        // file system.
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.+@=".contains(c);
        let part_is_safe = |part: &str| {
            !part.is_empty()
                && part.chars().all(known)
                && !part.starts_with('.')
                && !part.ends_with('.')
                && !part.contains("..")
        };
        if revision.len() <= 255 && revision.split('/').all(part_is_safe) {
            return Ok(Self(revision.to_owned()));
        }
        Err(HubError::InvalidRevision { revision: revision.to_owned() })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Formats it as one segment of a URL.
    pub(super) fn in_url(&self) -> String {
        self.0.replace('/', "%2F").replace('+', "%2B").replace('@', "%40").replace('=', "%3D")
    }

    pub(super) fn as_commit(&self) -> Option<Commit> {
        Commit::parse(&self.0)
    }
}

/// A full commit hash: 40 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit(String);

impl Commit {
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_hex(text, 40).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The hash of a file's content, which identifies it on the hub and names it in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Etag {
    /// The SHA-256 of a large file (LFS, Xet).
    Sha256(String),
    /// The SHA-1 of the git blob of a file stored in git itself. A blob starts with the length of
    /// the file.
    GitSha1(String),
}

impl Etag {
    /// Parses the header's value, including quotes and the weak prefix.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let etag = header.strip_prefix("W/").unwrap_or(header).trim_matches('"').to_owned();
        match etag.len() {
            64 if is_hex(&etag, 64) => Some(Self::Sha256(etag)),
            40 if is_hex(&etag, 40) => Some(Self::GitSha1(etag)),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitSha1(hex) => hex,
        }
    }

    /// Returns a hasher for content of `len` bytes. Compare its result with [`Self::as_str`].
    pub(super) fn hasher(&self, len: u64) -> ContentHasher {
        match self {
            Self::Sha256(_) => ContentHasher::Sha256(sha2::Sha256::new()),
            Self::GitSha1(_) => {
                let mut sha1 = sha1::Sha1::new();
                sha1.update(format!("blob {len}\0"));
                ContentHasher::GitSha1(sha1)
            }
        }
    }
}

pub(super) enum ContentHasher {
    Sha256(sha2::Sha256),
    GitSha1(sha1::Sha1),
}

impl ContentHasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitSha1(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => hex(&hasher.finalize()),
            Self::GitSha1(hasher) => hex(&hasher.finalize()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_by_the_rules_of_huggingface_hub() {
        // The examples of `validate_repo_id`, and attempts to leave the cache.
        for good in ["foo", "foo/bar", "123", "Foo-BAR_foo.bar123", "openai/clip-vit-base-patch32"]
        {
            assert!(Repo::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "datasets/foo/bar",
            ".repo_id",
            "foo--bar",
            "foo.git",
            "other..repo..id",
            "..",
            "../x",
            "a/..",
            "a\\b",
            "a b",
            "café",
            "a\0",
            "a/-b",
            "a?x=1",
            "a#b",
            "%2e%2e",
        ] {
            assert!(Repo::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Repo::parse(&"x".repeat(96)).is_ok());
        assert!(Repo::parse(&"x".repeat(97)).is_err());
        let repo = Repo::parse("julien-c/EsperBERTo-small").unwrap();
        assert_eq!(repo.folder(), "models--julien-c--EsperBERTo-small");
    }

    #[test]
    fn revisions_stay_below_the_folder_of_refs() {
        for good in ["main", "refs/pr/12", "v1.0", "feature/x_y", "1.0+cu", "@me"] {
            assert!(Revision::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/", "/etc", "a//b", "a/", ".", "..", "../x", "a/../b", "a..b", ".hidden", "C:\\x",
            "a b", "a\nb", "a?b", "a#b", "a%2fb", "a.",
        ] {
            assert!(Revision::parse(bad).is_err(), "{bad:?}");
        }
        let revision = Revision::parse("refs/pr/12").unwrap();
        assert_eq!(revision.in_url(), "refs%2Fpr%2F12");
        assert!(revision.as_commit().is_none());
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(Revision::parse(commit).unwrap().as_commit().is_some());
        for no_commit in [&commit[1..], &commit.to_uppercase(), "../../x"] {
            assert!(Commit::parse(no_commit).is_none(), "{no_commit}");
        }
    }

    #[test]
    fn etags_name_the_hash_of_the_content() {
        // `printf 'hello\n' | git hash-object --stdin`, and `sha256sum`.
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        for (header, expected) in [
            (format!("\"{git}\""), git),
            (format!("W/\"{git}\""), git),
            (format!("\"{sha256}\""), sha256),
            (sha256.to_owned(), sha256),
        ] {
            let etag = Etag::parse(&header).unwrap();
            let mut hasher = etag.hasher(6);
            hasher.update(b"hel");
            hasher.update(b"lo\n");
            assert_eq!(hasher.finish(), expected);
            assert_eq!(etag.as_str(), expected);
        }
        for bad in ["", "\"\"", "../../x", "abc", &git.to_uppercase(), "W/"] {
            assert_eq!(Etag::parse(bad), None, "{bad}");
        }
    }
}
