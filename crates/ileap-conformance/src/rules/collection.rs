//! What holds between records.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Findings, Kind, TADS, extension_of,
    node::{Node, is_close, ratio},
};

pub(super) fn judge(footprints: &[Value], tads: &[Value], findings: &mut Findings) {
    let tocs = by_id(footprints, Kind::Toc);
    let hocs = by_id(footprints, Kind::Hoc);
    for (index, footprint) in footprints.iter().enumerate() {
        let Some((Kind::Shipment, extension, at)) = extension_of(footprint) else {
            continue;
        };
        let pointer = format!("/data/{index}/extensions/{at}/data");
        for tce in Node::new(&extension["data"], pointer).items("tces") {
            for (field, categories) in [("tocId", &tocs), ("hocId", &hocs)] {
                let Some(id) = tce.text(field) else { continue };
                if let Some(category) = categories.get(id) {
                    emissions(&tce, category, findings);
                } else {
                    let text = format!("{id} is no footprint that this account sees");
                    findings.error("r24", &tce.at(field), text);
                }
            }
        }
    }
    let mut seen = BTreeMap::new();
    for (index, tad) in tads.iter().enumerate() {
        let node = Node::new(tad, format!("{TADS}/data/{index}"));
        let Some(id) = node.text("activityId") else {
            continue;
        };
        if id.is_empty() || seen.insert(id, index).is_some() {
            findings.error(
                "r26",
                &node.at("activityId"),
                "it is empty or another activity's",
            );
        }
    }
}

fn by_id(footprints: &[Value], kind: Kind) -> BTreeMap<&str, &Value> {
    let of_kind = footprints.iter().filter_map(|footprint| {
        let (found, extension, _) = extension_of(footprint)?;
        (found == kind).then_some((kind.id(footprint)?, &extension["data"]))
    });
    of_kind.collect()
}

/// R10
fn emissions(tce: &Node<'_>, category: &Value, findings: &mut Findings) {
    let category = Node::new(category, String::new());
    let (Some(given), Some(intensity)) =
        (tce.decimal("co2eWTW"), category.decimal("co2eIntensityWTW"))
    else {
        return;
    };
    let base = match (
        category.text("transportActivityUnit"),
        category.text("hubActivityUnit"),
    ) {
        (Some("tkm"), _) => tce.decimal("transportActivity"),
        (_, Some("tonnes")) => tce.decimal("mass").map(|mass| mass * ratio(1, 3)),
        _ => None,
    };
    if let Some(base) = base {
        let wanted = base * intensity;
        if !is_close(&given, &wanted) {
            let text = format!(
                "{given} kg, but activity × intensity is {}",
                wanted.normalized()
            );
            findings.warn("r10", &tce.at("co2eWTW"), text);
        }
    }
}
