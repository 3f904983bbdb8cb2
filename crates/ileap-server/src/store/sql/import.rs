//! Writing objects: all of them, or none.

mod fields;
mod footprints;
mod references;
mod rows;
mod statistics;
mod tads;

use std::collections::HashSet;

use bytes::Bytes;
use ileap_types::pact::v2::PfId;
use serde_json::Value;

pub(super) use self::references::around;
#[cfg(test)]
pub(super) use self::references::around_statement;

use self::{fields::Fields, references::Touched};
use super::{
    database::{Lock, Pool, Transaction},
    dialect::Dialect,
    grants, json, postgres, publish,
    statement::sql,
    unavailable,
};
use crate::store::{
    ImportKind, ImportObject, ImportSummary, ImportTransaction, OpenReference, StoreError,
};

/// The most objects that are looked up and written together.
const RUN: usize = 256;
/// The longest text, in bytes, that an index of PostgreSQL takes for sure.
const TEXT_LIMIT: usize = 2000;
const TOO_LONG: &str =
    "a text that lists are narrowed by is too long for the database; keep it under 2000 bytes";

/// What became of one object.
enum Outcome {
    Added,
    Unchanged,
    Updated,
}

/// A transaction that writes objects.
pub(super) struct Import {
    transaction: Transaction,
    fields: Fields,
    /// Whether any access rule names objects; none can come while this lasts.
    has_grants: bool,
    /// Whether any partner is told of changes.
    has_followers: bool,
    /// What may be missing at the end.
    touched: Touched,
    /// How many objects were added or changed.
    changed: usize,
}

impl Import {
    pub(super) async fn begin(writer: &Pool) -> Result<Self, StoreError> {
        let failed = unavailable("importing objects");
        let mut transaction = writer.begin(Lock::Import).await.map_err(&failed)?;
        let has_grants = grants::are_kept(&mut transaction).await.map_err(&failed)?;
        if let Some(statement) = transaction.dialect().room_for_an_import() {
            sql(statement)
                .execute(&mut transaction)
                .await
                .map_err(&failed)?;
        }
        Ok(Self {
            fields: Self::begin_fields(&mut transaction)
                .await
                .map_err(&failed)?,
            has_followers: publish::has_followers(&mut transaction)
                .await
                .map_err(&failed)?,
            transaction,
            has_grants,
            touched: Touched::default(),
            changed: 0,
        })
    }

    fn has_text_limit(&self) -> bool {
        self.transaction.dialect() == Dialect::Postgres
    }
}

#[async_trait::async_trait]
impl ImportTransaction for Import {
    async fn write(&mut self, objects: &[ImportObject]) -> Result<ImportSummary, StoreError> {
        let mut summary = ImportSummary::default();
        for (begin, run) in runs(objects) {
            let numbered = || {
                run.iter()
                    .enumerate()
                    .map(|(place, object)| (begin + place, object))
            };
            let of_kind = |kind| {
                numbered()
                    .filter(move |(_, object)| object.kind == kind)
                    .collect::<Vec<_>>()
            };
            let mut outcomes = self.footprints(&of_kind(ImportKind::Footprint)).await?;
            outcomes.extend(self.activities(&of_kind(ImportKind::Tad)).await?);
            for outcome in outcomes {
                match outcome {
                    Outcome::Added => summary.added += 1,
                    Outcome::Unchanged => summary.unchanged += 1,
                    Outcome::Updated => summary.updated += 1,
                }
            }
        }
        self.changed += summary.added + summary.updated;
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
        let failed = unavailable("deleting activity data");
        self.place_fields().await.map_err(&failed)?;
        let deleted = sql("DELETE FROM tads WHERE activity_id = $1")
            .bind(activity_id)
            .execute(&mut self.transaction)
            .await
            .map_err(&failed)?;
        Ok(deleted > 0)
    }

    async fn open_references(&mut self) -> Result<Vec<OpenReference>, StoreError> {
        let open = self.find_open_references().await;
        open.map_err(unavailable("looking for what shipments refer to"))
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let failed = unavailable("importing objects");
        self.place_fields().await.map_err(&failed)?;
        self.renew_statistics().await.map_err(&failed)?;
        self.transaction.commit().await.map_err(&failed)
    }
}

fn unwritten(index: usize, error: sqlx::Error) -> StoreError {
    if postgres::is_too_long(&error) {
        return unacceptable(index, TOO_LONG.to_owned());
    }
    unavailable("importing an object")(error)
}

/// Refuses texts that PostgreSQL takes into no index (a third of a page, less what its entry needs besides).
fn check_texts<'a>(
    index: usize,
    mut texts: impl Iterator<Item = &'a str>,
) -> Result<(), StoreError> {
    if texts.any(|text| text.len() > TEXT_LIMIT) {
        return Err(unacceptable(index, TOO_LONG.to_owned()));
    }
    Ok(())
}

/// Parts of `objects` with the places where they begin, in none of which an object comes twice: the second would
/// not see the first.
fn runs(objects: &[ImportObject]) -> Vec<(usize, &[ImportObject])> {
    let mut runs = Vec::new();
    let (mut seen, mut begin) = (HashSet::new(), 0);
    for (place, object) in objects.iter().enumerate() {
        let name = match object.kind {
            ImportKind::Footprint => "id",
            ImportKind::Tad => "activityId",
        };
        let id = object
            .value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let key = (object.kind == ImportKind::Tad, id.to_ascii_lowercase());
        if place - begin == RUN || seen.contains(&key) {
            runs.extend(objects.get(begin..place).map(|run| (begin, run)));
            seen.clear();
            begin = place;
        }
        seen.insert(key);
    }
    runs.extend(objects.get(begin..).map(|run| (begin, run)));
    runs
}

fn unacceptable(index: usize, reason: String) -> StoreError {
    StoreError::Unacceptable { index, reason }
}
