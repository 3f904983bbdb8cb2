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
CREATE INDEX footprints_of_ileap ON footprints
    (created, id, kind, object_id, cpc, country, updated, period_start, period_end) WHERE kind <> 'generic';
CREATE INDEX footprints_of_categories ON footprints
    (created, id, kind, object_id, cpc, country, updated, period_start, period_end) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_by_cpc ON footprints (cpc, created, id);
CREATE INDEX footprints_by_country ON footprints (country, created, id);
CREATE INDEX footprints_by_period ON footprints (period_start, period_end);
CREATE INDEX footprints_by_period_end ON footprints (period_end);
CREATE INDEX footprints_by_update ON footprints (updated) WHERE updated IS NOT NULL;

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
    departs     INTEGER,
    arrives     INTEGER,
    json        BLOB NOT NULL
);

CREATE INDEX tads_by_departure ON tads (departs, arrives);

-- Every searchable value of every activity, normalised so that equal means equal.
CREATE TABLE tad_fields (
    path        TEXT NOT NULL,
    key         TEXT NOT NULL,
    activity_id TEXT NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (path, key, activity_id)
) WITHOUT ROWID;

CREATE INDEX tad_fields_by_activity ON tad_fields (activity_id);

-- Which consignments an object is about.
CREATE TABLE footprint_consignments (
    consignment_id TEXT NOT NULL,
    footprint      TEXT NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    PRIMARY KEY (consignment_id, footprint)
) WITHOUT ROWID;

CREATE INDEX footprint_consignments_by_footprint ON footprint_consignments (footprint);

CREATE TABLE tad_consignments (
    consignment_id TEXT NOT NULL,
    activity_id    TEXT NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (consignment_id, activity_id)
) WITHOUT ROWID;

CREATE INDEX tad_consignments_by_activity ON tad_consignments (activity_id);

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
    kind      TEXT NOT NULL CHECK (kind IN (
        'everything', 'footprint', 'shipment', 'toc', 'hoc', 'consignment', 'tad', 'period')),
    value     TEXT NOT NULL, -- the id; empty for the kinds that have none
    starts    INTEGER NOT NULL, -- of a period, and the least number where it has no start
    ends      INTEGER NOT NULL, -- the first moment that is not in it, and the greatest number where it has no end
    PRIMARY KEY (recipient, kind, value, starts, ends)
) WITHOUT ROWID;

CREATE INDEX access_rules_by_value ON access_rules (kind, value, recipient);

-- What the rules of each recipient open. Follows from the tables above, and changes in their transactions.
CREATE TABLE footprint_grants (
    recipient   TEXT NOT NULL,
    created     INTEGER NOT NULL, -- the footprint's: the entries of a recipient are in the order of the list
    footprint   TEXT NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    by_rule     INTEGER NOT NULL, -- 1: a rule names it
    by_shipment INTEGER NOT NULL, -- 1: a shipment refers to it that a rule names
    PRIMARY KEY (recipient, created, footprint)
) WITHOUT ROWID;

CREATE INDEX footprint_grants_by_footprint ON footprint_grants (footprint, recipient);

CREATE TABLE tad_grants (
    recipient   TEXT NOT NULL,
    activity_id TEXT NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (recipient, activity_id)
) WITHOUT ROWID;

CREATE INDEX tad_grants_by_activity ON tad_grants (activity_id);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
