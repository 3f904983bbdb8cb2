//! What the rules accept, the types read.

use super::*;
use crate::{extension::IleapObject, pact::v2::ProductFootprint, tad::Tad};

/// A value of every type, plain and empty.
fn replacements() -> [Value; 10] {
    [
        Value::Null,
        json!(true),
        json!(0),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("1"),
        json!("2024-10-07T05:30:00Z"),
        json!([]),
        json!({}),
    ]
}

/// The sample with each of its places replaced or removed, one at a time.
fn variants(sample: &Value) -> impl Iterator<Item = (String, Value)> {
    places(sample)
        .into_iter()
        .filter(|place| !place.is_empty())
        .flat_map(move |place| {
            let replaced = replacements().into_iter().map({
                let place = place.clone();
                move |value| {
                    let mut variant = sample.clone();
                    *variant.pointer_mut(&place).unwrap() = value.clone();
                    (format!("{place} = {value}"), variant)
                }
            });
            let (parent, name) = place.rsplit_once('/').unwrap();
            let mut variant = sample.clone();
            let parent = variant.pointer_mut(parent).unwrap();
            let removed = parent
                .as_object_mut()
                .is_some_and(|parent| parent.remove(name).is_some());
            replaced.chain(removed.then_some((format!("{place} removed"), variant)))
        })
}

fn is_accepted(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Error)
}

#[test]
fn a_footprint_without_errors_is_read() {
    let mut accepted = 0;
    for name in [
        "mailer-3525",
        "shipment-air-1",
        "toc-air-belly-1",
        "hoc-container-terminal-1",
    ] {
        for (change, variant) in variants(&footprint(name)) {
            if is_accepted(&judge_footprint(&variant)) {
                accepted += 1;
                let read: Result<ProductFootprint, _> = serde_json::from_value(variant);
                let footprint = read.unwrap_or_else(|error| panic!("{name} {change}: {error}"));
                if let Some(Err(error)) = IleapObject::from_footprint(&footprint) {
                    panic!("{name} {change}: {error}");
                }
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn activity_data_without_errors_are_read() {
    let mut accepted = 0;
    for name in ["activity-air-1-2", "activity-multi-modal-1-1"] {
        for (change, variant) in variants(&tad(name)) {
            if is_accepted(&judge_tad(&variant)) {
                accepted += 1;
                let read: Result<Tad, _> = serde_json::from_value(variant);
                read.unwrap_or_else(|error| panic!("{name} {change}: {error}"));
            }
        }
    }
    assert!(accepted > 50, "{accepted}");
}
