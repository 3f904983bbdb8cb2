//! Files as objects.

use std::{fs, path::Path};

use ileap_types::{rules::Finding, strict_json};
use serde_json::Value;

use super::{LISTED, Place};
use crate::store::ImportKind;

/// Members that may wrap a list.
const WRAPPERS: [&str; 3] = ["data", "footprints", "tads"];

/// One object of a file.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: ImportKind,
    /// Without nulls: they are read as absent and never served.
    pub(super) value: Value,
    pub(super) place: String,
}

impl Item {
    pub(super) fn place(&self, finding: Finding) -> Place {
        Place {
            object: self.place.clone(),
            finding,
        }
    }
}

/// The objects of a file, by its extension.
pub(super) fn file(path: &Path) -> Result<Vec<Item>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("ndjson" | "jsonl") => ndjson(&bytes),
        Some("csv") => Err("CSV is not read in this version: write JSON or NDJSON".to_owned()),
        _ => json(&bytes),
    }
}

/// One object, a list of them, or lists in an object as `{"data": [...]}`.
pub(super) fn json(bytes: &[u8]) -> Result<Vec<Item>, String> {
    let value =
        strict_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut members) => {
            let lists: Vec<_> = WRAPPERS
                .iter()
                .filter_map(|name| match members.remove(*name)? {
                    Value::Array(list) => Some(list),
                    _ => None,
                })
                .collect();
            if lists.is_empty() {
                vec![Value::Object(members)]
            } else {
                lists.concat()
            }
        }
        _ => return Err("it holds neither an object nor a list of objects".to_owned()),
    };
    let places = (1..).map(|number| format!("item {number}"));
    all(places.zip(list).map(|(place, value)| item(value, place)))
}

/// One object a line; empty lines are passed over.
fn ndjson(bytes: &[u8]) -> Result<Vec<Item>, String> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    all(filled.map(|(index, line)| {
        let place = format!("line {}", index + 1);
        let value = strict_json::from_slice(line);
        item(
            value.map_err(|error| format!("{place} is no JSON: {error}"))?,
            place,
        )
    }))
}

/// Every item, or everything that is wrong with them, as far as a person reads.
fn all(items: impl Iterator<Item = Result<Item, String>>) -> Result<Vec<Item>, String> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(item) => good.push(item),
            Err(problem) => bad.push(problem),
        }
    }
    let unlisted = bad.len().saturating_sub(LISTED);
    bad.truncate(LISTED);
    if unlisted > 0 {
        bad.push(format!("and {unlisted} more"));
    }
    if bad.is_empty() {
        Ok(good)
    } else {
        Err(bad.join("\n  "))
    }
}

fn item(mut value: Value, place: String) -> Result<Item, String> {
    drop_nulls(&mut value);
    let kind = if value.get("activityId").is_some() {
        ImportKind::Tad
    } else if value.get("pcf").is_some() {
        ImportKind::Footprint
    } else {
        return Err(format!(
            "{place} is neither a footprint (it has no `pcf`) nor activity data (it has no `activityId`)"
        ));
    };
    Ok(Item { kind, value, place })
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}
