//! The providers that are here, a file each, and finding one by its name; what their answers have
//! in common is read in `wire`.

mod itunes;
mod musicbrainz;
mod wire;

pub use itunes::ITunes;
pub use musicbrainz::MusicBrainz;

use super::error::EnrichError;
use super::provider::Provider;

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
