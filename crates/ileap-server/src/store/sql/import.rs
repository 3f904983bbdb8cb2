//! Writing objects: all of them, or none.

use bytes::Bytes;
use ileap_types::{
    datetime::DateTime,
    extension::IleapObject,
    filter::tad::tad_index,
    pact::v2::{PfId, ProductFootprint},
};
use serde::Deserialize as _;
use serde_json::Value;

use super::{
    database::{Lock, Pool, Transaction},
    grants, json, nanoseconds, postgres, publish,
    statement::sql,
    unavailable,
};
use crate::store::{ImportKind, ImportObject, ImportSummary, ImportTransaction, StoreError};

/// Longest `activityId`, in bytes: a link to the next page carries it.
const ACTIVITY_ID_LIMIT: usize = 512;

/// What became of one object.
enum Outcome {
    Added,
    Unchanged,
    Updated,
}

/// A transaction that writes objects.
pub(super) struct Import {
    transaction: Transaction,
    /// Whether any access rule names objects; none can come while this lasts.
    has_grants: bool,
    /// Whether any partner is told of changes.
    has_followers: bool,
}

impl Import {
    pub(super) async fn begin(writer: &Pool) -> Result<Self, StoreError> {
        let failed = unavailable("importing objects");
        let mut transaction = writer.begin(Lock::Import).await.map_err(&failed)?;
        let has_grants = grants::are_kept(&mut transaction).await.map_err(&failed)?;
        Ok(Self {
            has_followers: publish::has_followers(&mut transaction)
                .await
                .map_err(&failed)?,
            transaction,
            has_grants,
        })
    }
}

#[async_trait::async_trait]
impl ImportTransaction for Import {
    async fn write(&mut self, objects: &[ImportObject]) -> Result<ImportSummary, StoreError> {
        let mut summary = ImportSummary::default();
        for (index, object) in objects.iter().enumerate() {
            let outcome = match object.kind {
                ImportKind::Footprint => footprint(self, index, object).await?,
                ImportKind::Tad => tad(self, index, object).await?,
            };
            match outcome {
                Outcome::Added => summary.added += 1,
                Outcome::Unchanged => summary.unchanged += 1,
                Outcome::Updated => summary.updated += 1,
            }
        }
        Ok(summary)
    }

