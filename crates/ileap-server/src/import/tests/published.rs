//! What others have published as samples, with the faults it has.

use super::*;

macro_rules! sample {
    ($file:literal) => {
        include_str!(concat!("../../../../ileap-types/tests/fixtures/", $file))
    };
}

async fn errors(text: &str) -> Vec<String> {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    match import_into(&store, "a.json", text).await {
        Ok(_) => Vec::new(),
        Err(ImportFailure::Broken(judgement)) => {
            let errors = judgement.errors.listed.iter();
            errors
                .map(|error| format!("{} {} {}", error.place, error.pointer, error.rule.unwrap()))
                .collect()
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_ileap_go_serves_is_imported_but_for_a_fault_of_its_own() {
    assert_eq!(
        errors(sample!("ileap-go-demo/tad.json")).await,
        Vec::<String>::new()
    );
    let footprints = sample!("ileap-go-demo/footprints.json");
    assert_eq!(
        errors(footprints).await,
        [
            // Eight months beyond the three years that PACT allows.
            "item 2 /validityPeriodEnd P06",
            // Its TOC is not among the five footprints that were copied.
            "item 3 /extensions/0/data/tces/2/tocId R24",
        ]
    );
    let mut mended: Value = serde_json::from_str(footprints).unwrap();
    let list = mended["footprints"].as_array_mut().unwrap();
    list[1]["validityPeriodEnd"] = json!("2025-01-01T00:00:00Z");
    list[2]["extensions"][0]["data"]["tces"][2]["tocId"] = json!("toc-rail-1");
    assert_eq!(errors(&mended.to_string()).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_tocs_and_hocs_of_the_specification_are_imported() {
    for text in [
        sample!("negative/appendixb-toc.json"),
        sample!("negative/appendixb-hoc.json"),
    ] {
        assert_eq!(errors(text).await, Vec::<String>::new());
    }
    let shipment = errors(sample!("negative/appendixb-shipment-footprint.json")).await;
    assert_eq!(
        shipment,
        [
            "item 1 /pcf/unitaryProductAmount R22",
            "item 1 /pcf/packagingEmissionsIncluded R22",
            "item 1 /extensions/0/data/tces/0/transportActivity R07",
            "item 1 /extensions/0/data/tces/0/tocId R24",
        ]
    );
}
