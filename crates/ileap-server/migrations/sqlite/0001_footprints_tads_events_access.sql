-- Moments are Unix nanoseconds. `json` is served as it stands.

CREATE TABLE footprints (
    id          TEXT    NOT NULL PRIMARY KEY, -- lower case
    version     INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER,
    status      TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('generic', 'shipment', 'toc', 'hoc')),
    object_id   TEXT,                         -- shipmentId, tocId or hocId
    cpc         TEXT,
    country     TEXT,
    period_start INTEGER,
    period_end  INTEGER,
    json        BLOB    NOT NULL
);

-- With everything a list is narrowed by, so that what is passed over is never read.
CREATE INDEX footprints_in_order ON footprints
    (created, id, kind, object_id, cpc, country, updated, period_start, period_end);
CREATE INDEX footprints_by_object ON footprints (kind, object_id);

CREATE TABLE footprint_ids (
    list      TEXT NOT NULL CHECK (list IN ('company', 'product')),
    value     TEXT NOT NULL,
    created   INTEGER NOT NULL, -- the footprint's: the entries of one id are in the order of the list
    footprint TEXT NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    PRIMARY KEY (list, value, created, footprint)
) WITHOUT ROWID;

CREATE INDEX footprint_ids_by_footprint ON footprint_ids (footprint);

-- Which TOCs and HOCs a shipment refers to.
CREATE TABLE shipment_references (
    kind      TEXT NOT NULL CHECK (kind IN ('toc', 'hoc')),
    object_id TEXT NOT NULL,
    footprint TEXT NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, object_id, footprint)
) WITHOUT ROWID;

CREATE INDEX shipment_references_by_footprint ON shipment_references (footprint);

CREATE TABLE tads (
    activity_id TEXT NOT NULL PRIMARY KEY,
    json        BLOB NOT NULL
);

-- Every searchable value of every activity, normalised so that equal means equal.
CREATE TABLE tad_fields (
    path        TEXT NOT NULL,
    key         TEXT NOT NULL,
    activity_id TEXT NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (path, key, activity_id)
) WITHOUT ROWID;

CREATE INDEX tad_fields_by_activity ON tad_fields (activity_id);

CREATE TABLE events (
    recipient   TEXT    NOT NULL, -- who sent it, as access rules name them
    source      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    client_id   TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    json        BLOB    NOT NULL,
    PRIMARY KEY (recipient, source, id)
) WITHOUT ROWID;

CREATE TABLE access_rules (
    recipient TEXT NOT NULL,
    rule      TEXT NOT NULL,
    PRIMARY KEY (recipient, rule)
) WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
