mod agreement;
mod cases;
mod properties;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CollectionIndex, Finding, ItemRef, RuleId,
    RuleId::*,
    Severity::{self, Error, Warning},
    judge_collection, judge_footprint, judge_tad,
};
use cases::{Case, FOOTPRINT_CASES, TAD_CASES};

const FOOTPRINTS: &str = include_str!("../../../ileap-server/sample-data/footprints.json");
const TADS: &str = include_str!("../../../ileap-server/sample-data/tads.json");

fn samples(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// The sample footprint whose product id ends like this.
fn footprint(name: &str) -> Value {
    let named = |footprint: &Value| {
        footprint["productIds"][0]
            .as_str()
            .unwrap()
            .ends_with(&format!(":{name}"))
    };
    samples(FOOTPRINTS).into_iter().find(named).unwrap()
}

fn tad(activity_id: &str) -> Value {
    samples(TADS)
        .into_iter()
        .find(|tad| tad["activityId"] == activity_id)
        .unwrap()
}

/// Sets the member or element at the pointer, which may be new in its object.
fn put(object: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(elements) => elements[name.parse::<usize>().unwrap()] = value,
        _ => parent[name] = value,
    }
}

fn remove(object: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    parent.remove(name).unwrap();
}

/// Every place in a value, as pointers.
fn places(value: &Value) -> Vec<String> {
    let inner: Vec<_> = match value {
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        _ => Vec::new(),
    };
    let deeper = inner.into_iter().flat_map(|(name, value)| {
        places(value)
            .into_iter()
            .map(move |place| format!("/{name}{place}"))
    });
    std::iter::once(String::new()).chain(deeper).collect()
}

fn brief(findings: &[Finding]) -> Vec<(RuleId, Severity, &str)> {
    findings
        .iter()
        .map(|finding| (finding.rule, finding.severity, finding.pointer.as_str()))
        .collect()
}

fn check(case: &Case, object: &mut Value, judge: fn(&Value) -> Vec<Finding>) {
    let Case {
        name,
        change,
        expected,
        ..
    } = case;
    assert_eq!(
        brief(&judge(object)),
        [],
        "{name}: the sample is faulty before the change"
    );
    change(object);
    let findings = judge(object);
    assert_eq!(brief(&findings), *expected, "{name}: {findings:#?}");
}

#[test]
fn every_change_of_a_good_footprint_breaks_exactly_the_expected_rules() {
    for case in FOOTPRINT_CASES {
        check(case, &mut footprint(case.sample), judge_footprint);
    }
}

#[test]
fn every_change_of_good_activity_data_breaks_exactly_the_expected_rules() {
    for case in TAD_CASES {
        check(case, &mut tad(case.sample), judge_tad);
    }
}

#[test]
fn every_rule_has_a_case() {
    let cases = FOOTPRINT_CASES.iter().chain(TAD_CASES);
    let covered: BTreeSet<_> = cases
        .flat_map(|case| case.expected)
        .map(|(rule, ..)| *rule)
        .collect();
    // Rules between objects have tests of their own below.
    let expected: BTreeSet<_> = [
        P01, P02, P03, P04, P05, P06, P07, P08, P09, P10, P11, P12, R01, R02, R03, R04, R05, R06,
        R07, R08, R09, R11, R12, R13, R14, R15, R16, R17, R18, R19, R20, R21, R22, R23, R25, R26,
    ]
    .into();
    assert_eq!(covered, expected);
}

#[test]
fn the_samples_are_faultless_together() {
    assert_eq!(judge_collection(&samples(FOOTPRINTS), &samples(TADS)), []);
}

#[test]
fn a_shipment_without_its_toc_and_hoc_is_found() {
    let shipment = footprint("shipment-multi-modal-1");
    let judged = judge_collection(&[shipment], &[]);
    let findings: Vec<_> = judged.into_iter().map(|(_, finding)| finding).collect();
    let expected = [
        (R24, Error, "/extensions/0/data/tces/0/tocId"),
        (R24, Error, "/extensions/0/data/tces/1/hocId"),
        (R24, Error, "/extensions/0/data/tces/2/tocId"),
    ];
    assert_eq!(brief(&findings), expected);
}

#[test]
fn emissions_that_do_not_follow_from_the_intensity_are_found() {
    let mut shipment = footprint("shipment-multi-modal-1");
    put(
        &mut shipment,
        "/extensions/0/data/tces/0/co2eWTW",
        json!("79"),
    );
    put(
        &mut shipment,
        "/extensions/0/data/tces/1/co2eWTW",
        json!("33"),
    );
    let others = ["toc-rail-1", "hoc-transshipment-1", "toc-road-1"].map(footprint);
    let all: Vec<_> = [shipment].into_iter().chain(others).collect();
    let judged = judge_collection(&all, &[]);
    assert!(
        judged
            .iter()
            .all(|(item, _)| *item == ItemRef::Footprint(0))
    );
    let findings: Vec<_> = judged.into_iter().map(|(_, finding)| finding).collect();
    let expected = [
        (R10, Warning, "/extensions/0/data/tces/0/co2eWTW"),
        (R10, Warning, "/extensions/0/data/tces/1/co2eWTW"),
    ];
    assert_eq!(brief(&findings), expected);
}

