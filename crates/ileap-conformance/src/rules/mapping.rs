//! How an iLEAP object sits in its footprint.

use bigdecimal::BigDecimal;
use serde_json::{Value, json};

use super::{
    Findings, Kind,
    node::{Node, is_close, ratio},
};

pub(super) fn judge(
    kind: Kind,
    footprint: &Node<'_>,
    extension: &Value,
    data: &Node<'_>,
    findings: &mut Findings,
) {
    urn(kind, footprint, data, findings);
    constants(kind, footprint, extension, findings);
    amounts(kind, footprint, data, findings);
}

/// R21
fn urn(kind: Kind, footprint: &Node<'_>, data: &Node<'_>, findings: &mut Findings) {
    let (word, field) = kind.words();
    let Some(id) = data.text(field) else { return };
    let ids = footprint.items("productIds");
    let is_named = ["vendor", "buyer"].iter().any(|who| {
        let urn = format!("urn:pathfinder:product:customcode:{who}-assigned:{word}:{id}");
        ids.iter().any(|given| given.value.as_str() == Some(&urn))
    });
    if !is_named {
        let text = format!("no urn:pathfinder:product:customcode:vendor-assigned:{word}:{id}");
        findings.error("r21", &footprint.at("productIds"), text);
    }
}

/// R22, what is always the same.
fn constants(kind: Kind, footprint: &Node<'_>, extension: &Value, findings: &mut Findings) {
    let pcf = footprint.at("pcf");
    let unit = if kind == Kind::Hoc {
        "kilogram"
    } else {
        "ton kilometer"
    };
    let wanted = [
        (footprint.at("productCategoryCpc"), json!("83117")),
        (pcf.at("declaredUnit"), json!(unit)),
        (pcf.at("packagingEmissionsIncluded"), json!(false)),
    ];
    for (node, wanted) in wanted {
        if *node.value != wanted {
            findings.error("r22", &node, format!("{wanted} is due"));
        }
    }
    let extensions = footprint.at("extensions");
    if extension["specVersion"] != "2.0.0" {
        findings.error("r22", &extensions, "specVersion \"2.0.0\" is due");
    }
    if extensions.value.as_array().map(Vec::len) != Some(1) {
        findings.error("r22", &extensions, "exactly one extension is due");
    }
}

/// R22, what follows from the object; R23.
fn amounts(kind: Kind, footprint: &Node<'_>, data: &Node<'_>, findings: &mut Findings) {
    let pcf = footprint.at("pcf");
    let amount = pcf.decimal("unitaryProductAmount");
    if amount.as_ref().is_some_and(|amount| *amount <= ratio(0, 0)) {
        findings.error("r23", &pcf.at("unitaryProductAmount"), "more than 0 is due");
        return;
    }
    let tces = data.items("tces");
    let sum =
        |field: &str| -> BigDecimal { tces.iter().filter_map(|tce| tce.decimal(field)).sum() };
    let is_per_teu = data.text("hubActivityUnit") == Some("TEU")
        || data.text("transportActivityUnit") == Some("TEUkm");
    let intensity = data.decimal("co2eIntensityWTW").filter(|_| !is_per_teu);
    let (wanted_amount, emissions) = match kind {
        Kind::Shipment => (Some(sum("transportActivity")), Some(sum("co2eWTW"))),
        Kind::Hoc => (Some(ratio(1000, 0)), intensity),
        // "1" is a SHOULD.
        Kind::Toc => (None, intensity),
    };
    let mut expect = |name: &str, wanted: &BigDecimal| {
        if let Some(given) = pcf.decimal(name)
            && !is_close(&given, wanted)
        {
            let text = format!(
                "{given}, but {} follows from the extension",
                wanted.normalized()
            );
            findings.error("r22", &pcf.at(name), text);
        }
    };
    if let Some(wanted) = wanted_amount {
        expect("unitaryProductAmount", &wanted);
    }
    if let Some(emissions) = emissions {
        expect("pCfExcludingBiogenic", &emissions);
    }
    if let Some(excluding) = pcf.decimal("pCfExcludingBiogenic") {
        expect("fossilGhgEmissions", &excluding);
    }
}
