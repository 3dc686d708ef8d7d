//! The life of a session: beginning, resuming, listing and ending it.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::token::{SecretToken, hash_of};
use crate::users::clock::{Millis, in_millis, time};
use crate::users::database::Abort;
use crate::users::error::UserError;
use crate::users::options::{Client, SessionLifetime};
use crate::users::store::UserStore;

/// The shortest interval at which activity is recorded, so that a busy session costs reads and
/// hardly any writes.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// How far ahead of the clock a session may have begun. If it began later than that, the clock has
/// been set back since. The age of the session is then unknown, so it ends.
const MAX_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// Longer lifetimes count as this one, so that adding them to a time stays in range.
const FOR_EVER: Millis = 100 * 365 * 24 * 3600 * 1000;

/// The maximum number of ended sessions that one log-in cleans up, so that no single log-in pays
/// for all earlier ones.
const SWEPT_AT_ONCE: u32 = 100;

/// The maximum length of a stored label, in characters.
const LABEL_CHARS: usize = 200;

/// A log-in that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The id that [`UserStore::revoke`] takes. It is not a secret.
    pub id: i64,
    /// The user name as it was registered.
    pub username: String,
    /// The name that the client gave itself at log-in; see [`Client::label`].
    pub label: Option<String>,
    /// When it began.
    pub created: SystemTime,
    /// When it was last resumed, accurate to a minute.
    pub last_seen: SystemTime,
    /// When it ends, even if it is in constant use.
    pub ends: SystemTime,
}

/// A session that has just begun, and its token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewSession {
    /// The token that the client presents from now on. It is not stored and cannot be retrieved
    /// again.
    pub token: SecretToken,
    /// The session that the token belongs to.
    pub session: Session,
    /// The token of the client, to pass as [`Client::device`] at its next log-in. Keep it in a
    /// separate cookie that outlives the session. It does not log anybody in. If the account knows
    /// the token that was passed at this log-in, it is the same one.
    pub device: SecretToken,
}

const COLUMNS: &str = "session.id, name, label, session.created, last_seen, idle, max_age";

