//! Likes and dislikes.

use rusqlite::params;

use super::songs::{check_song, within_limit};
use crate::users::error::UserError;
use crate::users::store::UserStore;

impl UserStore {
    /// Likes a song, replacing any earlier rating.
    ///
    /// # Errors
    /// As [`add_favourite`](Self::add_favourite).
    pub fn like(&self, name: &str, song: &str) -> Result<(), UserError> {
        self.rate(name, song, true)
    }

    /// Dislikes a song, replacing any earlier rating.
    ///
    /// # Errors
    /// As [`add_favourite`](Self::add_favourite).
    pub fn dislike(&self, name: &str, song: &str) -> Result<(), UserError> {
        self.rate(name, song, false)
    }

    fn rate(&self, name: &str, song: &str, liked: bool) -> Result<(), UserError> {
        check_song(song)?;
        let now = self.now();
        self.write_for("rate a song", name, |transaction, account| {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO rating VALUES (?, ?, ?, ?)")?
                .execute(params![account, song, liked, now])?;
            let held: u32 = transaction
                .prepare_cached("SELECT count(*) FROM rating WHERE account = ?")?
                .query_row([account], |row| row.get(0))?;
            Ok(within_limit("ratings", held)?)
        })
    }

    /// Removes a like or dislike. Returns `false` if there was none.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn clear_rating(&self, name: &str, song: &str) -> Result<bool, UserError> {
        self.write_for("clear a rating", name, |transaction, account| {
            let cleared = transaction
                .prepare_cached("DELETE FROM rating WHERE account = ? AND song = ?")?
                .execute(params![account, song])?;
            Ok(cleared > 0)
        })
    }

    /// Returns the ids of the liked songs, newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn likes(&self, name: &str) -> Result<Vec<String>, UserError> {
        self.songs_of(
            name,
            "SELECT song FROM rating WHERE account = ? AND liked = 1 ORDER BY rated DESC, song",
        )
    }

    /// Returns the ids of the disliked songs, newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn dislikes(&self, name: &str) -> Result<Vec<String>, UserError> {
        self.songs_of(
            name,
            "SELECT song FROM rating WHERE account = ? AND liked = 0 ORDER BY rated DESC, song",
        )
    }
}
