//! The rules of PACT v2 that concern more than one member.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::Value;

use super::{
    RuleId, Severity,
    cursor::Cursor,
    finding::{Findings, quote},
    pact_shape::PRODUCT_FOOTPRINT,
    shape,
};

/// From here on PACT v2 demands what it left optional for older reference periods.
const START_OF_2025: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// Judges a footprint by everything in PACT v2 that does not depend on iLEAP.
///
/// Rules whose severity or bounds iLEAP changes (P08, P12, the sign of the amount) are separate.
pub(super) fn judge(footprint: &Cursor<'_>, findings: &mut Findings) {
    shape::judge(footprint, PRODUCT_FOOTPRINT, findings);
    p01_report_sources(footprint, findings);
    p06_validity_period(footprint, findings);
    p11_update(footprint, findings);
    if let Some(pcf) = footprint.at("pcf") {
        p04_geography(&pcf, findings);
        p05_reference_period(&pcf, findings);
        p07_packaging(&pcf, findings);
        for rule in pcf.items("productOrSectorSpecificRules") {
            p09_operator_name(&rule, findings);
        }
    }
}

/// PACT has the member from 2.2 on. The conformance service wants it from every footprint.
fn p01_report_sources(footprint: &Cursor<'_>, findings: &mut Findings) {
    const MEMBER: &str = "ipccCharacterizationFactorsSources";
    let Some(pcf) = footprint.at("pcf").filter(|pcf| pcf.value().is_object()) else {
        return;
    };
    if pcf.at(MEMBER).is_some() {
        return;
    }
    let severity = match spec_version(footprint) {
        Some(version) if version < (2, 2) => Severity::Warning,
        _ => Severity::Error,
    };
    let message = format!(
        "`{MEMBER}` is missing, which PACT 2.2 demands: name the assessment reports, such as `[\"AR6\"]`"
    );
    findings.add(RuleId::P01, severity, &pcf.pointer_to(MEMBER), message);
}

