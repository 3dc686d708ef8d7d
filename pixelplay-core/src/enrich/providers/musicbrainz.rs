//! MusicBrainz, with covers from the Cover Art Archive.
//!
//! <https://musicbrainz.org/doc/MusicBrainz_API>: `GET /ws/2/recording` with `query` (Lucene's
//! language), `fmt=json` and `limit`; one request per second, with a User-Agent that contains a
//! contact address; more requests are answered with 503.
//! <https://musicbrainz.org/doc/Cover_Art_Archive/API>: `/release-group/MBID/front-500` redirects
//! to a picture, or returns 404.

use std::time::Duration;

use serde_json::Value;

use super::wire::{base_url, in_query, year};
use crate::enrich::candidate::Candidate;
use crate::enrich::error::EnrichError;
use crate::enrich::matching::Wanted;
use crate::enrich::provider::Provider;

/// The maximum number of recordings. It is small because each one lists its releases, possibly
/// hundreds.
const LIMIT: u32 = 10;

/// MusicBrainz: covers, links, album, year and length; no previews. Its core data is in the public
/// domain (CC0); covers belong to their creators.
#[derive(Debug, Clone)]
pub struct MusicBrainz {
    base: String,
    covers: String,
    user_agent: String,
}

impl MusicBrainz {
    /// Creates the provider. `contact` is an e-mail or web address at which MusicBrainz can reach
    /// the person who runs this program, as its rules require.
    ///
    /// # Errors
    /// Returns [`EnrichError::BadOptions`] if `contact` is not such an address.
    pub fn new(contact: &str) -> Result<Self, EnrichError> {
        Self::at("https://musicbrainz.org", "https://coverartarchive.org", contact)
    }

    /// Creates the provider at other addresses of MusicBrainz and the Cover Art Archive, such as
    /// mirrors or test servers.
    ///
    /// # Errors
    /// Returns [`EnrichError::BadOptions`] if one of them is not a web address, or `contact` is not
    /// an e-mail or web address.
    pub fn at(base: &str, covers: &str, contact: &str) -> Result<Self, EnrichError> {
        let contact = contact.trim();
        let is_address = contact.len() <= 200
            && (contact.contains('@') || contact.contains("://"))
            && contact.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')'));
        if !is_address {
            return Err(EnrichError::BadOptions {
                what: format!(
                    "{contact:?} is not a contact address; MusicBrainz requires the e-mail or web address of the person who runs this program"
                ),
            });
        }
        let version = env!("CARGO_PKG_VERSION");
        Ok(Self {
            base: base_url(base)?,
            covers: base_url(covers)?,
            user_agent: format!("pixelplay/{version} ( {contact} )"),
        })
    }

    fn recording(&self, recording: &Value) -> Option<Candidate> {
        if recording["video"] == true {
            return None;
        }
        let id = recording["id"].as_str().filter(|id| is_mbid(id))?;
        let mut title = recording["title"].as_str()?.to_owned();
        // This field contains what other catalogues write in the title:
        // `live, 1985-07-13: Wembley Stadium`.
        if let Some(which) = recording["disambiguation"].as_str().filter(|which| !which.is_empty())
        {
            title.push_str(&format!(" ({which})"));
        }
        let releases = recording["releases"].as_array().map_or(&[][..], Vec::as_slice);
        for (kind, mark) in [("Live", " (live)"), ("DJ-mix", " (mixed)")] {
            let is_so = |release: &Value| kinds(release).any(|found| found == kind);
            if !releases.is_empty() && releases.iter().all(is_so) {
                title.push_str(mark);
            }
        }
        let release = releases.iter().min_by_key(|release| rank(release));
        let group = release
            .and_then(|release| release["release-group"]["id"].as_str())
            .filter(|id| is_mbid(id));
        Some(Candidate {
            id: id.to_owned(),
            title,
            artist: credit(&recording["artist-credit"])?,
            album: release.and_then(|release| Some(release["title"].as_str()?.to_owned())),
            duration_ms: recording["length"].as_i64(),
            year: recording["first-release-date"].as_str().and_then(year),
            external_url: Some(format!("https://musicbrainz.org/recording/{id}")),
            cover_to_try: group
                .map(|group| format!("{}/release-group/{group}/front-500", self.covers)),
            ..Candidate::default()
        })
    }
}

impl Provider for MusicBrainz {
    fn name(&self) -> &str {
        "musicbrainz"
    }

    fn user_agent(&self) -> &str {
        &self.user_agent
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn fills(&self) -> &'static [&'static str] {
        &["album", "year", "duration_ms", "artwork_url", "external_url"]
    }

