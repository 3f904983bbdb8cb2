//! Energy carriers and what all iLEAP objects share.

use serde_json::Value;

use super::{
    Findings,
    node::{Node, decimal_of, is_close, ratio},
};

/// The fields of iLEAP 1.0.0 that are decimals.
const DECIMALS: [&str; 25] = [
    "actual",
    "ch4TTW",
    "co2eIntensityTTW",
    "co2eIntensityWTW",
    "co2eTTW",
    "co2eWTW",
    "emissionFactorTTW",
    "emissionFactorWTW",
    "emptyDistanceFactor",
    "energyConsumption",
    "feedstockShare",
    "gcd",
    "lat",
    "lng",
    "loadFactor",
    "mass",
    "noxTTW",
    "packagingOrTrEqAmount",
    "pmTTW",
    "relativeShare",
    "sfd",
    "soxTTW",
    "transportActivity",
    "unitaryProductAmount",
    "volume",
];

/// An integer in HOCs and activity data, a decimal in shipments.
const SOMETIMES_A_NUMBER: &str = "packagingOrTrEqAmount";

/// R01, all the way down.
pub(super) fn decimals(node: &Node<'_>, findings: &mut Findings) {
    match node.value {
        Value::Object(members) => {
            for (name, value) in members {
                let member = node.at(name);
                let is_decimal = DECIMALS.contains(&name.as_str())
                    && (value.is_string() || (value.is_number() && name != SOMETIMES_A_NUMBER));
                if is_decimal && decimal_of(value).is_none() {
                    findings.error("r01", &member, format!("{value} is no decimal in a string"));
                }
                decimals(&member, findings);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                let element = Node::new(value, format!("{}/{index}", node.pointer));
                decimals(&element, findings);
            }
        }
        _ => {}
    }
}

/// R11 to R13, and R14 where `factors_due`.
pub(super) fn energy_carriers(owner: &Node<'_>, factors_due: bool, findings: &mut Findings) {
    let carriers = owner.items("energyCarriers");
    if carriers.is_empty() {
        // Of activities they are optional; a list without elements never is.
        if factors_due || owner.has("energyCarriers") {
            let text = "at least one energy carrier is due";
            findings.error("r11", &owner.at("energyCarriers"), text);
        }
        return;
    }
    let mut sum = ratio(0, 0);
    for carrier in &carriers {
        if let Some(share) = carrier.decimal("relativeShare") {
            if share <= ratio(0, 0) || share > ratio(1, 0) {
                let text = format!("{share} is not in (0, 1]");
                findings.error("r11", &carrier.at("relativeShare"), text);
            }
            sum += share;
        }
        feedstocks(carrier, findings);
        if carrier.has("energyConsumption") && !carrier.has("energyConsumptionUnit") {
            findings.error(
                "r13",
                carrier,
                "energyConsumption has no energyConsumptionUnit",
            );
        }
        for name in ["emissionFactorWTW", "emissionFactorTTW"] {
            if factors_due && !carrier.has(name) {
                findings.error("r14", carrier, format!("{name} is missing"));
            }
        }
        not_above(carrier, "emissionFactorTTW", "emissionFactorWTW", findings);
    }
    if !is_close(&sum, &ratio(1, 0)) {
        let text = format!("the relative shares make {sum}, not 1");
        findings.error("r11", &owner.at("energyCarriers"), text);
    }
}

fn feedstocks(carrier: &Node<'_>, findings: &mut Findings) {
    let feedstocks = carrier.items("feedstocks");
    if feedstocks.is_empty() && carrier.has("feedstocks") {
        let text = "feedstocks, where given, have at least one";
        findings.error("r12", &carrier.at("feedstocks"), text);
    }
    let mut sum = ratio(0, 0);
    for feedstock in feedstocks {
        if let Some(share) = feedstock.decimal("feedstockShare") {
            if share < ratio(0, 0) || share > ratio(1, 0) {
                let text = format!("{share} is not in [0, 1]");
                findings.error("r12", &feedstock.at("feedstockShare"), text);
            }
            sum += share;
        }
    }
    if sum > ratio(1, 0) && !is_close(&sum, &ratio(1, 0)) {
        let text = format!("the feedstock shares make {sum}, more than 1");
        findings.error("r12", &carrier.at("feedstocks"), text);
    }
}

/// R09: emissions of the tank are a part of those of the well.
pub(super) fn not_above(node: &Node<'_>, ttw: &str, wtw: &str, findings: &mut Findings) {
    for name in [ttw, wtw] {
        if node.decimal(name).is_some_and(|value| value < ratio(0, 0)) {
            findings.warn("r09", &node.at(name), format!("{name} is negative"));
        }
    }
    if let (Some(part), Some(whole)) = (node.decimal(ttw), node.decimal(wtw))
        && part > whole
    {
        findings.warn(
            "r09",
            node,
            format!("{ttw} {part} is more than {wtw} {whole}"),
        );
    }
}

/// R17
pub(super) fn distance(owner: &Node<'_>, findings: &mut Findings) {
    let distance = owner.at("distance");
    let values = ["actual", "gcd", "sfd"].map(|name| (name, distance.decimal(name)));
    if !["actual", "gcd", "sfd"]
        .iter()
        .any(|name| distance.has(name))
    {
        findings.error("r17", &distance, "none of actual, gcd and sfd is given");
    }
    for (name, value) in values {
        if value.is_some_and(|value| value < ratio(0, 0)) {
            findings.error("r17", &distance.at(name), "a distance is not negative");
        }
    }
}

/// R18
pub(super) fn location(location: &Node<'_>, findings: &mut Findings) {
    if location.has("lat") != location.has("lng") {
        findings.error("r18", location, "lat and lng come together or not at all");
    }
    for (name, most) in [("lat", 90), ("lng", 180)] {
        if location
            .decimal(name)
            .is_some_and(|value| value.abs() > ratio(most, 0))
        {
            findings.error(
                "r18",
                &location.at(name),
                format!("{name} is beyond {most}"),
            );
        }
    }
    let country = location.text("country").unwrap_or_default();
    let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_code {
        findings.error(
            "r18",
            &location.at("country"),
            "no two-letter country code (ISO 3166-1)",
        );
    } else if location
        .text("locode")
        .is_some_and(|code| !code.starts_with(country))
    {
        let text = format!("the UN/LOCODE does not begin with {country}");
        findings.warn("r18", &location.at("locode"), text);
    }
}

/// R19
pub(super) fn times(node: &Node<'_>, findings: &mut Findings) {
    for name in ["departureAt", "arrivalAt"] {
        let Some(text) = node.text(name) else {
            continue;
        };
        let is_utc = text.ends_with('Z') || text.ends_with("+00:00");
        if node.instant(name).is_none() || !is_utc {
            findings.error("r19", &node.at(name), "no date-time in UTC (RFC 3339)");
        }
    }
    if let (Some(departure), Some(arrival)) =
        (node.instant("departureAt"), node.instant("arrivalAt"))
        && departure > arrival
    {
        findings.warn("r19", node, "it arrives before it departs");
    }
}