/// The major and the minor version of PACT that a footprint says it follows.
fn spec_version(footprint: &Cursor<'_>) -> Option<(u32, u32)> {
    let mut parts = footprint.text("specVersion")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The sign of the amount, for footprints without an iLEAP object (see R23 for the others).
pub(super) fn p03_amount(footprint: &Cursor<'_>, findings: &mut Findings) {
    let Some(pcf) = footprint.at("pcf") else {
        return;
    };
    if pcf
        .decimal("unitaryProductAmount")
        .is_some_and(|amount| amount <= 0)
    {
        let message = "the amount is not positive: state how many declared units a product has";
        findings.error(
            RuleId::P03,
            &pcf.pointer_to("unitaryProductAmount"),
            message.to_owned(),
        );
    }
}

fn p04_geography(pcf: &Cursor<'_>, findings: &mut Findings) {
    let members = [
        "geographyCountrySubdivision",
        "geographyCountry",
        "geographyRegionOrSubregion",
    ];
    let given: Vec<_> = members
        .into_iter()
        .filter_map(|member| pcf.at(member))
        .collect();
    for member in given.iter().skip(1) {
        let message = format!(
            "another geography is given: keep one of {}",
            members.join(", ")
        );
        findings.error(RuleId::P04, member.pointer(), message);
    }
}

fn p05_reference_period(pcf: &Cursor<'_>, findings: &mut Findings) {
    let (start, end) = (
        pcf.instant("referencePeriodStart"),
        pcf.instant("referencePeriodEnd"),
    );
    if let (Some(start), Some(end)) = (start, end)
        && start >= end
    {
        let message = format!("the period ends at {end}, not after its start {start}: swap them");
        findings.error(RuleId::P05, &pcf.pointer_to("referencePeriodEnd"), message);
    }
}

fn p06_validity_period(footprint: &Cursor<'_>, findings: &mut Findings) {
    const START: &str = "validityPeriodStart";
    const END: &str = "validityPeriodEnd";
    if footprint.at(START).is_some() != footprint.at(END).is_some() {
        let missing = if footprint.at(START).is_some() {
            END
        } else {
            START
        };
        let message = format!("`{missing}` is missing: give both ends of the period, or none");
        return findings.error(RuleId::P06, &footprint.pointer_to(missing), message);
    }
    let (Some(start), Some(end)) = (footprint.instant(START), footprint.instant(END)) else {
        return;
    };
    if start >= end {
        let message = format!("the period ends at {end}, not after its start {start}: swap them");
        return findings.error(RuleId::P06, &footprint.pointer_to(END), message);
    }
    let reference_end = footprint
        .at("pcf")
        .and_then(|pcf| pcf.instant("referencePeriodEnd"));
    let Some(reference_end) = reference_end else {
        return;
    };
    if start < reference_end {
        let message = format!(
            "{start} is before the reference period ends: start at {reference_end} or later"
        );
        findings.error(RuleId::P06, &footprint.pointer_to(START), message);
    }
    if let Ok(latest) = reference_end.to_zoned(TimeZone::UTC).checked_add(3.years())
        && end > latest.timestamp()
    {
        let latest = latest.timestamp();
        let message = format!(
            "{end} is more than three years after the reference period: end at {latest} at the latest"
        );
        findings.error(RuleId::P06, &footprint.pointer_to(END), message);
    }
}

fn p07_packaging(pcf: &Cursor<'_>, findings: &mut Findings) {
    let included = pcf.at("packagingEmissionsIncluded");
    let excluded = included.is_some_and(|included| *included.value() == Value::Bool(false));
    if let Some(emissions) = pcf.at("packagingGhgEmissions")
        && excluded
    {
        let message = "packaging is not included: remove its emissions, or set \
                       `packagingEmissionsIncluded` to true";
        findings.error(RuleId::P07, emissions.pointer(), message.to_owned());
    }
}

/// Whether the reference period, whose end is exclusive, reaches into 2025 or later.
pub(super) fn reaches_2025(footprint: &Cursor<'_>) -> bool {
    let end = footprint
        .at("pcf")
        .and_then(|pcf| pcf.instant("referencePeriodEnd"));
    end.is_some_and(|end| end > START_OF_2025)
}

/// What iLEAP 1.0.0 advises against, so that it cannot be demanded of footprints with an iLEAP object.
const P08_NOT_OF_ILEAP: &str = "pCfIncludingBiogenic";

const P08_MEMBERS: [&str; 7] = [
    "dLucGhgEmissions",
    "landManagementGhgEmissions",
    "otherBiogenicGhgEmissions",
    "biogenicCarbonWithdrawal",
    "biogenicAccountingMethodology",
    "primaryDataShare",
    "dqi",
];

/// Members that depend on the reference period, for footprints without an iLEAP object.
pub(super) fn p08_by_period(footprint: &Cursor<'_>, findings: &mut Findings) {
    let members: Vec<_> = [P08_NOT_OF_ILEAP].into_iter().chain(P08_MEMBERS).collect();
    p08_members(footprint, &members, Severity::Error, findings);
}

/// Members that depend on the reference period, for footprints with an iLEAP object.
///
/// The mapping of iLEAP 1.0.0 names none of them as mandatory, so their absence is a warning at most.
pub(super) fn p08_by_period_with_ileap(footprint: &Cursor<'_>, findings: &mut Findings) {
    p08_members(footprint, &P08_MEMBERS, Severity::Warning, findings);
}

fn p08_members(
    footprint: &Cursor<'_>,
    members: &[&str],
    severity: Severity,
    findings: &mut Findings,
) {
    let Some(pcf) = footprint.at("pcf") else {
        return;
    };
    if reaches_2025(footprint) {
        for member in members.iter().filter(|member| pcf.at(member).is_none()) {
            let message = format!("`{member}` is missing: reference periods from 2025 on need it");
            findings.add(RuleId::P08, severity, &pcf.pointer_to(member), message);
        }
    } else if pcf.instant("referencePeriodEnd").is_some()
        && pcf.at("primaryDataShare").is_none()
        && pcf.at("dqi").is_none()
    {
        let message = "data quality is missing: add `primaryDataShare` or `dqi`".to_owned();
        findings.add(
            RuleId::P08,
            severity,
            &pcf.pointer_to("primaryDataShare"),
            message,
        );
    }
}

fn p09_operator_name(rule: &Cursor<'_>, findings: &mut Findings) {
    let pointer = rule.pointer_to("otherOperatorName");
    let named = rule.at("otherOperatorName").is_some();
    match rule.text("operator") {
        Some("Other") if !named => {
            let message = "the operator is `Other`: add its name as `otherOperatorName`";
            findings.error(RuleId::P09, &pointer, message.to_owned());
        }
        Some(operator) if operator != "Other" && named => {
            let message = format!("the operator is {}: remove the other name", quote(operator));
            findings.error(RuleId::P09, &pointer, message);
        }
        _ => {}
    }
}

fn p11_update(footprint: &Cursor<'_>, findings: &mut Findings) {
    let version = footprint.at("version");
    let version = version.and_then(|version| version.value().as_u64());
    if footprint.at("updated").is_none() {
        if version.is_some_and(|version| version > 0) {
            let message = "the version was raised and `updated` is missing: say when, partners look for \
                           changes by it";
            let pointer = footprint.pointer_to("updated");
            findings.warning(RuleId::P11, &pointer, message.to_owned());
        }
        return;
    }
    let (created, updated) = (footprint.instant("created"), footprint.instant("updated"));
    if let (Some(created), Some(updated)) = (created, updated)
        && updated <= created
    {
        let message = format!("{updated} is not after the creation at {created}: correct it");
        findings.error(RuleId::P11, &footprint.pointer_to("updated"), message);
    }
    if version == Some(0) {
        let message = "an updated footprint has version 0: raise the version".to_owned();
        findings.error(RuleId::P11, &footprint.pointer_to("version"), message);
    }
}
