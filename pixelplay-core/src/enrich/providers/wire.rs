//! Addresses and dates in the form that both providers use.

use crate::enrich::error::EnrichError;

/// Checks the base address of a provider and removes the slash at its end.
pub(super) fn base_url(given: &str) -> Result<String, EnrichError> {
    let base = given.trim_end_matches('/');
    let uri: Option<ureq::http::Uri> = base.parse().ok();
    let is_usable = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if !is_usable {
        return Err(EnrichError::BadOptions {
            what: format!("{given:?} is not a web address such as https://itunes.apple.com"),
        });
    }
    Ok(base.to_owned())
}

/// Encodes a text for use in the query part of an address.
pub(super) fn in_query(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => escaped.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte) => {
                escaped.push(char::from(byte));
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Returns the year that a date begins with.
pub(super) fn year(date: &str) -> Option<i64> {
    let year = date.get(..4)?;
    let is_year = year.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(date.as_bytes().get(4), None | Some(b'-'));
    is_year.then(|| year.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_query_is_escaped() {
        assert_eq!(in_query("Beyoncé & JAY-Z"), "Beyonc%C3%A9+%26+JAY-Z");
        assert_eq!(in_query("a=b#c/d?e"), "a%3Db%23c%2Fd%3Fe");
    }

    #[test]
    fn addresses_to_search_at_are_checked() {
        let base = |given| base_url(given).ok();
        assert_eq!(base("http://127.0.0.1:80/").as_deref(), Some("http://127.0.0.1:80"));
        assert_eq!(base("https://a.example/x").as_deref(), Some("https://a.example/x"));
        for bad in ["", "a.example", "ftp://a.example", "http://", "https://a.example/?x"] {
            assert_eq!(base(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_date_begins_with_its_year() {
        assert_eq!(year("1999"), Some(1999));
        assert_eq!(year("1999-12"), Some(1999));
        for bad in ["", "199", "19999", "+199", "199x-01", "\u{e9}999"] {
            assert_eq!(year(bad), None, "{bad}");
        }
    }
}
