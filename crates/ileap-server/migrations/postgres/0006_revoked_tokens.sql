-- Moments are Unix nanoseconds.

-- Tokens revoked one by one, until they have expired.
CREATE TABLE revoked_tokens (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- the token's jti
    subject    TEXT   COLLATE "C" NOT NULL,
    not_before BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX revoked_tokens_by_subject ON revoked_tokens (subject);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

ALTER TABLE invalidations
    DROP CONSTRAINT invalidations_kind_check,
    ADD CONSTRAINT invalidations_kind_check CHECK (kind IN ('account', 'organization', 'subject', 'token'));

CREATE INDEX invalidations_by_name ON invalidations (kind, name);
