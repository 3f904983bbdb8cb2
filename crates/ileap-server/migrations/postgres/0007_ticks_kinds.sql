-- Moments that objects are listed, narrowed or granted by become hundreds of nanoseconds, which have room for every
-- year; moments of accounts, events and tasks stay nanoseconds.

UPDATE footprints SET created = created / 100, updated = updated / 100,
    period_start = period_start / 100, period_end = period_end / 100;
UPDATE footprint_ids SET created = created / 100;
UPDATE footprint_grants SET created = created / 100;
UPDATE tads SET departs = departs / 100, arrives = arrives / 100;
UPDATE access_rules SET
    starts = CASE WHEN starts = (-9223372036854775808) THEN starts ELSE starts / 100 END,
    ends = CASE WHEN ends = 9223372036854775807 THEN ends ELSE ends / 100 END
    WHERE kind = 'period';

-- No rule opens what is no iLEAP object: only a role that needs no rule does.
DELETE FROM footprint_grants WHERE footprint IN (SELECT id FROM footprints WHERE kind = 'generic');

-- What a role hides is in none of its indexes, so that it is neither walked over nor counted.
ALTER TABLE footprint_ids ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'generic';
UPDATE footprint_ids SET kind = (SELECT f.kind FROM footprints f WHERE f.id = footprint_ids.footprint);

ALTER TABLE footprint_grants ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'generic';
UPDATE footprint_grants SET kind = (SELECT f.kind FROM footprints f WHERE f.id = footprint_grants.footprint);

CREATE INDEX footprint_ids_of_ileap ON footprint_ids
    (list, value, created, footprint) WHERE kind <> 'generic';
CREATE INDEX footprints_of_ileap_by_id ON footprints
    (id) WHERE kind <> 'generic';
CREATE INDEX footprints_of_ileap_by_cpc ON footprints
    (cpc, created, id) WHERE kind <> 'generic';
CREATE INDEX footprints_of_ileap_by_country ON footprints
    (country, created, id) WHERE kind <> 'generic';
CREATE INDEX footprints_of_ileap_by_period ON footprints
    (period_start, period_end) WHERE kind <> 'generic';
CREATE INDEX footprints_of_ileap_by_period_end ON footprints
    (period_end) WHERE kind <> 'generic';
CREATE INDEX footprints_of_ileap_by_update ON footprints
    (updated) WHERE kind <> 'generic' AND updated IS NOT NULL;

CREATE INDEX footprint_ids_of_categories ON footprint_ids
    (list, value, created, footprint) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_of_categories_by_cpc ON footprints
    (cpc, created, id) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_of_categories_by_country ON footprints
    (country, created, id) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_of_categories_by_period ON footprints
    (period_start, period_end) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_of_categories_by_period_end ON footprints
    (period_end) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprints_of_categories_by_update ON footprints
    (updated) WHERE kind IN ('toc', 'hoc') AND updated IS NOT NULL;

CREATE INDEX footprint_grants_of_categories ON footprint_grants
    (recipient, created, footprint) WHERE kind IN ('toc', 'hoc');
CREATE INDEX footprint_grants_of_shipments ON footprint_grants
    (recipient, created, footprint) WHERE kind = 'shipment' OR by_shipment = 1;

-- So that one that a role hides takes the same look as one that is not granted.
DROP INDEX footprint_grants_by_footprint;
CREATE INDEX footprint_grants_by_footprint ON footprint_grants (footprint, recipient, kind, by_shipment);

-- Pages are planned by them from the first request on.
ANALYZE footprint_ids;
ANALYZE footprint_grants;