#[test]
fn emissions_per_container_are_not_compared_with_tonnes() {
    let mut shipment = footprint("shipment-container-1");
    put(
        &mut shipment,
        "/extensions/0/data/tces/1/co2eWTW",
        json!("33"),
    );
    let others = [
        "toc-barge-rhine-1",
        "hoc-container-terminal-1",
        "toc-sea-asia-1",
    ]
    .map(footprint);
    let all: Vec<_> = [shipment].into_iter().chain(others).collect();
    assert_eq!(judge_collection(&all, &[]), []);
}

#[test]
fn a_repeated_version_of_a_footprint_is_found_on_the_later_one() {
    let first = footprint("box-504040");
    let mut second = first.clone();
    second["id"] = json!(first["id"].as_str().unwrap().to_uppercase());
    let judged = judge_collection(&[first.clone(), second.clone()], &[]);
    let [(ItemRef::Footprint(1), finding)] = judged.as_slice() else {
        panic!("{judged:?}")
    };
    assert_eq!(
        brief(std::slice::from_ref(finding)),
        [(P11, Error, "/version")]
    );
    second["version"] = json!(9);
    assert_eq!(judge_collection(&[first, second], &[]), []);
}

#[test]
fn two_active_footprints_of_one_toc_are_found_on_both() {
    let first = footprint("toc-rail-1");
    let mut second = first.clone();
    second["id"] = json!("0d6ac6a5-3d5e-4c41-9c8e-5c2c5f3c0a11");
    let judged = judge_collection(&[first.clone(), second.clone()], &[]);
    let places: Vec<_> = judged
        .iter()
        .map(|(item, finding)| (*item, finding.rule, finding.pointer.as_str()))
        .collect();
    let pointer = "/extensions/0/data/tocId";
    assert_eq!(
        places,
        [
            (ItemRef::Footprint(0), R24, pointer),
            (ItemRef::Footprint(1), R24, pointer)
        ]
    );
    second["status"] = json!("Deprecated");
    assert_eq!(judge_collection(&[first, second], &[]), []);
}

#[test]
fn a_repeated_activity_id_is_found_on_the_later_one() {
    let tads = [
        tad("activity-gas-1"),
        tad("activity-city-1"),
        tad("activity-gas-1"),
    ];
    let judged = judge_collection(&[], &tads);
    let [(ItemRef::Tad(2), finding)] = judged.as_slice() else {
        panic!("{judged:?}")
    };
    assert_eq!(
        brief(std::slice::from_ref(finding)),
        [(R26, Error, "/activityId")]
    );
}

#[test]
fn values_that_open_enumerations_may_gain_are_accepted() {
    let mut toc = footprint("toc-sea-asia-1");
    put(
        &mut toc,
        "/extensions/0/data/certifications",
        json!(["GLECv4"]),
    );
    put(
        &mut toc,
        "/extensions/0/data/transportActivityUnit",
        json!("pkm"),
    );
    put(
        &mut toc,
        "/extensions/0/data/energyCarriers/0/energyCarrier",
        json!("Ammonia"),
    );
    put(
        &mut toc,
        "/extensions/0/data/energyCarriers/0/energyConsumptionUnit",
        json!("m3"),
    );
    assert_eq!(judge_footprint(&toc), []);
    let mut tad = tad("activity-gas-1");
    put(&mut tad, "/packagingOrTrEqType", json!("Crate"));
    put(&mut tad, "/temperatureControl", json!("frozen"));
    put(
        &mut tad,
        "/energyCarriers/0/feedstocks/0/feedstock",
        json!("Algae"),
    );
    assert_eq!(judge_tad(&tad), []);
}

#[test]
fn versions_of_one_footprint_rise() {
    let mut first = samples(FOOTPRINTS)[0].clone();
    let mut second = first.clone();
    (first["version"], second["version"]) = (json!(1), json!(2));
    assert_eq!(judge_collection(&[first.clone(), second.clone()], &[]), []);
    // UUIDs are equal regardless of case.
    first["id"] = json!(first["id"].as_str().unwrap().to_uppercase());
    let judged = judge_collection(&[second, first], &[]);
    let found: Vec<_> = judged
        .iter()
        .map(|(item, finding)| (*item, finding.rule, finding.pointer.as_str()))
        .collect();
    assert_eq!(found, [(ItemRef::Footprint(1), P11, "/version")]);
}

