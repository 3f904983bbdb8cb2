-- Moments are Unix nanoseconds.

CREATE TABLE partners (
    recipient      TEXT NOT NULL, -- as access rules name it
    base_url       TEXT NOT NULL,
    auth_base_url  TEXT,
    client_id      TEXT NOT NULL,
    client_secret  TEXT NOT NULL,
    basic_encoding TEXT NOT NULL CHECK (basic_encoding IN ('rfc6749', 'raw')),
    publish_as     TEXT,          -- the role as which it is told of changed footprints
    PRIMARY KEY (recipient, base_url)
) WITHOUT ROWID;

-- What is to be done for partners, and what became of it.
CREATE TABLE outbox (
    id          TEXT NOT NULL PRIMARY KEY, -- a UUID; also the id of the event that is sent
    task        TEXT NOT NULL CHECK (task IN ('answer', 'fetch', 'keep', 'publish')),
    recipient   TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    input       BLOB NOT NULL,          -- the received event with who sent it, or ids of footprints
    body        BLOB,                   -- the event to send, once it is fixed; empties both when it is settled
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    refusals    INTEGER NOT NULL DEFAULT 0, -- attempts that the partner said it will never take
    worker      TEXT,                      -- who has it, until lease_until
    lease_until INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dead')),
    error       TEXT,                      -- why the last attempt failed, in a word
    settled_at  INTEGER
) WITHOUT ROWID;

CREATE INDEX outbox_by_partner ON outbox (state, base_url, due_at, id);
CREATE INDEX outbox_by_recipient ON outbox (recipient, state);
CREATE INDEX outbox_by_settlement ON outbox (state, settled_at);

-- New and changed footprints that partners have not been told of.
CREATE TABLE unpublished (
    footprint TEXT NOT NULL PRIMARY KEY REFERENCES footprints (id) ON DELETE CASCADE
) WITHOUT ROWID;

-- What partners' hosts have shared with us.
CREATE TABLE received_footprints (
    recipient   TEXT NOT NULL, -- whose host it came from
    id          TEXT NOT NULL,
    version     INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    json        BLOB NOT NULL,
    PRIMARY KEY (recipient, id)
) WITHOUT ROWID;
