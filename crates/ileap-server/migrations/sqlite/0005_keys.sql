-- Moments are Unix nanoseconds.

CREATE TABLE signing_keys (
    kid          TEXT    NOT NULL PRIMARY KEY, -- the RFC 7638 thumbprint
    algorithm    TEXT    NOT NULL CHECK (algorithm IN ('RS256', 'ES256', 'EdDSA')),
    published_at INTEGER NOT NULL,
    signs_from   INTEGER NOT NULL,
    revoked_at   INTEGER,
    sealed       BLOB,                         -- nonce and AES-256-GCM of the PKCS#8 key; none once it is revoked
    CHECK ((sealed IS NULL) = (revoked_at IS NOT NULL))
) WITHOUT ROWID;
