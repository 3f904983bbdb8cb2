//! What testers and other tools expect of the sample data beyond validity.

use std::collections::{BTreeSet, HashSet};

use ileap_types::rules::{judge_collection, judge_footprint, judge_tad};
use serde_json::Value;

use crate::{footprints, tads};

const MODES: [&str; 5] = ["Air", "InlandWaterway", "Rail", "Road", "Sea"];

fn texts<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    values.into_iter().filter_map(Value::as_str).collect()
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

#[test]
fn no_rule_finds_fault() {
    let (footprints, tads) = (footprints(), tads());
    for footprint in &footprints {
        assert_eq!(
            judge_footprint(footprint),
            [],
            "{}",
            footprint["productIds"]
        );
    }
    for tad in &tads {
        assert_eq!(judge_tad(tad), [], "{}", tad["activityId"]);
    }
    assert_eq!(judge_collection(&footprints, &tads), []);
}

#[test]
fn there_is_enough_of_everything() {
    let (footprints, tads) = (footprints(), tads());
    let of_schema = |end: &str| {
        let schema = |footprint: &&Value| {
            footprint["extensions"][0]["dataSchema"]
                .as_str()
                .is_some_and(|s| s.ends_with(end))
        };
        footprints.iter().filter(schema).count()
    };
    assert!(
        footprints
            .iter()
            .filter(|footprint| footprint.get("extensions").is_none())
            .count()
            >= 4
    );
    assert!(of_schema("/shipment-footprint.json") >= 3);
    assert!(of_schema("/toc.json") >= 4);
    assert!(of_schema("/hoc.json") >= 2);
    assert!(tads.len() >= 10);
}

#[test]
fn all_modes_of_transport_occur() {
    let (footprints, tads) = (footprints(), tads());
    let of_tocs = texts(
        footprints
            .iter()
            .map(|f| &f["extensions"][0]["data"]["mode"]),
    );
    assert_eq!(of_tocs, MODES.into());
    assert_eq!(texts(tads.iter().map(|tad| &tad["mode"])), MODES.into());
}

#[test]
fn activities_share_consignments_with_shipments() {
    let (footprints, tads) = (footprints(), tads());
    let elements = footprints
        .iter()
        .filter_map(|footprint| footprint.pointer("/extensions/0/data/tces")?.as_array())
        .flatten();
    let shipped = texts(elements.map(|element| &element["consignmentId"]));
    let active = texts(
        tads.iter()
            .filter_map(|tad| tad["consignmentIds"].as_array())
            .flatten(),
    );
    assert!(shipped.is_subset(&active), "{shipped:?} {active:?}");
}

#[test]
fn the_order_is_that_of_creation_in_one_form_and_without_ties() {
    let footprints = footprints();
    let created: Vec<_> = footprints
        .iter()
        .filter_map(|f| f["created"].as_str())
        .collect();
    assert!(created.is_sorted_by(|one, next| one < next), "{created:?}");
    assert!(
        created
            .iter()
            .all(|created| created.len() == "2022-03-01T09:32:20Z".len())
    );
    assert!(
        created
            .iter()
            .any(|created| *created >= "2022-03-01T09:32:20Z")
    );
}

#[test]
fn ids_are_unique_random_uuids() {
    let footprints = footprints();
    let ids: HashSet<_> = footprints.iter().filter_map(|f| f["id"].as_str()).collect();
    assert_eq!(ids.len(), footprints.len());
    assert!(
        ids.iter().all(|id| id.chars().nth(14) == Some('4')),
        "{ids:?}"
    );
}

#[test]
fn no_footprint_uses_members_of_pact_2_3_alone() {
    for footprint in footprints() {
        assert!(footprint.get("productClassifications").is_none());
        assert!(footprint["pcf"].get("productMassPerDeclaredUnit").is_none());
        assert!(footprint["pcf"].get("crossSectoralStandards").is_none());
    }
}

#[test]
fn ids_survive_being_put_in_a_query_unencoded() {
    for footprint in footprints() {
        let lists = [&footprint["productIds"], &footprint["companyIds"]];
        let ids = texts(lists.into_iter().filter_map(Value::as_array).flatten());
        assert!(
            ids.iter().all(|id| !id.contains(['#', '&', '%', '+', ' '])),
            "{ids:?}"
        );
    }
}

#[test]
fn nothing_is_null() {
    assert!(!footprints().iter().any(has_null));
    assert!(!tads().iter().any(has_null));
}
