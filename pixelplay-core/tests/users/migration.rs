//! Migrating a file from one version to the next.

use super::*;
use rand::RngExt as _;

const V1: &[u8] = include_bytes!("../fixtures/users/v1.db");

fn golden(folder: &Folder) -> pixelplay_core::users::Peppers {
    use pixelplay_core::users::{Pepper, Peppers};
    fs::write(folder.db(), V1).unwrap();
    Peppers::new(Some(Pepper::new("golden", &[7; 32]).unwrap()), Vec::new()).unwrap()
}

fn version(folder: &Folder) -> i64 {
    folder.sqlite().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn all_names(folder: &Folder) -> Vec<String> {
    let sqlite = folder.sqlite();
    let mut names = sqlite.prepare("SELECT name FROM account ORDER BY id").unwrap();
    let names = names.query_map([], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_store_of_version_1_keeps_every_row_that_still_has_a_meaning() {
    let folder = Folder::new();
    let peppers = golden(&folder);
    let tables = ["account", "session", "confirmation", "attempt", "favourite", "rating", "listen"];
    let counts = || tables.map(|table| folder.count(table));
    let (names, before) = (all_names(&folder), counts());
    assert_eq!((version(&folder), names.len()), (1, 4));
    let users = folder.open_with(|options| options.peppers = peppers);
    users.verify().unwrap();
    assert_eq!(version(&folder), 2);
    assert_eq!(all_names(&folder), names);
    assert_eq!(counts(), before);
    let listed = users.accounts(None, 10).unwrap();
    assert_eq!(listed.len(), 4);
    // An email address now looks like fewer other names than before.
    let looks: String = folder
        .sqlite()
        .query_row("SELECT name_skeleton FROM account WHERE name LIKE '%@%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(looks, "ju\u{308}rgen@example.org");
}

/// A kill leaves part of the log: any part of what the migration wrote.
#[test]
fn a_migration_that_is_cut_short_leaves_version_1() {
    let folder = Folder::new();
    let peppers = golden(&folder);
    let users = folder.open_with(|options| options.peppers = peppers.clone());
    let log = fs::read(folder.path("users.db-wal")).unwrap();
    drop(users);
    let mut rng = rand::rng();
    let mut whole = 0;
    let cuts = soak(60, 1000);
    for n in 0..cuts {
        let cut = if n == 0 { log.len() } else { rng.random_range(0..log.len()) };
        let folder = Folder::new();
        golden(&folder);
        fs::write(folder.path("users.db-wal"), &log[..cut]).unwrap();
        let found = {
            let sqlite = folder.sqlite();
            // Reading the version must not move the log into the file.
            sqlite
                .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
                .unwrap();
            sqlite.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        whole += usize::from(found == 2);
        assert!(found == 1 || n == 0, "version {found} of a log cut at {cut} of {}", log.len());
        let users = folder.open_with(|options| options.peppers = peppers.clone());
        users.verify().unwrap();
        assert_eq!(users.accounts(None, 10).unwrap().len(), 4);
        assert_eq!(version(&folder), 2);
    }
    println!("{cuts} cuts of {} bytes: {whole} migrated, the others begun again", log.len());
    assert!(whole >= 1);
}

#[test]
fn the_tables_of_litestream_are_passed_over() {
    let folder = Folder::new();
    import(&folder.open(), "ana");
    folder
        .sqlite()
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
             CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);
             INSERT INTO _litestream_seq VALUES (1, 7);",
        )
        .unwrap();
    let users = folder.open();
    users.log_in("ana", PASSWORD).unwrap();
    users.verify().unwrap();
    users.backup(folder.path("backup.db")).unwrap();
    UserStore::open(folder.path("backup.db")).unwrap().account("ana").unwrap();
    assert_eq!(folder.count("_litestream_seq"), 1);
    drop(users);
    // Nothing else may use such a name.
    for slipped in [
        "CREATE TRIGGER _litestream_spy AFTER INSERT ON session BEGIN DELETE FROM account; END",
        "DROP TABLE _litestream_lock; CREATE VIEW _litestream_lock AS SELECT * FROM account",
    ] {
        let other = Folder::new();
        fs::copy(folder.db(), other.db()).unwrap();
        other.sqlite().execute_batch(slipped).unwrap();
        refused!(UserStore::open(other.db()), UserError::Damaged { .. });
    }
}

/// `sqlite3 .dump` writes neither the id nor the version of the file.
#[test]
fn a_store_that_was_restored_from_its_dump_is_a_store() {
    let folder = Folder::new();
    import(&folder.open(), "ana");
    folder.sqlite().execute_batch("PRAGMA application_id = 0; PRAGMA user_version = 0").unwrap();
    let users = folder.open();
    users.log_in("ana", PASSWORD).unwrap();
    drop(users);
    assert_eq!(version(&folder), 2);
    folder.open().verify().unwrap();
}
