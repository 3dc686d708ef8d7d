//! Requests to the hub: redirects, errors, waiting and retrying.

use std::time::{Duration, Instant, SystemTime};

use ureq::http::uri::Uri;
use ureq::http::{Method, Response, StatusCode};
use ureq::{Agent, Body};

use super::error::HubError;
use super::name::{Commit, Etag, Repo, Revision};
use super::settings::Settings;
use crate::http::{self, header, join, origin, shown};

const MAX_REDIRECTS: usize = 10;
/// If a server asks for a longer wait than this, an error is returned instead of waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The maximum size of the list of pull requests, in bytes.
const LARGEST_LIST: u64 = 1 << 20;
/// The hub user that opens pull requests with safetensors.
const CONVERTER: &str = "SFconvertbot";
/// How often a wait checks whether it is cancelled.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Client<'a> {
    agent: Agent,
    settings: &'a Settings,
    repo: &'a Repo,
}

/// The hub's answer to a request for the headers of a file.
pub(super) enum Answer {
    Here(Metadata),
    /// The file does not exist. This is certain and final if the hub itself says so for a commit.
    Missing {
        is_certain: bool,
    },
}

/// The hub's description of a file.
pub(super) struct Metadata {
    pub(super) commit: Commit,
    pub(super) etag: Etag,
    pub(super) size: u64,
}

impl<'a> Client<'a> {
    pub(super) fn new(settings: &'a Settings, repo: &'a Repo) -> Self {
        let agent = http::agent(
            concat!("pixelplay/", env!("CARGO_PKG_VERSION")),
            settings.proxy.clone(),
            settings.timeout,
            None,
        );
        Self { agent, settings, repo }
    }

    pub(super) fn url(&self, revision: &str, file: &str) -> String {
        format!("{}/resolve/{revision}/{file}", self.page())
    }

    fn page(&self) -> String {
        format!("{}/{}", self.endpoint(), self.repo.as_str())
    }

    /// Returns the hub's address without a trailing slash.
    fn endpoint(&self) -> String {
        self.settings.endpoint.to_string().trim_end_matches('/').to_owned()
    }

