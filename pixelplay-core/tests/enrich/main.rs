//! Looks up songs at a shop that behaves, misbehaves or lies: a real HTTP server on the loopback
//! interface, and a clock that only advances by waiting.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests and their helpers"
)]

mod cache;
#[cfg(unix)]
mod child;
#[path = "../support/explain.rs"]
mod explain;
mod fake_itunes;
mod faults;
mod index;
mod musicbrainz;
#[cfg(unix)]
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/process.rs"]
mod process;
#[allow(dead_code, reason = "the tests of the hub use the rest")]
#[path = "../support/server.rs"]
mod server;
mod story;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pixelplay_core::enrich::{
    Clock, EnrichError, EnrichOptions, EnrichReport, ITunes, Provider, enrich_songs,
};
use pixelplay_core::{HttpProxy, Song, SongId};
use tempfile::TempDir;

use explain::explain;
use fake_itunes::Shop;

/// A clock that only advances by waiting.
#[derive(Clone, Default)]
pub(crate) struct VirtualTime(Arc<Mutex<Duration>>);

impl VirtualTime {
    /// The time since the test began.
    pub(crate) fn passed(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }

    pub(crate) fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.passed()
    }

    fn clock(&self) -> Clock {
        let (now, slept) = (self.clone(), self.clone());
        Clock::new(move || now.now(), move |wait| slept.pass(wait))
    }
}

/// A shop, a clock, and an empty folder for the cache.
pub(crate) struct Scene {
    pub(crate) shop: Shop,
    pub(crate) time: VirtualTime,
    pub(crate) folder: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let time = VirtualTime::default();
        Self { shop: Shop::open(&time), time, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn provider(&self) -> ITunes {
        ITunes::at(&self.shop.server.url(), "US").unwrap()
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache.db")
    }

    /// Options that do not depend on the environment.
    pub(crate) fn options(&self) -> EnrichOptions {
        EnrichOptions {
            clock: self.time.clock(),
            proxy: HttpProxy::Direct,
            timeout: Duration::from_millis(300),
            ..EnrichOptions::new(self.cache())
        }
    }

    pub(crate) fn enrich(&self, songs: &mut [Song]) -> Result<EnrichReport, EnrichError> {
        enrich_songs(songs, &self.provider(), &self.options(), &mut ())
    }

    /// The request target for a song.
    pub(crate) fn target(&self, song: &Song) -> String {
        target(&self.provider(), song)
    }

    /// Adds the song to the shop.
    pub(crate) fn sell(&self, song: &Song) {
        self.shop.offer(&self.target(song), vec![fake_itunes::as_sold(song)]);
    }
}

/// The request target for a song: the part of the URL after the host.
pub(crate) fn target(provider: &dyn Provider, song: &Song) -> String {
    let wanted = pixelplay_core::enrich::Wanted::new(song).unwrap();
    let url = provider.search_url(&wanted);
    url[url.find("/search").or(url.find("/ws/2")).unwrap()..].to_owned()
}

pub(crate) fn song(id: &str, title: &str, artist: &str) -> Song {
    let mut song = Song::new(SongId::new(id).unwrap());
    song.title = Some(title.into());
    song.artist = Some(artist.into());
    song.duration_ms = Some(200_000);
    song
}
