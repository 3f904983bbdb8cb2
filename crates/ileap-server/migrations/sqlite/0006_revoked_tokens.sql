-- Moments are Unix nanoseconds.

-- Tokens revoked one by one, until they have expired.
CREATE TABLE revoked_tokens (
    id         TEXT    NOT NULL PRIMARY KEY, -- the token's jti
    subject    TEXT    NOT NULL,
    not_before INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX revoked_tokens_by_subject ON revoked_tokens (subject);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- SQLite cannot change a table's check. The marks go on from where they were.
ALTER TABLE invalidations RENAME TO earlier_invalidations;

CREATE TABLE invalidations (
    mark INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT    NOT NULL CHECK (kind IN ('account', 'organization', 'subject', 'token')),
    name TEXT    NOT NULL,
    at   INTEGER NOT NULL
);

INSERT INTO sqlite_sequence (name, seq)
SELECT 'invalidations', seq FROM sqlite_sequence WHERE name = 'earlier_invalidations';

INSERT INTO invalidations (mark, kind, name, at) SELECT mark, kind, name, at FROM earlier_invalidations;

DROP TABLE earlier_invalidations;

CREATE INDEX invalidations_by_name ON invalidations (kind, name);
