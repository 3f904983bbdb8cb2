//! Published samples with known faults, and the rules that must find them.

use ileap_types::rules::{
    RuleId::{self, P01, R01, R07, R14, R21, R22},
    Severity, judge_footprint,
};

use crate::json;

macro_rules! sample {
    ($file:literal) => {
        include_str!(concat!("../fixtures/negative/", $file))
    };
}

/// The errors in a sample.
fn errors(sample: &str) -> Vec<(RuleId, String)> {
    judge_footprint(&json(sample))
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| (finding.rule, finding.pointer))
        .collect()
}

fn assert_errors(sample: &str, expected: &[(RuleId, &str)]) {
    let errors = errors(sample);
    let errors: Vec<_> = errors
        .iter()
        .map(|(rule, pointer)| (*rule, pointer.as_str()))
        .collect();
    assert_eq!(errors, expected);
}

#[test]
fn the_shipment_example_has_a_wrong_activity_and_packaging() {
    let expected = [
        (P01, "/pcf/productOrSectorSpecificRules"),
        (R22, "/pcf/unitaryProductAmount"),
        (R22, "/pcf/packagingEmissionsIncluded"),
        (R07, "/extensions/0/data/tces/0/transportActivity"),
    ];
    assert_errors(sample!("appendixb-shipment-footprint.json"), &expected);
}

#[test]
fn the_toc_example_uses_members_of_older_drafts() {
    let expected = [
        (P01, "/pcf/productOrSectorSpecificRules"),
        (P01, "/extensions/0/data/energyCarriers/0/relativeShare"),
        (P01, "/extensions/0/data/transportActivityUnit"),
        (R14, "/extensions/0/data/energyCarriers/0/emissionFactorWTW"),
        (R14, "/extensions/0/data/energyCarriers/0/emissionFactorTTW"),
    ];
    assert_errors(sample!("appendixb-toc.json"), &expected);
}

#[test]
fn the_hoc_example_uses_members_of_older_drafts() {
    let expected = [
        (P01, "/pcf/productOrSectorSpecificRules"),
        (P01, "/extensions/0/data/energyCarriers/0/relativeShare"),
        (P01, "/extensions/0/data/hubActivityUnit"),
        (R14, "/extensions/0/data/energyCarriers/0/emissionFactorWTW"),
        (R14, "/extensions/0/data/energyCarriers/0/emissionFactorTTW"),
    ];
    assert_errors(sample!("appendixb-hoc.json"), &expected);
}

#[test]
fn the_example_of_the_carrier_lacks_the_kind_in_its_product_id() {
    let expected = [
        (P01, "/pcf/productOrSectorSpecificRules"),
        (R21, "/productIds"),
        (R22, "/pcf/packagingEmissionsIncluded"),
    ];
    assert_errors(sample!("e2e-carrier-a.json"), &expected);
}

#[test]
fn the_example_of_the_organizer_has_decimals_with_commas() {
    let expected = [
        (R01, "/pcf/pCfExcludingBiogenic"),
        (R01, "/pcf/fossilGhgEmissions"),
        (P01, "/pcf/productOrSectorSpecificRules"),
        (R22, "/pcf/unitaryProductAmount"),
        (R22, "/pcf/packagingEmissionsIncluded"),
        (R07, "/extensions/0/data/tces/0/transportActivity"),
    ];
    assert_errors(sample!("e2e-lsp.json"), &expected);
}

#[test]
fn a_footprint_of_pact_1_lacks_what_pact_2_demands() {
    let expected = [
        (P01, "/status"),
        (P01, "/pcf/pCfExcludingBiogenic"),
        (P01, "/pcf/fossilCarbonContent"),
        (P01, "/pcf/characterizationFactors"),
        (P01, "/pcf/referencePeriodStart"),
        (P01, "/pcf/referencePeriodEnd"),
        (P01, "/pcf/exemptedEmissionsPercent"),
        (P01, "/pcf/exemptedEmissionsDescription"),
        (P01, "/pcf/packagingEmissionsIncluded"),
    ];
    assert_errors(sample!("pact-v1-outdated.json"), &expected);
}
