//! The order of transport chain elements (TCE), a directed graph.

use std::collections::{HashMap, HashSet};

use super::{
    RuleId,
    cursor::Cursor,
    finding::{Findings, quote},
};

/// Judges the predecessors of all elements; returns whether they are sound.
pub(super) fn r05_predecessors(tces: &[Cursor<'_>], findings: &mut Findings) -> bool {
    let ids: HashSet<_> = tces.iter().filter_map(|tce| tce.text("tceId")).collect();
    let mut sound = true;
    for tce in tces {
        let mut seen = HashSet::new();
        for previous in tce.items("prevTceIds") {
            let Some(id) = previous.value().as_str() else {
                continue;
            };
            let fault = if Some(id) == tce.text("tceId") {
                "is the element itself"
            } else if !ids.contains(id) {
                "is no element of this shipment"
            } else if !seen.insert(id) {
                "is repeated"
            } else {
                continue;
            };
            sound = false;
            let message = format!("{} {fault}: remove or correct it", quote(id));
            findings.error(RuleId::R05, previous.pointer(), message);
        }
    }
    if sound {
        sound = r05_cycle(tces, findings);
    }
    sound
}

fn r05_cycle(tces: &[Cursor<'_>], findings: &mut Findings) -> bool {
    let ordered = in_order(tces);
    let is_ordered = |tce: &Cursor<'_>| tce.text("tceId").is_none_or(|id| ordered.contains(id));
    let Some(tce) = tces.iter().find(|tce| !is_ordered(tce)) else {
        return true;
    };
    let message = "the element comes after itself or after a cycle: break the cycle".to_owned();
    findings.error(RuleId::R05, &tce.pointer_to("prevTceIds"), message);
    false
}

/// Judges whether all elements follow from first ones, whose list of predecessors is empty.
///
/// Where there is no cycle, only elements of unknown position stand in the way.
pub(super) fn r06_reachable(tces: &[Cursor<'_>], findings: &mut Findings) {
    if tces.iter().all(|tce| tce.at("prevTceIds").is_none()) {
        return;
    }
    for tce in tces.iter().filter(|tce| tce.at("prevTceIds").is_none()) {
        let message = "other elements know their predecessors: add the ids of those of this \
                       element, or an empty array if it is a first one";
        findings.warning(
            RuleId::R06,
            &tce.pointer_to("prevTceIds"),
            message.to_owned(),
        );
    }
}

fn previous_ids<'a>(tce: &Cursor<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    tce.items("prevTceIds")
        .into_iter()
        .filter_map(|previous| previous.value().as_str())
}

/// The ids of the elements that can be put after all their predecessors.
fn in_order<'a>(tces: &[Cursor<'a>]) -> HashSet<&'a str> {
    let mut missing: HashMap<&str, usize> = HashMap::new();
    let mut followers: HashMap<&str, Vec<&str>> = HashMap::new();
    for tce in tces {
        let Some(id) = tce.text("tceId") else {
            continue;
        };
        missing.insert(id, previous_ids(tce).count());
        for previous in previous_ids(tce) {
            followers.entry(previous).or_default().push(id);
        }
    }
    let mut ready: Vec<_> = missing
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(id, _)| *id)
        .collect();
    let mut ordered = HashSet::new();
    while let Some(id) = ready.pop() {
        // Repeated ids (R02) must not repeat the work.
        if !ordered.insert(id) {
            continue;
        }
        for follower in followers.get(id).into_iter().flatten() {
            if let Some(count) = missing.get_mut(follower) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push(follower);
                }
            }
        }
    }
    ordered
}