#[test]
fn what_is_available_elsewhere_is_not_missing() {
    let shipment = footprint("shipment-simple-1");
    let mut index = CollectionIndex::default();
    assert_eq!(index.add_footprint(&shipment), []);
    let missing: Vec<_> = index
        .missing()
        .map(|(kind, id)| (kind, id.to_owned()))
        .collect();
    assert_eq!((missing.is_empty(), index.available().count()), (false, 0));
    assert_ne!(index.judge_references(&shipment), []);
    for (kind, id) in &missing {
        index.assume(*kind, id);
    }
    assert_eq!(index.missing().count(), 0);
    assert_eq!(index.available().count(), missing.len());
    assert_eq!(index.judge_references(&shipment), []);
}

#[test]
fn unknown_members_are_accepted() {
    let mut footprint = footprint("shipment-simple-1");
    put(&mut footprint, "/x", json!([1]));
    put(&mut footprint, "/pcf/x", json!("y"));
    put(&mut footprint, "/extensions/0/data/tces/0/x", json!({}));
    assert_eq!(judge_footprint(&footprint), []);
}

#[test]
fn foreign_extensions_are_left_to_their_schema() {
    let mut footprint = footprint("mailer-3525");
    let data = json!({"shipmentId": 1, "x": null, "mass": "1,5"});
    let extension =
        json!({"specVersion": "1.0", "dataSchema": "https://example.org/a.json", "data": data});
    put(&mut footprint, "/extensions", json!([extension]));
    assert_eq!(judge_footprint(&footprint), []);
}

#[test]
fn every_pact_2_3_member_is_accepted() {
    let mut toc = footprint("toc-rail-1");
    put(
        &mut toc,
        "/productClassifications",
        json!(["urn:cpc:83117"]),
    );
    put(&mut toc, "/pcf/productMassPerDeclaredUnit", json!("0"));
    put(
        &mut toc,
        "/pcf/crossSectoralStandards",
        json!(["ISO14083", "PACT Methodology 2.0"]),
    );
    assert_eq!(judge_footprint(&toc), []);
}

#[test]
fn a_deep_sea_toc_per_container_may_use_any_published_weight() {
    for (intensity, per_tonne) in [
        ("0.085", "0.0085"),
        ("0.051", "0.0085"),
        ("0.12325", "0.0085"),
    ] {
        let mut toc = footprint("toc-sea-asia-1");
        put(
            &mut toc,
            "/extensions/0/data/transportActivityUnit",
            json!("TEUkm"),
        );
        put(
            &mut toc,
            "/extensions/0/data/co2eIntensityWTW",
            json!(intensity),
        );
        put(&mut toc, "/pcf/pCfExcludingBiogenic", json!(per_tonne));
        assert_eq!(judge_footprint(&toc), [], "{intensity}");
    }
}

#[test]
fn rounded_shares_count_as_one() {
    let mut toc = footprint("toc-road-1");
    let carrier = toc
        .pointer("/extensions/0/data/energyCarriers/0")
        .unwrap()
        .clone();
    let carriers: Vec<_> = ["0.333", "0.333", "0.333"]
        .into_iter()
        .map(|share| {
            let mut carrier = carrier.clone();
            carrier["relativeShare"] = json!(share);
            carrier
        })
        .collect();
    put(
        &mut toc,
        "/extensions/0/data/energyCarriers",
        json!(carriers),
    );
    assert_eq!(judge_footprint(&toc), []);
}

#[test]
fn pointers_escape_member_names() {
    let mut footprint = footprint("box-504040");
    put(&mut footprint, "/pcf/dqi", json!({"a/b~c": null}));
    let pointers: Vec<_> = judge_footprint(&footprint)
        .into_iter()
        .map(|finding| finding.pointer)
        .collect();
    assert!(
        pointers.contains(&"/pcf/dqi/a~1b~0c".to_owned()),
        "{pointers:?}"
    );
}

#[test]
fn findings_about_one_object_are_bounded() {
    let mut footprint = footprint("shipment-simple-1");
    put(
        &mut footprint,
        "/extensions/0/data/tces",
        json!(vec![json!({}); 1000]),
    );
    assert_eq!(judge_footprint(&footprint).len(), 100);
}

#[test]
fn quoted_values_are_cut_and_free_of_control_characters() {
    let mut footprint = footprint("box-504040");
    footprint["status"] = json!(format!("\u{1b}{}", "x".repeat(10_000)));
    let [finding] = judge_footprint(&footprint).try_into().unwrap();
    assert!(finding.message.len() < 200, "{}", finding.message);
    assert!(!finding.message.contains('\u{1b}'));
}

#[test]
fn many_repeated_element_ids_take_no_longer_than_their_number() {
    let element = |index: usize| {
        let previous = index.checked_sub(1).map(|previous| previous.to_string());
        json!({"tceId": index.to_string(), "prevTceIds": previous.into_iter().collect::<Vec<_>>()})
    };
    let elements: Vec<_> = (0..500)
        .flat_map(|index| [element(index), element(index)])
        .collect();
    let mut footprint = footprint("shipment-simple-1");
    put(&mut footprint, "/extensions/0/data/tces", json!(elements));
    assert_eq!(judge_footprint(&footprint).len(), 100);
}
