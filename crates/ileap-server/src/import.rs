//! From a file to the store: read, judged, and written whole or not at all.

mod read;

use std::{fmt, path::Path};

use bytes::Bytes;
use ileap_types::rules::{
    Finding, ItemRef, RuleId, Severity, judge_collection, judge_footprint, judge_tad,
};
use serde_json::Value;

use crate::store::{ImportKind, ImportObject, ImportSummary, Store, StoreError};

/// The footprints of the demo.
pub const SAMPLE_FOOTPRINTS: &str = include_str!("../sample-data/footprints.json");
/// The transport activity data of the demo.
pub const SAMPLE_TADS: &str = include_str!("../sample-data/tads.json");

/// The most findings listed about one file; the rest are counted.
const LISTED: usize = 100;

/// What an import did, and what it found odd.
#[derive(Debug)]
pub struct ImportReport {
    /// What was written.
    pub summary: ImportSummary,
    /// Findings that are no obstacle.
    pub warnings: Vec<Place>,
}

/// A finding and the object it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// `item 3` or `line 3`, counted from 1.
    pub object: String,
    /// What was found there.
    pub finding: Finding,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, finding } = self;
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(
            f,
            "{object} {}: {severity} {}: {}",
            finding.pointer, finding.rule, finding.message
        )
    }
}

/// Nothing of the file was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// Objects break rules that must hold.
    #[error("{} broken:{}", count(*.total, "rule is", "rules are"), lines(.listed))]
    Broken {
        /// The first hundred findings.
        listed: Vec<Place>,
        /// How many there are.
        total: usize,
    },
    /// The file cannot be read as objects, or one contradicts what is stored.
    #[error("{0}")]
    Unreadable(String),
    /// The store refused, or is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports one file, `.ndjson` as a line per object, anything else as JSON.
pub async fn file(store: &dyn Store, path: &Path) -> Result<ImportReport, ImportFailure> {
    let items = read::file(path).map_err(ImportFailure::Unreadable)?;
    items_into(store, items).await
}

/// Puts the demo's data into a store.
pub async fn sample_data(store: &dyn Store) -> Result<(), ImportFailure> {
    for text in [SAMPLE_FOOTPRINTS, SAMPLE_TADS] {
        let items = read::json(text.as_bytes()).map_err(ImportFailure::Unreadable)?;
        items_into(store, items).await?;
    }
    Ok(())
}

async fn items_into(
    store: &dyn Store,
    items: Vec<read::Item>,
) -> Result<ImportReport, ImportFailure> {
    let mut places = judge_each(&items);
    places.extend(judge_together(store, &items).await?);
    let (broken, warnings): (Vec<_>, Vec<_>) = places
        .into_iter()
        .partition(|place| place.finding.severity == Severity::Error);
    if !broken.is_empty() {
        let total = broken.len();
        return Err(ImportFailure::Broken {
            listed: broken.into_iter().take(LISTED).collect(),
            total,
        });
    }
    let places: Vec<_> = items.iter().map(|item| item.place.clone()).collect();
    let objects: Vec<_> = items.into_iter().map(into_object).collect();
    match store.import(&objects).await {
        Ok(summary) => Ok(ImportReport { summary, warnings }),
        Err(StoreError::Unacceptable { index, reason }) => {
            let place = places.get(index).map_or("an item", String::as_str);
            Err(ImportFailure::Unreadable(format!("{place}: {reason}")))
        }
        Err(error) => Err(error.into()),
    }
}

fn judge_each(items: &[read::Item]) -> Vec<Place> {
    let judge = |item: &read::Item| match item.kind {
        ImportKind::Footprint => judge_footprint(&item.value),
        ImportKind::Tad => judge_tad(&item.value),
    };
    items
        .iter()
        .flat_map(|item| judge(item).into_iter().map(|finding| item.place(finding)))
        .collect()
}

/// Rules across objects. A reference may also be met by what is stored already.
async fn judge_together(store: &dyn Store, items: &[read::Item]) -> Result<Vec<Place>, StoreError> {
    let of_kind = |kind: ImportKind| {
        items
            .iter()
            .filter(move |item| item.kind == kind)
            .collect::<Vec<_>>()
    };
    let (footprints, tads) = (of_kind(ImportKind::Footprint), of_kind(ImportKind::Tad));
    let values = |items: &[&read::Item]| {
        items
            .iter()
            .map(|item| item.value.clone())
            .collect::<Vec<_>>()
    };
    let mut places = Vec::new();
    for (place, finding) in judge_collection(&values(&footprints), &values(&tads)) {
        let item = match place {
            ItemRef::Footprint(index) => footprints.get(index),
            ItemRef::Tad(index) => tads.get(index),
        };
        let Some(item) = item else { continue };
        if finding.rule == RuleId::R24 && is_stored(store, &item.value, &finding.pointer).await? {
            continue;
        }
        places.push(item.place(finding));
    }
    Ok(places)
}

async fn is_stored(store: &dyn Store, value: &Value, pointer: &str) -> Result<bool, StoreError> {
    let kind = match pointer.rsplit('/').next() {
        Some("tocId") => "toc",
        Some("hocId") => "hoc",
        _ => return Ok(false),
    };
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(id) => store.has_object(kind, id).await,
        None => Ok(false),
    }
}

fn into_object(item: read::Item) -> ImportObject {
    let json = Bytes::from(item.value.to_string());
    ImportObject {
        kind: item.kind,
        value: item.value,
        json,
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn lines(places: &[Place]) -> String {
    places.iter().map(|place| format!("\n  {place}")).collect()
}

#[cfg(test)]
mod tests;