    async fn footprint(&mut self, id: &str) -> Result<Option<Bytes>, StoreError> {
        let failed = unavailable("reading a footprint");
        let Ok(id) = id.parse::<PfId>() else {
            return Ok(None);
        };
        let row = sql("SELECT json FROM footprints WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut self.transaction)
            .await
            .map_err(&failed)?;
        row.as_ref().map(json).transpose().map_err(&failed)
    }

    async fn delete_tad(&mut self, activity_id: &str) -> Result<bool, StoreError> {
        let deleted = sql("DELETE FROM tads WHERE activity_id = $1")
            .bind(activity_id)
            .execute(&mut self.transaction)
            .await
            .map_err(unavailable("deleting activity data"))?;
        Ok(deleted > 0)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let committed = self.transaction.commit().await;
        committed.map_err(unavailable("importing objects"))
    }
}

async fn footprint(
    import: &mut Import,
    index: usize,
    object: &ImportObject,
) -> Result<Outcome, StoreError> {
    let failed = unavailable("importing a footprint");
    let footprint = ProductFootprint::deserialize(&object.value)
        .map_err(|error| unacceptable(index, error.to_string()))?;
    let id = footprint.id.to_string();
    let version = i64::from(footprint.version);
    let created = nanoseconds(footprint.created.timestamp());
    let known = sql("SELECT version, created, json FROM footprints WHERE id = $1")
        .bind(&id)
        .fetch_optional(&mut import.transaction)
        .await
        .map_err(&failed)?;
    let outcome = match known {
        None => Outcome::Added,
        Some(row) => {
            let (known_version, known_created, json): (i64, i64, Vec<u8>) = (
                row.get(0).map_err(&failed)?,
                row.get(1).map_err(&failed)?,
                row.get(2).map_err(&failed)?,
            );
            if json == object.json {
                return Ok(Outcome::Unchanged);
            }
            if version <= known_version {
                return Err(unacceptable(
                    index,
                    format!(
                        "footprint {id} is stored with version {known_version} and other content; raise `version` above that"
                    ),
                ));
            }
            if created != known_created {
                return Err(unacceptable(
                    index,
                    format!(
                        "footprint {id} is stored with another `created`; keep that, and set `updated`"
                    ),
                ));
            }
            Outcome::Updated
        }
    };
    let written = write_footprint(import, &footprint, object).await;
    written.map_err(|error| unwritten(index, error))?;
    Ok(outcome)
}

async fn write_footprint(
    import: &mut Import,
    footprint: &ProductFootprint,
    object: &ImportObject,
) -> Result<(), sqlx::Error> {
    let transaction = &mut import.transaction;
    let id = footprint.id.to_string();
    let formerly_brought = if import.has_grants {
        grants::brought_by(transaction, &id).await?
    } else {
        grants::Brought::new()
    };
    let ileap = IleapObject::from_footprint(footprint).and_then(Result::ok);
    sql("DELETE FROM footprints WHERE id = $1")
        .bind(&id)
        .execute(&mut *transaction)
        .await?;
    sql(
        "INSERT INTO footprints (id, version, created, updated, status, kind, object_id, cpc, country, period_start, \
         period_end, json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&id)
    .bind(i64::from(footprint.version))
    .bind(nanoseconds(footprint.created.timestamp()))
    .bind(footprint.updated.as_ref().map(|moment| nanoseconds(moment.timestamp())))
    .bind(footprint.status.as_str())
    .bind(ileap.as_ref().map_or("generic", |object| object.kind().as_str()))
    .bind(ileap.as_ref().map(IleapObject::id))
    .bind(&footprint.product_category_cpc)
    .bind(footprint.pcf.geography_country.as_deref())
    .bind(nanoseconds(footprint.pcf.reference_period_start.timestamp()))
    .bind(nanoseconds(footprint.pcf.reference_period_end.timestamp()))
    .bind(&object.json)
    .execute(&mut *transaction)
    .await?;
    for (list, values) in [
        ("company", &footprint.company_ids),
        ("product", &footprint.product_ids),
    ] {
        for value in values {
            sql("INSERT INTO footprint_ids (list, value, created, footprint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .bind(list)
                .bind(value.as_str())
                .bind(nanoseconds(footprint.created.timestamp()))
                .bind(&id)
                .execute(&mut *transaction)
                .await?;
        }
    }
    if let Some(IleapObject::Shipment(shipment)) = &ileap {
        for tce in &shipment.tces {
            if let Some(consignment_id) = &tce.consignment_id {
                sql("INSERT INTO footprint_consignments (consignment_id, footprint) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(consignment_id)
                    .bind(&id)
                    .execute(&mut *transaction)
                    .await?;
            }
            for (kind, object_id) in [("toc", &tce.toc_id), ("hoc", &tce.hoc_id)] {
                let Some(object_id) = object_id else { continue };
                sql(
                    "INSERT INTO shipment_references (kind, object_id, footprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                )
                .bind(kind)
                .bind(object_id)
                .bind(&id)
                .execute(&mut *transaction)
                .await?;
            }
        }
    }
    if import.has_grants {
        grants::footprint_written(transaction, &id, formerly_brought).await?;
    }
    if import.has_followers {
        sql("INSERT INTO unpublished (footprint) VALUES ($1)")
            .bind(&id)
            .execute(transaction)
            .await?;
    }
    Ok(())
}

async fn tad(
    import: &mut Import,
    index: usize,
    object: &ImportObject,
) -> Result<Outcome, StoreError> {
    let failed = unavailable("importing activity data");
    let id = object.value.get("activityId").and_then(Value::as_str);
    let id = id.ok_or_else(|| unacceptable(index, "`activityId` is missing".to_owned()))?;
    if id.len() > ACTIVITY_ID_LIMIT {
        return Err(unacceptable(
            index,
            format!("`activityId` is longer than {ACTIVITY_ID_LIMIT} bytes; shorten it"),
        ));
    }
    let known = sql("SELECT json FROM tads WHERE activity_id = $1").bind(id);
    let known = known
        .fetch_optional(&mut import.transaction)
        .await
        .map_err(&failed)?;
    let outcome = match known {
        None => Outcome::Added,
        Some(row) if row.get::<Vec<u8>>(0).map_err(&failed)? == object.json => {
            return Ok(Outcome::Unchanged);
        }
        Some(_) => Outcome::Updated,
    };
    let written = write_tad(import, id, object).await;
    written.map_err(|error| unwritten(index, error))?;
    Ok(outcome)
}

async fn write_tad(
    import: &mut Import,
    id: &str,
    object: &ImportObject,
) -> Result<(), sqlx::Error> {
    let transaction = &mut import.transaction;
    sql("DELETE FROM tads WHERE activity_id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    let moment = |member| {
        let text = object.value.get(member).and_then(Value::as_str)?;
        let moment: DateTime = text.parse().ok()?;
        Some(nanoseconds(moment.timestamp()))
    };
    sql("INSERT INTO tads (activity_id, departs, arrives, json) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(moment("departureAt"))
        .bind(moment("arrivalAt"))
        .bind(&object.json)
        .execute(&mut *transaction)
        .await?;
    for (path, key) in tad_index(&object.value) {
        sql("INSERT INTO tad_fields (path, key, activity_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(path)
            .bind(key)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
    }
    let consignments = object.value.get("consignmentIds").and_then(Value::as_array);
    let consignments = consignments.into_iter().flatten().filter_map(Value::as_str);
    for consignment_id in consignments {
        sql("INSERT INTO tad_consignments (consignment_id, activity_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(consignment_id)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
    }
    if import.has_grants {
        grants::activity_written(transaction, id).await?;
    }
    Ok(())
}

fn unwritten(index: usize, error: sqlx::Error) -> StoreError {
    if postgres::is_too_long(&error) {
        let reason = "a text that lists are narrowed by is too long for the database; keep it under 2000 bytes";
        return unacceptable(index, reason.to_owned());
    }
    unavailable("importing an object")(error)
}

fn unacceptable(index: usize, reason: String) -> StoreError {
    StoreError::Unacceptable { index, reason }
}
