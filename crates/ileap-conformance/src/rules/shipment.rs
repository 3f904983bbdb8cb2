//! Shipments and their transport chain elements.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Findings,
    carriers::{distance, location, not_above, times},
    node::{Node, is_close, ratio},
};

pub(super) fn judge(shipment: &Node<'_>, findings: &mut Findings) {
    let tces = shipment.items("tces");
    let ids: BTreeSet<_> = tces.iter().filter_map(|tce| tce.text("tceId")).collect();
    if tces.is_empty() || ids.len() != tces.len() {
        let text = "tces has at least one element, and each tceId once";
        findings.error("r02", &shipment.at("tces"), text);
    }
    for tce in &tces {
        element(shipment, tce, findings);
    }
    chain(shipment, &tces, findings);
}

fn element(shipment: &Node<'_>, tce: &Node<'_>, findings: &mut Findings) {
    if tce.has("tocId") == tce.has("hocId") {
        findings.error("r03", tce, "exactly one of tocId and hocId is due");
    }
    if tce.text("shipmentId") != shipment.text("shipmentId") {
        findings.error(
            "r04",
            &tce.at("shipmentId"),
            "it is not the footprint's shipmentId",
        );
    }
    activity(tce, findings);
    not_above(tce, "co2eTTW", "co2eWTW", findings);
    distance(tce, findings);
    times(tce, findings);
    for end in ["origin", "destination"] {
        if let Some(place) = tce.get(end) {
            location(&place, findings);
        }
    }
    if let (Some(part), Some(whole)) = (tce.decimal("mass"), shipment.decimal("mass"))
        && part > whole
    {
        let text = format!("{part} kg is more than the shipment's {whole} kg");
        findings.warn("r25", &tce.at("mass"), text);
    }
}

/// R07 and R08
fn activity(tce: &Node<'_>, findings: &mut Findings) {
    let (Some(mass), Some(activity)) = (tce.decimal("mass"), tce.decimal("transportActivity"))
    else {
        return;
    };
    let at = tce.at("transportActivity");
    if tce.has("hocId") {
        if activity != ratio(0, 0) {
            findings.warn("r08", &at, "a hub operation moves nothing: 0 is usual");
        }
        return;
    }
    let distances = ["sfd", "gcd", "actual"];
    let distances = distances
        .iter()
        .filter_map(|name| tce.at("distance").decimal(name));
    let expected: Vec<_> = distances.map(|km| &mass * km * ratio(1, 3)).collect();
    if !expected.is_empty() && !expected.iter().any(|tkm| is_close(&activity, tkm)) {
        let wanted: Vec<_> = expected
            .iter()
            .map(|tkm| tkm.normalized().to_string())
            .collect();
        let text = format!(
            "{activity} tkm, but mass × distance / 1000 is {}",
            wanted.join(" or ")
        );
        findings.error("r07", &at, text);
    }
}

/// R05 and R06
fn chain(shipment: &Node<'_>, tces: &[Node<'_>], findings: &mut Findings) {
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let known: BTreeSet<_> = tces.iter().filter_map(|tce| tce.text("tceId")).collect();
    for tce in tces {
        let Some(id) = tce.text("tceId") else {
            continue;
        };
        let given = tce.items("prevTceIds");
        let named: Vec<_> = given
            .iter()
            .filter_map(|prev| prev.value.as_str())
            .collect();
        let distinct: BTreeSet<_> = named.iter().copied().collect();
        let is_sound = distinct.len() == named.len()
            && distinct
                .iter()
                .all(|prev| *prev != id && known.contains(prev));
        if !is_sound {
            let text = "each names another element of this shipment, once";
            findings.error("r05", &tce.at("prevTceIds"), text);
        }
        if tce.has("prevTceIds") {
            before.insert(id, named);
        }
    }
    if before.is_empty() {
        return;
    }
    if reached(&known, &before) < known.len() {
        let text = "the chain runs in a circle";
        findings.error("r05", &shipment.at("tces"), text);
    } else if !before.values().any(Vec::is_empty) || before.len() < known.len() {
        let text =
            "some elements say what precedes them: then one has [] and starts, and all say it";
        findings.warn("r06", &shipment.at("tces"), text);
    }
}

/// How many elements come after what precedes them (Kahn's algorithm); the others hang on a circle.
fn reached(known: &BTreeSet<&str>, before: &BTreeMap<&str, Vec<&str>>) -> usize {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut followers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, previous) in before {
        let distinct: BTreeSet<_> = previous.iter().filter(|id| known.contains(*id)).collect();
        waiting.insert(id, distinct.len());
        for previous in distinct {
            followers.entry(previous).or_default().push(id);
        }
    }
    let mut ready: Vec<&str> = known
        .iter()
        .copied()
        .filter(|id| waiting.get(id).is_none_or(|count| *count == 0))
        .collect();
    let mut reached = 0;
    while let Some(id) = ready.pop() {
        reached += 1;
        for follower in followers.get(id).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(follower) {
                *count -= 1;
                if *count == 0 {
                    ready.push(follower);
                }
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problems(tces: &[Value]) -> usize {
        let shipment = json!({ "tces": tces });
        let node = Node::new(&shipment, String::new());
        let mut findings = Findings::default();
        chain(&node, &node.items("tces"), &mut findings);
        findings.errors_of("r05").count()
    }

    #[test]
    fn a_chain_of_any_length_is_followed_to_its_end() {
        let element = |number: usize| {
            let previous = number.checked_sub(1).map(|number| number.to_string());
            json!({"tceId": number.to_string(), "prevTceIds": previous.into_iter().collect::<Vec<_>>()})
        };
        let mut tces: Vec<_> = (0..200_000).rev().map(element).collect();
        assert_eq!(problems(&tces), 0);
        tces[199_999]["prevTceIds"] = json!(["199999"]);
        assert_eq!(problems(&tces), 1, "its end is its beginning");
    }

    #[test]
    fn branches_meet_again_and_strangers_hold_nothing_up() {
        let tces = [
            json!({"tceId": "d", "prevTceIds": ["b", "c"]}),
            json!({"tceId": "c", "prevTceIds": ["a"]}),
            json!({"tceId": "b", "prevTceIds": ["a"]}),
            json!({"tceId": "a"}),
        ];
        assert_eq!(problems(&tces), 0);
    }
}
