//! Holds the sample data of the server and published samples against published schemas and our
//! rules.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot read its fixtures shall fail"
)]

mod negative_samples;
mod sample_data;
mod schemas;

use serde_json::Value;

/// Reads a JSON fixture.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn footprints() -> Vec<Value> {
    serde_json::from_str(include_str!(
        "../../../ileap-server/sample-data/footprints.json"
    ))
    .unwrap()
}

fn tads() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../ileap-server/sample-data/tads.json")).unwrap()
}
