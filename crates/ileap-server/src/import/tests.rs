use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::{access::Visibility, store::sqlite::SqliteStore};

async fn import_into(
    store: &SqliteStore,
    name: &str,
    text: impl AsRef<[u8]>,
) -> Result<ImportReport, ImportFailure> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    file(store, &Input::open(&path, None).await.unwrap()).await
}

async fn import(
    name: &str,
    text: impl AsRef<[u8]>,
) -> (SqliteStore, Result<ImportReport, ImportFailure>) {
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    let result = import_into(&store, name, text).await;
    (store, result)
}

fn samples() -> Vec<Value> {
    serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap()
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    let first = import_into(&store, "a.json", SAMPLE_FOOTPRINTS)
        .await
        .unwrap();
    assert_eq!(
        (first.summary.added, first.summary.unchanged),
        (samples().len(), 0)
    );
    assert_eq!(first.warnings.total, 0);
    let second = import_into(&store, "a.json", SAMPLE_FOOTPRINTS)
        .await
        .unwrap();
    assert_eq!(
        (second.summary.added, second.summary.unchanged),
        (0, samples().len())
    );
}

#[tokio::test]
async fn lists_wrapped_lists_and_lines_are_read_alike() {
    let tads: Vec<Value> = serde_json::from_str(SAMPLE_TADS).unwrap();
    let lines: String = tads.iter().map(|tad| format!("{tad}\n\n")).collect();
    let marked = format!("\u{feff}{}", json!(tads));
    for (name, text) in [
        ("a.json", marked),
        ("a.json", json!(tads).to_string()),
        ("a.json", json!({"tads": tads}).to_string()),
        ("a.json", json!({"data": tads}).to_string()),
        ("a.ndjson", lines),
    ] {
        let (_, result) = import(name, &text).await;
        assert_eq!(result.unwrap().summary.added, tads.len(), "{name}");
    }
    let both = json!({"footprints": samples(), "tads": tads});
    let (_, result) = import("a.json", &both.to_string()).await;
    assert_eq!(result.unwrap().summary.added, samples().len() + tads.len());
    let (_, result) = import("a.json", &tads[0].to_string()).await;
    assert_eq!(result.unwrap().summary.added, 1);
}

#[tokio::test]
async fn one_broken_object_keeps_the_whole_file_out_and_everything_broken_is_listed() {
    let mut footprints = samples();
    footprints[0]["pcf"]["declaredUnit"] = json!("furlong");
    footprints[2]["companyIds"] = json!([]);
    let (store, result) = import("a.json", &json!(footprints).to_string()).await;
    let message = result.unwrap_err().to_string();
    assert!(
        message.contains("item 1 /pcf/declaredUnit: error P02"),
        "{message}"
    );
    assert!(message.contains("item 3 /companyIds: error"), "{message}");
    let everything = serde_json::from_str::<Value>(SAMPLE_FOOTPRINTS).unwrap();
    let id = everything[4]["id"].as_str().unwrap();
    let visibility = Visibility::everything();
    assert!(store.footprint(&visibility, id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_reference_is_met_by_the_file_or_by_the_store() {
    let kind = |value: &Value| {
        value
            .pointer("/extensions/0/dataSchema")
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let (shipments, others): (Vec<_>, Vec<_>) = samples()
        .into_iter()
        .partition(|value| kind(value).contains("shipment-footprint"));
    let (_, alone) = import("a.json", &json!(shipments).to_string()).await;
    assert!(alone.unwrap_err().to_string().contains("error R24"));
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    for part in [others, shipments] {
        import_into(&store, "a.json", json!(part).to_string())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_footprint_changes_only_with_a_higher_version() {
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    sample_data(&store).await.unwrap();
    let mut footprint = samples()[0].clone();
    footprint["comment"] = json!("changed");
    let refused = import_into(&store, "a.json", footprint.to_string()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("item 1: error: footprint"), "{refused}");
    assert!(refused.contains("raise `version`"), "{refused}");
    footprint["version"] = json!(footprint["version"].as_u64().unwrap() + 1);
    footprint["updated"] = json!("2026-01-01T00:00:00Z");
    let updated = import_into(&store, "a.json", footprint.to_string()).await;
    assert_eq!(updated.unwrap().summary.updated, 1);
    let id = footprint["id"].as_str().unwrap();
    let stored = store
        .footprint(&Visibility::everything(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&stored).unwrap(), footprint);
}

#[tokio::test]
async fn nulls_are_read_and_never_served() {
    let mut footprint = samples()[0].clone();
    footprint["statusComment"] = Value::Null;
    footprint["pcf"]["dqi"] = Value::Null;
    let (store, result) = import("a.json", &footprint.to_string()).await;
    result.unwrap();
    let id = footprint["id"].as_str().unwrap();
    let stored = store
        .footprint(&Visibility::everything(), id)
        .await
        .unwrap()
        .unwrap();
    assert!(!String::from_utf8(stored.to_vec()).unwrap().contains("null"));
}

#[tokio::test]
async fn what_is_no_object_of_ours_is_named_with_its_place() {
    for (name, text, expected) in [
        ("a.json", "{", "it is no JSON"),
        ("a.json", "", "it is no JSON"),
        ("a.json", "1", "an object or a list of objects"),
        ("a.json", "{}", "item 1: error: it is neither a footprint"),
        ("a.json", "[{}]", "item 1: error: it is neither a footprint"),
        ("a.json", r#"{"data": {}}"#, "a list of objects"),
        ("a.json", "{}\n{}", "an object per line is named .ndjson"),
        (
            "a.json",
            r#"{"activityId": "a", "activityId": "b"}"#,
            "same member twice",
        ),
        (
            "a.ndjson",
            "\n{\"activityId\": 1}\nx",
            "line 3: error: it is no JSON",
        ),
        (
            "a.ndjson",
            "x\n{}\n",
            "line 2: error: it is neither a footprint",
        ),
    ] {
        let (_, result) = import(name, text).await;
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{expected} in {message}");
    }
}