    fn search_url(&self, wanted: &Wanted) -> String {
        let phrase = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let query = format!(
            "recording:\"{}\" AND artist:\"{}\"",
            phrase(&wanted.title),
            phrase(&wanted.artist)
        );
        let (base, query) = (&self.base, in_query(&query));
        format!("{base}/ws/2/recording?query={query}&fmt=json&limit={LIMIT}")
    }

    fn read(&self, answer: &[u8]) -> Result<Vec<Candidate>, String> {
        let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let recordings = answer["recordings"].as_array().ok_or("it has no list of recordings")?;
        Ok(recordings.iter().filter_map(|recording| self.recording(recording)).collect())
    }
}

/// A MusicBrainz identifier: a UUID.
fn is_mbid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns the names of a credit with the text that joins them.
fn credit(credit: &Value) -> Option<String> {
    let mut text = String::new();
    for part in credit.as_array()? {
        text.push_str(part["name"].as_str()?);
        text.push_str(part["joinphrase"].as_str().unwrap_or_default());
    }
    Some(text)
}

fn kinds(release: &Value) -> impl Iterator<Item = &str> {
    let kinds = release["release-group"]["secondary-types"].as_array();
    kinds.into_iter().flatten().filter_map(Value::as_str)
}

/// Returns a sort key; the lowest key belongs to the release that people would call the album:
/// official, an album, neither a compilation nor a concert, and early.
fn rank(release: &Value) -> (bool, bool, bool, String) {
    let date = release["date"].as_str().filter(|date| !date.is_empty());
    (
        release["status"] != "Official",
        release["release-group"]["primary-type"] != "Album",
        kinds(release).next().is_some(),
        date.unwrap_or("9999").to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::song::{Song, SongId};

    const ID: &str = "b1a9c0e9-d987-4042-ae91-78d6a3267d69";

    fn provider() -> MusicBrainz {
        MusicBrainz::new("ana@example.org").unwrap()
    }

    #[test]
    fn what_is_asked_and_by_whom() {
        let mut song = Song::new(SongId::new("a").unwrap());
        song.title = Some("Say \"Hi\"".into());
        song.artist = Some("AC/DC".into());
        let url = provider().search_url(&Wanted::new(&song).unwrap());
        assert_eq!(
            url,
            "https://musicbrainz.org/ws/2/recording?query=recording%3A%22Say+%5C%22Hi%5C%22%22+AND+artist%3A%22AC%2FDC%22&fmt=json&limit=10"
        );
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("pixelplay/{version} ( ana@example.org )");
        assert_eq!(provider().user_agent(), expected);
        for bad in ["", "ana", "a b@c", "a@b\r\nX: y", "(a@b)", "\u{e9}@b"] {
            assert!(MusicBrainz::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_read() {
        let release = |title: &str, kinds: &[&str], date: &str| {
            json!({"id": ID, "title": title, "status": "Official", "date": date,
                "release-group": {"id": ID, "primary-type": "Album", "secondary-types": kinds}})
        };
        let answer = json!({"count": 3, "recordings": [
            {"id": ID, "title": "Under Pressure", "length": 248_000, "first-release-date": "1981-10-26", "video": null,
             "artist-credit": [{"name": "Queen", "joinphrase": " & "}, {"name": "David Bowie"}],
             "releases": [release("Greatest Hits", &["Compilation"], "1981"), release("Hot Space", &[], "1982-05-21")]},
            {"id": ID, "title": "Under Pressure", "disambiguation": "1981-11-24: Montreal Forum",
             "artist-credit": [{"name": "Queen"}], "releases": [release("Rock Montreal", &["Live"], "2007")]},
            {"id": ID, "title": "Under Pressure", "video": true, "artist-credit": [{"name": "Queen"}]},
            {"id": "../../x", "title": "Under Pressure", "artist-credit": [{"name": "Queen"}]},
            {"id": ID, "title": "Under Pressure", "artist-credit": [{"name": 3}]},
        ]});
        let found = provider().read(answer.to_string().as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        let expected = Candidate {
            id: ID.into(),
            title: "Under Pressure".into(),
            artist: "Queen & David Bowie".into(),
            album: Some("Hot Space".into()),
            duration_ms: Some(248_000),
            year: Some(1981),
            external_url: Some(format!("https://musicbrainz.org/recording/{ID}")),
            cover_to_try: Some(format!("https://coverartarchive.org/release-group/{ID}/front-500")),
            ..Candidate::default()
        };
        assert_eq!(found[0], expected);
        assert_eq!(found[1].title, "Under Pressure (1981-11-24: Montreal Forum) (live)");
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for answer in ["", "{}", "[]", "{\"recordings\": 1}", "{\"error\": \"too fast\"}"] {
            assert!(provider().read(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}
