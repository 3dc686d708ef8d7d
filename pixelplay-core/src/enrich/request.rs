//! Makes one request, and classifies its failures.

use std::fmt;
use std::time::{Duration, SystemTime};

use ureq::http::uri::Uri;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::error::EnrichError;
use crate::http::{self, HttpProxy, header, join, origin, shown};

/// The maximum size of an answer, far more than needed for a few dozen recordings.
const LARGEST_ANSWER: u64 = 4 << 20;
const MOST_REDIRECTS: usize = 3;
/// The maximum duration of a whole answer, as a multiple of the timeout of one step.
const WHOLE: u32 = 4;

pub(super) struct Client {
    agent: Agent,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    /// A message for people.
    pub(super) what: String,
    /// How long a wait the server asks for.
    pub(super) retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// Requests are too frequent. This is not related to the song.
    TooFast,
    /// The server fails, cannot be reached, or sends an unexpected answer. This may affect only the
    /// current song.
    Broken,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Client {
    pub(super) fn new(
        user_agent: &str,
        proxy: &HttpProxy,
        timeout: Duration,
    ) -> Result<Self, EnrichError> {
        let proxy = proxy.resolve().map_err(|problem| EnrichError::BadOptions {
            what: format!("the proxy cannot be used: {problem}"),
        })?;
        Ok(Self { agent: http::agent(user_agent, proxy, timeout, Some(timeout * WHOLE)) })
    }

    /// Returns the body of an answer in JSON. Redirects are followed only within the same host.
    pub(super) fn json(&self, url: &str, now: SystemTime) -> Result<Vec<u8>, Fault> {
        let mut uri = parse(url)?;
        for _ in 0..=MOST_REDIRECTS {
            let mut response = self.send(&uri)?;
            let status = response.status();
            if status.is_redirection() {
                let location = header(&response, "location").unwrap_or_default();
                let next = join(&uri, location).filter(|next| origin(next) == origin(&uri));
                uri = next.ok_or_else(|| broken(&uri, "redirects to another host"))?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(refused(&response, &uri, now));
            }
            for (name, is_fine) in [
                ("content-type", is_json as fn(&str) -> bool),
                ("content-encoding", |coding| coding == "identity"),
            ] {
                if let Some(value) = header(&response, name).filter(|value| !is_fine(value)) {
                    return Err(broken(
                        &uri,
                        &format!("answered with {name} {value:?} instead of JSON"),
                    ));
                }
            }
            let body = response.body_mut().with_config().limit(LARGEST_ANSWER);
            return body.read_to_vec().map_err(|error| unreached(&uri, &error));
        }
        Err(broken(&uri, "redirects too often"))
    }

    /// Returns whether an address exists; redirects are not followed.
    pub(super) fn is_there(&self, url: &str, now: SystemTime) -> Result<bool, Fault> {
        let uri = parse(url)?;
        let response = self.send(&uri)?;
        match response.status().as_u16() {
            200 | 302 | 303 | 307 | 308 => Ok(true),
            400 | 404 | 410 => Ok(false),
            _ => Err(refused(&response, &uri, now)),
        }
    }

    fn send(&self, uri: &Uri) -> Result<Response<Body>, Fault> {
        let sent = self.agent.get(uri).header("accept", "application/json").call();
        sent.map_err(|error| unreached(uri, &error))
    }
}

fn parse(url: &str) -> Result<Uri, Fault> {
    url.parse().map_err(|_| Fault {
        kind: FaultKind::Broken,
        what: format!("{url:?} is not a web address"),
        retry_after: None,
    })
}

fn is_json(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    // iTunes labels its answers as JavaScript.
    ["json", "javascript", "text/plain"].iter().any(|fine| kind.contains(fine))
}

fn broken(uri: &Uri, what: &str) -> Fault {
    Fault { kind: FaultKind::Broken, what: format!("{} {what}", shown(uri)), retry_after: None }
}

fn unreached(uri: &Uri, error: &ureq::Error) -> Fault {
    broken(uri, &format!("did not answer: {error}"))
}

fn refused(response: &Response<Body>, uri: &Uri, now: SystemTime) -> Fault {
    let status = response.status().as_u16();
    Fault {
        kind: match status {
            403 | 429 | 503 => FaultKind::TooFast,
            _ => FaultKind::Broken,
        },
        what: format!("{} answered with HTTP status {status}", shown(uri)),
        retry_after: http::retry_after(response, now),
    }
}
