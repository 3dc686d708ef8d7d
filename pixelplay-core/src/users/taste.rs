//! What a person likes: favourites, likes and dislikes, what was listened to, and the weights that
//! follow from them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rusqlite::params;

use super::UserStore;
use super::clock::{Millis, in_millis, time};
use super::error::UserError;

/// The longest song id that is stored, in bytes.
const MAX_SONG_BYTES: usize = 1024;

/// The most favourites, and the most ratings, of one account.
const MAX_KEPT: u32 = 10_000;

/// What a favourite, a like (a dislike, negated) and a listening weigh on the day.
const FAVOURITE: f64 = 1.0;
const LIKE: f64 = 1.0;
const LISTEN: f64 = 0.25;

/// Weights below this are left out: they would move no question.
const FAINTEST: f64 = 1e-3;

/// A song that was listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listen {
    /// The id of the song.
    pub song: String,
    /// When.
    pub at: SystemTime,
}

impl UserStore {
    /// Adds a song to the favourites; a second time changes nothing.
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

    /// Removes a song from the favourites; `false` if it was none.
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

    /// The ids of the favourite songs, the newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn favourites(&self, name: &str) -> Result<Vec<String>, UserError> {
        self.songs_of(
            name,
            "SELECT song FROM favourite WHERE account = ? ORDER BY added DESC, song",
        )
    }

    /// Notes that a song is liked; an earlier rating is replaced.
    ///
    /// # Errors
    /// As [`add_favourite`](Self::add_favourite).
    pub fn like(&self, name: &str, song: &str) -> Result<(), UserError> {
        self.rate(name, song, true)
    }

    /// Notes that a song is disliked; an earlier rating is replaced.
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

    /// Takes a like or dislike back; `false` if there was none.
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

    /// The ids of the songs that are liked, the newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn likes(&self, name: &str) -> Result<Vec<String>, UserError> {
        self.songs_of(
            name,
            "SELECT song FROM rating WHERE account = ? AND liked = 1 ORDER BY rated DESC, song",
        )
    }

    /// The ids of the songs that are disliked, the newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn dislikes(&self, name: &str) -> Result<Vec<String>, UserError> {
        self.songs_of(
            name,
            "SELECT song FROM rating WHERE account = ? AND liked = 0 ORDER BY rated DESC, song",
        )
    }

    fn songs_of(&self, name: &str, sql: &'static str) -> Result<Vec<String>, UserError> {
        self.read_for("list songs", name, |reader, account| {
            let songs: rusqlite::Result<Vec<String>> =
                reader.prepare_cached(sql)?.query_map([account], |row| row.get(0))?.collect();
            Ok(songs?)
        })
    }

    /// Notes that a song was listened to. The oldest beyond
    /// [`max_history`](super::UserStoreOptions::max_history) are forgotten.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], [`UserError::SongId`], and if the file cannot be written.
    pub fn record_listen(&self, name: &str, song: &str) -> Result<(), UserError> {
        check_song(song)?;
        let now = self.now();
        let kept = self.options.max_history;
        self.write_for("note a listening", name, |transaction, account| {
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

    /// What was listened to, the latest first, at most `limit`.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn history(&self, name: &str, limit: usize) -> Result<Vec<Listen>, UserError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_for("list what was listened to", name, |reader, account| {
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

    /// Forgets all that was listened to; returns how much that was.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn clear_history(&self, name: &str) -> Result<usize, UserError> {
        self.write_for("forget the history", name, |transaction, account| {
            Ok(transaction.execute("DELETE FROM listen WHERE account = ?", [account])?)
        })
    }

    /// What a person likes: song ids with weights from -1 (disliked) to 1.
    ///
    /// A favourite and a like weigh 1 each, a dislike -1, a listening 0.25, all halved with every
    /// [half-life](super::UserStoreOptions::taste_half_life) that has passed since; a song's sum is
    /// cut at -1 and 1, and what is below 0.001 is left out.
    /// [`HybridQuery::taste`](crate::HybridQuery::taste) leans a question towards it.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn taste(&self, name: &str) -> Result<BTreeMap<String, f64>, UserError> {
        let now = self.now();
        let half_life = in_millis(self.options.taste_half_life).max(1);
        self.read_for("read the taste", name, |reader, account| {
            let mut weights: BTreeMap<String, f64> = BTreeMap::new();
            let mut statement = reader.prepare_cached(
                "SELECT song, added, ?2 FROM favourite WHERE account = ?1
                 UNION ALL SELECT song, rated, iif(liked, ?3, -?3) FROM rating WHERE account = ?1
                 UNION ALL SELECT song, at, ?4 FROM listen WHERE account = ?1",
            )?;
            let mut rows = statement.query(params![account, FAVOURITE, LIKE, LISTEN])?;
            while let Some(row) = rows.next()? {
                let (song, at, weight): (String, Millis, f64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                *weights.entry(song).or_default() +=
                    weight * decay(now.saturating_sub(at), half_life);
            }
            weights.retain(|_, weight| weight.abs() >= FAINTEST);
            for weight in weights.values_mut() {
                *weight = weight.clamp(-1.0, 1.0);
            }
            Ok(weights)
        })
    }
}

/// What is left of a weight after a time; a time to come counts as now.
#[expect(clippy::cast_precision_loss, reason = "a ratio of times needs no exact milliseconds")]
fn decay(age: Millis, half_life: Millis) -> f64 {
    (-(age.max(0) as f64) / half_life as f64).exp2()
}

fn check_song(song: &str) -> Result<(), UserError> {
    if (1..=MAX_SONG_BYTES).contains(&song.len()) {
        Ok(())
    } else {
        Err(UserError::SongId { max_bytes: MAX_SONG_BYTES, found: song.len() })
    }
}

fn within_limit(what: &'static str, held: u32) -> Result<(), UserError> {
    if held <= MAX_KEPT { Ok(()) } else { Err(UserError::LimitReached { what, limit: MAX_KEPT }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_halves_with_every_half_life() {
        assert_eq!(decay(0, 10), 1.0);
        assert_eq!(decay(10, 10), 0.5);
        assert_eq!(decay(30, 10), 0.125);
        assert_eq!(decay(-5, 10), 1.0);
    }
}
