//! How the footprint around an iLEAP object must look (iLEAP 1.0.0, PCF mapping).

use bigdecimal::BigDecimal;
use serde_json::Value;

use super::{
    RuleId, Severity,
    cursor::Cursor,
    extension::IleapExtension,
    finding::{Findings, describe, quote},
    pact,
    tolerance::is_close,
};
use crate::extension::{
    DOCUMENTATION, ObjectKind, PRODUCT_CATEGORY_CPC, SPEC_VERSION, parse_product_id_urn,
    product_id_urn,
};

/// The tonnes in a TEU for containers of average, light and heavy goods (GLEC Framework v3).
const DECI_TONNES_PER_TEU: [u32; 3] = [100, 60, 145];

pub(super) fn judge(footprint: &Cursor<'_>, ileap: &IleapExtension<'_>, findings: &mut Findings) {
    r21_product_id(footprint, ileap, findings);
    r22_constants(ileap, findings);
    r22_text(
        footprint,
        "productCategoryCpc",
        PRODUCT_CATEGORY_CPC,
        findings,
    );
    let Some(pcf) = footprint.at("pcf") else {
        return;
    };
    let unit = if ileap.kind == ObjectKind::Hoc {
        "kilogram"
    } else {
        "ton kilometer"
    };
    r22_text(&pcf, "declaredUnit", unit, findings);
    r22_amount(&pcf, ileap, findings);
    r22_emissions(&pcf, ileap, findings);
    r22_fossil_emissions(&pcf, findings);
    r22_packaging(&pcf, findings);
    r22_carbon_content(&pcf, findings);
    r22_product_mass(&pcf, ileap, findings);
    if !pact::reaches_2025(footprint) {
        r22_biogenic(&pcf, findings);
    }
    r23_amount(&pcf, ileap, findings);
}

/// A footprint describes one iLEAP object, and nothing else: readers of iLEAP expect one extension.
pub(super) fn r22_single(
    footprint: &Cursor<'_>,
    extensions: &[IleapExtension<'_>],
    findings: &mut Findings,
) {
    for ileap in extensions.iter().skip(1) {
        let message = "another iLEAP object comes before: give each its own footprint";
        findings.error(RuleId::R22, ileap.extension.pointer(), message.to_owned());
    }
    let is_ileap = |found: &Cursor<'_>| {
        let mut own = extensions.iter().map(|ileap| ileap.extension.pointer());
        own.any(|own| own == found.pointer())
    };
    for foreign in footprint.items("extensions") {
        if !is_ileap(&foreign) {
            let message =
                "an iLEAP footprint should have no other extension: give it its own footprint";
            findings.warning(RuleId::R22, foreign.pointer(), message.to_owned());
        }
    }
}

fn r21_product_id(footprint: &Cursor<'_>, ileap: &IleapExtension<'_>, findings: &mut Findings) {
    let Some(id) = ileap.id() else {
        return;
    };
    let names_object = |urn: &str| parse_product_id_urn(urn) == Some((ileap.kind, id));
    let ids = footprint.items("productIds");
    if !ids
        .iter()
        .filter_map(|own| own.value().as_str())
        .any(names_object)
    {
        let urn = product_id_urn(ileap.kind, id);
        let message = format!("no product id names the object: add {}", quote(&urn));
        findings.error(RuleId::R21, &footprint.pointer_to("productIds"), message);
    }
}

fn r22_constants(ileap: &IleapExtension<'_>, findings: &mut Findings) {
    r22_text(&ileap.extension, "specVersion", SPEC_VERSION, findings);
    r22_text(
        &ileap.extension,
        "dataSchema",
        ileap.kind.data_schema(),
        findings,
    );
    if ileap.extension.text("documentation") != Some(DOCUMENTATION) {
        let message = format!("the documentation should be named: set it to `{DOCUMENTATION}`");
        let pointer = ileap.extension.pointer_to("documentation");
        findings.warning(RuleId::R22, &pointer, message);
    }
}

/// A text member with a fixed value. Its absence is for P01.
fn r22_text(object: &Cursor<'_>, member: &str, expected: &str, findings: &mut Findings) {
    if let Some(found) = object.text(member).filter(|found| *found != expected) {
        let message = format!("found {}: set it to `{expected}`", quote(found));
        findings.error(RuleId::R22, &object.pointer_to(member), message);
    }
}

fn r22_amount(pcf: &Cursor<'_>, ileap: &IleapExtension<'_>, findings: &mut Findings) {
    let Some(amount) = pcf.decimal("unitaryProductAmount") else {
        return;
    };
    let (expected, severity, matches) = match ileap.kind {
        ObjectKind::Shipment => {
            // A sum that is not positive is for R23: PACT has no amount for it.
            let sum = sum_of_tces(ileap, "transportActivity").filter(|sum| *sum > 0);
            let Some(sum) = sum else {
                return;
            };
            let matches = is_close(&amount, &sum);
            (sum, Severity::Error, matches)
        }
        ObjectKind::Toc => (1.into(), Severity::Warning, amount == 1),
        ObjectKind::Hoc => (1000.into(), Severity::Error, amount == 1000),
    };
    // What is not positive is for R23.
    if !matches && amount > 0 {
        let message = differs(&amount, &expected);
        findings.add(
            RuleId::R22,
            severity,
            &pcf.pointer_to("unitaryProductAmount"),
            message,
        );
    }
}

