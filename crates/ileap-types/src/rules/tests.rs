mod absent;
mod agreement;
mod cases;
mod collection;
mod properties;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CollectionIndex, Finding, ItemRef, RuleId,
    RuleId::*,
    Severity::{self, Error, Warning},
    judge_collection, judge_footprint, judge_tad, remove_absent_in_footprint, remove_absent_in_tad,
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
fn warnings_however_many_hide_no_error() {
    let mut shipment = footprint("shipment-multi-modal-1");
    let mut tce = shipment["extensions"][0]["data"]["tces"][0].clone();
    remove(&mut tce, "/prevTceIds");
    tce["co2eWTW"] = json!("1");
    tce["co2eTTW"] = json!("2");
    let mut tces: Vec<_> = (0..150)
        .map(|number| {
            let mut tce = tce.clone();
            tce["tceId"] = json!(number.to_string());
            tce
        })
        .collect();
    tces[149]["tocId"] = json!("nowhere");
    tces[149]["incoterms"] = json!("nowhere");
    tces[149]["departureAt"] = json!("2024-10-07T05:30:00+02:00");
    put(&mut shipment, "/extensions/0/data/tces", json!(tces));
    let count = |findings: &[Finding], severity| {
        let of_it = |finding: &&Finding| finding.severity == severity;
        findings.iter().filter(of_it).count()
    };
    let findings = judge_footprint(&shipment);
    assert_eq!(count(&findings, Warning), 100);
    let last = findings.iter().find(|finding| finding.rule == R19);
    assert_eq!(last.map(|finding| finding.severity), Some(Error));
    let mut index = CollectionIndex::default();
    for footprint in [&shipment, &footprint("toc-rail-1")] {
        index.add_footprint(footprint);
    }
    let findings = index.judge_references(&shipment);
    assert_eq!(count(&findings, Warning), 100);
    assert_eq!(
        findings
            .iter()
            .find(|finding| finding.severity == Error)
            .map(|finding| finding.rule),
        Some(R24)
    );
}

#[test]
fn the_reports_used_are_demanded_from_pact_2_2_on() {
    for (version, severity) in [
        ("2.0.0", Warning),
        ("2.0.0-20230315", Warning),
        ("2.1.0", Warning),
        ("2.2.0", Error),
        ("2.3.0", Error),
        ("2.10.0", Error),
    ] {
        for name in ["box-504040", "toc-rail-1"] {
            let mut footprint = footprint(name);
            footprint["specVersion"] = json!(version);
            assert_eq!(judge_footprint(&footprint), [], "{version} {name}");
            remove(&mut footprint, "/pcf/ipccCharacterizationFactorsSources");
            let findings = judge_footprint(&footprint);
            let expected = [(P01, severity, "/pcf/ipccCharacterizationFactorsSources")];
            assert_eq!(brief(&findings), expected, "{version} {name}");
        }
    }
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
    assert_eq!(errors(&judge_footprint(&footprint)), 100);
}

fn errors(findings: &[Finding]) -> usize {
    let is_error = |finding: &&Finding| finding.severity == Error;
    findings.iter().filter(is_error).count()
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
    assert_eq!(errors(&judge_footprint(&footprint)), 100);
}
