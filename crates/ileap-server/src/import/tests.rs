use std::{fs, future::Future};

use ileap_types::filter::{odata::FootprintFilter, tad::TadFilter};
use proptest::prelude::*;

use serde_json::{Value, json};

use super::*;
use crate::{
    access::Visibility,
    store::{PageQuery, sql::SqlStore},
};

mod published;
mod references;
mod table;
mod wrappers;

async fn import_into(
    store: &SqlStore,
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
) -> (SqlStore, Result<ImportReport, ImportFailure>) {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let result = import_into(&store, name, text).await;
    (store, result)
}

fn samples() -> Vec<Value> {
    serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap()
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
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
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    for part in [others, shipments] {
        import_into(&store, "a.json", json!(part).to_string())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_footprint_changes_only_with_a_higher_version() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    sample_data(&store).await.unwrap();
    let mut footprint = samples()[0].clone();
    footprint["comment"] = json!("changed");
    let refused = import_into(&store, "a.json", footprint.to_string()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("item 1: error: footprint"), "{refused}");
    assert!(refused.contains("raise `version`"), "{refused}");
    footprint["version"] = json!(footprint["version"].as_u64().unwrap() + 1);
    let refused = import_into(&store, "a.json", footprint.to_string()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("without `updated`"), "{refused}");
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
        (
            "a.json",
            r#"{"data": {}}"#,
            "item 1: error: it is neither a footprint",
        ),
        ("a.json", r#"{"data": 1}"#, "an object or a list of objects"),
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

/// Everything in a store, as it is served.
async fn contents(store: &SqlStore) -> (Vec<u8>, Vec<u8>) {
    let everything = Visibility::everything();
    let page = PageQuery {
        offset: 0,
        limit: 1000,
        after: None,
    };
    let filter = FootprintFilter {
        comparisons: Vec::new(),
    };
    let footprints = store.footprints(&everything, &filter, &page).await;
    let tads = store.tads(&everything, &TadFilter::default(), &page).await;
    (
        footprints.unwrap().objects.to_vec(),
        tads.unwrap().objects.to_vec(),
    )
}

#[tokio::test]
async fn a_broken_last_line_leaves_the_store_as_it_was() {
    let tad: Value = serde_json::from_str::<Vec<Value>>(SAMPLE_TADS)
        .unwrap()
        .remove(0);
    let line = |number: usize| {
        let mut tad = tad.clone();
        tad["activityId"] = json!(format!("activity {number}"));
        format!("{tad}\n")
    };
    let good: String = (0..1000).map(line).collect();
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    sample_data(&store).await.unwrap();
    let before = contents(&store).await;
    for last in ["{", "{\"activityId\": \"x\"}", &line(999)] {
        let refused = import_into(&store, "a.ndjson", format!("{good}{last}")).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("line 1001"), "{refused}");
        assert_eq!(contents(&store).await, before);
    }
    // The last one is found out by the store, when all the others are written.
    let mut stored = samples()[0].clone();
    stored["comment"] = json!("changed");
    let refused = import_into(&store, "a.ndjson", format!("{good}{stored}")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("line 1001: error: footprint"), "{refused}");
    assert_eq!(contents(&store).await, before);
}

#[tokio::test]
async fn a_file_that_changes_after_it_was_opened_is_refused() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.json");
    fs::write(&path, SAMPLE_TADS).unwrap();
    let input = Input::open(&path, None).await.unwrap();
    fs::write(&path, SAMPLE_FOOTPRINTS).unwrap();
    let refused = file(&store, &input).await;
    assert!(
        matches!(refused, Err(ImportFailure::Changed)),
        "{refused:?}"
    );
    assert_eq!(contents(&store).await, (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn many_errors_are_listed_up_to_a_hundred_and_counted() {
    let (_, result) = import("a.ndjson", "x\n".repeat(250)).await;
    let message = result.unwrap_err().to_string();
    assert!(message.starts_with("250 errors:"), "{message}");
    assert!(message.ends_with("\n  and 150 more"), "{message}");
    assert!(message.contains("line 100:") && !message.contains("line 101:"));
}

#[tokio::test]
async fn errors_of_objects_and_between_them_are_listed_together_in_the_order_of_the_file() {
    let mut broken = samples();
    let is_shipment = |value: &Value| value.to_string().contains("shipment-footprint.json");
    broken.retain(is_shipment);
    broken.truncate(3);
    broken[2]["companyName"] = json!(1);
    let (_, result) = import("a.json", json!(broken).to_string()).await;
    let message = result.unwrap_err().to_string();
    let places: Vec<_> = message.lines().skip(1).map(|line| &line[..8]).collect();
    assert!(places.is_sorted(), "{message}");
    assert!(message.contains("error R24") && message.contains("item 3 /companyName: error P01"));
}

#[tokio::test]
async fn an_object_without_an_end_does_not_fill_the_memory() {
    let endless = "x".repeat(read::LARGEST_OBJECT + 10);
    for (name, text) in [
        ("a.json", format!("[{{\"activityId\": \"{endless}\"}}]")),
        ("a.csv", format!("activityId,\"{endless}\"")),
    ] {
        let (_, result) = import(name, text).await;
        let message = result.unwrap_err().to_string();
        assert!(message.contains("more than 16 MiB"), "{name}");
    }
    // The lines after one that is too long are still judged.
    let (_, result) = import("a.ndjson", format!("{endless}\n{{}}")).await;
    let message = result.unwrap_err().to_string();
    assert!(message.contains("line 1: error: it has more than 16 MiB"));
    assert!(message.contains("line 2: error: it is neither"));
}

#[tokio::test]
async fn what_is_no_text_is_named_with_what_to_do() {
    for (bytes, expected) in [
        (b"\x1f\x8b\x08\0and so on".as_slice(), "unpack it first"),
        (b"BZh91AY", "unpack it first"),
        (b"\xfd7zXZ\0\0", "unpack it first"),
        (b"\x28\xb5\x2f\xfd\x04", "unpack it first"),
        (b"PK\x03\x04xl/workbook.xml", "CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1", "CSV UTF-8"),
        (b"\xff\xfe[\0]\0", "save it as UTF-8"),
        (b"\xfe\xff\0[\0]", "save it as UTF-8"),
    ] {
        for name in ["a.json", "a.ndjson", "a.csv", "a.json.gz"] {
            let (_, result) = import(name, bytes).await;
            let said = result.unwrap_err().to_string();
            assert!(said.starts_with("1 error:"), "{name}: {said}");
            assert!(said.contains(expected), "{name}: {said}");
        }
    }
}

#[tokio::test]
async fn a_validation_says_what_an_import_into_an_empty_store_would() {
    let directory = tempfile::tempdir().unwrap();
    let input = async |name: &str, values: &[Value]| {
        let path = directory.path().join(name);
        fs::write(&path, json!(values).to_string()).unwrap();
        Input::open(&path, None).await.unwrap()
    };
    let is_shipment = |value: &Value| value.to_string().contains("shipment-footprint.json");
    let (shipments, others): (Vec<_>, Vec<_>) = samples().into_iter().partition(is_shipment);
    let shipments = input("shipments.json", &shipments).await;
    let others = input("others.json", &others).await;
    for order in [[&others, &shipments], [&shipments, &others]] {
        let store = SqlStore::open("sqlite::memory:").await.unwrap();
        let mut validation = Validation::default();
        for input in order {
            let judgement = validation.file(input).await.unwrap();
            let expected = match file(&store, input).await {
                Ok(_) => Vec::new(),
                Err(ImportFailure::Broken(judgement)) => judgement.errors.listed,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(judgement.errors.listed, expected);
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn how_a_file_is_split_into_batches_changes_nothing(
        objects in 1_usize..12,
        bytes in 1_usize..20_000,
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
    ) {
        let tads: Vec<Value> = serde_json::from_str(SAMPLE_TADS).unwrap();
        let mut lines: Vec<_> = samples().iter().chain(&tads).map(Value::to_string).collect();
        // Some come twice, which is refused, in whatever batch they are.
        lines.extend(picked.iter().take(picked.len() % 3).map(|index| index.get(&lines).clone()).collect::<Vec<_>>());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.ndjson");
        fs::write(&path, lines.join("\n")).unwrap();
        let imported = |size| {
            block_on(async {
                let store = SqlStore::open("sqlite::memory:").await.unwrap();
                let input = Input::open(&path, None).await.unwrap();
                let imported = in_batches(&store, &input, size).await;
                let imported = imported.map(|report| report.summary).map_err(|error| error.to_string());
                (imported, contents(&store).await)
            })
        };
        let whole = BatchSize { objects: usize::MAX, bytes: usize::MAX };
        prop_assert_eq!(imported(BatchSize { objects, bytes }), imported(whole));
    }

    #[test]
    fn any_bytes_are_judged_whatever_they_are_called(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        format in prop::sample::select(vec![Format::Csv, Format::Json, Format::Ndjson]),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, &bytes).unwrap();
        let judgement = block_on(async {
            let input = Input::open(&path, Some(format)).await.unwrap();
            Validation::default().file(&input).await.unwrap()
        });
        prop_assert_eq!(judgement.objects, 0);
    }
}