    /// Asks for the headers of a file.
    pub(super) fn metadata(&self, revision: &Revision, file: &str) -> Result<Answer, HubError> {
        let url = self.url(&revision.in_url(), file);
        // For a large file the last redirect leads to the content itself, on another host and
        // without these headers.
        let is_told = |response: &Response<Body>| {
            header(response, "x-repo-commit").is_some()
                && header(response, "x-linked-etag").is_some()
        };
        let (response, uri) = self.follow(&Method::HEAD, &url, 0, is_told)?;
        if !is_told(&response) {
            if let Some(error) = self.refusal(&response, &uri, revision) {
                return Err(error);
            }
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(Answer::Missing {
                    is_certain: header(&response, "x-error-code") == Some("EntryNotFound"),
                });
            }
        }
        let bad = |problem: &str| HubError::bad_response(&url, problem);
        let commit = header(&response, "x-repo-commit")
            .and_then(Commit::parse)
            .ok_or_else(|| bad("it names no commit (X-Repo-Commit)"))?;
        let etag = header(&response, "x-linked-etag")
            .or(header(&response, "etag"))
            .and_then(Etag::parse)
            .ok_or_else(|| bad("it names no hash of the file (X-Linked-Etag, ETag)"))?;
        let size = header(&response, "x-linked-size")
            .or(header(&response, "content-length").filter(|_| response.status().is_success()))
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| bad("it does not give the size of the file (X-Linked-Size)"))?;
        Ok(Answer::Here(Metadata { commit, etag, size }))
    }

    /// Asks for the content of a file from byte `from` on.
    pub(super) fn content(
        &self,
        commit: &Commit,
        file: &str,
        from: u64,
    ) -> Result<Response<Body>, HubError> {
        let url = self.url(commit.as_str(), file);
        let (response, uri) = self.follow(&Method::GET, &url, from, |_| false)?;
        // The requested range is past the end of the file: the caller starts again.
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(response);
        }
        let revision = Revision::parse(commit.as_str())?;
        match self.refusal(&response, &uri, &revision) {
            Some(error) => Err(error),
            None if response.status() == StatusCode::NOT_FOUND => {
                Err(HubError::bad_response(&url, "it described the file, but now does not have it"))
            }
            None => Ok(response),
        }
    }

    /// Returns the pull request in which the hub's converter offers the weights as safetensors.
    /// transformers looks for it in the same way (`safetensors_conversion.py`).
    pub(super) fn conversion(&self) -> Result<Option<Revision>, HubError> {
        let (endpoint, repo) = (self.endpoint(), self.repo.as_str());
        let url = format!(
            "{endpoint}/api/models/{repo}/discussions?type=pull_request&status=open&author={CONVERTER}&p=0"
        );
        let (mut response, uri) = self.follow(&Method::GET, &url, 0, |_| false)?;
        if !response.status().is_success() {
            return Err(failure(&response, &uri, response.status().as_u16()));
        }
        let bad = |problem: String| HubError::bad_response(&shown(&uri), problem);
        let body = response.body_mut().with_config().limit(LARGEST_LIST);
        let list = body.read_to_vec().map_err(|source| match source {
            ureq::Error::BodyExceedsLimit(_) => bad(source.to_string()),
            source => network(&uri, source),
        })?;
        let list = serde_json::from_slice(&list)
            .map_err(|error| bad(format!("it is not a list of pull requests ({error})")))?;
        match conversion_in(&list) {
            Some(number) => Revision::parse(&format!("refs/pr/{number}")).map(Some),
            None => Ok(None),
        }
    }

    /// Follows redirects until `is_enough`, and returns the answer with its address. The token is
    /// sent only to the endpoint's own origin.
    fn follow(
        &self,
        method: &Method,
        url: &str,
        from: u64,
        is_enough: impl Fn(&Response<Body>) -> bool,
    ) -> Result<(Response<Body>, Uri), HubError> {
        let bad = |problem: String| HubError::bad_response(url, problem);
        let mut uri: Uri = url.parse().map_err(|_| bad("it is not an address".to_owned()))?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(method, &uri, from)?;
            if !response.status().is_redirection() || is_enough(&response) {
                return Ok((response, uri));
            }
            let location = header(&response, "location").unwrap_or_default();
            let next = join(&uri, location).ok_or_else(|| {
                bad(format!("it redirects to {location:?}, which is not an address"))
            })?;
            if uri.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                return Err(bad("it redirects from https to http".to_owned()));
            }
            uri = next;
        }
        Err(bad(format!("it redirects more than {MAX_REDIRECTS} times")))
    }

    fn send(&self, method: &Method, uri: &Uri, from: u64) -> Result<Response<Body>, HubError> {
        let mut request = match *method {
            Method::HEAD => self.agent.head(uri),
            _ => self.agent.get(uri),
        };
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        if let Some(token) = &self.settings.token
            && self.is_hub(uri)
        {
            request = request.header("authorization", token.authorization());
        }
        request.call().map_err(|source| network(uri, source))
    }

    fn is_hub(&self, uri: &Uri) -> bool {
        origin(uri) == origin(&self.settings.endpoint)
    }

    /// Returns the error for an unsuccessful answer; `None` for a success and for a missing file.
    fn refusal(
        &self,
        response: &Response<Body>,
        uri: &Uri,
        revision: &Revision,
    ) -> Option<HubError> {
        let status = response.status();
        let repo = self.repo.as_str().to_owned();
        let page = self.page();
        match (header(response, "x-error-code"), status.as_u16()) {
            (_, 200..=299) => None,
            // The answer is from a host that does not know repositories.
            (_, status) if !self.is_hub(uri) => Some(failure(response, uri, status)),
            (Some("RepoNotFound"), 404) => Some(HubError::RepoNotFound { repo, page }),
            (Some("RevisionNotFound"), _) => {
                Some(HubError::RevisionNotFound { repo, revision: revision.as_str().to_owned() })
            }
            (_, 404) => None,
            (_, status @ (401 | 403)) => Some(HubError::Refused {
                repo,
                page,
                status,
                had_token: self.settings.token.is_some(),
            }),
            (_, status) => Some(failure(response, uri, status)),
        }
    }

    /// Retries a request that fails for a transient reason.
    pub(super) fn with_retries<T>(
        &self,
        retries: u32,
        on_tick: &mut dyn FnMut() -> Result<(), HubError>,
        mut request: impl FnMut() -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        let mut failures = 0;
        loop {
            match request() {
                Err(error) if error.is_transient() && failures < retries => {
                    self.wait_after(error, failures, on_tick)?;
                    failures += 1;
                }
                result => return result,
            }
        }
    }

    /// Waits as long as the server asks for, or else longer after each failure. Returns the error
    /// if the wait would be too long.
    pub(super) fn wait_after(
        &self,
        error: HubError,
        failures: u32,
        on_tick: &mut dyn FnMut() -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        let wait = match error {
            HubError::Status { retry_after: Some(wait), .. } if wait > LONGEST_WAIT => {
                return Err(error);
            }
            HubError::Status { retry_after: Some(wait), .. } => wait,
            _ => self.settings.retry_wait.saturating_mul(1 << failures.min(16)).min(LONGEST_WAIT),
        };
        sleep(wait, on_tick)
    }
}

/// Returns the number of the newest open pull request by the converter.
fn conversion_in(list: &serde_json::Value) -> Option<u64> {
    // Anyone can open a pull request with this title, so the author is checked too.
    const TITLE: &str = "Adding `safetensors` variant of this model";
    list["discussions"]
        .as_array()?
        .iter()
        .filter(|pull| {
            pull["title"] == TITLE
                && pull["author"]["name"] == CONVERTER
                && pull["isPullRequest"] == true
                && pull["status"] == "open"
        })
        .filter_map(|pull| pull["num"].as_u64())
        .max()
}

/// Sleeps, and checks from time to time whether to stop.
pub(super) fn sleep(
    wait: Duration,
    on_tick: &mut dyn FnMut() -> Result<(), HubError>,
) -> Result<(), HubError> {
    let end = Instant::now() + wait;
    loop {
        on_tick()?;
        match end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Ok(()),
            left => std::thread::sleep(left.min(TICK)),
        }
    }
}

fn failure(response: &Response<Body>, uri: &Uri, status: u16) -> HubError {
    HubError::Status {
        url: shown(uri),
        status,
        retry_after: http::retry_after(response, SystemTime::now()),
    }
}

fn network(uri: &Uri, source: ureq::Error) -> HubError {
    let url = shown(uri);
    match source {
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            HubError::bad_response(&url, format!("it is not HTTP ({source})"))
        }
        source => HubError::Network { url, source: source.into() },
    }
}
