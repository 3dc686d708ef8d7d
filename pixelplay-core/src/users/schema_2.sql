-- Version 2, from version 1 (schema.sql). No table is rebuilt that others refer to: dropping it would empty them.

-- An account may have no password: then `hash` is empty and `scheme` is 'none'.
-- The identity that another service vouches for; and since when nobody may log in.
ALTER TABLE account ADD COLUMN external_id TEXT;
ALTER TABLE account ADD COLUMN disabled INTEGER;
CREATE UNIQUE INDEX account_external_id ON account (external_id) WHERE external_id IS NOT NULL;

-- How long a session lasts without use, and at most; the defaults are those of version 1.
ALTER TABLE session ADD COLUMN idle INTEGER NOT NULL DEFAULT 1800000;
ALTER TABLE session ADD COLUMN max_age INTEGER NOT NULL DEFAULT 2592000000;
DROP INDEX session_created;
DROP INDEX session_last_seen;
CREATE INDEX session_ends ON session (min(last_seen + idle, created + max_age));

-- Clients that an account has logged in from, by the SHA-256 of their token.
CREATE TABLE device (
    token_hash BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX device_account ON device (account, used);

-- A registration no longer brings its password along: whoever finishes it sets one.
ALTER TABLE confirmation RENAME TO confirmation_1;
CREATE TABLE confirmation (
    token_hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('register', 'rename', 'reset')),
    account INTEGER REFERENCES account (id) ON DELETE CASCADE,
    name TEXT,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO confirmation SELECT token_hash, purpose, account, name, expires FROM confirmation_1;
DROP TABLE confirmation_1;
CREATE INDEX confirmation_account ON confirmation (account);
CREATE INDEX confirmation_expires ON confirmation (expires);

-- Leaky buckets, by the keyed hash of what is counted: the last attempt, and when all will be forgiven.
ALTER TABLE attempt RENAME TO attempt_1;
CREATE TABLE attempt (
    key BLOB PRIMARY KEY,
    last INTEGER NOT NULL,
    forgiven INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO attempt SELECT key, last, forgotten FROM attempt_1;
DROP TABLE attempt_1;
CREATE INDEX attempt_forgiven ON attempt (forgiven);

-- Tells a file from its backups and from other stores: a log that belongs to another one is not replayed. Every
-- transaction adds to `commits`, so that the row is in every log.
ALTER TABLE secret ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE secret ADD COLUMN file_id BLOB;
UPDATE secret SET file_id = randomblob(16);
