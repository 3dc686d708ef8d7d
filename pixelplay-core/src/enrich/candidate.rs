//! A recording that a provider offers: untrusted input, which is cleaned before it is used.

use serde::{Deserialize, Serialize};
use ureq::http::Uri;

use crate::printable::is_bidi_control;

/// The maximum length of a name. Longer text is discarded.
const MOST_TEXT: usize = 500;
const MOST_URL: usize = 2048;
/// The maximum number of candidates that are considered.
const MOST_CANDIDATES: usize = 50;
/// A day, in milliseconds.
const LONGEST_SONG: i64 = 86_400_000;

/// A recording that a provider offers for a song.
///
/// All values filled in by a [`Provider`](super::Provider) are checked before they are used or
/// stored. Overlong text, text with control characters that could affect a terminal, addresses that
/// are not plain `https`, and numbers out of range are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Candidate {
    /// The provider's id of the recording.
    pub id: String,
    /// The title, including the name of the version: `Song (Live)`.
    pub title: String,
    /// The artist credit, as one text.
    pub artist: String,
    /// The album.
    pub album: Option<String>,
    /// The length in milliseconds.
    pub duration_ms: Option<i64>,
    /// The year of release.
    pub year: Option<i64>,
    /// The genre.
    pub genre: Option<String>,
    /// Whether the lyrics are explicit.
    pub explicit: Option<bool>,
    /// The address of a picture of the cover.
    pub artwork_url: Option<String>,
    /// The address of a short preview.
    pub preview_url: Option<String>,
    /// The address of the whole song.
    pub external_url: Option<String>,
    /// An address that returns a cover, or status 404 if there is none. It is requested only for
    /// the chosen recording, and then becomes its `artwork_url`.
    pub cover_to_try: Option<String>,
}

impl Candidate {
    /// Returns the usable candidates, with only their usable fields.
    pub(super) fn clean_all(candidates: Vec<Self>) -> Vec<Self> {
        let candidates = candidates.into_iter().take(MOST_CANDIDATES);
        candidates.filter_map(Self::clean).collect()
    }

    fn clean(mut self) -> Option<Self> {
        for needed in [&mut self.id, &mut self.title, &mut self.artist] {
            *needed = text(std::mem::take(needed))?;
        }
        for optional in [&mut self.album, &mut self.genre] {
            *optional = optional.take().and_then(text);
        }
        for address in [
            &mut self.artwork_url,
            &mut self.preview_url,
            &mut self.external_url,
            &mut self.cover_to_try,
        ] {
            *address = address.take().filter(|address| is_plain_address(address));
        }
        // `cover_to_try` is not checked, because it is an address of the provider itself, which in
        // tests is on this machine.
        for address in [&mut self.artwork_url, &mut self.preview_url, &mut self.external_url] {
            *address = address.take().filter(|address| address.starts_with("https://"));
        }
        let within = |low: i64, high: i64| move |value: &i64| (low..=high).contains(value);
        self.duration_ms = self.duration_ms.filter(within(1, LONGEST_SONG));
        self.year = self.year.filter(within(1860, 2100));
        Some(self)
    }
}

/// Returns the trimmed text, unless it cannot be a name.
fn text(text: String) -> Option<String> {
    let steers =
        |c: char| c.is_control() || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}');
    let text = if text.trim().len() == text.len() { text } else { text.trim().to_owned() };
    (!text.is_empty() && text.len() <= MOST_TEXT && !text.contains(steers)).then_some(text)
}

/// Returns whether an address has a web scheme, a host, no user name, and no characters that must
/// be escaped.
fn is_plain_address(address: &str) -> bool {
    let is_text = address.len() <= MOST_URL
        && address
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'));
    let Some(uri) = address.parse::<Uri>().ok().filter(|_| is_text) else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
}

/// Returns the address if it uses `https` and is on one of these hosts (or, for a host that begins
/// with a dot, on a subdomain).
pub(super) fn of_hosts(address: Option<&str>, hosts: &[&str]) -> Option<String> {
    let address = address?;
    let uri: Uri = address.parse().ok()?;
    let host = uri.host()?.to_ascii_lowercase();
    let is_known = hosts
        .iter()
        .any(|known| if known.starts_with('.') { host.ends_with(known) } else { host == *known });
    let is_usual = uri.scheme_str() == Some("https") && uri.port().is_none();
    (is_known && is_usual && is_plain_address(address)).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Candidate {
        Candidate {
            id: "1".into(),
            title: " Song ".into(),
            artist: "Ana".into(),
            album: Some("Album".into()),
            duration_ms: Some(200_000),
            year: Some(1999),
            artwork_url: Some("https://is1-ssl.mzstatic.com/a.jpg".into()),
            ..Candidate::default()
        }
    }

    #[test]
    fn what_is_good_stays() {
        let cleaned = Candidate::clean_all(vec![good()]);
        let expected = Candidate { title: "Song".into(), ..good() };
        assert_eq!(cleaned, [expected]);
    }

    #[test]
    fn what_cannot_be_right_is_left_out() {
        let bad = "x".repeat(501);
        for text in ["", " ", "a\u{1b}[2Jb", "a\nb", "a\u{202e}b", "a\u{61c}b", bad.as_str()] {
            let mut candidate = good();
            candidate.title = text.into();
            assert_eq!(Candidate::clean_all(vec![candidate]), [], "{text:?}");
            let mut candidate = good();
            candidate.album = Some(text.into());
            assert_eq!(Candidate::clean_all(vec![candidate])[0].album, None);
        }
        let long = format!("https://a.example/{}", "x".repeat(2048));
        for address in [
            "http://a.example/x",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
            "https://ana:secret@a.example/",
            "https://a.example/\u{e9}",
            "https://a.example/\"onerror=",
            "https://a.example/a b",
            "//a.example/x",
            "",
            long.as_str(),
        ] {
            let mut candidate = good();
            candidate.artwork_url = Some(address.into());
            let cleaned = &Candidate::clean_all(vec![candidate])[0];
            assert_eq!(cleaned.artwork_url, None, "{address}");
        }
        let mut candidate = good();
        (candidate.year, candidate.duration_ms) = (Some(-5), Some(0));
        let cleaned = &Candidate::clean_all(vec![candidate])[0];
        assert_eq!((cleaned.year, cleaned.duration_ms), (None, None));
        assert_eq!(Candidate::clean_all(vec![good(); 1000]).len(), 50);
    }

    #[test]
    fn addresses_are_of_the_hosts_that_they_should_be_of() {
        let hosts = [".mzstatic.com", "music.apple.com"];
        for address in [
            "https://is1-ssl.mzstatic.com/image/a.jpg",
            "https://music.apple.com/us/album/x?i=1&uo=4",
            "https://MUSIC.apple.com/us",
        ] {
            assert_eq!(of_hosts(Some(address), &hosts).as_deref(), Some(address));
        }
        for address in [
            "http://is1-ssl.mzstatic.com/a.jpg",
            "https://mzstatic.com.evil.example/a.jpg",
            "https://evilmzstatic.com/a.jpg",
            "https://music.apple.com.evil.example/",
            "https://music.apple.com@evil.example/",
            "https://music.apple.com:8443/",
            "https://a.music.apple.com/",
        ] {
            assert_eq!(of_hosts(Some(address), &hosts), None, "{address}");
        }
    }
}
