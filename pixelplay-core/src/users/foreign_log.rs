//! Detects a log that does not belong to the file it is next to.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::database::{Abort, beside};
use super::error::UserError;

/// Refuses a file if the log next to it belongs to another file, for example if a backup was copied
/// over the file of a store that had been killed. SQLite would replay the log, which does not say
/// which file it belongs to.
pub(super) fn refuse_log_of_another(path: &Path, connection: &Connection) -> Result<(), Abort> {
    let id = |connection: &Connection| -> rusqlite::Result<(Vec<u8>, Option<Vec<u8>>)> {
        let has_file_id: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM pragma_table_info('secret') WHERE name = 'file_id')",
            [],
            |row| row.get(0),
        )?;
        let file_id = if has_file_id { "file_id" } else { "NULL" };
        let sql = format!("SELECT attempt_key, {file_id} FROM secret");
        connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let log = beside(path, "-wal");
    for tries in 0.. {
        if std::fs::metadata(&log).map_or(true, |log| log.len() == 0) {
            return Ok(());
        }
        // While the log is being moved into the file, the file alone may be inconsistent.
        let without_log = connect_without_log(path).and_then(|file| id(&file));
        match (without_log, id(connection)) {
            (Ok(alone), Ok(with_log))
                if alone.0 != with_log.0 || is_other(&alone.1, &with_log.1) => {}
            _ => return Ok(()),
        }
        if tries == 20 {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    // Neither file may change now: closing the connection would move the log into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Err(UserError::LogOfAnother { path: path.to_owned(), log }.into())
}

fn is_other(one: &Option<Vec<u8>>, other: &Option<Vec<u8>>) -> bool {
    one.is_some() && other.is_some() && one != other
}

/// Opens the file without its log. Closing this connection does not release SQLite's locks on the
/// file.
fn connect_without_log(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    Connection::open_with_flags(
        uri,
        OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}
