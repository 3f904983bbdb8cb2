//! What access rules open: for each recipient the footprints and activities, kept with each change of a rule
//! or an object, so that no list and no look at one object has to work rules out.

use std::collections::BTreeSet;

use super::{access::Stored, database::Transaction, statement::sql};

/// The iLEAP objects that rules name (other footprints are for the role that needs no rule), as rows of recipient,
/// created, id and kind. `$scope` says which rules `a` and footprints `f`.
macro_rules! named_footprints {
    ($scope:literal) => {
        concat!(
            "SELECT a.recipient, f.created, f.id, f.kind FROM access_rules a JOIN footprints f ON f.id = a.value \
             WHERE a.kind = 'footprint' AND f.kind <> 'generic' AND ", $scope,
            " UNION SELECT a.recipient, f.created, f.id, f.kind FROM access_rules a \
             JOIN footprints f ON f.kind = a.kind AND f.object_id = a.value \
             WHERE a.kind IN ('shipment', 'toc', 'hoc') AND ", $scope,
            " UNION SELECT a.recipient, f.created, f.id, f.kind FROM access_rules a \
             JOIN footprint_consignments c ON c.consignment_id = a.value JOIN footprints f ON f.id = c.footprint \
             WHERE a.kind = 'consignment' AND ", $scope,
            " UNION SELECT a.recipient, f.created, f.id, f.kind FROM access_rules a \
             JOIN footprints f ON f.period_start < a.ends AND f.period_end > a.starts \
             WHERE a.kind = 'period' AND f.kind <> 'generic' AND ", $scope
        )
    };
}

macro_rules! open_named_footprints {
    ($scope:literal) => {
        concat!(
            "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
             SELECT recipient, created, id, kind, 1, 0 FROM (",
            named_footprints!($scope),
            ") AS named WHERE 1 = 1 \
             ON CONFLICT (recipient, created, footprint) DO UPDATE SET by_rule = 1"
        )
    };
}

/// The TOCs and HOCs that named shipments refer to.
macro_rules! open_references {
    ($scope:literal) => {
        concat!(
            "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
             SELECT DISTINCT s.recipient, t.created, t.id, t.kind, 0, 1 FROM (", named_footprints!($scope), ") AS s \
             JOIN shipment_references r ON r.footprint = s.id \
             JOIN footprints t ON t.kind = r.kind AND t.object_id = r.object_id WHERE s.kind = 'shipment' \
             ON CONFLICT (recipient, created, footprint) DO UPDATE SET by_shipment = 1"
        )
    };
}

macro_rules! open_activities {
    ($scope:literal) => {
        concat!(
            "INSERT INTO tad_grants (recipient, activity_id) \
             SELECT a.recipient, t.activity_id FROM access_rules a JOIN tads t ON t.activity_id = a.value \
             WHERE a.kind = 'tad' AND ", $scope,
            " UNION SELECT a.recipient, t.activity_id FROM access_rules a \
             JOIN tad_consignments c ON c.consignment_id = a.value JOIN tads t ON t.activity_id = c.activity_id \
             WHERE a.kind = 'consignment' AND ", $scope,
            " UNION SELECT a.recipient, t.activity_id FROM access_rules a \
             JOIN tads t ON t.departs < a.ends AND t.arrives >= a.starts WHERE a.kind = 'period' AND ", $scope,
            " ON CONFLICT DO NOTHING"
        )
    };
}

/// Opens what one new rule names.
pub(super) async fn open(
    transaction: &mut Transaction,
    recipient: &str,
    rule: &Stored,
) -> Result<(), sqlx::Error> {
    const FOOTPRINTS: &str = open_named_footprints!(
        "a.recipient = $1 AND a.kind = $2 AND a.value = $3 AND a.starts = $4 AND a.ends = $5"
    );
    const REFERENCES: &str = open_references!(
        "a.recipient = $1 AND a.kind = $2 AND a.value = $3 AND a.starts = $4 AND a.ends = $5"
    );
    const ACTIVITIES: &str = open_activities!(
        "a.recipient = $1 AND a.kind = $2 AND a.value = $3 AND a.starts = $4 AND a.ends = $5"
    );
    for statement in [FOOTPRINTS, REFERENCES, ACTIVITIES] {
        let statement = rule.bound(sql(statement), recipient);
        statement.execute(&mut *transaction).await?;
    }
    Ok(())
}

/// Works out anew what the rules of a recipient open.
pub(super) async fn renew(
    transaction: &mut Transaction,
    recipient: &str,
) -> Result<(), sqlx::Error> {
    for statement in [
        "DELETE FROM footprint_grants WHERE recipient = $1",
        "DELETE FROM tad_grants WHERE recipient = $1",
        open_named_footprints!("a.recipient = $1"),
        open_references!("a.recipient = $1"),
        open_activities!("a.recipient = $1"),
    ] {
        sql(statement)
            .bind(recipient)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(())
}

/// Whether any rule names objects; without one, nothing here has to be kept.
pub(super) async fn are_kept(transaction: &mut Transaction) -> Result<bool, sqlx::Error> {
    let rule = sql("SELECT 1 FROM access_rules WHERE kind <> 'everything' LIMIT 1");
    Ok(rule.fetch_optional(transaction).await?.is_some())
}

/// What a shipment brought to whom: recipient, kind and id of a TOC or HOC.
pub(super) type Brought = BTreeSet<(String, String, String)>;

/// What a footprint brings at this moment; empty for what is no shipment.
pub(super) async fn brought_by(
    transaction: &mut Transaction,
    footprint: &str,
) -> Result<Brought, sqlx::Error> {
    let rows = sql("SELECT g.recipient, r.kind, r.object_id FROM footprint_grants g \
         JOIN shipment_references r ON r.footprint = g.footprint WHERE g.footprint = $1 AND g.by_rule = 1")
    .bind(footprint)
    .fetch_all(transaction)
    .await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?, row.text(2)?)))
        .collect()
}

