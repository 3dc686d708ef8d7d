//! Fuzzes the answers of the providers in which songs are looked up.

use pixelplay_core::enrich::{ITunes, MusicBrainz, Provider, Wanted};
use pixelplay_core::{Song, SongId};

use crate::Seeds;

/// Reads an answer as both providers do, and looks up each offered recording among all of them. The
/// look-up must find that recording, or a match that is at least as good.
pub fn read_answer(data: &[u8]) {
    let itunes = ITunes::new("US").unwrap();
    let musicbrainz = MusicBrainz::new("fuzz@example.org").unwrap();
    for provider in [&itunes as &dyn Provider, &musicbrainz] {
        let Ok(candidates) = provider.read(data) else {
            continue;
        };
        for candidate in candidates.iter().take(8) {
            let mut song = Song::new(SongId::new("1").unwrap());
            song.title = Some(candidate.title.clone());
            song.artist = Some(candidate.artist.clone());
            song.album = candidate.album.clone();
            song.duration_ms = candidate.duration_ms;
            let Some(wanted) = Wanted::new(&song) else {
                continue;
            };
            assert!(provider.search_url(&wanted).is_ascii());
            let found = wanted.choose(&candidates, 0.0).unwrap();
            assert!((0.0..=1.0).contains(&found.confidence));
        }
    }
}

pub(crate) fn seeds() -> Seeds {
    let itunes = r#"{"resultCount":2,"results":[{"wrapperType":"track","kind":"song","trackId":1,"trackName":"Rain (Live) [feat. Ben]","artistName":"Ana & Cy","collectionName":"Weather","trackTimeMillis":200000,"releaseDate":"1999-05-04T07:00:00Z","primaryGenreName":"Pop","trackExplicitness":"explicit","artworkUrl100":"https://is1-ssl.mzstatic.com/a/100x100bb.jpg","previewUrl":"https://audio-ssl.itunes.apple.com/a.m4a","trackViewUrl":"https://music.apple.com/us/album/x/1?i=2"},{"kind":"song","trackId":2,"trackName":"Rain - 2011 Remaster (Mixed)","artistName":"Karaoke Stars"}]}"#;
    let musicbrainz = r#"{"recordings":[{"id":"b1a9c0e9-d987-4042-ae91-78d6a3267d69","title":"Rain","length":200000,"disambiguation":"live","first-release-date":"1971","video":null,"artist-credit":[{"name":"Ana","joinphrase":" & "},{"name":"Cy"}],"releases":[{"title":"Weather","status":"Official","date":"1971-02-03","release-group":{"id":"b1a9c0e9-d987-4042-ae91-78d6a3267d69","primary-type":"Album","secondary-types":["Live"]}}]}]}"#;
    [("itunes", itunes), ("musicbrainz", musicbrainz)]
        .map(|(name, seed)| (name.to_owned(), seed.into()))
        .into()
}
