-- Moments are Unix nanoseconds.

CREATE TABLE login_accounts (
    account     TEXT    NOT NULL PRIMARY KEY,
    failures    INTEGER NOT NULL DEFAULT 0, -- since the last success, with those under way
    failed_at   INTEGER,
    verified_at INTEGER,
    verified_from TEXT
) WITHOUT ROWID;

-- Which failures go first when there are too many accounts.
CREATE INDEX login_accounts_by_failure ON login_accounts (failures, failed_at);

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
