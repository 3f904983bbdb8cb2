-- Moments are Unix nanoseconds.

CREATE TABLE signing_keys (
    kid          TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- the RFC 7638 thumbprint
    algorithm    TEXT   COLLATE "C" NOT NULL CHECK (algorithm IN ('RS256', 'ES256', 'EdDSA')),
    published_at BIGINT NOT NULL,
    signs_from   BIGINT NOT NULL,
    revoked_at   BIGINT,
    sealed       BYTEA,                                   -- nonce and AES-256-GCM of the PKCS#8 key; none once it is revoked
    CHECK ((sealed IS NULL) = (revoked_at IS NOT NULL))
);
