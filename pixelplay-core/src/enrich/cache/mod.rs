//! The cache: one SQLite file that stores answers, and the time at which each provider may be asked
//! next.
//!
//! Every answer is on disk before the next request is sent, so a killed run loses only the current
//! request. The file also assigns turns, so that several processes together, and a restarted run,
//! keep the provider's pace.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};

use super::clock::Millis;
use super::error::{CacheProblem, EnrichError};
use crate::sqlite::{self, FileKind, Refusal, create_private, is_busy, patiently};

const CACHE: FileKind = FileKind {
    // "Pixe" in ASCII.
    application_id: 0x5069_7865,
    migrations: &[include_str!("cache.sql")],
    convert: |_, _| Ok(()),
    is_called: "a cache of looked-up songs",
};

type Abort = sqlite::Abort<CacheProblem>;

pub(super) struct Cache {
    path: PathBuf,
    connection: Connection,
}

/// A provider's answer, and when it was received.
pub(super) struct Answer {
    pub(super) fetched_at: Millis,
    pub(super) body: String,
}

impl Cache {
    /// Opens a file, creating it if needed.
    pub(super) fn open(path: &Path) -> Result<Self, EnrichError> {
        let fail = |problem| EnrichError::Cache { path: path.to_owned(), problem };
        let opened = std::path::absolute(path)
            .and_then(|absolute| {
                if absolute.is_dir() {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                create_private(&absolute)?;
                Ok(absolute)
            })
            .map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    fail(CacheProblem::ReadOnly)
                }
                _ => fail(CacheProblem::Io(error)),
            })?;
        let connection = patiently(|| {
            let mut connection = CACHE.connect(&opened)?;
            CACHE.migrate(&mut connection)?;
            CACHE.check_schema(&connection)?;
            Ok(connection)
        });
        let connection =
            connection.map_err(|abort| fail(problem_of(abort.map_refused(refused))))?;
        Ok(Self { path: path.to_owned(), connection })
    }

    pub(super) fn answer(
        &self,
        provider: &str,
        query: &str,
    ) -> Result<Option<Answer>, EnrichError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT fetched_at, body FROM answer WHERE provider = ?1 AND query = ?2",
            )?;
            let found = statement.query_row(params![provider, query], |row| {
                Ok(Answer { fetched_at: row.get(0)?, body: row.get(1)? })
            });
            Ok(found.optional()?)
        })
    }

    pub(super) fn put(
        &self,
        provider: &str,
        query: &str,
        answer: &Answer,
    ) -> Result<(), EnrichError> {
        self.run(|connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO answer VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![provider, query, answer.fetched_at, answer.body])?;
            Ok(())
        })
    }

    /// Takes the next turn to ask a provider, and returns the time of this turn, which is now or
    /// later. The turn after it is one `interval` later. A turn more than `longest` away was set by
    /// a wrong clock and is ignored.
    pub(super) fn take_turn(
        &self,
        provider: &str,
        now: Millis,
        interval: Millis,
        longest: Millis,
    ) -> Result<Millis, EnrichError> {
        self.change_turn(provider, |next| {
            let next = next.filter(|next| *next <= now.saturating_add(longest));
            let turn = next.unwrap_or(now).max(now);
            (turn, turn.saturating_add(interval))
        })
    }

    /// Blocks all turns until the given time.
    pub(super) fn hold(&self, provider: &str, until: Millis) -> Result<(), EnrichError> {
        self.change_turn(provider, |next| ((), next.unwrap_or(until).max(until)))
    }

    fn change_turn<T>(
        &self,
        provider: &str,
        change: impl Fn(Option<Millis>) -> (T, Millis),
    ) -> Result<T, EnrichError> {
        self.run(|connection| {
            let transaction =
                rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let next = transaction
                .prepare_cached("SELECT next_at FROM turn WHERE provider = ?1")?
                .query_row([provider], |row| row.get(0))
                .optional()?;
            let (value, next) = change(next);
            transaction
                .prepare_cached("INSERT OR REPLACE INTO turn VALUES (?1, ?2)")?
                .execute(params![provider, next])?;
            transaction.commit()?;
            Ok(value)
        })
    }

    fn run<T>(
        &self,
        mut run: impl FnMut(&Connection) -> Result<T, Abort>,
    ) -> Result<T, EnrichError> {
        patiently(|| run(&self.connection)).map_err(|abort| self.fails(problem_of(abort)))
    }

    pub(super) fn fails(&self, problem: CacheProblem) -> EnrichError {
        EnrichError::Cache { path: self.path.clone(), problem }
    }
}

fn refused(refusal: Refusal) -> CacheProblem {
    match refusal {
        Refusal::ReadOnly => CacheProblem::ReadOnly,
        Refusal::Foreign(what) => CacheProblem::Foreign(what),
        Refusal::Newer { found, supported } => CacheProblem::Newer { found, supported },
        Refusal::Damaged(what) => CacheProblem::Damaged(what),
    }
}

fn problem_of(abort: Abort) -> CacheProblem {
    let error = match abort {
        Abort::Refused(problem) => return problem,
        Abort::Sqlite(error) => error,
    };
    match error.sqlite_error_code() {
        _ if is_busy(&error) => CacheProblem::Busy,
        Some(ErrorCode::DiskFull) => CacheProblem::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            CacheProblem::ReadOnly
        }
        Some(ErrorCode::NotADatabase) => {
            CacheProblem::Foreign("it is not an SQLite file, or its beginning is damaged")
        }
        Some(ErrorCode::DatabaseCorrupt) => CacheProblem::Damaged(error.to_string()),
        _ => CacheProblem::Storage(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_an_interval_apart_whoever_takes_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let (one, other) = (Cache::open(&path).unwrap(), Cache::open(&path).unwrap());
        let turn = |cache: &Cache, now| cache.take_turn("itunes", now, 3000, 1_000_000).unwrap();
        assert_eq!(turn(&one, 10_000), 10_000);
        assert_eq!(turn(&other, 10_000), 13_000);
        assert_eq!(turn(&one, 10_001), 16_000);
        assert_eq!(turn(&other, 30_000), 30_000);
        // Each provider has its own turns.
        assert_eq!(one.take_turn("other", 30_000, 1000, 1_000_000).unwrap(), 30_000);
        one.hold("itunes", 90_000).unwrap();
        other.hold("itunes", 50_000).unwrap();
        assert_eq!(turn(&other, 31_000), 90_000);
        // A clock that was wrong by years does not delay anyone.
        one.hold("itunes", 1_000_000_000_000).unwrap();
        assert_eq!(turn(&one, 100_000), 100_000);
    }

    #[test]
    fn answers_are_there_when_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let answer = Answer { fetched_at: 7, body: "[]".to_owned() };
        Cache::open(&path).unwrap().put("itunes", "a\nb", &answer).unwrap();
        let cache = Cache::open(&path).unwrap();
        let found = cache.answer("itunes", "a\nb").unwrap().unwrap();
        assert_eq!((found.fetched_at, found.body.as_str()), (7, "[]"));
        assert!(cache.answer("other", "a\nb").unwrap().is_none());
    }
}
