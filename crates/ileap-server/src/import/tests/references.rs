//! What shipments refer to, in other files and in the store.

use super::*;

/// The sample around the object of this id.
fn sample(id: &str) -> Value {
    let ends_with_it = |value: &Value| {
        let urn = value["productIds"][0].as_str();
        urn.is_some_and(|urn| urn.ends_with(&format!(":{id}")))
    };
    samples().into_iter().find(ends_with_it).unwrap()
}

/// Its next version.
fn raised(value: &Value) -> Value {
    let mut value = value.clone();
    value["version"] = json!(value["version"].as_u64().unwrap() + 1);
    value["updated"] = json!("2026-01-01T00:00:00Z");
    value
}

/// A shipment whose emissions do not follow from those of its TOCs.
fn odd_shipment() -> Value {
    let mut shipment = sample("shipment-simple-1");
    for (pointer, value) in [
        ("/extensions/0/data/tces/0/co2eWTW", "99999"),
        ("/pcf/pCfExcludingBiogenic", "99999"),
        ("/pcf/fossilGhgEmissions", "99999"),
    ] {
        *shipment.pointer_mut(pointer).unwrap() = json!(value);
    }
    shipment
}

fn others() -> Vec<Value> {
    let is_category = |value: &Value| {
        let text = value.to_string();
        text.contains("/toc.json") || text.contains("/hoc.json")
    };
    samples().into_iter().filter(is_category).collect()
}

#[tokio::test]
async fn emissions_are_held_against_tocs_of_the_store() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let stocked = import_into(&store, "a.json", json!(others()).to_string()).await;
    assert_eq!(stocked.unwrap().warnings.total, 0);
    let imported = import_into(&store, "a.json", odd_shipment().to_string()).await;
    let warnings = imported.unwrap().warnings.to_string();
    assert!(warnings.contains("warning R10"), "{warnings}");
}

#[tokio::test]
async fn a_second_active_footprint_of_a_stored_toc_is_remarked() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    sample_data(&store).await.unwrap();
    let mut rival = sample("toc-rail-1");
    // The next version of the stored one is none.
    let imported = import_into(&store, "a.json", raised(&rival).to_string()).await;
    assert_eq!(imported.unwrap().warnings.total, 0);
    rival["id"] = json!("0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11");
    let imported = import_into(&store, "a.json", rival.to_string()).await;
    let warnings = imported.unwrap().warnings.to_string();
    assert!(warnings.contains("warning R24"), "{warnings}");
}

#[tokio::test]
async fn a_validation_holds_files_against_those_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut rival = sample("toc-rail-1");
    rival["id"] = json!("0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11");
    let mut validation = Validation::default();
    let mut found = Vec::new();
    for (name, value) in [
        ("others.json", json!(others())),
        ("shipment.json", odd_shipment()),
        ("rival.json", rival),
        ("again.json", raised(&sample("toc-road-1"))),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, value.to_string()).unwrap();
        let input = Input::open(&path, None).await.unwrap();
        let judgement = validation.file(&input).await.unwrap();
        let remarks = judgement
            .errors
            .listed
            .iter()
            .chain(&judgement.warnings.listed);
        found.extend(remarks.map(|remark| (name, remark.rule.unwrap())));
    }
    assert_eq!(
        found,
        [("shipment.json", RuleId::R10), ("rival.json", RuleId::R24)]
    );
}

#[tokio::test]
async fn a_toc_cannot_be_taken_away_from_the_shipments_that_refer_to_it() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    sample_data(&store).await.unwrap();
    let before = contents(&store).await;
    let mut renamed = raised(&sample("toc-rail-1"));
    renamed["extensions"][0]["data"]["tocId"] = json!("toc-rail-2");
    renamed["productIds"] =
        json!(["urn:pathfinder:product:customcode:vendor-assigned:toc:toc-rail-2"]);
    let refused = import_into(&store, "a.json", renamed.to_string()).await;
    let refused = refused.unwrap_err().to_string();
    let expected = "the file: error R24: no footprint would be around the TOC `toc-rail-1`";
    assert!(refused.contains(expected), "{refused}");
    assert_eq!(contents(&store).await, before);
    // With another one around it, nothing is missing.
    let mut other = sample("toc-rail-1");
    other["id"] = json!("0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11");
    let both = json!([renamed, other]).to_string();
    import_into(&store, "a.json", both).await.unwrap();
}

#[tokio::test]
async fn a_toc_that_nobody_refers_to_may_be_renamed() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let toc = sample("toc-rail-1");
    import_into(&store, "a.json", toc.to_string())
        .await
        .unwrap();
    let mut renamed = raised(&toc);
    renamed["extensions"][0]["data"]["tocId"] = json!("toc-rail-2");
    renamed["productIds"] =
        json!(["urn:pathfinder:product:customcode:vendor-assigned:toc:toc-rail-2"]);
    import_into(&store, "a.json", renamed.to_string())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_withdrawn_footprint_does_not_come_back() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    sample_data(&store).await.unwrap();
    let footprint = sample("toc-rail-1");
    let id = footprint["id"].as_str().unwrap().to_owned();
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    crate::withdraw::withdraw(&store, &[id], now, &|| ())
        .await
        .unwrap();
    let before = contents(&store).await;
    let mut later = raised(&raised(&footprint));
    later["updated"] = json!("2026-04-01T00:00:00Z");
    for again in [&footprint, &later] {
        let refused = import_into(&store, "a.json", again.to_string()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("was withdrawn"), "{refused}");
        assert!(refused.contains("`precedingPfIds`"), "{refused}");
        assert_eq!(contents(&store).await, before);
    }
}
