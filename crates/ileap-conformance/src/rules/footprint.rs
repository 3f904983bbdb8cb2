//! PACT's own rules.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{
    Findings, kind,
    node::{Node, ratio},
};
use crate::{
    case::PactVersion,
    schema::{FaultKind, Schema},
};

const NOT_NEGATIVE: [&str; 9] = [
    "pCfExcludingBiogenic",
    "fossilGhgEmissions",
    "fossilCarbonContent",
    "biogenicCarbonContent",
    "dLucGhgEmissions",
    "otherBiogenicGhgEmissions",
    "iLucGhgEmissions",
    "aircraftGhgEmissions",
    "packagingGhgEmissions",
];
const GEOGRAPHY: [&str; 3] = [
    "geographyCountrySubdivision",
    "geographyCountry",
    "geographyRegionOrSubregion",
];
/// Due where the reference period reaches into 2025.
const SINCE_2025: [&str; 3] = ["primaryDataShare", "dqi", "biogenicAccountingMethodology"];
/// 2025-01-01T00:00:00Z
const SECOND_OF_2025: i64 = 1_735_689_600;
const SETS: [&str; 4] = [
    "precedingPfIds",
    "companyIds",
    "productIds",
    "productClassifications",
];
const PCF_SETS: [&str; 2] = [
    "ipccCharacterizationFactorsSources",
    "crossSectoralStandards",
];

pub(super) fn judge(footprint: &Node<'_>, version: PactVersion, findings: &mut Findings) {
    shape(footprint, version, findings);
    nulls(footprint, findings, Findings::error);
    let pcf = footprint.at("pcf");
    signs(footprint, &pcf, findings);
    if GEOGRAPHY.iter().filter(|name| pcf.has(name)).count() > 1 {
        findings.error("p04", &pcf, "at most one of the geography fields is due");
    }
    periods(footprint, &pcf, findings);
    if pcf.value["packagingEmissionsIncluded"] == false && pcf.has("packagingGhgEmissions") {
        let text = "it is given although packagingEmissionsIncluded is false";
        findings.error("p07", &pcf.at("packagingGhgEmissions"), text);
    }
    for rule in pcf.items("productOrSectorSpecificRules") {
        let is_other = rule.text("operator") == Some("Other");
        if is_other != rule.has("otherOperatorName") {
            let text = "otherOperatorName goes with the operator Other, and only with it";
            findings.error("p09", &rule, text);
        }
    }
    for (node, names) in [(footprint, &SETS[..]), (&pcf, &PCF_SETS[..])] {
        for name in names {
            let all = node.items(name);
            let distinct: BTreeSet<_> = all.iter().map(|one| one.value.to_string()).collect();
            if distinct.len() != all.len() {
                findings.error("p10", &node.at(name), "an element stands there twice");
            }
        }
    }
    updates(footprint, findings);
}

/// P01 and P02, by the published schema; a null is P12's.
fn shape(footprint: &Node<'_>, version: PactVersion, findings: &mut Findings) {
    for fault in Schema::Footprint(version).faults(footprint.value) {
        let value = footprint
            .value
            .pointer(&fault.pointer)
            .unwrap_or(&Value::Null);
        let at = Node::new(value, format!("{}{}", footprint.pointer, fault.pointer));
        if value.is_null() || fault.kind == FaultKind::Repeated {
            continue;
        }
        findings.error(
            if fault.kind == FaultKind::Enum {
                "p02"
            } else {
                "p01"
            },
            &at,
            fault.text,
        );
    }
}

/// P12
pub(super) fn nulls(
    node: &Node<'_>,
    findings: &mut Findings,
    report: fn(&mut Findings, &'static str, &Node<'_>, &'static str),
) {
    match node.value {
        Value::Null => report(findings, "p12", node, "null; leave it out"),
        Value::Object(members) => {
            for name in members.keys() {
                nulls(&node.at(name), findings, report);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                let element = Node::new(value, format!("{}/{index}", node.pointer));
                nulls(&element, findings, report);
            }
        }
        _ => {}
    }
}

/// P03
fn signs(footprint: &Node<'_>, pcf: &Node<'_>, findings: &mut Findings) {
    let zero = ratio(0, 0);
    for name in NOT_NEGATIVE {
        if pcf.decimal(name).is_some_and(|value| value < zero) {
            findings.error("p03", &pcf.at(name), format!("{name} is negative"));
        }
    }
    if pcf
        .decimal("biogenicCarbonWithdrawal")
        .is_some_and(|value| value > zero)
    {
        findings.error("p03", &pcf.at("biogenicCarbonWithdrawal"), "it is positive");
    }
    // Nothing of an iLEAP object breaks R23 for the same reason, and is named there.
    let is_generic = kind(footprint.value).is_none();
    if pcf
        .decimal("unitaryProductAmount")
        .is_some_and(|value| value < zero || (is_generic && value == zero))
    {
        findings.error("p03", &pcf.at("unitaryProductAmount"), "more than 0 is due");
    }
}

/// P05, P06 and P08
fn periods(footprint: &Node<'_>, pcf: &Node<'_>, findings: &mut Findings) {
    let start = pcf.instant("referencePeriodStart");
    let end = pcf.instant("referencePeriodEnd");
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        findings.error("p05", pcf, "the reference period ends before it starts");
    }
    let from = footprint.instant("validityPeriodStart");
    let until = footprint.instant("validityPeriodEnd");
    if footprint.has("validityPeriodStart") != footprint.has("validityPeriodEnd") {
        findings.error(
            "p06",
            footprint,
            "the validity period has start and end, or neither",
        );
    } else if let (Some(from), Some(until), Some(end)) = (from, until, end)
        && (from < end || from >= until || until > years_after(end))
    {
        let text = "the validity period starts after the reference period and ends within 3 years";
        findings.error("p06", footprint, text);
    }
    if end.is_some_and(|end| end.as_second() > SECOND_OF_2025) {
        for name in SINCE_2025 {
            if !pcf.has(name) {
                let text = format!("{name} is due where the reference period reaches into 2025");
                findings.warn("p08", pcf, text);
            }
        }
    }
}

fn years_after(instant: Timestamp) -> Timestamp {
    let zoned = instant.to_zoned(TimeZone::UTC);
    let later = zoned.checked_add(jiff::Span::new().years(3));
    later.map_or(Timestamp::MAX, |later| later.timestamp())
}

/// P11
fn updates(footprint: &Node<'_>, findings: &mut Findings) {
    let (Some(created), Some(updated)) =
        (footprint.instant("created"), footprint.instant("updated"))
    else {
        return;
    };
    let is_first = footprint.value["version"]
        .as_i64()
        .is_some_and(|version| version <= 0);
    if updated <= created || is_first {
        let text = "`updated` is later than `created`, and goes with a version above 0";
        findings.error("p11", &footprint.at("updated"), text);
    }
}
