//! The rules of modes, distances, places and times, shared by several iLEAP 1.0.0 objects.

use std::collections::HashSet;

use bigdecimal::BigDecimal;

use super::{
    RuleId,
    cursor::Cursor,
    finding::{Findings, quote},
    format::{is_country, is_utc},
};

pub(super) fn r15_factors(object: &Cursor<'_>, findings: &mut Findings) {
    let (zero, one) = (BigDecimal::from(0), BigDecimal::from(1));
    if object
        .decimal("loadFactor")
        .is_some_and(|factor| factor <= zero || factor > one)
    {
        let message = "the load factor is not above 0 and up to 1: correct it".to_owned();
        findings.error(RuleId::R15, &object.pointer_to("loadFactor"), message);
    }
    if object
        .decimal("emptyDistanceFactor")
        .is_some_and(|factor| factor < zero || factor >= one)
    {
        let message = "the empty distance factor is not from 0 to below 1: correct it".to_owned();
        findings.error(
            RuleId::R15,
            &object.pointer_to("emptyDistanceFactor"),
            message,
        );
    }
}

/// The members of a TOC that belong to one mode.
pub(super) fn r16_category(toc: &Cursor<'_>, findings: &mut Findings) {
    let Some(mode) = toc.text("mode") else { return };
    for (member, its_mode) in [
        ("truckLoadingSequence", "Road"),
        ("airShippingOption", "Air"),
        ("flightLength", "Air"),
    ] {
        if let Some(found) = toc.at(member).filter(|_| mode != its_mode) {
            findings.error(RuleId::R16, found.pointer(), only_for(its_mode, mode));
        }
    }
    if toc.text("transportActivityUnit") == Some("TEUkm")
        && !matches!(mode, "Sea" | "InlandWaterway")
    {
        let pointer = toc.pointer_to("transportActivityUnit");
        findings.error(
            RuleId::R16,
            &pointer,
            only_for("Sea and InlandWaterway", mode),
        );
    }
}

/// The codes of a location that belong to one mode; `modes` are those the object may have.
pub(super) fn r16_location(
    object: &Cursor<'_>,
    location: &str,
    modes: &[&str],
    findings: &mut Findings,
) {
    let (Some(mode), Some(location)) = (modes.first(), object.at(location)) else {
        return;
    };
    for (member, its_mode) in [("iata", "Air"), ("uic", "Rail")] {
        if let Some(found) = location.at(member).filter(|_| !modes.contains(&its_mode)) {
            findings.warning(RuleId::R16, found.pointer(), only_for(its_mode, mode));
        }
    }
}

fn only_for(its_mode: &str, mode: &str) -> String {
    format!(
        "this is for {its_mode} only and the mode is {}: remove it",
        quote(mode)
    )
}

pub(super) fn r17_distance(object: &Cursor<'_>, findings: &mut Findings) {
    const KINDS: [&str; 3] = ["actual", "gcd", "sfd"];
    let Some(distance) = object
        .at("distance")
        .filter(|distance| distance.value().is_object())
    else {
        return;
    };
    if KINDS.into_iter().all(|kind| distance.at(kind).is_none()) {
        let message = format!("the distance is empty: add one of {}", KINDS.join(", "));
        findings.error(RuleId::R17, distance.pointer(), message);
    }
    for kind in KINDS {
        if distance
            .decimal(kind)
            .is_some_and(|kilometres| kilometres < 0)
        {
            let message = "the distance is negative: correct it".to_owned();
            findings.error(RuleId::R17, &distance.pointer_to(kind), message);
        }
    }
}

pub(super) fn r18_location(object: &Cursor<'_>, location: &str, findings: &mut Findings) {
    let Some(location) = object.at(location) else {
        return;
    };
    r18_coordinates(&location, findings);
    let Some(country) = location.text("country") else {
        return;
    };
    if !is_country(country) {
        let message = format!(
            "found {}: write an ISO 3166-1 code such as `DE`",
            quote(country)
        );
        findings.error(RuleId::R18, &location.pointer_to("country"), message);
    } else if let Some(locode) = location
        .text("locode")
        .filter(|code| !code.starts_with(country))
    {
        let message = format!("{} is not in {country}: correct one of them", quote(locode));
        findings.warning(RuleId::R18, &location.pointer_to("locode"), message);
    }
}

fn r18_coordinates(location: &Cursor<'_>, findings: &mut Findings) {
    for (member, other, limit) in [("lat", "lng", 90), ("lng", "lat", 180)] {
        if location.at(member).is_none() && location.at(other).is_some() {
            let message = format!("`{other}` is given alone: add `{member}` or remove both");
            findings.error(RuleId::R18, &location.pointer_to(member), message);
        }
        if location
            .decimal(member)
            .is_some_and(|degrees| degrees.abs() > limit)
        {
            let message = format!("the angle is not from -{limit} to {limit}: correct it");
            findings.error(RuleId::R18, &location.pointer_to(member), message);
        }
    }
}

pub(super) fn r19_times(object: &Cursor<'_>, findings: &mut Findings) {
    for member in ["departureAt", "arrivalAt"] {
        let Some(text) = object.text(member) else {
            continue;
        };
        if object.instant(member).is_some() && !is_utc(text) {
            let message = format!("{} is not in UTC: convert it, with a final Z", quote(text));
            findings.error(RuleId::R19, &object.pointer_to(member), message);
        }
    }
    let (departure, arrival) = (object.instant("departureAt"), object.instant("arrivalAt"));
    if let (Some(departure), Some(arrival)) = (departure, arrival)
        && arrival < departure
    {
        let message = format!("{arrival} is before the departure at {departure}: correct it");
        findings.warning(RuleId::R19, &object.pointer_to("arrivalAt"), message);
    }
}

pub(super) fn r20_certifications(object: &Cursor<'_>, findings: &mut Findings) {
    filled_set(object, "certifications", RuleId::R20, findings);
}

pub(super) fn r26_consignments(tad: &Cursor<'_>, findings: &mut Findings) {
    filled_set(tad, "consignmentIds", RuleId::R26, findings);
}

fn filled_set(object: &Cursor<'_>, member: &str, rule: RuleId, findings: &mut Findings) {
    let Some(list) = object.at(member).filter(|list| list.value().is_array()) else {
        return;
    };
    if list.elements().next().is_none() {
        let message = format!("`{member}` is empty: add an element, or leave it out if optional");
        findings.error(rule, list.pointer(), message);
    }
    let mut seen = HashSet::new();
    for element in list.elements() {
        if let Some(text) = element.value().as_str().filter(|text| !seen.insert(*text)) {
            let message = format!("{} occurs before: remove the repetition", quote(text));
            findings.error(rule, element.pointer(), message);
        }
    }
}
