//! Shared by all lists of songs: limits, and reading a list.

use crate::users::error::UserError;
use crate::users::store::UserStore;

/// The maximum length of a song id, in bytes.
const MAX_SONG_BYTES: usize = 1024;

/// The maximum number of favourites, and of ratings, per account.
const MAX_KEPT: u32 = 10_000;

impl UserStore {
    /// Returns the song ids that a query selects for an account.
    pub(super) fn songs_of(&self, name: &str, sql: &'static str) -> Result<Vec<String>, UserError> {
        self.read_for("list songs", name, |reader, account| {
            let songs: rusqlite::Result<Vec<String>> =
                reader.prepare_cached(sql)?.query_map([account], |row| row.get(0))?.collect();
            Ok(songs?)
        })
    }
}

/// Checks that a song can be stored under this id.
pub(super) fn check_song(song: &str) -> Result<(), UserError> {
    if (1..=MAX_SONG_BYTES).contains(&song.len()) {
        Ok(())
    } else {
        Err(UserError::SongId { max_bytes: MAX_SONG_BYTES, found: song.len() })
    }
}

/// Checks that an account may hold this many entries.
pub(super) fn within_limit(what: &'static str, held: u32) -> Result<(), UserError> {
    if held <= MAX_KEPT { Ok(()) } else { Err(UserError::LimitReached { what, limit: MAX_KEPT }) }
}
