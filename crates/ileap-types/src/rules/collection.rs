use std::collections::{HashMap, HashSet};

use bigdecimal::BigDecimal;
use serde_json::Value;

use super::{
    Finding, RuleId,
    cursor::Cursor,
    extension,
    finding::{Findings, quote},
    tolerance::is_close,
};
use crate::extension::ObjectKind;

/// Names one object of a collection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ItemRef {
    /// The footprint at this index.
    Footprint(usize),
    /// The transport activity data (TAD) at this index.
    Tad(usize),
}

/// Footprints and transport activity data that one recipient gets from one host.
pub struct Collection<'a> {
    footprints: &'a [Value],
    tads: &'a [Value],
    tocs: HashMap<&'a str, Vec<Published<'a>>>,
    hocs: HashMap<&'a str, Vec<Published<'a>>>,
}

/// A TOC or HOC and the footprint around it.
struct Published<'a> {
    footprint: Cursor<'a>,
    data: Cursor<'a>,
}

impl<'a> Collection<'a> {
    /// Indexes the objects; anything that is not what it should be is passed over.
    pub fn new(footprints: &'a [Value], tads: &'a [Value]) -> Self {
        let mut collection = Self {
            footprints,
            tads,
            tocs: HashMap::new(),
            hocs: HashMap::new(),
        };
        for footprint in footprints.iter().map(Cursor::root) {
            for ileap in extension::find(&footprint) {
                let index = match ileap.kind {
                    ObjectKind::Shipment => continue,
                    ObjectKind::Toc => &mut collection.tocs,
                    ObjectKind::Hoc => &mut collection.hocs,
                };
                if let Some(id) = ileap.id() {
                    let published = Published {
                        footprint: footprint.clone(),
                        data: ileap.data,
                    };
                    index.entry(id).or_default().push(published);
                }
            }
        }
        collection
    }

    /// Judges what holds between the objects: R10, R24, and the uniqueness in P11 and R26.
    ///
    /// The objects themselves are for [`judge_footprint`](super::judge_footprint) and
    /// [`judge_tad`](super::judge_tad).
    pub fn judge(&self) -> Vec<(ItemRef, Finding)> {
        let mut judged = Vec::new();
        let mut versions = HashSet::new();
        for (index, footprint) in self.footprints.iter().map(Cursor::root).enumerate() {
            let mut findings = Findings::default();
            p11_unique_version(&footprint, &mut versions, &mut findings);
            self.judge_extensions(&footprint, &mut findings);
            let item = ItemRef::Footprint(index);
            judged.extend(
                findings
                    .into_vec()
                    .into_iter()
                    .map(|finding| (item, finding)),
            );
        }
        let mut activities = HashSet::new();
        for (index, tad) in self.tads.iter().map(Cursor::root).enumerate() {
            let mut findings = Findings::default();
            r26_unique_activity(&tad, &mut activities, &mut findings);
            let item = ItemRef::Tad(index);
            judged.extend(
                findings
                    .into_vec()
                    .into_iter()
                    .map(|finding| (item, finding)),
            );
        }
        judged
    }

    fn judge_extensions(&self, footprint: &Cursor<'a>, findings: &mut Findings) {
        for ileap in extension::find(footprint) {
            match ileap.kind {
                ObjectKind::Shipment => {
                    for tce in ileap.data.items("tces") {
                        self.judge_element(&tce, findings);
                    }
                }
                ObjectKind::Toc => {
                    r24_unique(footprint, &ileap.data, "tocId", &self.tocs, findings);
                }
                ObjectKind::Hoc => {
                    r24_unique(footprint, &ileap.data, "hocId", &self.hocs, findings);
                }
            }
        }
    }

    fn judge_element(&self, tce: &Cursor<'a>, findings: &mut Findings) {
        for (member, index) in [("tocId", &self.tocs), ("hocId", &self.hocs)] {
            let Some(id) = tce.text(member) else { continue };
            match index.get(id) {
                Some(published) => r10_emissions(tce, member, published, findings),
                None => r24_missing(tce, member, id, findings),
            }
        }
    }
}

