//! Operation categories and activity data.

use std::collections::BTreeSet;

use super::{
    Findings, Kind,
    carriers::{distance, energy_carriers, location, not_above, times},
    node::{Node, ratio},
};

/// A TOC or an HOC.
pub(super) fn judge_category(kind: Kind, object: &Node<'_>, findings: &mut Findings) {
    energy_carriers(object, true, findings);
    factors(object, findings);
    not_above(object, "co2eIntensityTTW", "co2eIntensityWTW", findings);
    certifications(object, findings);
    if let Some(place) = object.get("hubLocation") {
        location(&place, findings);
    }
    if kind == Kind::Toc {
        of_mode(object, findings);
    }
}

/// An activity.
pub(super) fn judge_tad(tad: &Node<'_>, findings: &mut Findings) {
    energy_carriers(tad, false, findings);
    factors(tad, findings);
    distance(tad, findings);
    times(tad, findings);
    let mode = tad.text("mode").unwrap_or_default();
    for end in ["origin", "destination"] {
        let Some(place) = tad.get(end) else { continue };
        location(&place, findings);
        for (code, of) in [("iata", "Air"), ("uic", "Rail")] {
            if place.has(code) && mode != of {
                findings.warn("r16", &place.at(code), format!("{code} is for {of} only"));
            }
        }
    }
    let ids = tad.items("consignmentIds");
    let distinct: BTreeSet<_> = ids.iter().map(|id| id.value.to_string()).collect();
    if ids.is_empty() || distinct.len() != ids.len() {
        let text = "consignmentIds has at least one id, and each once";
        findings.error("r26", &tad.at("consignmentIds"), text);
    }
}

/// R15
fn factors(object: &Node<'_>, findings: &mut Findings) {
    let (zero, one) = (ratio(0, 0), ratio(1, 0));
    if object
        .decimal("loadFactor")
        .is_some_and(|load| load <= zero || load > one)
    {
        findings.error("r15", &object.at("loadFactor"), "it is not in (0, 1]");
    }
    let empty = object.decimal("emptyDistanceFactor");
    if empty.is_some_and(|empty| empty < zero || empty >= one) {
        findings.error(
            "r15",
            &object.at("emptyDistanceFactor"),
            "it is not in [0, 1)",
        );
    }
}

/// R20
fn certifications(object: &Node<'_>, findings: &mut Findings) {
    if !object.has("certifications") {
        return;
    }
    let all = object.items("certifications");
    let distinct: BTreeSet<_> = all.iter().map(|one| one.value.to_string()).collect();
    if all.is_empty() || distinct.len() != all.len() {
        let text = "certifications, where given, has at least one, and each once";
        findings.error("r20", &object.at("certifications"), text);
    }
}

/// R16
fn of_mode(toc: &Node<'_>, findings: &mut Findings) {
    let mode = toc.text("mode").unwrap_or_default();
    let fields = [
        ("truckLoadingSequence", "Road"),
        ("airShippingOption", "Air"),
        ("flightLength", "Air"),
    ];
    for (name, of) in fields {
        if toc.has(name) && mode != of {
            findings.error("r16", &toc.at(name), format!("{name} is for {of} only"));
        }
    }
    let is_afloat = ["Sea", "InlandWaterway"].contains(&mode);
    if toc.text("transportActivityUnit") == Some("TEUkm") && !is_afloat {
        let text = "TEUkm is for Sea and InlandWaterway only";
        findings.error("r16", &toc.at("transportActivityUnit"), text);
    }
}
