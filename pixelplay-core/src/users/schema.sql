-- Version 1. Times are milliseconds since 1970 (UTC). Nothing secret is in clear: of passwords there is a salted hash, of
-- tokens their SHA-256, of tried names a keyed hash (people type passwords where names belong).

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- As it is shown; what it is found by; and what must differ so that no two names look alike.
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    name_skeleton TEXT NOT NULL UNIQUE,
    -- A PHC string, or a bcrypt hash of before.
    hash TEXT NOT NULL,
    -- What the hash costs, and what of the password went into it: as typed, normalised, or with which pepper.
    scheme TEXT NOT NULL,
    input TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- How many accounts have each kind of hash, so that a log-in knows the dearest without looking at all accounts.
CREATE TABLE hash_kind (
    scheme TEXT NOT NULL,
    input TEXT NOT NULL,
    accounts INTEGER NOT NULL,
    PRIMARY KEY (scheme, input)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER account_added AFTER INSERT ON account BEGIN
    INSERT INTO hash_kind VALUES (NEW.scheme, NEW.input, 1)
        ON CONFLICT (scheme, input) DO UPDATE SET accounts = accounts + 1;
END;

CREATE TRIGGER account_removed AFTER DELETE ON account BEGIN
    UPDATE hash_kind SET accounts = accounts - 1 WHERE scheme = OLD.scheme AND input = OLD.input;
    DELETE FROM hash_kind WHERE accounts = 0;
END;

CREATE TRIGGER account_hashed AFTER UPDATE OF scheme, input ON account
WHEN NEW.scheme <> OLD.scheme OR NEW.input <> OLD.input BEGIN
    INSERT INTO hash_kind VALUES (NEW.scheme, NEW.input, 1)
        ON CONFLICT (scheme, input) DO UPDATE SET accounts = accounts + 1;
    UPDATE hash_kind SET accounts = accounts - 1 WHERE scheme = OLD.scheme AND input = OLD.input;
    DELETE FROM hash_kind WHERE accounts = 0;
END;

CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE,
    label TEXT,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account);
CREATE INDEX session_created ON session (created);
CREATE INDEX session_last_seen ON session (last_seen);

-- What waits for its single-use token. A reset for a name that nobody has is here too, without an account.
CREATE TABLE confirmation (
    token_hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('register', 'rename', 'reset')),
    account INTEGER REFERENCES account (id) ON DELETE CASCADE,
    name TEXT,
    hash TEXT,
    input TEXT,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX confirmation_account ON confirmation (account);
CREATE INDEX confirmation_expires ON confirmation (expires);

-- Failed attempts in a row, by the keyed hash of a name or of a source.
CREATE TABLE attempt (
    key BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    last INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_forgotten ON attempt (forgotten);

CREATE TABLE favourite (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    song TEXT NOT NULL,
    added INTEGER NOT NULL,
    PRIMARY KEY (account, song)
) STRICT, WITHOUT ROWID;

CREATE TABLE rating (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    song TEXT NOT NULL,
    liked INTEGER NOT NULL CHECK (liked IN (0, 1)),
    rated INTEGER NOT NULL,
    PRIMARY KEY (account, song)
) STRICT, WITHOUT ROWID;

CREATE TABLE listen (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    song TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX listen_account ON listen (account, id);

-- One row: the key of the hashes in `attempt`.
CREATE TABLE secret (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    attempt_key BLOB NOT NULL CHECK (length(attempt_key) = 32)
) STRICT;
INSERT INTO secret VALUES (1, randomblob(32));