/// Judges what holds between footprints and transport activity data of one collection.
///
/// See [`Collection::judge`].
pub fn judge_collection(footprints: &[Value], tads: &[Value]) -> Vec<(ItemRef, Finding)> {
    Collection::new(footprints, tads).judge()
}

fn p11_unique_version(
    footprint: &Cursor<'_>,
    seen: &mut HashSet<(String, u64)>,
    findings: &mut Findings,
) {
    let version = footprint
        .at("version")
        .and_then(|version| version.value().as_u64());
    let (Some(id), Some(version)) = (footprint.text("id"), version) else {
        return;
    };
    // UUIDs are equal regardless of case (RFC 9562 §4).
    if !seen.insert((id.to_ascii_lowercase(), version)) {
        let message = format!("version {version} of {} occurs before: raise it", quote(id));
        findings.error(RuleId::P11, "/version", message);
    }
}

fn r26_unique_activity<'a>(tad: &Cursor<'a>, seen: &mut HashSet<&'a str>, findings: &mut Findings) {
    if let Some(id) = tad.text("activityId").filter(|id| !seen.insert(*id)) {
        let message = format!("{} names an earlier activity: choose another id", quote(id));
        findings.error(RuleId::R26, "/activityId", message);
    }
}

fn r24_missing(tce: &Cursor<'_>, member: &str, id: &str, findings: &mut Findings) {
    let message = format!("{} has no footprint of its own here: add it", quote(id));
    findings.error(RuleId::R24, &tce.pointer_to(member), message);
}

/// Two valid footprints for one TOC or HOC leave open which one a shipment means.
fn r24_unique(
    footprint: &Cursor<'_>,
    data: &Cursor<'_>,
    member: &str,
    index: &HashMap<&str, Vec<Published<'_>>>,
    findings: &mut Findings,
) {
    let Some(id) = data.text(member) else { return };
    let is_rival = |other: &Published<'_>| {
        let is_active = |footprint: &Cursor<'_>| footprint.text("status") == Some("Active");
        let is_other = footprint.text("id") != other.footprint.text("id");
        is_other && is_active(footprint) && is_active(&other.footprint)
    };
    if index.get(id).into_iter().flatten().any(is_rival) {
        let message = format!("{} has another active footprint: deprecate one", quote(id));
        findings.warning(RuleId::R24, &data.pointer_to(member), message);
    }
}

fn r10_emissions(
    tce: &Cursor<'_>,
    member: &str,
    published: &[Published<'_>],
    findings: &mut Findings,
) {
    let Some(emissions) = tce.decimal("co2eWTW") else {
        return;
    };
    let expected: Vec<_> = published
        .iter()
        .filter_map(|published| expected_emissions(tce, member, &published.data))
        .collect();
    if let Some(first) = expected.first()
        && !expected
            .iter()
            .any(|expected| is_close(&emissions, expected))
    {
        let message = format!(
            "found {} kg, activity times intensity of `{member}` is {} kg: correct one of them",
            quote(&emissions.to_plain_string()),
            quote(&first.normalized().to_plain_string())
        );
        findings.warning(RuleId::R10, &tce.pointer_to("co2eWTW"), message);
    }
}

/// What the emissions should be; none for units that the element does not count.
fn expected_emissions(tce: &Cursor<'_>, member: &str, data: &Cursor<'_>) -> Option<BigDecimal> {
    let intensity = data.decimal("co2eIntensityWTW")?;
    let activity = if member == "tocId" {
        (data.text("transportActivityUnit")? == "tkm")
            .then(|| tce.decimal("transportActivity"))??
    } else {
        let tonnes_per_kilogram = BigDecimal::new(1.into(), 3);
        (data.text("hubActivityUnit")? == "tonnes").then(|| tce.decimal("mass"))??
            * tonnes_per_kilogram
    };
    Some(activity * intensity)
}
