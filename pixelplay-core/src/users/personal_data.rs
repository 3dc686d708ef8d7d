//! Export of everything that is stored about a person.

use rusqlite::Connection;
use serde::Serialize;

use super::clock::Millis;
use super::error::UserError;
use super::store::UserStore;

/// Times are milliseconds since 1970 (UTC).
#[derive(Serialize)]
struct Export {
    username: String,
    created_ms: Millis,
    external_id: Option<String>,
    sessions: Vec<ExportedSession>,
    devices: Vec<Device>,
    favourites: Vec<Favourite>,
    ratings: Vec<Rating>,
    history: Vec<Listening>,
}

#[derive(Serialize)]
struct ExportedSession {
    label: Option<String>,
    created_ms: Millis,
    last_seen_ms: Millis,
}

#[derive(Serialize)]
struct Device {
    created_ms: Millis,
    last_used_ms: Millis,
}

#[derive(Serialize)]
struct Favourite {
    song: String,
    added_ms: Millis,
}

#[derive(Serialize)]
struct Rating {
    song: String,
    liked: bool,
    rated_ms: Millis,
}

#[derive(Serialize)]
struct Listening {
    song: String,
    at_ms: Millis,
}

impl UserStore {
    /// Returns everything that is stored about a person, as JSON: name, sessions, devices,
    /// favourites, ratings and history, oldest first. The hashes of the password and of tokens are
    /// not included.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn export(&self, name: &str) -> Result<String, UserError> {
        let export = self.read_for("export", name, |reader, account| {
            let (username, created_ms, external_id) = reader.query_row(
                "SELECT name, created, external_id FROM account WHERE id = ?",
                [account],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            Ok(Export {
                username,
                created_ms,
                external_id,
                sessions: all(
                    reader,
                    "SELECT label, created, last_seen FROM session WHERE account = ? ORDER BY id",
                    account,
                    |row| {
                        Ok(ExportedSession {
                            label: row.get(0)?,
                            created_ms: row.get(1)?,
                            last_seen_ms: row.get(2)?,
                        })
                    },
                )?,
                devices: all(
                    reader,
                    "SELECT created, used FROM device WHERE account = ? ORDER BY created, used",
                    account,
                    |row| Ok(Device { created_ms: row.get(0)?, last_used_ms: row.get(1)? }),
                )?,
                favourites: all(
                    reader,
                    "SELECT song, added FROM favourite WHERE account = ? ORDER BY added, song",
                    account,
                    |row| Ok(Favourite { song: row.get(0)?, added_ms: row.get(1)? }),
                )?,
                ratings: all(
                    reader,
                    "SELECT song, liked, rated FROM rating WHERE account = ? ORDER BY rated, song",
                    account,
                    |row| {
                        Ok(Rating { song: row.get(0)?, liked: row.get(1)?, rated_ms: row.get(2)? })
                    },
                )?,
                history: all(
                    reader,
                    "SELECT song, at FROM listen WHERE account = ? ORDER BY id",
                    account,
                    |row| Ok(Listening { song: row.get(0)?, at_ms: row.get(1)? }),
                )?,
            })
        })?;
        serde_json::to_string_pretty(&export).map_err(|source| UserError::Storage {
            action: "export",
            path: self.storage.path().to_owned(),
            source: Box::new(source),
        })
    }
}

fn all<T>(
    reader: &Connection,
    sql: &str,
    account: i64,
    row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    reader.prepare(sql)?.query_map([account], row)?.collect()
}
