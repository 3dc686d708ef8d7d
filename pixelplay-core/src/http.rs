//! Code shared by all HTTP clients of this crate: connections, proxies, redirects and waiting
//! times.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::http::Response;
use ureq::http::uri::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

/// The proxy to connect through.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum HttpProxy {
    /// The first of the variables `ALL_PROXY`, `HTTPS_PROXY` and `HTTP_PROXY` that is set. Hosts in
    /// `NO_PROXY` are reached without a proxy.
    #[default]
    Environment,
    /// No proxy.
    Direct,
    /// The proxy at this address: `http://user:password@host:port`.
    Url(String),
}

impl fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            // The address may contain a password.
            Self::Url(_) => "Url(..)",
        })
    }
}

impl HttpProxy {
    /// Returns the proxy for the client, or what is wrong with the address.
    pub(crate) fn resolve(&self) -> Result<Option<Proxy>, String> {
        match self {
            Self::Environment => Ok(Proxy::try_from_env()),
            Self::Direct => Ok(None),
            Self::Url(url) => match Proxy::new(url) {
                Ok(proxy) => Ok(Some(proxy)),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

/// Creates a client that does not follow redirects and does not accept compressed answers.
///
/// `timeout` limits every step: a connection, an answer, each piece of it. `whole` limits all of
/// them together.
pub(crate) fn agent(
    user_agent: &str,
    proxy: Option<Proxy>,
    timeout: Duration,
    whole: Option<Duration>,
) -> Agent {
    let tls = TlsConfig::builder()
        // Uses the system's certificates, so that those of a company's own proxy are trusted too.
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let timeout = Some(timeout);
    Agent::config_builder()
        .user_agent(user_agent)
        // Answers are hashed or read exactly as they arrive.
        .accept_encoding("identity")
        .http_status_as_error(false)
        // Redirects are left to the caller, who knows what may be sent to which host.
        .max_redirects(0)
        .proxy(proxy)
        .tls_config(tls)
        .timeout_global(whole)
        .timeout_resolve(timeout)
        .timeout_connect(timeout)
        .timeout_recv_response(timeout)
        .timeout_per_read(timeout)
        .timeout_per_write(timeout)
        .build()
        .new_agent()
}

/// Formats an address without its password and its query, which may contain a signature.
pub(crate) fn shown(uri: &Uri) -> String {
    let host = uri.authority().map_or("", |authority| {
        let full = authority.as_str();
        full.rsplit_once('@').map_or(full, |(_, host)| host)
    });
    format!("{}://{host}{}", uri.scheme_str().unwrap_or(""), uri.path())
}

pub(crate) fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Returns scheme, host and port, the parts that must agree for a secret to be sent.
pub(crate) fn origin(uri: &Uri) -> (Option<&str>, Option<String>, Option<u16>) {
    let port = uri.port_u16().or(match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    });
    (uri.scheme_str(), uri.host().map(str::to_lowercase), port)
}

/// Resolves the `location` of an answer from `base` (RFC 3986, section 5.2, without dot segments,
/// which servers do not send).
pub(crate) fn join(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let joined = if location.is_empty() {
        return None;
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let uri: Uri = joined.parse().ok()?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    (is_http && uri.host().is_some_and(|host| !host.is_empty())).then_some(uri)
}

/// Returns how long a wait the server asks for (RFC 9110, section 10.2.3): given as a number of
/// seconds or as a date.
pub(crate) fn retry_after(response: &Response<Body>, now: SystemTime) -> Option<Duration> {
    let value = header(response, "retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = date(value)?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Parses an HTTP date such as `Sun, 06 Nov 1994 08:49:37 GMT`. The two obsolete formats are no
/// longer sent.
fn date(text: &str) -> Option<SystemTime> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next().filter(|name| name.len() == 3)?;
    let month = MONTHS.find(name).filter(|at| at % 3 == 0)? as u64 / 3;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next() != Some("GMT") || !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // The number of days since 1970, computed with years that begin in March, so that the leap day
    // comes last.
    let from_march = (month + 10) % 12;
    let year = if month < 2 { year - 1 } else { year };
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (153 * from_march + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved_against_the_address_that_gave_them() {
        let base: Uri = "https://hub.co:8443/a/resolve/main/x".parse().unwrap();
        for (location, expected) in [
            ("https://cdn.co/y?sig=1", "https://cdn.co/y?sig=1"),
            ("//cdn.co/y", "https://cdn.co/y"),
            ("/y?z", "https://hub.co:8443/y?z"),
            ("y", "https://hub.co:8443/a/resolve/main/y"),
        ] {
            assert_eq!(join(&base, location).unwrap(), expected, "{location}");
        }
        for bad in ["", "file:///etc/passwd", "ftp://x/y", "http://", "http:// x"] {
            assert_eq!(join(&base, bad), None, "{bad}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a: &str, b: &str| origin(&a.parse().unwrap()) == origin(&b.parse().unwrap());
        assert!(same("https://hub.co/a", "https://HUB.co:443/b"));
        for other in [
            "http://hub.co/a",
            "https://hub.co:444/a",
            "https://hub.co.evil/a",
            "https://cdn.hub.co/a",
        ] {
            assert!(!same("https://hub.co/a", other), "{other}");
        }
        // The part before `@` is a user name, not a host.
        assert!(!same("https://hub.co/a", "https://hub.co@evil/a"));
    }

    #[test]
    fn a_time_to_wait_comes_in_seconds_or_as_a_date() {
        let now = date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(now, UNIX_EPOCH + Duration::from_secs(784_111_777));
        let answer = |value: &str| {
            let body = Body::builder().data("");
            let answer = Response::builder().header("Retry-After", value).body(body);
            retry_after(&answer.unwrap(), now).map(|wait| wait.as_secs())
        };
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("Thu, 29 Feb 1996 00:00:00 GMT", Some(41_440_223)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun Nov  6 08:49:37 1994", None),
            ("Sun, 06 ovD 1994 08:50:37 GMT", None),
            ("Sun, 06 Nov 1994 08:50:37 CET", None),
            ("Sun, 06 Nov 99999999999999999999 08:50:37 GMT", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(answer(value), expected, "{value}");
        }
    }
}
