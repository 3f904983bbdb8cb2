-- Moments are Unix nanoseconds. `json` is served as it stands. Texts compare by their bytes (COLLATE "C").

CREATE TABLE footprints (
    id          TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- lower case
    version     BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    updated     BIGINT,
    status      TEXT   COLLATE "C" NOT NULL,
    kind        TEXT   COLLATE "C" NOT NULL CHECK (kind IN ('generic', 'shipment', 'toc', 'hoc')),
    object_id   TEXT   COLLATE "C",                      -- shipmentId, tocId or hocId
    cpc         TEXT   COLLATE "C",
    country     TEXT   COLLATE "C",
    period_start BIGINT,
    period_end  BIGINT,
    json        BYTEA  NOT NULL
);

CREATE INDEX footprints_in_order ON footprints (created, id);
CREATE INDEX footprints_by_object ON footprints (kind, object_id);
CREATE INDEX footprints_of_ileap ON footprints (created, id, kind, object_id) WHERE kind <> 'generic';
CREATE INDEX footprints_of_categories ON footprints (created, id, kind, object_id) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_by_cpc ON footprints (cpc, created, id);
CREATE INDEX footprints_by_country ON footprints (country, created, id);
CREATE INDEX footprints_by_period ON footprints (period_start, period_end);
CREATE INDEX footprints_by_period_end ON footprints (period_end);
CREATE INDEX footprints_by_update ON footprints (updated) WHERE updated IS NOT NULL;

CREATE TABLE footprint_ids (
    list      TEXT   COLLATE "C" NOT NULL CHECK (list IN ('company', 'product')),
    value     TEXT   COLLATE "C" NOT NULL,
    created   BIGINT NOT NULL, -- the footprint's: the entries of one id are in the order of the list
    footprint TEXT   COLLATE "C" NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    PRIMARY KEY (list, value, created, footprint)
);

CREATE INDEX footprint_ids_by_footprint ON footprint_ids (footprint);

-- Which TOCs and HOCs a shipment refers to.
CREATE TABLE shipment_references (
    kind      TEXT COLLATE "C" NOT NULL CHECK (kind IN ('toc', 'hoc')),
    object_id TEXT COLLATE "C" NOT NULL,
    footprint TEXT COLLATE "C" NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, object_id, footprint)
);

CREATE INDEX shipment_references_by_footprint ON shipment_references (footprint);

CREATE TABLE tads (
    activity_id TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    departs     BIGINT,
    arrives     BIGINT,
    json        BYTEA  NOT NULL
);

CREATE INDEX tads_by_departure ON tads (departs, arrives);

-- Every searchable value of every activity, normalised so that equal means equal.
CREATE TABLE tad_fields (
    path        TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    activity_id TEXT COLLATE "C" NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (path, key, activity_id)
);

CREATE INDEX tad_fields_by_activity ON tad_fields (activity_id);

-- Which consignments an object is about.
CREATE TABLE footprint_consignments (
    consignment_id TEXT COLLATE "C" NOT NULL,
    footprint      TEXT COLLATE "C" NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    PRIMARY KEY (consignment_id, footprint)
);

CREATE INDEX footprint_consignments_by_footprint ON footprint_consignments (footprint);

CREATE TABLE tad_consignments (
    consignment_id TEXT COLLATE "C" NOT NULL,
    activity_id    TEXT COLLATE "C" NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (consignment_id, activity_id)
);

CREATE INDEX tad_consignments_by_activity ON tad_consignments (activity_id);

CREATE TABLE events (
    recipient   TEXT   COLLATE "C" NOT NULL, -- who sent it, as access rules name them
    source      TEXT   COLLATE "C" NOT NULL,
    id          TEXT   COLLATE "C" NOT NULL,
    type        TEXT   COLLATE "C" NOT NULL,
    client_id   TEXT   COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    json        BYTEA  NOT NULL
);

-- By digest: an index takes no entry above a third of a page, and senders choose these texts. Doubled, since
-- a backslash is an escape where a text becomes bytes.
CREATE UNIQUE INDEX events_once ON events (
    recipient, sha256(replace(source, '\', '\\')::bytea), sha256(replace(id, '\', '\\')::bytea)
);

CREATE TABLE access_rules (
    recipient TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL CHECK (kind IN (
        'everything', 'footprint', 'shipment', 'toc', 'hoc', 'consignment', 'tad', 'period')),
    value     TEXT COLLATE "C" NOT NULL, -- the id; empty for the kinds that have none
    starts    BIGINT NOT NULL, -- of a period, and the least number where it has no start
    ends      BIGINT NOT NULL, -- the first moment that is not in it, and the greatest number where it has no end
    PRIMARY KEY (recipient, kind, value, starts, ends)
);

CREATE INDEX access_rules_by_value ON access_rules (kind, value, recipient);

-- What the rules of each recipient open. Follows from the tables above, and changes in their transactions.
CREATE TABLE footprint_grants (
    recipient   TEXT COLLATE "C" NOT NULL,
    created     BIGINT NOT NULL, -- the footprint's: the entries of a recipient are in the order of the list
    footprint   TEXT COLLATE "C" NOT NULL REFERENCES footprints (id) ON DELETE CASCADE,
    by_rule     BIGINT NOT NULL, -- 1: a rule names it
    by_shipment BIGINT NOT NULL, -- 1: a shipment refers to it that a rule names
    PRIMARY KEY (recipient, created, footprint)
);

CREATE INDEX footprint_grants_by_footprint ON footprint_grants (footprint, recipient);

CREATE TABLE tad_grants (
    recipient   TEXT COLLATE "C" NOT NULL,
    activity_id TEXT COLLATE "C" NOT NULL REFERENCES tads (activity_id) ON DELETE CASCADE,
    PRIMARY KEY (recipient, activity_id)
);

CREATE INDEX tad_grants_by_activity ON tad_grants (activity_id);

CREATE TABLE settings (
    name  TEXT  COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);
