//! Samples for tests and what the types are expected to make of them.

use serde_json::{Map, Value};

/// The footprints of ileap-go's demo: a bare one with all optional members null, a bare one with
/// many members, a shipment, a TOC and a HOC.
pub(crate) fn footprints() -> Vec<Value> {
    list(
        include_str!("../tests/fixtures/ileap-go-demo/footprints.json"),
        "footprints",
    )
}

/// Two activities of ileap-go's demo.
pub(crate) fn tads() -> Vec<Value> {
    list(
        include_str!("../tests/fixtures/ileap-go-demo/tad.json"),
        "tads",
    )
}

/// A document as it is written again: without nulls, empty optional lists and the named members.
pub(crate) fn tidied(document: &Value, dropped: &[&str]) -> Value {
    match document {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, value)| {
                let is_empty_optional =
                    value.as_array().is_some_and(Vec::is_empty) && name.as_str() != "prevTceIds";
                !value.is_null() && !is_empty_optional && !dropped.contains(&name.as_str())
            });
            let kept = kept.map(|(name, value)| (name.clone(), tidied(value, dropped)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| tidied(item, dropped)).collect(),
        scalar => scalar.clone(),
    }
}

fn list(document: &str, name: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(document).unwrap();
    document[name].as_array().unwrap().clone()
}
