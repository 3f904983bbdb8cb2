-- Whether the event to send may have reached the partner already.
ALTER TABLE outbox ADD COLUMN is_unsure BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET is_unsure = 1 WHERE body IS NOT NULL;

-- A lease has a name of its own: whoever lost one has no say about the next.
ALTER TABLE outbox RENAME COLUMN worker TO lease;

-- Partners' hosts that failed last, and until when they are left alone.
CREATE TABLE resting_hosts (
    recipient TEXT COLLATE "C" NOT NULL,
    base_url  TEXT COLLATE "C" NOT NULL,
    failures  BIGINT NOT NULL, -- since the host answered last
    until     BIGINT NOT NULL,
    PRIMARY KEY (recipient, base_url)
);

-- How much is kept of what each partner sent and shared.
CREATE TABLE received_sizes (
    recipient       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    events          BIGINT NOT NULL DEFAULT 0,
    event_bytes     BIGINT NOT NULL DEFAULT 0,
    footprints      BIGINT NOT NULL DEFAULT 0,
    footprint_bytes BIGINT NOT NULL DEFAULT 0
);

INSERT INTO received_sizes (recipient, events, event_bytes, footprints, footprint_bytes)
SELECT recipient, SUM(events), SUM(event_bytes), SUM(footprints), SUM(footprint_bytes) FROM (
    SELECT recipient, 1 AS events, length(json) AS event_bytes, 0 AS footprints, 0 AS footprint_bytes FROM events
    UNION ALL
    SELECT recipient, 0, 0, 1, length(json) FROM received_footprints
) AS kept GROUP BY recipient;
