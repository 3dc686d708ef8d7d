//! A fake iTunes Search API, which records the time of every request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pixelplay_core::Song;
use serde_json::{Value, json};

use crate::VirtualTime;
use crate::server::{Reply, Request, Server};

type Fault = Box<dyn FnMut(usize, &Request, Reply) -> Reply + Send>;

struct World {
    /// The results for each request target; other targets have no results.
    offers: HashMap<String, Vec<Value>>,
    fault: Fault,
    /// The time and target of each request, and whether the reply was correct.
    asked: Vec<(Duration, String, bool)>,
}

pub(crate) struct Shop {
    pub(crate) server: Server,
    world: Arc<Mutex<World>>,
}

impl Shop {
    pub(crate) fn open(time: &VirtualTime) -> Self {
        let world = Arc::new(Mutex::new(World {
            offers: HashMap::new(),
            fault: Box::new(|_, _, reply| reply),
            asked: Vec::new(),
        }));
        let server = Server::start({
            let (world, time) = (Arc::clone(&world), time.clone());
            move |request| world.lock().unwrap().answer(request, time.passed())
        });
        Self { server, world }
    }

    pub(crate) fn offer(&self, target: &str, results: Vec<Value>) {
        let mut world = self.world.lock().unwrap();
        world.offers.insert(target.to_owned(), results);
    }

    /// Passes every later reply through `fault`, along with the number of earlier requests.
    pub(crate) fn fault(
        &self,
        fault: impl FnMut(usize, &Request, Reply) -> Reply + Send + 'static,
    ) {
        self.world.lock().unwrap().fault = Box::new(fault);
    }

    pub(crate) fn heal(&self) {
        self.fault(|_, _, reply| reply);
    }

    /// The time and target of each request, and whether the reply was correct.
    pub(crate) fn asked(&self) -> Vec<(Duration, String, bool)> {
        self.world.lock().unwrap().asked.clone()
    }
}

impl World {
    fn answer(&mut self, request: &Request, now: Duration) -> Reply {
        let results = self.offers.get(&request.target).cloned().unwrap_or_default();
        let body = json!({ "resultCount": results.len(), "results": results }).to_string();
        let good =
            Reply::new(200).with("Content-Type", "text/javascript; charset=utf-8").body(body);
        let reply = (self.fault)(self.asked.len(), request, good.clone());
        let is_good = reply.status == 200
            && reply.body == good.body
            && reply.headers == good.headers
            && matches!(reply.manners, crate::server::Manners::Well);
        self.asked.push((now, request.target.clone(), is_good));
        reply
    }
}

/// A recording as the API lists it.
pub(crate) fn sold(title: &str, artist: &str, album: &str, millis: i64) -> Value {
    // A stable number for each recording.
    let number = title
        .bytes()
        .chain(artist.bytes())
        .fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
        % 1_000_000_000;
    json!({
        "wrapperType": "track", "kind": "song", "trackId": number, "trackName": title, "artistName": artist,
        "collectionName": album, "trackTimeMillis": millis, "releaseDate": "1999-05-04T07:00:00Z",
        "primaryGenreName": "Pop", "trackExplicitness": "notExplicit",
        "artworkUrl100": format!("https://is1-ssl.mzstatic.com/image/thumb/{number}/100x100bb.jpg"),
        "previewUrl": format!("https://audio-ssl.itunes.apple.com/itunes-assets/{number}.m4a"),
        "trackViewUrl": format!("https://music.apple.com/us/album/x/{number}?i={number}&uo=4"),
    })
}

/// The song itself as the API lists it.
pub(crate) fn as_sold(song: &Song) -> Value {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let album = song.album.clone().unwrap_or_else(|| "Album".into());
    sold(&text(&song.title), &text(&song.artist), &album, song.duration_ms.unwrap_or(200_000))
}
