-- Moments are Unix nanoseconds.

CREATE TABLE login_accounts (
    account     TEXT    NOT NULL PRIMARY KEY,
    verified_at INTEGER NOT NULL,
    verified_from TEXT  NOT NULL
) WITHOUT ROWID;

-- Failures since the last success, with those under way: each counted before it happens.
CREATE TABLE login_failures (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- a new one when it is settled: ids are in the order of that
    account      TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    is_settled   INTEGER NOT NULL DEFAULT 0,
    counts_until INTEGER                            -- where nobody knows whether it happened
);

CREATE INDEX login_failures_by_account ON login_failures (account, id);

CREATE TABLE login_origins (
    account     TEXT    NOT NULL,
    origin      TEXT    NOT NULL, -- an address, or a /64 network of IPv6
    verified_at INTEGER NOT NULL,
    tried_at    INTEGER,
    PRIMARY KEY (account, origin)
) WITHOUT ROWID;

CREATE TABLE login_refusals (
    id      INTEGER PRIMARY KEY,
    account TEXT    NOT NULL,
    origin  TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    at      INTEGER NOT NULL
);

CREATE INDEX login_refusals_by_account ON login_refusals (account, at);

CREATE TABLE invalidations (
    mark INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT    NOT NULL CHECK (kind IN ('account', 'organization', 'subject')),
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL
);

CREATE TABLE token_cutoffs (
    name TEXT    NOT NULL PRIMARY KEY, -- the token's subject, or the id of its organization
    at   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE webhooks (
    id          TEXT    NOT NULL PRIMARY KEY,
    received_at INTEGER NOT NULL
) WITHOUT ROWID;
