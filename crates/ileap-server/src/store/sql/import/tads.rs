//! Writing transport activity data.

use std::collections::HashMap;

use ileap_types::{datetime::DateTime, filter::tad::tad_index};
use serde_json::Value as Json;

use super::{
    Import, Outcome,
    rows::{Rows, about},
    unacceptable, unwritten,
};
use crate::store::{
    ImportObject, StoreError,
    sql::{grants, statement::Value, unavailable},
};

/// Longest `activityId`, in bytes: a link to the next page carries it.
const ACTIVITY_ID_LIMIT: usize = 512;

/// An activity to be written, with its place in the import.
struct Activity<'a> {
    index: usize,
    object: &'a ImportObject,
    id: String,
    fields: Vec<(&'static str, String)>,
}

impl Import {
    /// Writes activity data of different ids.
    pub(super) async fn activities(
        &mut self,
        objects: &[(usize, &ImportObject)],
    ) -> Result<Vec<Outcome>, StoreError> {
        let ids: Vec<String> = objects
            .iter()
            .filter_map(|(_, object)| activity_id(object))
            .collect();
        let known = self.known_activities(&ids).await?;
        let (mut outcomes, mut changed) = (Vec::new(), Vec::new());
        let mut replaced = Vec::new();
        for (index, object) in objects {
            let activity = Activity::new(*index, object)?;
            let outcome = match known.get(&activity.id) {
                None => Outcome::Added,
                Some(json) if *json == object.json => Outcome::Unchanged,
                Some(_) => Outcome::Updated,
            };
            if matches!(outcome, Outcome::Updated) {
                replaced.push(activity.id.clone());
            }
            if !matches!(outcome, Outcome::Unchanged) {
                changed.push(activity);
            }
            outcomes.push(outcome);
        }
        if let Some(first) = changed.first().map(|activity| activity.index) {
            if self.has_text_limit() {
                for activity in &changed {
                    activity.check_texts()?;
                }
            }
            let written = self.write_activities(&changed, &replaced).await;
            written.map_err(|error| unwritten(first, error))?;
        }
        Ok(outcomes)
    }

    async fn known_activities(
        &mut self,
        ids: &[String],
    ) -> Result<HashMap<String, Vec<u8>>, StoreError> {
        let mut known = HashMap::new();
        if ids.is_empty() {
            return Ok(known);
        }
        let failed = unavailable("importing activity data");
        let rows = about(
            "SELECT activity_id, json FROM tads WHERE activity_id IN ",
            ids,
        )
        .fetch_all(&mut self.transaction)
        .await
        .map_err(&failed)?;
        for row in &rows {
            known.insert(row.text(0).map_err(&failed)?, row.get(1).map_err(&failed)?);
        }
        Ok(known)
    }

    async fn write_activities(
        &mut self,
        changed: &[Activity<'_>],
        replaced: &[String],
    ) -> Result<(), sqlx::Error> {
        if !replaced.is_empty() {
            self.place_fields().await?;
            let deleted = about("DELETE FROM tads WHERE activity_id IN ", replaced);
            deleted.execute(&mut self.transaction).await?;
        }
        let transaction = &mut self.transaction;
        for rows in tables(changed, self.fields.rows()) {
            rows.insert(transaction).await?;
        }
        self.have_fields(changed.len());
        if self.has_grants {
            let transaction = &mut self.transaction;
            for activity in changed {
                grants::activity_written(transaction, &activity.id).await?;
            }
        }
        Ok(())
    }
}

fn activity_id(object: &ImportObject) -> Option<String> {
    let id = object.value.get("activityId").and_then(Json::as_str);
    id.map(str::to_owned)
}

impl<'a> Activity<'a> {
    fn new(index: usize, object: &'a ImportObject) -> Result<Self, StoreError> {
        let id = activity_id(object);
        let id = id.ok_or_else(|| unacceptable(index, "`activityId` is missing".to_owned()))?;
        if id.len() > ACTIVITY_ID_LIMIT {
            return Err(unacceptable(
                index,
                format!("`activityId` is longer than {ACTIVITY_ID_LIMIT} bytes; shorten it"),
            ));
        }
        Ok(Self {
            index,
            object,
            id,
            fields: tad_index(&object.value),
        })
    }

    fn consignments(&self) -> impl Iterator<Item = &str> {
        let ids = self
            .object
            .value
            .get("consignmentIds")
            .and_then(Json::as_array);
        ids.into_iter().flatten().filter_map(Json::as_str)
    }

    fn moment(&self, member: &str) -> Option<i64> {
        let text = self.object.value.get(member).and_then(Json::as_str)?;
        let moment: DateTime = text.parse().ok()?;
        Some(moment.ticks())
    }

    fn check_texts(&self) -> Result<(), StoreError> {
        let keys = self.fields.iter().map(|(_, key)| key.as_str());
        super::check_texts(self.index, keys.chain(self.consignments()))
    }
}

fn tables<'a>(activities: &'a [Activity<'a>], mut fields: Rows<'a>) -> [Rows<'a>; 3] {
    let mut own = Rows::new("tads (activity_id, departs, arrives, json)", 4);
    let mut consignments = Rows::new("tad_consignments (consignment_id, activity_id)", 2).once();
    for activity in activities {
        let id = &activity.id;
        own.push([
            Value::from(id),
            activity.moment("departureAt").into(),
            activity.moment("arrivalAt").into(),
            Value::from(&activity.object.json),
        ]);
        for (path, key) in &activity.fields {
            fields.push([Value::from(*path), Value::from(key), Value::from(id)]);
        }
        for consignment in activity.consignments() {
            consignments.push([Value::from(consignment), Value::from(id)]);
        }
    }
    [own, fields, consignments]
}
