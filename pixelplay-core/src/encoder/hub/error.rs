//! The reason why a checkpoint cannot be obtained from the hub.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cause::Cause;

/// The reason why a checkpoint cannot be obtained from the hub.
///
/// No message contains the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The name is not a valid repository name.
    #[error(
        "{repo:?} is not a valid repository name: {problem}; use a name like `openai/clip-vit-base-patch32`"
    )]
    InvalidRepo {
        /// The name given.
        repo: String,
        /// The problem.
        problem: &'static str,
    },
    /// The name is not a valid branch, tag or commit.
    #[error("{revision:?} is not a revision; use a branch, a tag, a commit or `refs/pr/NUMBER`")]
    InvalidRevision {
        /// The name given.
        revision: String,
    },
    /// An option or environment variable cannot be used. Its value is not shown, since it may be
    /// secret.
    #[error("{name} cannot be used: {problem}")]
    InvalidSetting {
        /// The option or variable.
        name: &'static str,
        /// The problem.
        problem: String,
    },
    /// The hub refuses access, and does not say whether the repository exists.
    #[error(
        "the hub refuses access to {repo} ({status}): the name is wrong, or it is private or gated; \
         check the name, ask for access on {page}, and {}",
        if *had_token { "use a token that has access: the one sent was not accepted" }
        else { "set HF_TOKEN to a token that has access" }
    )]
    Refused {
        /// The repository.
        repo: String,
        /// The page of the repository, where access can be requested.
        page: String,
        /// The HTTP status: 401 or 403.
        status: u16,
        /// Whether a token was sent.
        had_token: bool,
    },
    /// The repository does not exist.
    #[error(
        "the hub has no repository {repo}; check the name on {page}, or set HF_TOKEN if it is private"
    )]
    RepoNotFound {
        /// The repository.
        repo: String,
        /// The address that its page would have if the repository existed.
        page: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{repo} has no revision {revision:?}; most repositories have `main`")]
    RevisionNotFound {
        /// The repository.
        repo: String,
        /// The revision asked for.
        revision: String,
    },
    /// The repository lacks a file of a checkpoint.
    #[error(
        "{repo} has no {file} at commit {commit}, so it cannot be opened as a CLIPModel; choose \
         another repository or revision"
    )]
    MissingFile {
        /// The repository.
        repo: String,
        /// The commit.
        commit: String,
        /// The file looked for.
        file: &'static str,
    },
    /// The weights exist only as a Python pickle, which is not downloaded because it can run any
    /// code.
    #[error(
        "{repo} has its weights only as a Python pickle ({file}) at commit {commit}; {}",
        match safetensors {
            Some(revision) => format!(
                "the hub's converter offers them as safetensors: use revision `{revision}`"
            ),
            None => "look on its page for a pull request with safetensors and name it as revision \
                     `refs/pr/NUMBER`, or convert them with transformers and open the folder"
                .to_owned(),
        }
    )]
    PickledWeights {
        /// The repository.
        repo: String,
        /// The commit.
        commit: String,
        /// The pickle found.
        file: &'static str,
        /// The revision of the open pull request of the hub's own converter, if there is one.
        safetensors: Option<String>,
    },
    /// The hub returned an error.
    #[error("`{url}` returned HTTP status {status}{}", Wait(*retry_after))]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The hub cannot be reached, or the connection failed even after all retries.
    #[error("cannot download `{url}`")]
    Network {
        /// The address.
        url: String,
        /// The cause.
        source: Cause,
    },
    /// The server does not respond like a hub.
    #[error(
        "`{url}` does not respond like a Hugging Face hub: {problem}; check HF_ENDPOINT, proxy and \
         firewall"
    )]
    BadResponse {
        /// The address.
        url: String,
        /// The problem.
        problem: String,
    },
    /// The downloaded data is not what the hub announced. It was removed.
    #[error("the download of `{url}` was damaged and has been removed: {problem}; try again")]
    Damaged {
        /// The address.
        url: String,
        /// The problem.
        problem: String,
    },
    /// The network cannot or must not be used, and the checkpoint is not in the cache.
    #[error(
        "{repo} at revision {revision:?} is not in the cache `{}` (no {file}), and {}; run once with \
         the network, or copy the checkpoint's folder here and use Encoder::open",
        cache.display(),
        match source {
            Some(_) => "the hub cannot be asked",
            None => "HF_HUB_OFFLINE or an option forbids asking the hub",
        }
    )]
    NotCached {
        /// The repository.
        repo: String,
        /// The revision.
        revision: String,
        /// The cache folder.
        cache: PathBuf,
        /// The first missing file.
        file: String,
        /// Why the hub cannot be asked; `None` if it must not be asked.
        source: Option<Box<HubError>>,
    },
    /// A JSON file of the checkpoint is not valid.
    #[error("`{}` is damaged", path.display())]
    BadJson {
        /// The file, in the cache.
        path: PathBuf,
        /// The error from the parser.
        source: Cause,
    },
    /// A file of the cache cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error from the operating system.
        source: std::io::Error,
    },
    /// The cache cannot be written to, for example because the disk is full.
    #[error("cannot write `{}`; set HF_HOME to use another folder for the cache", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The error from the operating system.
        source: std::io::Error,
    },
    /// The progress callback asked to stop.
    #[error(
        "the download was cancelled; the part downloaded so far is kept, and the next attempt continues from there"
    )]
    Cancelled,
}

impl From<crate::progress::Cancelled> for HubError {
    fn from(_: crate::progress::Cancelled) -> Self {
        Self::Cancelled
    }
}

impl HubError {
    pub(super) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    pub(super) fn bad_response(url: &str, problem: impl Into<String>) -> Self {
        Self::BadResponse { url: url.to_owned(), problem: problem.into() }
    }

    /// Returns whether the same request may succeed a little later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Network { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// Returns whether the error says nothing about the revision, so that a copy in the cache is
    /// still valid.
    pub(super) fn leaves_cache_valid(&self) -> bool {
        matches!(
            self,
            Self::Network { .. }
                | Self::Status { .. }
                | Self::BadResponse { .. }
                | Self::Refused { .. }
                | Self::RepoNotFound { .. }
        )
    }
}

struct Wait(Option<Duration>);

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(wait) => write!(f, " and asks to wait {} s", wait.as_secs()),
            None => f.write_str("; try again later"),
        }
    }
}
