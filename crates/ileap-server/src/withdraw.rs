//! Taking back what was published: a footprint stays as a deprecated version, activity data goes.

use std::collections::HashSet;

use bytes::Bytes;
use ileap_types::{
    datetime::DateTime,
    pact::v2::{ProductFootprint, Status},
    rules::{Severity, judge_footprint},
};
use jiff::Timestamp;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use crate::store::{
    ImportKind, ImportObject, ImportTransaction, Store, StoreError,
    patience::{self, OnWait},
};

/// What became of one id.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Withdrawal {
    /// The footprint had been deprecated before; nothing changed.
    AlreadyDeprecated {
        /// Its id.
        id: String,
        /// Its version.
        version: u32,
    },
    /// The transport activity data is gone.
    Deleted {
        /// Its `activityId`.
        id: String,
    },
    /// The footprint has a new version, which is deprecated.
    Deprecated {
        /// Its id.
        id: String,
        /// The new version.
        version: u32,
    },
}

/// Nothing was withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawalFailure {
    /// Some ids name nothing, or more than one thing, or something that cannot be deprecated.
    #[error("{}", .0.join("\n  "))]
    Refused(Vec<String>),
    /// The store refused, or is not there.
    #[error("{}", .0.with_cause())]
    Store(#[from] StoreError),
}

