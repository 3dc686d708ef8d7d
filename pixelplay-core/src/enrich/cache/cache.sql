-- The answers of providers, both hits and misses: the recordings they offered, as JSON. Which of them is the song is
-- decided again each time.
CREATE TABLE answer (
    provider TEXT NOT NULL,
    -- Scope of the provider, artist, title and version, folded; or the address of a cover.
    query TEXT NOT NULL,
    -- Milliseconds since 1970.
    fetched_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (provider, query)
) STRICT, WITHOUT ROWID;

-- When each provider may be asked next, by all processes together.
CREATE TABLE turn (
    provider TEXT NOT NULL PRIMARY KEY,
    next_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
