//! Listening history.

use std::time::SystemTime;

use rusqlite::params;

use super::songs::check_song;
use crate::users::clock::time;
use crate::users::error::UserError;
use crate::users::store::UserStore;

/// A song that was listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listen {
    /// The id of the song.
    pub song: String,
    /// When it was listened to.
    pub at: SystemTime,
}

impl UserStore {
    /// Records that a song was listened to. Keeps the latest
    /// [`max_history`](crate::users::UserStoreOptions::max_history) entries.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::SongId`], and if the file cannot be written.
    pub fn record_listen(&self, name: &str, song: &str) -> Result<(), UserError> {
        check_song(song)?;
        let now = self.now();
        let kept = self.options.max_history;
        self.write_for("record a listen", name, |transaction, account| {
            transaction
                .prepare_cached("INSERT INTO listen (account, song, at) VALUES (?, ?, ?)")?
                .execute(params![account, song, now])?;
            transaction
                .prepare_cached(
                    "DELETE FROM listen WHERE account = ?1 AND id <=
                     (SELECT id FROM listen WHERE account = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                )?
                .execute(params![account, kept])?;
            Ok(())
        })
    }

    /// Returns the latest listens, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn history(&self, name: &str, limit: usize) -> Result<Vec<Listen>, UserError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_for("list the history", name, |reader, account| {
            let listens: rusqlite::Result<Vec<Listen>> = reader
                .prepare_cached(
                    "SELECT song, at FROM listen WHERE account = ? ORDER BY id DESC LIMIT ?",
                )?
                .query_map([account, limit], |row| {
                    Ok(Listen { song: row.get(0)?, at: time(row.get(1)?) })
                })?
                .collect();
            Ok(listens?)
        })
    }

    /// Deletes the listening history, and returns how many entries it had.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn clear_history(&self, name: &str) -> Result<usize, UserError> {
        self.write_for("clear the history", name, |transaction, account| {
            Ok(transaction.execute("DELETE FROM listen WHERE account = ?", [account])?)
        })
    }
}
