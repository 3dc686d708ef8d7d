//! Favourite songs.

use rusqlite::params;

use super::songs::{check_song, within_limit};
use crate::users::error::UserError;
use crate::users::store::UserStore;

impl UserStore {
    /// Adds a song to the favourites. Adding it again changes nothing.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::SongId`], [`UserError::LimitReached`] at 10,000,
    /// and if the file cannot be written.
    pub fn add_favourite(&self, name: &str, song: &str) -> Result<(), UserError> {
        check_song(song)?;
        let now = self.now();
        self.write_for("add a favourite", name, |transaction, account| {
            transaction
                .prepare_cached("INSERT INTO favourite VALUES (?, ?, ?) ON CONFLICT DO NOTHING")?
                .execute(params![account, song, now])?;
            let held: u32 = transaction
                .prepare_cached("SELECT count(*) FROM favourite WHERE account = ?")?
                .query_row([account], |row| row.get(0))?;
            Ok(within_limit("favourites", held)?)
        })
    }

    /// Removes a song from the favourites. Returns `false` if it was not a favourite.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn remove_favourite(&self, name: &str, song: &str) -> Result<bool, UserError> {
        self.write_for("remove a favourite", name, |transaction, account| {
            let removed = transaction
                .prepare_cached("DELETE FROM favourite WHERE account = ? AND song = ?")?
                .execute(params![account, song])?;
            Ok(removed > 0)
        })
    }

    /// Returns the ids of the favourite songs, newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn favourites(&self, name: &str) -> Result<Vec<String>, UserError> {
        self.songs_of(
            name,
            "SELECT song FROM favourite WHERE account = ? ORDER BY added DESC, song",
        )
    }
}