fn r22_emissions(pcf: &Cursor<'_>, ileap: &IleapExtension<'_>, findings: &mut Findings) {
    let Some(emissions) = pcf.decimal("pCfExcludingBiogenic") else {
        return;
    };
    let expected = match ileap.kind {
        ObjectKind::Shipment => sum_of_tces(ileap, "co2eWTW").into_iter().collect(),
        ObjectKind::Toc => intensities(&ileap.data, "transportActivityUnit"),
        ObjectKind::Hoc => intensities(&ileap.data, "hubActivityUnit"),
    };
    if let Some(first) = expected.first()
        && !expected
            .iter()
            .any(|expected| is_close(&emissions, expected))
    {
        let message = differs(&emissions, first);
        findings.error(
            RuleId::R22,
            &pcf.pointer_to("pCfExcludingBiogenic"),
            message,
        );
    }
}

/// The values that may stand for the intensity of a TOC or HOC, per tonne.
fn intensities(data: &Cursor<'_>, unit_member: &str) -> Vec<BigDecimal> {
    let Some(intensity) = data.decimal("co2eIntensityWTW") else {
        return Vec::new();
    };
    match data.text(unit_member) {
        Some("tkm" | "tonnes") => vec![intensity],
        Some("TEUkm" | "TEU") => DECI_TONNES_PER_TEU
            .into_iter()
            .map(|deci_tonnes| &intensity * BigDecimal::from(10) / BigDecimal::from(deci_tonnes))
            .collect(),
        _ => Vec::new(),
    }
}

fn r22_fossil_emissions(pcf: &Cursor<'_>, findings: &mut Findings) {
    let fossil = pcf.decimal("fossilGhgEmissions");
    if let (Some(fossil), Some(total)) = (fossil, pcf.decimal("pCfExcludingBiogenic"))
        && fossil != total
    {
        let message = differs(&fossil, &total);
        findings.error(RuleId::R22, &pcf.pointer_to("fossilGhgEmissions"), message);
    }
}

fn r22_packaging(pcf: &Cursor<'_>, findings: &mut Findings) {
    if let Some(included) = pcf.at("packagingEmissionsIncluded")
        && *included.value() == Value::Bool(true)
    {
        let message = "transport has no packaging emissions: set it to false".to_owned();
        findings.error(RuleId::R22, included.pointer(), message);
    }
}

fn r22_carbon_content(pcf: &Cursor<'_>, findings: &mut Findings) {
    let total = pcf.decimal("pCfExcludingBiogenic");
    for member in ["fossilCarbonContent", "biogenicCarbonContent"] {
        let Some(content) = pcf.decimal(member).filter(|content| *content != 0) else {
            continue;
        };
        // The mapping can be read as a copy of the emissions here.
        if member == "fossilCarbonContent" && total.as_ref() == Some(&content) {
            continue;
        }
        let message = format!(
            "{} found: transport contains no carbon, set it to `0`",
            shown(&content)
        );
        findings.warning(RuleId::R22, &pcf.pointer_to(member), message);
    }
}

/// Zero is what PACT v2.3 recommends for logistics; the mapping of iLEAP has its own value.
fn r22_product_mass(pcf: &Cursor<'_>, ileap: &IleapExtension<'_>, findings: &mut Findings) {
    let expected = match ileap.kind {
        ObjectKind::Shipment => ileap.data.decimal("mass"),
        ObjectKind::Toc => Some(1.into()),
        ObjectKind::Hoc => Some(1000.into()),
    };
    if let (Some(mass), Some(expected)) = (pcf.decimal("productMassPerDeclaredUnit"), expected)
        && mass != 0
        && mass != expected
    {
        let message = differs(&mass, &expected);
        findings.warning(
            RuleId::R22,
            &pcf.pointer_to("productMassPerDeclaredUnit"),
            message,
        );
    }
}

fn r22_biogenic(pcf: &Cursor<'_>, findings: &mut Findings) {
    if let Some(biogenic) = pcf.at("pCfIncludingBiogenic") {
        let found = describe(biogenic.value());
        let message = format!("found {found}: leave the member out for transport and hubs");
        findings.warning(RuleId::R22, biogenic.pointer(), message);
    }
}

fn r23_amount(pcf: &Cursor<'_>, ileap: &IleapExtension<'_>, findings: &mut Findings) {
    let Some(amount) = pcf.decimal("unitaryProductAmount") else {
        return;
    };
    let is_of_hubs = ileap.kind == ObjectKind::Shipment
        && sum_of_tces(ileap, "transportActivity").is_some_and(|sum| sum <= 0);
    let message = if is_of_hubs {
        "the elements have no transport activity, and PACT needs an amount above 0: report hub operations \
         together with transport"
            .to_owned()
    } else if amount <= 0 {
        format!(
            "the amount is {}, PACT needs more than 0: correct it",
            shown(&amount)
        )
    } else {
        return;
    };
    findings.error(
        RuleId::R23,
        &pcf.pointer_to("unitaryProductAmount"),
        message,
    );
}

/// The sum over all transport chain elements; none if one of them has no valid value.
fn sum_of_tces(ileap: &IleapExtension<'_>, member: &str) -> Option<BigDecimal> {
    let tces = ileap.data.items("tces");
    if tces.is_empty() {
        return None;
    }
    tces.iter().map(|tce| tce.decimal(member)).sum()
}

fn differs(found: &BigDecimal, expected: &BigDecimal) -> String {
    format!("found {}: set it to {}", shown(found), shown(expected))
}

fn shown(number: &BigDecimal) -> String {
    quote(&number.normalized().to_plain_string())
}
