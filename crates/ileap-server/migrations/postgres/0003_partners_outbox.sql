-- Moments are Unix nanoseconds.

CREATE TABLE partners (
    recipient      TEXT COLLATE "C" NOT NULL, -- as access rules name it
    base_url       TEXT COLLATE "C" NOT NULL,
    auth_base_url  TEXT COLLATE "C",
    client_id      TEXT COLLATE "C" NOT NULL,
    client_secret  TEXT COLLATE "C" NOT NULL,
    basic_encoding TEXT COLLATE "C" NOT NULL CHECK (basic_encoding IN ('rfc6749', 'raw')),
    publish_as     TEXT COLLATE "C",          -- the role as which it is told of changed footprints
    PRIMARY KEY (recipient, base_url)
);

-- What is to be done for partners, and what became of it.
CREATE TABLE outbox (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- a UUID; also the id of the event that is sent
    task        TEXT COLLATE "C" NOT NULL CHECK (task IN ('answer', 'fetch', 'keep', 'publish')),
    recipient   TEXT COLLATE "C" NOT NULL,
    base_url    TEXT COLLATE "C" NOT NULL,
    input       BYTEA NOT NULL,          -- the received event with who sent it, or ids of footprints
    body        BYTEA,                   -- the event to send, once it is fixed; empties both when it is settled
    created_at  BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    refusals    BIGINT NOT NULL DEFAULT 0, -- attempts that the partner said it will never take
    worker      TEXT COLLATE "C",                      -- who has it, until lease_until
    lease_until BIGINT NOT NULL DEFAULT 0,
    state       TEXT COLLATE "C" NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dead')),
    error       TEXT COLLATE "C",                      -- why the last attempt failed, in a word
    settled_at  BIGINT
);

CREATE INDEX outbox_by_partner ON outbox (state, base_url, due_at, id);
CREATE INDEX outbox_by_recipient ON outbox (recipient, state);
CREATE INDEX outbox_by_settlement ON outbox (state, settled_at);

-- New and changed footprints that partners have not been told of.
CREATE TABLE unpublished (
    footprint TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES footprints (id) ON DELETE CASCADE
);

-- What partners' hosts have shared with us.
CREATE TABLE received_footprints (
    recipient   TEXT COLLATE "C" NOT NULL, -- whose host it came from
    id          TEXT COLLATE "C" NOT NULL,
    version     BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    json        BYTEA NOT NULL,
    PRIMARY KEY (recipient, id)
);
