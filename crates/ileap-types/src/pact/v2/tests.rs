use serde_json::json;

use super::*;
use crate::fixtures::{footprints, tidied};

fn read(footprint: &Value) -> Result<ProductFootprint, serde_json::Error> {
    serde_json::from_value(footprint.clone())
}

#[test]
fn footprints_in_use_survive_reading_and_writing() {
    for footprint in footprints() {
        let mut written = serde_json::to_value(read(&footprint).unwrap()).unwrap();
        // Extension data is not PACT's to tidy.
        written = tidied(&written, &[]);
        assert_eq!(written, tidied(&footprint, &["organizationName"]));
    }
}

#[test]
fn no_null_and_no_empty_optional_list_is_written() {
    let mut footprint = footprints().remove(0);
    footprint["extensions"] = json!([]);
    let written = serde_json::to_value(read(&footprint).unwrap()).unwrap();
    assert_eq!(written, tidied(&written, &[]));
}

#[test]
fn every_member_of_every_version_is_kept() {
    let mut footprint = tidied(&footprints()[4], &["organizationName"]);
    for (name, value) in [
        (
            "precedingPfIds",
            json!(["d9be4477-e351-45b3-acd9-e1da05e6f633"]),
        ),
        ("updated", json!("2025-01-01T00:00:00Z")),
        ("statusComment", json!("c")),
        ("validityPeriodStart", json!("2025-01-01T00:00:00Z")),
        ("validityPeriodEnd", json!("2026-01-01T00:00:00Z")),
        ("productClassifications", json!(["urn:cpc:83117"])),
    ] {
        footprint[name] = value;
    }
    for (name, value) in [
        ("productMassPerDeclaredUnit", json!("0")),
        ("pCfIncludingBiogenic", json!("-1.50")),
        ("dLucGhgEmissions", json!("1")),
        ("landManagementGhgEmissions", json!("-1")),
        ("otherBiogenicGhgEmissions", json!("1")),
        ("iLucGhgEmissions", json!("1")),
        ("biogenicCarbonWithdrawal", json!("-1")),
        ("aircraftGhgEmissions", json!("1")),
        ("crossSectoralStandards", json!(["ISO14083"])),
        (
            "productOrSectorSpecificRules",
            json!([{"operator": "Other", "ruleNames": ["r"], "otherOperatorName": "o"}]),
        ),
        ("biogenicAccountingMethodology", json!("PEF")),
        ("geographyCountrySubdivision", json!("DE-BW")),
        ("geographyCountry", json!("DE")),
        ("geographyRegionOrSubregion", json!("South-eastern Asia")),
        ("packagingGhgEmissions", json!("1")),
        ("allocationRulesDescription", json!("a")),
        ("uncertaintyAssessmentDescription", json!("u")),
        ("primaryDataShare", json!(56.12)),
        ("exemptedEmissionsPercent", json!(0.0)),
        (
            "dqi",
            json!({"coveragePercent": 80, "technologicalDQR": 1.5, "temporalDQR": 1, "geographicalDQR": 2, "completenessDQR": 3, "reliabilityDQR": 1}),
        ),
        (
            "assurance",
            json!({"assurance": true, "coverage": "PCF system", "level": "limited", "boundary": "Gate-to-Gate", "providerName": "p", "completedAt": "2025-01-01T00:00:00Z", "standardName": "s", "comments": "c"}),
        ),
    ] {
        footprint["pcf"][name] = value;
    }
    assert_eq!(
        serde_json::to_value(read(&footprint).unwrap()).unwrap(),
        footprint
    );
}

#[test]
fn what_only_later_versions_demand_may_be_absent() {
    let mut footprint = footprints().remove(2);
    footprint["pcf"]
        .as_object_mut()
        .unwrap()
        .remove("ipccCharacterizationFactorsSources");
    assert!(read(&footprint).is_ok());
}

#[test]
fn what_every_version_demands_must_be_there() {
    let footprint = footprints().remove(2);
    for name in [
        "id",
        "specVersion",
        "version",
        "created",
        "status",
        "companyName",
        "companyIds",
        "productDescription",
        "productIds",
        "productCategoryCpc",
        "productNameCompany",
        "comment",
        "pcf",
    ] {
        let mut lacking = footprint.clone();
        lacking.as_object_mut().unwrap().remove(name);
        assert!(read(&lacking).is_err(), "{name}");
    }
    for name in [
        "declaredUnit",
        "unitaryProductAmount",
        "pCfExcludingBiogenic",
        "fossilGhgEmissions",
        "fossilCarbonContent",
        "biogenicCarbonContent",
        "characterizationFactors",
        "crossSectoralStandardsUsed",
        "boundaryProcessesDescription",
        "referencePeriodStart",
        "referencePeriodEnd",
        "exemptedEmissionsPercent",
        "exemptedEmissionsDescription",
        "packagingEmissionsIncluded",
    ] {
        let mut lacking = footprint.clone();
        lacking["pcf"].as_object_mut().unwrap().remove(name);
        assert!(read(&lacking).is_err(), "{name}");
    }
}

#[test]
fn wrong_types_are_refused() {
    let footprint = footprints().remove(2);
    for (pointer, value) in [
        ("/id", json!("not-a-uuid")),
        ("/version", json!(-1)),
        ("/version", json!("0")),
        ("/created", json!("2022-05-22")),
        ("/status", json!(1)),
        ("/companyIds", json!("urn:x")),
        ("/pcf/declaredUnit", json!(["kilogram"])),
        ("/pcf/unitaryProductAmount", json!(16920)),
        ("/pcf/fossilGhgEmissions", json!("1e3")),
        ("/pcf/exemptedEmissionsPercent", json!("0")),
        ("/pcf/crossSectoralStandardsUsed", json!([14083])),
        ("/extensions/0/data", json!("x")),
    ] {
        let mut wrong = footprint.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(read(&wrong).is_err(), "{pointer}");
    }
}

#[test]
fn names_that_no_version_knows_are_kept() {
    let mut footprint = tidied(&footprints()[4], &["organizationName"]);
    footprint["status"] = json!("Draft");
    for (name, value) in [
        ("declaredUnit", json!("piece")),
        ("characterizationFactors", json!("AR7")),
        ("crossSectoralStandardsUsed", json!(["ISO14083"])),
        (
            "productOrSectorSpecificRules",
            json!([{"operator": "IES", "ruleNames": ["r"]}]),
        ),
        ("biogenicAccountingMethodology", json!("EN 15804")),
        ("geographyRegionOrSubregion", json!("Atlantis")),
        (
            "assurance",
            json!({"assurance": true, "coverage": "a truck", "level": "high", "boundary": "Gate-to-Grave", "providerName": "p"}),
        ),
    ] {
        footprint["pcf"][name] = value;
    }
    assert_eq!(
        serde_json::to_value(read(&footprint).unwrap()).unwrap(),
        footprint
    );
}