/// Opens a footprint that has been written to whom rules name it for, with what it refers to, and closes what
/// only its former version brought.
pub(super) async fn footprint_written(
    transaction: &mut Transaction,
    footprint: &str,
    formerly_brought: Brought,
) -> Result<(), sqlx::Error> {
    for statement in [
        open_named_footprints!("f.id = $1"),
        open_references!("f.id = $1"),
        // Where it is a TOC or HOC itself.
        "INSERT INTO footprint_grants (recipient, created, footprint, kind, by_rule, by_shipment) \
         SELECT DISTINCT g.recipient, t.created, t.id, t.kind, 0, 1 FROM footprints t \
         JOIN shipment_references r ON r.kind = t.kind AND r.object_id = t.object_id \
         JOIN footprint_grants g ON g.footprint = r.footprint AND g.by_rule = 1 WHERE t.id = $1 \
         ON CONFLICT (recipient, created, footprint) DO UPDATE SET by_shipment = 1",
    ] {
        sql(statement)
            .bind(footprint)
            .execute(&mut *transaction)
            .await?;
    }
    if formerly_brought.is_empty() {
        return Ok(());
    }
    let brought = brought_by(transaction, footprint).await?;
    for (recipient, kind, object_id) in formerly_brought.difference(&brought) {
        for statement in [
            "UPDATE footprint_grants SET by_shipment = 0 WHERE recipient = $1 AND by_shipment = 1 \
             AND footprint IN (SELECT id FROM footprints WHERE kind = $2 AND object_id = $3) \
             AND NOT EXISTS (SELECT 1 FROM shipment_references r JOIN footprint_grants s ON s.footprint = r.footprint \
             WHERE r.kind = $2 AND r.object_id = $3 AND s.recipient = $1 AND s.by_rule = 1)",
            "DELETE FROM footprint_grants WHERE recipient = $1 AND by_rule = 0 AND by_shipment = 0 \
             AND footprint IN (SELECT id FROM footprints WHERE kind = $2 AND object_id = $3)",
        ] {
            sql(statement)
                .bind(recipient)
                .bind(kind)
                .bind(object_id)
                .execute(&mut *transaction)
                .await?;
        }
    }
    Ok(())
}

/// Opens activity data that has been written to whom rules name it for.
pub(super) async fn activity_written(
    transaction: &mut Transaction,
    activity_id: &str,
) -> Result<(), sqlx::Error> {
    let statement = sql(open_activities!("t.activity_id = $1")).bind(activity_id);
    statement.execute(transaction).await.map(|_| ())
}
