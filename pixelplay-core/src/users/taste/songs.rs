//! What every list of songs shares: its bounds, and how it is read.

use crate::users::error::UserError;
use crate::users::store::UserStore;

/// The longest song id that is stored, in bytes.
const MAX_SONG_BYTES: usize = 1024;

/// The most favourites, and the most ratings, of one account.
const MAX_KEPT: u32 = 10_000;

impl UserStore {
    /// The ids that a query gives for an account.
    pub(super) fn songs_of(&self, name: &str, sql: &'static str) -> Result<Vec<String>, UserError> {
        self.read_for("list songs", name, |reader, account| {
            let songs: rusqlite::Result<Vec<String>> =
                reader.prepare_cached(sql)?.query_map([account], |row| row.get(0))?.collect();
            Ok(songs?)
        })
    }
}

/// Whether a song can be stored under this id.
pub(super) fn check_song(song: &str) -> Result<(), UserError> {
    if (1..=MAX_SONG_BYTES).contains(&song.len()) {
        Ok(())
    } else {
        Err(UserError::SongId { max_bytes: MAX_SONG_BYTES, found: song.len() })
    }
}

/// Whether an account may hold as many.
pub(super) fn within_limit(what: &'static str, held: u32) -> Result<(), UserError> {
    if held <= MAX_KEPT { Ok(()) } else { Err(UserError::LimitReached { what, limit: MAX_KEPT }) }
}
