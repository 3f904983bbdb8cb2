//! A shipment's transport chain, drawn: places, and what lies between them.

use std::collections::{BTreeMap, BTreeSet};

use bigdecimal::{BigDecimal, ToPrimitive as _, Zero as _};
use ileap_client::types::{
    decimal::Decimal,
    shipment::{ShipmentFootprint, Tce},
};
use unicode_width::UnicodeWidthStr as _;

use crate::commands::{
    numbers::grouped,
    tads::{kilometers, place},
};

/// How long the bar of the whole is, where there is room; a bar too short to compare is none.
const BAR: usize = 20;
const SHORTEST_BAR: usize = 5;
/// As wide as these columns get; what is longer moves what comes after it.
const NAME: usize = 14;
const NUMBER: usize = 18;

/// An element in words.
struct Row {
    mark: char,
    name: String,
    distance: String,
    emissions: String,
    part: BigDecimal,
    category: String,
}

/// What all rows have in common.
struct Layout {
    name: usize,
    distance: usize,
    emissions: usize,
    bar: usize,
    total: BigDecimal,
}

/// Lines from the first place to the last: each element with mode, distance, emissions and their share. They keep to
/// the room, if there is a terminal.
pub(super) fn draw(
    shipment: &ShipmentFootprint,
    modes: &BTreeMap<String, String>,
    room: Option<usize>,
) -> Vec<String> {
    let tces = in_order(&shipment.tces);
    let rows: Vec<Row> = tces.iter().map(|tce| row(tce, modes)).collect();
    let layout = layout(&rows, room);
    let mut lines = vec![format!(
        "shipment {}: {} kg, {} kg CO2e well to wheel",
        shipment.shipment_id,
        grouped(&shipment.mass.value()),
        grouped(&layout.total)
    )];
    let mut at = None;
    for (tce, row) in tces.into_iter().zip(&rows) {
        let (from, to) = (
            tce.origin.as_ref().map(place),
            tce.destination.as_ref().map(place),
        );
        if from.is_some() && from != at {
            lines.push(format!("  ● {}", from.clone().unwrap_or_default()));
        }
        lines.push(line(row, &layout));
        if let Some(to) = to.as_ref().filter(|to| Some(*to) != from.as_ref()) {
            lines.push(format!("  ● {to}"));
        }
        at = to.or(from).or(at);
    }
    lines
}

fn row(tce: &Tce, modes: &BTreeMap<String, String>) -> Row {
    let (mark, name, category) = match (&tce.toc_id, &tce.hoc_id) {
        (Some(toc_id), _) => (
            '│',
            modes.get(toc_id).map_or("transport", String::as_str),
            toc_id.as_str(),
        ),
        (None, hoc_id) => ('◆', "hub", hoc_id.as_deref().unwrap_or("?")),
    };
    let distance = kilometers(&tce.distance).map(Decimal::value);
    let distance = distance.filter(|distance| !distance.is_zero());
    Row {
        mark,
        name: name.to_owned(),
        distance: distance
            .map_or_else(String::new, |distance| format!("{} km", grouped(&distance))),
        emissions: format!("{} kg CO2e", grouped(&tce.co2e_wtw.value())),
        part: tce.co2e_wtw.value(),
        category: category.to_owned(),
    }
}

fn layout(rows: &[Row], room: Option<usize>) -> Layout {
    let widest = |cell: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| cell(row).width());
        widths.max().unwrap_or(0)
    };
    let name = widest(|row| &row.name).min(NAME);
    let distance = widest(|row| &row.distance).min(NUMBER);
    let emissions = widest(|row| &row.emissions).min(NUMBER);
    // With what stands before, between and after them.
    let others = 4 + name + 2 + distance + 2 + emissions + 2 + 6 + 2 + widest(|row| &row.category);
    let bar = room.map_or(BAR, |room| room.saturating_sub(others).min(BAR));
    Layout {
        name,
        distance,
        emissions,
        bar: if bar < SHORTEST_BAR { 0 } else { bar },
        total: rows.iter().map(|row| &row.part).sum(),
    }
}

fn line(row: &Row, layout: &Layout) -> String {
    let pad = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.width()));
    format!(
        "  {} {}{}  {}{}  {}{}  {}  {}",
        row.mark,
        row.name,
        pad(&row.name, layout.name),
        pad(&row.distance, layout.distance),
        row.distance,
        pad(&row.emissions, layout.emissions),
        row.emissions,
        share(&row.part, layout),
        row.category
    )
}

/// A bar and a number of per cent; blank where the whole is nothing.
fn share(part: &BigDecimal, layout: &Layout) -> String {
    let share = if layout.total.is_zero() {
        None
    } else {
        (part / &layout.total).to_f64()
    };
    let Some(share) = share.filter(|share| (0.0..=1.0).contains(share)) else {
        return " ".repeat(layout.bar + 6);
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "between 0 and the length of the bar"
    )]
    let full = (share * layout.bar as f64).round() as usize;
    let bar: String = (0..layout.bar)
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
        draw(&shipment, &modes.collect(), None)
    }

    #[test]
    fn the_drawing_keeps_to_a_terminal_of_80_columns_and_does_without_bars_on_a_narrower_one() {
        let tces = [
            tce("1", &[], "A", "B", "120.54"),
            tce("2", &["1"], "B", "C", "1210.5"),
        ];
        let shipment = json!({"shipmentId": "s", "mass": "1000", "tces": tces});
        let shipment = serde_json::from_value(shipment).unwrap();
        let modes = [("toc-1", "InlandWaterway"), ("toc-2", "Road")];
        let modes = modes.map(|(toc, mode)| (toc.to_owned(), mode.to_owned()));
        let lines = |room| draw(&shipment, &modes.clone().into(), Some(room));
        for (room, has_bars) in [(80, true), (70, true), (60, false)] {
            let lines = lines(room);
            let longest = lines.iter().map(|line| line.width()).max();
            assert!(longest <= Some(room), "{lines:#?}");
            assert_eq!(lines[4].contains('█'), has_bars, "{lines:#?}");
            assert!(lines[4].contains("91 %"), "{lines:#?}");
        }
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
                "  │ Road  100 km  25 kg CO2e  █████░░░░░░░░░░░░░░░  25 %  toc-1",
                "  ● B DE",
                "  │ Rail  100 km  75 kg CO2e  ███████████████░░░░░  75 %  toc-2",
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
