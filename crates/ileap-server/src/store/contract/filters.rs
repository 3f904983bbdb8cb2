//! Filters in the database find what the in-memory reference finds.

use ileap_types::filter::{odata::FootprintFilter, tad::TadFilter};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{footprints, tads, walk, walk_activities};
use crate::store::Store;

/// `$filter` texts made of the samples' own values and of none of them.
fn any_filter() -> impl Strategy<Value = String> {
    let of = |pointer: &'static str| {
        let mut values: Vec<String> = footprints()
            .iter()
            .filter_map(|footprint| footprint.pointer(pointer)?.as_str().map(str::to_owned))
            .collect();
        values.push("zz".to_owned());
        prop::sample::select(values)
    };
    let moment = |pointer: &'static str| {
        let mut values: Vec<String> = footprints()
            .iter()
            .filter_map(|footprint| footprint.pointer(pointer)?.as_str().map(str::to_owned))
            .collect();
        values.extend([
            "1500-01-01T00:00:00Z".to_owned(),
            "2023-06-27T13:00:00.5+01:00".to_owned(),
        ]);
        prop::sample::select(values)
    };
    let operator = || prop::sample::select(vec!["eq", "ne", "lt", "le", "gt", "ge"]);
    let comparison = prop_oneof![
        (operator(), moment("/created"))
            .prop_map(|(operator, value)| format!("created {operator} '{value}'")),
        (operator(), moment("/updated"))
            .prop_map(|(operator, value)| format!("updated {operator} '{value}'")),
        (operator(), moment("/pcf/referencePeriodEnd"))
            .prop_map(|(operator, value)| format!("pcf/referencePeriodEnd {operator} '{value}'")),
        (operator(), of("/productCategoryCpc"))
            .prop_map(|(operator, value)| format!("productCategoryCpc {operator} '{value}'")),
        (operator(), of("/pcf/geographyCountry"))
            .prop_map(|(operator, value)| format!("pcf/geographyCountry {operator} '{value}'")),
        of("/productIds/0").prop_map(|value| format!("productIds/any(v:(v eq '{value}'))")),
        of("/companyIds/0").prop_map(|value| format!("companyIds/any(v:(v eq '{value}'))")),
    ];
    prop::collection::vec(comparison, 1..4).prop_map(|comparisons| comparisons.join(" and "))
}

pub(super) async fn agree_with_the_reference(store: &dyn Store) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        let text = any_filter().new_tree(&mut runner).unwrap().current();
        let filter = FootprintFilter::parse(&text).unwrap();
        let mut found = walk(store, &filter, 4).await;
        let mut expected: Vec<_> = footprints()
            .iter()
            .filter(|footprint| filter.matches(footprint))
            .map(|footprint| footprint["id"].as_str().unwrap().to_owned())
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{text}");
    }
}

pub(super) async fn of_activities_agree_with_the_reference(store: &dyn Store) {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for pairs in [
        vec![pair("mode", "ROAD")],
        vec![pair("mode", "Road"), pair("mode", "rail")],
        vec![pair("mode", "Road"), pair("country", "DE")],
        vec![pair("origin.country", "DE"), pair("feedstock", "fossil")],
        vec![
            pair("mode", "Road"),
            pair("activityId", tads()[0]["activityId"].as_str().unwrap()),
        ],
        vec![
            pair("mode", "Road"),
            pair("mode", "rail"),
            pair("origin.country", "DE"),
        ],
        vec![pair("mass", "1000.0")],
        vec![pair("mass", "nonsense")],
        vec![pair("packagingOrTrEqType", "Pallet")],
        vec![pair(
            "consignmentIds",
            tads()[0]["consignmentIds"][0].as_str().unwrap(),
        )],
        vec![pair(
            "consignmentId",
            tads()[0]["consignmentIds"][0].as_str().unwrap(),
        )],
        vec![pair(
            "departureAt",
            tads()[0]["departureAt"].as_str().unwrap(),
        )],
    ] {
        let filter = TadFilter::parse(&pairs).unwrap();
        let found = walk_activities(store, &filter, 2).await;
        let mut expected: Vec<_> = tads()
            .iter()
            .filter(|tad| filter.matches(tad))
            .map(|tad| tad["activityId"].as_str().unwrap().to_owned())
            .collect();
        expected.sort();
        assert_eq!(found, expected, "{pairs:?}");
    }
}