/// Withdraws what all of `ids` name, or nothing. No import comes in between; one that is under way is waited for,
/// which `on_wait` is told.
///
/// An id is that of a footprint or the `activityId` of transport activity data. The footprint keeps every
/// member but `version`, `updated` and `status` (PACT v2.3, footprint life cycle).
pub async fn withdraw(
    store: &dyn Store,
    ids: &[String],
    now: Timestamp,
    on_wait: OnWait<'_>,
) -> Result<Vec<Withdrawal>, WithdrawalFailure> {
    let mut transaction = patience::begin_import(store, on_wait).await?;
    let (mut done, mut refused, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for id in ids.iter().filter(|id| seen.insert(*id)) {
        match withdraw_one(&mut *transaction, id, now).await {
            Ok(withdrawal) => done.push(withdrawal),
            Err(Obstacle::Refused(reason)) => refused.push(format!("{id} {reason}")),
            Err(Obstacle::Store(error)) => return Err(error.into()),
        }
    }
    if !refused.is_empty() {
        return Err(WithdrawalFailure::Refused(refused));
    }
    transaction.commit().await?;
    Ok(done)
}

/// Why one id cannot be withdrawn.
enum Obstacle {
    /// What the id is or has.
    Refused(String),
    Store(StoreError),
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn withdraw_one(
    transaction: &mut dyn ImportTransaction,
    id: &str,
    now: Timestamp,
) -> Result<Withdrawal, Obstacle> {
    let footprint = transaction.footprint(id).await?;
    let was_activity = transaction.delete_tad(id).await?;
    let json = match (footprint, was_activity) {
        (Some(json), false) => json,
        (None, true) => return Ok(Withdrawal::Deleted { id: id.to_owned() }),
        (Some(_), true) => {
            let reason = "is a footprint and activity data: it does not say which one is meant";
            return Err(Obstacle::Refused(reason.to_owned()));
        }
        (None, false) => {
            let reason = "is neither the id of a footprint nor the `activityId` of activity data";
            return Err(Obstacle::Refused(reason.to_owned()));
        }
    };
    let (withdrawal, object) = deprecate(&json, now)?;
    if let Some(object) = object {
        match transaction.write(&[object]).await {
            Err(StoreError::Unacceptable { reason, .. }) => {
                let reason = format!("cannot be deprecated: {reason}");
                return Err(Obstacle::Refused(reason));
            }
            written => written?,
        };
    }
    Ok(withdrawal)
}

/// The next version of a footprint, unless it is the last one already.
fn deprecate(json: &[u8], now: Timestamp) -> Result<(Withdrawal, Option<ImportObject>), Obstacle> {
    let refused =
        |error: serde_json::Error| Obstacle::Refused(format!("cannot be read back: {error}"));
    let mut value: Value = serde_json::from_slice(json).map_err(refused)?;
    let footprint = ProductFootprint::deserialize(&value).map_err(refused)?;
    let id = footprint.id.to_string();
    if footprint.status == Status::Deprecated {
        let version = footprint.version;
        return Ok((Withdrawal::AlreadyDeprecated { id, version }, None));
    }
    let version = footprint.version.saturating_add(1);
    let updated = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    for (member, content) in [
        ("version", version.into()),
        ("updated", DateTime::from(updated).as_str().into()),
        ("status", Status::Deprecated.as_str().into()),
    ] {
        if let Some(place) = value.as_object_mut() {
            place.insert(member.to_owned(), content);
        }
    }
    let findings = judge_footprint(&value).into_iter();
    let mut errors = findings.filter(|finding| finding.severity == Severity::Error);
    if let Some(error) = errors.next() {
        let reason = format!("cannot be deprecated: {} {}", error.pointer, error.message);
        return Err(Obstacle::Refused(reason));
    }
    let object = ImportObject {
        kind: ImportKind::Footprint,
        json: Bytes::from(value.to_string()),
        value,
    };
    Ok((Withdrawal::Deprecated { id, version }, Some(object)))
}

#[cfg(test)]
mod tests {
    use ileap_types::filter::tad::TadFilter;
    use serde_json::json;

    use super::*;
    use crate::{
        access::Visibility,
        import::{self, SAMPLE_FOOTPRINTS, SAMPLE_TADS},
        store::{PageQuery, sql::SqlStore},
    };

    const NOW: &str = "2026-03-01T12:00:00.123456Z";

    async fn stocked() -> SqlStore {
        let store = SqlStore::open("sqlite::memory:").await.unwrap();
        import::sample_data(&store).await.unwrap();
        store
    }

    fn samples(text: &str) -> Vec<Value> {
        serde_json::from_str(text).unwrap()
    }

    fn text(value: &Value) -> String {
        value.as_str().unwrap().to_owned()
    }

    async fn stored(store: &SqlStore, id: &str) -> Value {
        let found = store.footprint(&Visibility::everything(), id).await;
        serde_json::from_slice(&found.unwrap().unwrap()).unwrap()
    }

    async fn activities(store: &SqlStore) -> usize {
        let (filter, page) = (
            TadFilter::default(),
            PageQuery {
                offset: 0,
                limit: 1000,
                after: None,
            },
        );
        let page = store.tads(&Visibility::everything(), &filter, &page).await;
        let list = [b"[", page.unwrap().objects.as_ref(), b"]"].concat();
        serde_json::from_slice::<Vec<Value>>(&list).unwrap().len()
    }

    async fn withdrawn(
        store: &SqlStore,
        ids: &[String],
    ) -> Result<Vec<Withdrawal>, WithdrawalFailure> {
        withdraw(store, ids, NOW.parse().unwrap(), &|| ()).await
    }

    #[tokio::test]
    async fn a_footprint_stays_as_a_deprecated_version_with_all_its_other_members() {
        let store = stocked().await;
        let mut expected = samples(SAMPLE_FOOTPRINTS)[0].clone();
        let id = text(&expected["id"]);
        let version = expected["version"].as_u64().unwrap() + 1;
        expected["version"] = version.into();
        expected["status"] = json!("Deprecated");
        expected["updated"] = json!("2026-03-01T12:00:00.123Z");
        // Ids compare without regard to case.
        let done = withdrawn(&store, &[id.to_uppercase()]).await.unwrap();
        let version = u32::try_from(version).unwrap();
        let deprecated = Withdrawal::Deprecated {
            id: id.clone(),
            version,
        };
        assert_eq!(done, [deprecated]);
        assert_eq!(stored(&store, &id).await, expected);
        let again = withdrawn(&store, std::slice::from_ref(&id)).await.unwrap();
        let already = Withdrawal::AlreadyDeprecated {
            id: id.clone(),
            version,
        };
        assert_eq!(again, [already]);
        assert_eq!(stored(&store, &id).await, expected);
    }

    #[tokio::test]
    async fn activity_data_goes() {
        let store = stocked().await;
        let before = activities(&store).await;
        let id = text(&samples(SAMPLE_TADS)[0]["activityId"]);
        let done = withdrawn(&store, &[id.clone(), id.clone()]).await.unwrap();
        assert_eq!(done, [Withdrawal::Deleted { id: id.clone() }]);
        assert_eq!(activities(&store).await, before - 1);
        let again = withdrawn(&store, &[id]).await.unwrap_err();
        assert!(again.to_string().contains("is neither"), "{again}");
    }

    #[tokio::test]
    async fn one_unknown_id_keeps_everything() {
        let store = stocked().await;
        let before = activities(&store).await;
        let footprint = &samples(SAMPLE_FOOTPRINTS)[0];
        let ids = [
            text(&footprint["id"]),
            text(&samples(SAMPLE_TADS)[0]["activityId"]),
            "nobody".to_owned(),
        ];
        let refused = withdrawn(&store, &ids).await.unwrap_err().to_string();
        assert!(refused.starts_with("nobody is neither"), "{refused}");
        assert_eq!(&stored(&store, &ids[0]).await, footprint);
        assert_eq!(activities(&store).await, before);
    }

    #[tokio::test]
    async fn a_withdrawal_comes_before_or_after_an_import_and_never_within() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
        let importing = SqlStore::open(&url).await.unwrap();
        let withdrawing = SqlStore::open(&url).await.unwrap();
        import::sample_data(&importing).await.unwrap();
        let mut value = samples(SAMPLE_FOOTPRINTS)[0].clone();
        let id = text(&value["id"]);
        value["version"] = json!(7);
        value["updated"] = json!("2026-02-01T00:00:00Z");
        value["comment"] = json!("imported meanwhile");
        let object = ImportObject {
            kind: ImportKind::Footprint,
            json: Bytes::from(value.to_string()),
            value,
        };
        let mut transaction = importing.begin_import().await.unwrap();
        let ids = [id.clone()];
        let (done, ()) = tokio::join!(withdrawn(&withdrawing, &ids), async {
            transaction.write(&[object]).await.unwrap();
            transaction.commit().await.unwrap();
        });
        let deprecated = Withdrawal::Deprecated {
            id: id.clone(),
            version: 8,
        };
        assert_eq!(done.unwrap(), [deprecated]);
        let comment = &stored(&importing, &id).await["comment"];
        assert_eq!(comment, "imported meanwhile");
    }

    #[tokio::test]
    async fn an_id_of_two_objects_is_refused() {
        let store = stocked().await;
        let id = text(&samples(SAMPLE_FOOTPRINTS)[0]["id"]);
        let mut value = samples(SAMPLE_TADS)[0].clone();
        value["activityId"] = id.clone().into();
        let object = ImportObject {
            kind: ImportKind::Tad,
            json: Bytes::from(value.to_string()),
            value,
        };
        store.import(&[object]).await.unwrap();
        let before = activities(&store).await;
        let refused = withdrawn(&store, &[id]).await.unwrap_err().to_string();
        assert!(refused.contains("which one is meant"), "{refused}");
        assert_eq!(activities(&store).await, before);
    }

    #[tokio::test]
    async fn a_footprint_from_the_future_is_not_deprecated_before_it_was_made() {
        let store = stocked().await;
        let id = text(&samples(SAMPLE_FOOTPRINTS)[0]["id"]);
        let early = "2001-01-01T00:00:00Z".parse().unwrap();
        let refused = withdraw(&store, &[id], early, &|| ()).await.unwrap_err();
        assert!(refused.to_string().contains("/updated"), "{refused}");
    }
}
