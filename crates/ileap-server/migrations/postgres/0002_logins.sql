-- Moments are Unix nanoseconds.

CREATE TABLE login_accounts (
    account     TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    verified_at BIGINT NOT NULL,
    verified_from TEXT COLLATE "C" NOT NULL
);

-- Failures since the last success, with those under way: each counted before it happens.
CREATE TABLE login_failures (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- a new one when it is settled: ids are in the order of that
    account      TEXT   COLLATE "C" NOT NULL,
    at           BIGINT NOT NULL,
    is_settled   BIGINT NOT NULL DEFAULT 0,
    counts_until BIGINT                                           -- where nobody knows whether it happened
);

CREATE INDEX login_failures_by_account ON login_failures (account, id);

CREATE TABLE login_origins (
    account     TEXT   COLLATE "C" NOT NULL,
    origin      TEXT   COLLATE "C" NOT NULL, -- an address, or a /64 network of IPv6
    verified_at BIGINT NOT NULL,
    tried_at    BIGINT,
    PRIMARY KEY (account, origin)
);

CREATE TABLE login_refusals (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account TEXT   COLLATE "C" NOT NULL,
    origin  TEXT   COLLATE "C" NOT NULL,
    reason  TEXT   COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL
);

CREATE INDEX login_refusals_by_account ON login_refusals (account, at);

-- Written one at a time, so that a mark becomes visible after every smaller one.
CREATE TABLE invalidations (
    mark BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT   COLLATE "C" NOT NULL CHECK (kind IN ('account', 'organization', 'subject')),
    name TEXT   COLLATE "C" NOT NULL,
    at   BIGINT NOT NULL
);

CREATE TABLE token_cutoffs (
    name TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- the token's subject, or the id of its organization
    at   BIGINT NOT NULL
);

CREATE TABLE webhooks (
    id          TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL
);