impl UserStore {
    /// Returns the session of a token. Costs one index lookup; once a minute it also records the
    /// activity.
    ///
    /// # Errors
    /// [`UserError::InvalidSession`] if there is no such token or its session has ended, and if the
    /// file cannot be read. It is not an error if the file cannot be written: a full disk or an
    /// exhausted quota does not log users out, although an idle session then ends sooner.
    pub fn resume(&self, token: &str) -> Result<Session, UserError> {
        let hash = hash_of(token).ok_or(UserError::InvalidSession)?;
        let now = self.now();
        let found = self.storage.read("find a session", |reader| {
            Ok(reader
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM session JOIN account ON account.id = account WHERE token_hash = ?"
                ))?
                .query_row([hash], Stored::read)
                .optional()?)
        })?;
        let found =
            found.filter(|session| session.is_live(now)).ok_or(UserError::InvalidSession)?;
        if now.abs_diff(found.last_seen) >= found.seen_every() {
            let seen = self.storage.write("resume a session", |transaction| {
                transaction
                    .prepare_cached("UPDATE session SET last_seen = ? WHERE id = ?")?
                    .execute([now, found.id])?;
                Ok(())
            });
            match seen {
                Ok(())
                | Err(
                    UserError::DiskFull { .. }
                    | UserError::ReadOnly { .. }
                    | UserError::Storage { .. },
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found.into())
    }

    /// Ends the session of a token. It is not an error if the session has already ended.
    ///
    /// # Errors
    /// If the file cannot be written. The session has then not ended.
    pub fn log_out(&self, token: &str) -> Result<(), UserError> {
        let Some(hash) = hash_of(token) else {
            return Ok(());
        };
        self.storage.write("log out", |transaction| {
            transaction
                .prepare_cached("DELETE FROM session WHERE token_hash = ?")?
                .execute([hash])?;
            Ok(())
        })
    }

    /// Ends all sessions of an account, and returns how many there were.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn log_out_everywhere(&self, name: &str) -> Result<usize, UserError> {
        self.write_for("log out", name, |transaction, account| {
            Ok(transaction.execute("DELETE FROM session WHERE account = ?", [account])?)
        })
    }

    /// Returns the open sessions of an account, newest first.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be read.
    pub fn sessions(&self, name: &str) -> Result<Vec<Session>, UserError> {
        let now = self.now();
        let stored = self.read_for("list sessions", name, |reader, account| {
            let sessions: rusqlite::Result<Vec<Stored>> = reader
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM session JOIN account ON account.id = account
                     WHERE account = ? ORDER BY session.id DESC"
                ))?
                .query_map([account], Stored::read)?
                .collect();
            Ok(sessions?)
        })?;
        Ok(stored.into_iter().filter(|session| session.is_live(now)).map(Session::from).collect())
    }

    /// Ends one session of an account, by its [id](Session::id). Returns `false` if it had already
    /// ended.
    ///
    /// # Errors
    /// [`UserError::UnknownUser`], and if the file cannot be written.
    pub fn revoke(&self, name: &str, session: i64) -> Result<bool, UserError> {
        self.write_for("end a session", name, |transaction, account| {
            let ended = transaction
                .execute("DELETE FROM session WHERE account = ? AND id = ?", [account, session])?;
            Ok(ended > 0)
        })
    }

    /// Begins a session. The caller must have checked, in this transaction, that this is allowed.
    pub(in crate::users) fn begin_session(
        &self,
        transaction: &Connection,
        account: i64,
        client: &Client<'_>,
        token: &SecretToken,
        now: Millis,
    ) -> Result<Session, Abort> {
        transaction
            .prepare_cached(
                "DELETE FROM session WHERE id IN (SELECT id FROM session
                 WHERE min(last_seen + idle, created + max_age) <= ? LIMIT ?)",
            )?
            .execute(params![now, SWEPT_AT_ONCE])?;
        let lifetime = client.lifetime.unwrap_or(SessionLifetime {
            idle_timeout: self.options.idle_timeout,
            max_age: self.options.max_session_age,
        });
        let label = client.label.map(|label| -> String {
            let shown = label.chars().filter(|c| !c.is_control());
            shown.take(LABEL_CHARS).collect()
        });
        transaction
            .prepare_cached(
                "INSERT INTO session (account, token_hash, label, created, last_seen, idle, max_age)
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
            )?
            .execute(params![
                account,
                token.hash(),
                label,
                now,
                in_millis(lifetime.idle_timeout).min(FOR_EVER),
                in_millis(lifetime.max_age).min(FOR_EVER)
            ])?;
        let id = transaction.last_insert_rowid();
        let stored = transaction
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM session JOIN account ON account.id = account WHERE session.id = ?"
            ))?
            .query_row([id], Stored::read)?;
        Ok(stored.into())
    }
}

/// A row of the session table.
struct Stored {
    id: i64,
    username: String,
    label: Option<String>,
    created: Millis,
    last_seen: Millis,
    idle: Millis,
    max_age: Millis,
}

impl Stored {
    /// Returns whether the session has begun and not ended, as far as the clock can tell.
    fn is_live(&self, now: Millis) -> bool {
        let ahead = in_millis(MAX_AHEAD);
        let unseen = now.saturating_sub(self.last_seen);
        let age = now.saturating_sub(self.created);
        unseen < self.idle
            && unseen > -ahead.min(self.idle)
            && age < self.max_age
            && age > -ahead.min(self.max_age)
    }

    /// Returns how often to record activity: often enough that a session in use never looks idle,
    /// however short the idle timeout is.
    fn seen_every(&self) -> u64 {
        in_millis(SEEN_EVERY).min(self.idle / 4).unsigned_abs()
    }

    /// Reads the columns of [`COLUMNS`].
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            username: row.get(1)?,
            label: row.get(2)?,
            created: row.get(3)?,
            last_seen: row.get(4)?,
            idle: row.get(5)?,
            max_age: row.get(6)?,
        })
    }
}

impl From<Stored> for Session {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id,
            username: stored.username,
            label: stored.label,
            created: time(stored.created),
            last_seen: time(stored.last_seen),
            ends: time(stored.created.saturating_add(stored.max_age)),
        }
    }
}
