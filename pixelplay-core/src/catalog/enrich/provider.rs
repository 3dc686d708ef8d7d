//! Where songs are looked up: what to ask, and how to read the answer. Asking itself is done
//! elsewhere, at the pace of the provider and whatever the answer.

use std::time::Duration;

use super::candidate::Candidate;
use super::error::EnrichError;
use super::itunes::ITunes;
use super::matching::Wanted;
use super::musicbrainz::MusicBrainz;

/// A catalogue on the web in which songs can be looked up.
///
/// It makes addresses and reads answers, and never touches the network: pace, waiting, the cache
/// and matching are the same for every provider.
pub trait Provider: Send + Sync {
    /// Its name in the cache and in the column `enriched_from`.
    fn name(&self) -> &str;

    /// What an answer depends on beside the song, as the country of a shop; part of the key in the
    /// cache.
    fn scope(&self) -> &str {
        ""
    }

    /// How requests name themselves.
    fn user_agent(&self) -> &str;

    /// The least time between two requests.
    fn interval(&self) -> Duration;

    /// The columns of a song that it can fill.
    fn fills(&self) -> &'static [&'static str];

    /// What to ask for a song.
    fn search_url(&self, wanted: &Wanted) -> String;

    /// The recordings that an answer offers, the best first.
    ///
    /// # Errors
    /// What is wrong with an answer that is not of this provider.
    fn read(&self, answer: &[u8]) -> Result<Vec<Candidate>, String>;
}

/// What the providers that are here have to be told; each takes what concerns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The country of the shop, by its two letters; for iTunes.
    pub country: String,
    /// An address of web or mail of whoever runs this program; MusicBrainz needs it.
    pub contact: Option<String>,
    /// Another address to search at, of a mirror or of a test.
    pub base_url: Option<String>,
}

impl Default for ProviderSettings {
    /// The shop of the US, and no contact.
    fn default() -> Self {
        Self { country: "US".to_owned(), contact: None, base_url: None }
    }
}

/// A provider by its name: `"itunes"` or `"musicbrainz"`.
///
/// # Errors
/// [`EnrichError::BadOptions`] if there is no provider of that name, or it lacks something.
pub fn provider_named(
    name: &str,
    settings: &ProviderSettings,
) -> Result<Box<dyn Provider>, EnrichError> {
    let base = settings.base_url.as_deref();
    match name {
        "itunes" => Ok(Box::new(match base {
            Some(base) => ITunes::at(base, &settings.country)?,
            None => ITunes::new(&settings.country)?,
        })),
        "musicbrainz" => {
            let contact = settings.contact.as_deref().unwrap_or_default();
            Ok(Box::new(match base {
                Some(base) => MusicBrainz::at(base, base, contact)?,
                None => MusicBrainz::new(contact)?,
            }))
        }
        other => Err(EnrichError::BadOptions {
            what: format!("there is no provider {other:?}; there are itunes and musicbrainz"),
        }),
    }
}

/// An address to search at, without the slash at its end.
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
            what: format!("{given:?} is no address like https://itunes.apple.com"),
        });
    }
    Ok(base.to_owned())
}

/// Text as it stands in the query of an address.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_query_is_escaped() {
        assert_eq!(in_query("Beyoncé & JAY-Z"), "Beyonc%C3%A9+%26+JAY-Z");
        assert_eq!(in_query("a=b#c/d?e"), "a%3Db%23c%2Fd%3Fe");
    }

    #[test]
    fn providers_are_found_by_name() {
        let mut settings = ProviderSettings::default();
        let name = |name, settings: &ProviderSettings| {
            let provider = provider_named(name, settings);
            provider.map(|provider| provider.name().to_owned()).ok()
        };
        assert_eq!(name("itunes", &settings).as_deref(), Some("itunes"));
        assert_eq!(name("musicbrainz", &settings), None, "without a contact");
        settings.contact = Some("https://ana.example".to_owned());
        let found = name("musicbrainz", &settings);
        assert_eq!(found.as_deref(), Some("musicbrainz"));
        assert_eq!(name("spotify", &settings), None);
        settings.base_url = Some("nowhere".to_owned());
        assert_eq!(name("itunes", &settings), None);
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
}
