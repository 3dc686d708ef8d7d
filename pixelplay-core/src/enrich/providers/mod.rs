//! The included providers, one per file, and a function that finds a provider by its name. `wire`
//! handles what their requests and answers have in common.

mod itunes;
mod musicbrainz;
mod wire;

pub use itunes::ITunes;
pub use musicbrainz::MusicBrainz;

use super::error::EnrichError;
use super::provider::Provider;

/// Settings of the included providers; each uses those that concern it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The two-letter code of the shop's country; used by iTunes.
    pub country: String,
    /// The e-mail or web address of the person who runs this program; MusicBrainz requires it.
    pub contact: Option<String>,
    /// An alternative address to send requests to, such as a mirror or a test server.
    pub base_url: Option<String>,
}

impl Default for ProviderSettings {
    /// The default settings: the US shop, and no contact.
    fn default() -> Self {
        Self { country: "US".to_owned(), contact: None, base_url: None }
    }
}

/// Returns a provider by its name: `"itunes"` or `"musicbrainz"`.
///
/// # Errors
/// Returns [`EnrichError::BadOptions`] if there is no provider of that name, or if it lacks a
/// setting.
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
            what: format!("unknown provider {other:?}; the providers are itunes and musicbrainz"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
