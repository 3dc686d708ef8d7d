//! The iTunes Search API.
//!
//! <https://performance-partners.apple.com/search-api>: `GET /search` with `term`, `country`,
//! `media`, `entity` and `limit`; about 20 calls per minute; more calls are answered with 403 or
//! 429.

use std::time::Duration;

use serde_json::Value;

use super::wire::{base_url, in_query, year};
use crate::enrich::candidate::{Candidate, of_hosts};
use crate::enrich::error::EnrichError;
use crate::enrich::matching::Wanted;
use crate::enrich::provider::Provider;

/// The maximum number of results, enough to find the song itself among its covers.
const LIMIT: u32 = 25;

const ARTWORK_HOSTS: &[&str] = &[".mzstatic.com"];
const PREVIEW_HOSTS: &[&str] = &[".itunes.apple.com", ".mzstatic.com"];
const PAGE_HOSTS: &[&str] = &["music.apple.com", "itunes.apple.com", "geo.music.apple.com"];

/// The iTunes Search API: covers, previews of 30 seconds, links to the shop, album, genre, year and
/// length.
///
/// Apple's terms allow the use of this content only to promote its store, next to a badge that
/// links to it. A front end that shows covers or plays previews must link them with `external_url`.
#[derive(Debug, Clone)]
pub struct ITunes {
    base: String,
    country: String,
}

impl ITunes {
    /// Creates the provider for the shop of a country, given as a two-letter code such as `"US"`.
    ///
    /// # Errors
    /// Returns [`EnrichError::BadOptions`] if `country` is not two letters.
    pub fn new(country: &str) -> Result<Self, EnrichError> {
        Self::at("https://itunes.apple.com", country)
    }

    /// Creates the provider at another address, such as a mirror or a test server.
    ///
    /// # Errors
    /// Returns [`EnrichError::BadOptions`] if it is not a web address, or `country` is not two
    /// letters.
    pub fn at(base: &str, country: &str) -> Result<Self, EnrichError> {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(EnrichError::BadOptions {
                what: format!(
                    "{country:?} is not a country code; use two letters, such as US or DE"
                ),
            });
        }
        Ok(Self { base: base_url(base)?, country: country.to_ascii_uppercase() })
    }
}

impl Provider for ITunes {
    fn name(&self) -> &str {
        "itunes"
    }

    fn scope(&self) -> &str {
        &self.country
    }

    fn user_agent(&self) -> &str {
        concat!("pixelplay/", env!("CARGO_PKG_VERSION"))
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn fills(&self) -> &'static [&'static str] {
        &[
            "album",
            "genre",
            "year",
            "duration_ms",
            "explicit",
            "artwork_url",
            "preview_url",
            "external_url",
        ]
    }

    fn search_url(&self, wanted: &Wanted) -> String {
        let term = in_query(&format!("{} {}", wanted.artist, wanted.title));
        let (base, country) = (&self.base, &self.country);
        format!("{base}/search?term={term}&country={country}&media=music&entity=song&limit={LIMIT}")
    }

    fn read(&self, answer: &[u8]) -> Result<Vec<Candidate>, String> {
        let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let results = answer["results"].as_array().ok_or("it has no list of results")?;
        Ok(results.iter().filter_map(song).collect())
    }
}

fn song(result: &Value) -> Option<Candidate> {
    if result["kind"] != "song" {
        return None;
    }
    let text = |name: &str| result[name].as_str();
    let owned = |name: &str| text(name).map(str::to_owned);
    Some(Candidate {
        id: result["trackId"].as_u64()?.to_string(),
        title: owned("trackName")?,
        artist: owned("artistName")?,
        album: owned("collectionName"),
        duration_ms: result["trackTimeMillis"].as_i64(),
        year: text("releaseDate").and_then(year),
        genre: owned("primaryGenreName"),
        explicit: match text("trackExplicitness") {
            Some("explicit") => Some(true),
            Some("notExplicit" | "cleaned") => Some(false),
            _ => None,
        },
        artwork_url: of_hosts(text("artworkUrl100"), ARTWORK_HOSTS).map(larger),
        preview_url: of_hosts(text("previewUrl"), PREVIEW_HOSTS),
        external_url: of_hosts(text("trackViewUrl"), PAGE_HOSTS),
        cover_to_try: None,
    })
}

/// Returns the address of the same cover at 600 x 600 pixels. The size is the last part of the
/// address.
fn larger(artwork: String) -> String {
    match artwork.strip_suffix("/100x100bb.jpg") {
        Some(start) => format!("{start}/600x600bb.jpg"),
        None => artwork,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::song::{Song, SongId};

    #[test]
    fn what_is_asked() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Déjà Vu (feat. JAY-Z) - Remastered".into());
        song.artist = Some("Beyoncé feat. JAY-Z".into());
        let url = ITunes::new("de").unwrap().search_url(&Wanted::new(&song).unwrap());
        assert_eq!(
            url,
            "https://itunes.apple.com/search?term=Beyonc%C3%A9+D%C3%A9j%C3%A0+Vu&country=DE&media=music&entity=song&limit=25"
        );
        for bad in ["", "USA", "U1", "\u{e9}"] {
            assert!(ITunes::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_read() {
        let answer = json!({"resultCount": 3, "results": [
            {"wrapperType": "track", "kind": "song", "trackId": 14_908_897, "trackName": "Ben", "artistName": "Michael Jackson",
             "collectionName": "Ben", "trackTimeMillis": 164_000, "releaseDate": "1972-08-04T07:00:00Z", "primaryGenreName": "Pop",
             "trackExplicitness": "notExplicit", "artworkUrl100": "https://is1-ssl.mzstatic.com/image/a.jpg/100x100bb.jpg",
             "previewUrl": "https://audio-ssl.itunes.apple.com/a.m4a", "trackViewUrl": "https://music.apple.com/us/album/ben/1?i=2&uo=4"},
            {"wrapperType": "track", "kind": "music-video", "trackId": 2, "trackName": "Ben", "artistName": "Michael Jackson"},
            {"wrapperType": "track", "kind": "song", "trackId": "3", "trackName": ["Ben"], "artistName": null},
        ]});
        let found = ITunes::new("US").unwrap().read(answer.to_string().as_bytes()).unwrap();
        let expected = Candidate {
            id: "14908897".into(),
            title: "Ben".into(),
            artist: "Michael Jackson".into(),
            album: Some("Ben".into()),
            duration_ms: Some(164_000),
            year: Some(1972),
            genre: Some("Pop".into()),
            explicit: Some(false),
            artwork_url: Some("https://is1-ssl.mzstatic.com/image/a.jpg/600x600bb.jpg".into()),
            preview_url: Some("https://audio-ssl.itunes.apple.com/a.m4a".into()),
            external_url: Some("https://music.apple.com/us/album/ben/1?i=2&uo=4".into()),
            cover_to_try: None,
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for answer in [
            "",
            "{}",
            "[]",
            "null",
            "<html>",
            "{\"results\": {}}",
            "{\"results\": 3}",
            "{\"results\": [",
            "\u{feff}{}",
        ] {
            assert!(ITunes::new("US").unwrap().read(answer.as_bytes()).is_err(), "{answer}");
        }
        let nested = "[".repeat(100_000);
        assert!(ITunes::new("US").unwrap().read(nested.as_bytes()).is_err());
    }
}
