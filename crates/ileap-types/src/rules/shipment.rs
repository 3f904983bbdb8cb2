//! The rules of the iLEAP 1.0.0 `ShipmentFootprint` and its transport chain elements (TCE).

use std::collections::HashSet;

use bigdecimal::BigDecimal;

use super::{
    RuleId, Severity,
    chain::{r05_predecessors, r06_reachable},
    cursor::Cursor,
    emissions::r09_wheel,
    finding::{Findings, quote},
    tolerance::is_close,
    transport::{r17_distance, r18_location, r19_times},
};

/// The kinds of distance, the preferred ones of the GLEC Framework first.
const DISTANCES: [&str; 3] = ["sfd", "gcd", "actual"];

pub(super) fn judge(shipment: &Cursor<'_>, findings: &mut Findings) {
    let tces = shipment.items("tces");
    r02_elements(shipment, &tces, findings);
    for tce in &tces {
        judge_element(shipment, tce, findings);
    }
    if r05_predecessors(&tces, findings) {
        r06_reachable(&tces, findings);
    }
    r25_total_mass(shipment, &tces, findings);
}

fn judge_element(shipment: &Cursor<'_>, tce: &Cursor<'_>, findings: &mut Findings) {
    r03_category(tce, findings);
    r04_shipment_id(shipment, tce, findings);
    r07_activity(tce, findings);
    r08_hub(tce, findings);
    r09_wheel(tce, "co2eWTW", "co2eTTW", findings);
    r17_distance(tce, findings);
    for location in ["origin", "destination"] {
        r18_location(tce, location, findings);
    }
    r19_times(tce, findings);
    r25_mass(shipment, tce, findings);
}

fn r02_elements(shipment: &Cursor<'_>, tces: &[Cursor<'_>], findings: &mut Findings) {
    if tces.is_empty()
        && shipment
            .at("tces")
            .is_some_and(|tces| tces.value().is_array())
    {
        let message = "the shipment has no transport chain element: add at least one";
        findings.error(
            RuleId::R02,
            &shipment.pointer_to("tces"),
            message.to_owned(),
        );
    }
    let mut seen = HashSet::new();
    for tce in tces {
        if let Some(id) = tce.text("tceId").filter(|id| !seen.insert(*id)) {
            let message = format!("{} names an earlier element: choose another id", quote(id));
            findings.error(RuleId::R02, &tce.pointer_to("tceId"), message);
        }
    }
}

fn r03_category(tce: &Cursor<'_>, findings: &mut Findings) {
    let message = match (tce.at("tocId").is_some(), tce.at("hocId").is_some()) {
        (true, true) => "both `tocId` and `hocId` are given: keep one of them",
        (false, false) if tce.value().is_object() => {
            "neither `tocId` nor `hocId` is given: add one of them"
        }
        _ => return,
    };
    findings.error(RuleId::R03, tce.pointer(), message.to_owned());
}

fn r04_shipment_id(shipment: &Cursor<'_>, tce: &Cursor<'_>, findings: &mut Findings) {
    if let (Some(expected), Some(found)) = (shipment.text("shipmentId"), tce.text("shipmentId"))
        && found != expected
    {
        let message = format!("found {}: set it to {}", quote(found), quote(expected));
        findings.error(RuleId::R04, &tce.pointer_to("shipmentId"), message);
    }
}

fn r07_activity(tce: &Cursor<'_>, findings: &mut Findings) {
    let (Some(activity), Some(mass), Some(distance)) = (
        tce.decimal("transportActivity"),
        tce.decimal("mass"),
        tce.at("distance"),
    ) else {
        return;
    };
    let expected: Vec<BigDecimal> = DISTANCES
        .into_iter()
        .filter_map(|kind| distance.decimal(kind))
        .map(|kilometres| &mass * kilometres * BigDecimal::new(1.into(), 3))
        .collect();
    if let Some(first) = expected.first()
        && !expected
            .iter()
            .any(|expected| is_close(&activity, expected))
    {
        let severity = if tce.at("hocId").is_some() {
            Severity::Warning
        } else {
            Severity::Error
        };
        let message = format!(
            "found {} tkm, mass times distance is {} tkm: correct one of the three",
            quote(&activity.normalized().to_plain_string()),
            quote(&first.normalized().to_plain_string())
        );
        findings.add(
            RuleId::R07,
            severity,
            &tce.pointer_to("transportActivity"),
            message,
        );
    }
}

fn r08_hub(tce: &Cursor<'_>, findings: &mut Findings) {
    if tce.at("hocId").is_none() || tce.at("tocId").is_some() {
        return;
    }
    let is_nonzero = |number: Option<BigDecimal>| number.is_some_and(|number| number != 0);
    let mut warn = |pointer: &str| {
        let message = "a hub moves goods over no distance: set it to `0`".to_owned();
        findings.warning(RuleId::R08, pointer, message);
    };
    if is_nonzero(tce.decimal("transportActivity")) {
        warn(&tce.pointer_to("transportActivity"));
    }
    if let Some(distance) = tce.at("distance")
        && DISTANCES
            .into_iter()
            .any(|kind| is_nonzero(distance.decimal(kind)))
    {
        warn(distance.pointer());
    }
}

fn r25_mass(shipment: &Cursor<'_>, tce: &Cursor<'_>, findings: &mut Findings) {
    if let (Some(total), Some(mass)) = (shipment.decimal("mass"), tce.decimal("mass"))
        && mass > total
        && !is_close(&mass, &total)
    {
        let message = "the element carries more than the shipment weighs: correct one of them";
        findings.warning(RuleId::R25, &tce.pointer_to("mass"), message.to_owned());
    }
}

/// All of the shipment moves at least once.
fn r25_total_mass(shipment: &Cursor<'_>, tces: &[Cursor<'_>], findings: &mut Findings) {
    let carried: Option<BigDecimal> = tces.iter().map(|tce| tce.decimal("mass")).sum();
    if let (Some(total), Some(carried)) = (shipment.decimal("mass"), carried)
        && !tces.is_empty()
        && carried < total
        && !is_close(&carried, &total)
    {
        let message = "the elements together carry less than the shipment weighs: correct the \
                       mass or add what is missing";
        findings.warning(
            RuleId::R25,
            &shipment.pointer_to("mass"),
            message.to_owned(),
        );
    }
}
