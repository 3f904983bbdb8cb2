//! For machines.

use serde::Serialize;
use serde_json::{Value, json};

use super::Report;
use crate::case::{Case, Severity, Verdict};

/// The whole report.
pub fn json(report: &Report) -> Value {
    let counts: serde_json::Map<_, _> = Verdict::ALL
        .iter()
        .map(|verdict| {
            (
                verdict.as_str().to_owned(),
                Value::from(report.count(*verdict)),
            )
        })
        .collect();
    json!({
        "conformant": report.is_conformant(),
        "sentence": report.sentence(),
        "counts": counts,
        "report": report,
    })
}

#[derive(Serialize)]
struct Listed {
    address: &'static str,
    requirement: &'static str,
    source: &'static str,
    severity: Severity,
    profiles: Vec<&'static str>,
    intrusive: bool,
}

/// The cases themselves.
pub fn list_json(cases: &[&'static Case]) -> Value {
    let listed: Vec<_> = cases
        .iter()
        .map(|case| Listed {
            address: case.address,
            requirement: case.requirement,
            source: case.source,
            severity: case.severity(&[]),
            profiles: case
                .profiles
                .iter()
                .map(|profile| profile.as_str())
                .collect(),
            intrusive: case.is_intrusive,
        })
        .collect();
    json!(listed)
}
