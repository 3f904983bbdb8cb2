//! A shipment's transport chain, drawn: places, and what lies between them.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::{BigDecimal, ToPrimitive as _, Zero as _};
use ileap_client::types::{
    decimal::Decimal,
    shipment::{ShipmentFootprint, Tce},
};

use crate::commands::{
    numbers::grouped,
    tads::{kilometers, place},
};

/// How long the bar of the whole is.
const BAR: usize = 20;

/// Lines from the first place to the last: each element with mode, distance, emissions and their share.
pub(super) fn draw(shipment: &ShipmentFootprint, modes: &BTreeMap<String, String>) -> Vec<String> {
    let total: BigDecimal = shipment.tces.iter().map(|tce| tce.co2e_wtw.value()).sum();
    let mut lines = vec![format!(
        "shipment {}: {} kg, {} kg CO2e well to wheel",
        shipment.shipment_id,
        grouped(&shipment.mass.value()),
        grouped(&total)
    )];
    let mut at = None;
    for tce in in_order(&shipment.tces) {
        let (from, to) = (
            tce.origin.as_ref().map(place),
            tce.destination.as_ref().map(place),
        );
        if from.is_some() && from != at {
            lines.push(format!("  ● {}", from.clone().unwrap_or_default()));
        }
        lines.push(element(tce, modes, &total));
        if let Some(to) = to.as_ref().filter(|to| Some(*to) != from.as_ref()) {
            lines.push(format!("  ● {to}"));
        }
        at = to.or(from).or(at);
    }
    lines
}

fn element(tce: &Tce, modes: &BTreeMap<String, String>, total: &BigDecimal) -> String {
    let (line, name, category) = match (&tce.toc_id, &tce.hoc_id) {
        (Some(toc_id), _) => (
            '│',
            modes.get(toc_id).map_or("transport", String::as_str),
            toc_id.as_str(),
        ),
        (None, hoc_id) => ('◆', "hub", hoc_id.as_deref().unwrap_or("?")),
    };
    let distance = kilometers(&tce.distance).map(Decimal::value);
    let distance = distance.filter(|distance| !distance.is_zero());
    let distance =
        distance.map_or_else(String::new, |distance| format!("{} km", grouped(&distance)));
    let emissions = format!("{} kg CO2e", grouped(&tce.co2e_wtw.value()));
    format!(
        "  {line} {name:<14} {distance:>10}  {emissions:>18}  {}  {category}",
        share(&tce.co2e_wtw.value(), total)
    )
}

/// A bar and a number of per cent; blank where the whole is nothing.
fn share(part: &BigDecimal, total: &BigDecimal) -> String {
    let share = if total.is_zero() {
        None
    } else {
        (part / total).to_f64()
    };
    let Some(share) = share.filter(|share| (0.0..=1.0).contains(share)) else {
        return " ".repeat(BAR + 6);
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "between 0 and the length of the bar"
    )]
    let full = (share * BAR as f64).round() as usize;
    let bar: String = (0..BAR)
        .map(|at| if at < full { '█' } else { '░' })
        .collect();
    format!("{bar} {:>3.0} %", share * 100.0)
}

/// Each element after those it follows (`prevTceIds`); what stands in a circle, or follows strangers, comes in the order
/// it was sent.
fn in_order(tces: &[Tce]) -> Vec<&Tce> {
    let known: BTreeSet<&str> = tces.iter().map(|tce| tce.tce_id.as_str()).collect();
    // Kahn's algorithm: how many ids each still waits for, and who waits for an id.
    let mut waiting = Vec::with_capacity(tces.len());
    let mut followers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, tce) in tces.iter().enumerate() {
        let before = tce.prev_tce_ids.iter().flatten().map(String::as_str);
        let before: BTreeSet<&str> = before.filter(|id| known.contains(id)).collect();
        waiting.push(before.len());
        for id in before {
            followers.entry(id).or_default().push(place);
        }
    }
    let mut left: BTreeSet<usize> = (0..tces.len()).collect();
    let is_ready = |waiting: &[usize], place: &usize| waiting.get(*place) == Some(&0);
    let mut ready: BTreeSet<usize> = left
        .iter()
        .copied()
        .filter(|place| is_ready(&waiting, place))
        .collect();
    let mut ordered = Vec::with_capacity(tces.len());
    while let Some(place) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&place);
        let Some(tce) = tces.get(place) else { continue };
        ordered.push(tce);
        // The first element of an id is enough for those that wait for it.
        for follower in followers.remove(tce.tce_id.as_str()).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(follower) {
                *count -= 1;
            }
            if is_ready(&waiting, &follower) && left.contains(&follower) {
                ready.insert(follower);
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tce(
        id: &str,
        previous: &[&str],
        from: &str,
        to: &str,
        emissions: &str,
    ) -> serde_json::Value {
        json!({
            "tceId": id, "prevTceIds": previous, "tocId": format!("toc-{id}"), "shipmentId": "s", "mass": "1000",
            "distance": {"actual": "100"}, "transportActivity": "100", "co2eWTW": emissions, "co2eTTW": "0",
            "origin": {"city": from, "country": "DE"}, "destination": {"city": to, "country": "DE"}
        })
    }

    fn drawn(tces: &[serde_json::Value], modes: &[(&str, &str)]) -> Vec<String> {
        let shipment = json!({"shipmentId": "s", "mass": "1000", "tces": tces});
        let shipment = serde_json::from_value(shipment).unwrap();
        let modes = modes
            .iter()
            .map(|(toc, mode)| ((*toc).to_owned(), (*mode).to_owned()));
        draw(&shipment, &modes.collect())
    }

    #[test]
    fn elements_follow_each_other_from_place_to_place() {
        let tces = [
            tce("2", &["1"], "B", "C", "75"),
            tce("1", &[], "A", "B", "25"),
        ];
        let lines = drawn(&tces, &[("toc-1", "Road"), ("toc-2", "Rail")]);
        assert_eq!(
            lines,
            [
                "shipment s: 1 000 kg, 100 kg CO2e well to wheel",
                "  ● A DE",
                "  │ Road               100 km          25 kg CO2e  █████░░░░░░░░░░░░░░░  25 %  toc-1",
                "  ● B DE",
                "  │ Rail               100 km          75 kg CO2e  ███████████████░░░░░  75 %  toc-2",
                "  ● C DE",
            ]
        );
    }

    #[test]
    fn circles_strangers_and_no_emissions_are_drawn_all_the_same() {
        let tces = [
            tce("1", &["2"], "A", "B", "0"),
            tce("2", &["1", "9"], "X", "Y", "0"),
        ];
        let lines = drawn(&tces, &[]);
        assert_eq!(lines.len(), 7, "{lines:#?}");
        assert!(lines[2].contains("transport"), "{lines:#?}");
    }

    #[test]
    fn a_long_chain_is_put_in_order_though_it_comes_backwards() {
        let element = |number: usize| {
            let previous = number.checked_sub(1).map(|number| number.to_string());
            let previous: Vec<_> = previous.iter().map(String::as_str).collect();
            tce(&number.to_string(), &previous, "A", "B", "1")
        };
        let tces: Vec<_> = (0..20_000).rev().map(element).collect();
        let shipment = json!({"shipmentId": "s", "mass": "1000", "tces": tces});
        let shipment: ShipmentFootprint = serde_json::from_value(shipment).unwrap();
        let ordered = in_order(&shipment.tces);
        let ids = ordered.iter().map(|tce| tce.tce_id.as_str());
        assert!(ids.eq((0..20_000).map(|number| number.to_string())));
    }
}
