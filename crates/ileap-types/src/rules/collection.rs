use std::collections::{HashMap, HashSet};

use bigdecimal::BigDecimal;
use serde_json::Value;

use super::{
    Finding, RuleId,
    cursor::Cursor,
    extension::{self, IleapExtension},
    finding::{Findings, quote},
    fingerprints::Fingerprints,
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

/// What the objects that one recipient gets from one host must know of each other.
///
/// The objects need not be in memory together: add each one, then judge the references of each one. Kept are
/// at most 80 bytes per footprint and 40 per activity, besides the id and the intensity of every TOC and HOC
/// and the id of every one that is referred to.
#[derive(Default)]
pub struct CollectionIndex {
    fingerprints: Fingerprints,
    /// The highest version of each footprint.
    versions: HashMap<u128, u64>,
    activities: HashSet<u128>,
    tocs: HashMap<String, Category>,
    hocs: HashMap<String, Category>,
}

/// A TOC or HOC.
#[derive(Default)]
struct Category {
    /// Otherwise it was only referred to.
    is_available: bool,
    /// The footprints seen around it.
    published: Vec<Published>,
}

/// A footprint around a TOC or HOC.
struct Published {
    footprint: Option<u128>,
    is_active: bool,
    /// In kg per tonne kilometre or per tonne; none for other units.
    intensity: Option<BigDecimal>,
}

impl CollectionIndex {
    /// Adds a footprint and judges whether its versions rise (P11).
    ///
    /// What is not as it should be is passed over: it is for [`judge_footprint`](super::judge_footprint).
    pub fn add_footprint(&mut self, footprint: &Value) -> Vec<Finding> {
        let footprint = Cursor::root(footprint);
        for ileap in extension::find(&footprint) {
            match ileap.kind {
                ObjectKind::Shipment => self.add_references(&ileap),
                ObjectKind::Hoc | ObjectKind::Toc => self.add_category(&footprint, &ileap),
            }
        }
        let mut findings = Findings::default();
        self.p11_version(&footprint, &mut findings);
        findings.into_vec()
    }

    /// Adds transport activity data (TAD) and judges whether its id is new (R26).
    pub fn add_tad(&mut self, tad: &Value) -> Vec<Finding> {
        let tad = Cursor::root(tad);
        let mut findings = Findings::default();
        if let Some(id) = tad.text("activityId")
            && !self.activities.insert(self.fingerprints.of(id))
        {
            let message = format!("{} names an earlier activity: choose another id", quote(id));
            findings.error(RuleId::R26, "/activityId", message);
        }
        findings.into_vec()
    }

    /// The TOCs and HOCs that were added or assumed.
    pub fn available(&self) -> impl Iterator<Item = (ObjectKind, &str)> {
        self.categories()
            .filter(|(_, _, category)| category.is_available)
            .map(|(kind, id, _)| (kind, id))
    }

    /// The TOCs and HOCs that shipments refer to and that were neither added nor assumed.
    pub fn missing(&self) -> impl Iterator<Item = (ObjectKind, &str)> {
        self.categories()
            .filter(|(_, _, category)| !category.is_available)
            .map(|(kind, id, _)| (kind, id))
    }

    /// Takes a TOC or HOC as available, because the recipient gets it otherwise.
    pub fn assume(&mut self, kind: ObjectKind, id: &str) {
        self.category(kind, id).is_available = true;
    }

    /// Judges what holds between a footprint and the TOCs and HOCs that were added: R10 and R24.
    pub fn judge_references(&self, footprint: &Value) -> Vec<Finding> {
        let footprint = Cursor::root(footprint);
        let mut findings = Findings::default();
        for ileap in extension::find(&footprint) {
            match ileap.kind {
                ObjectKind::Shipment => {
                    for tce in ileap.data.items("tces") {
                        self.judge_element(&tce, &mut findings);
                    }
                }
                ObjectKind::Hoc | ObjectKind::Toc => {
                    self.r24_unique(&footprint, &ileap, &mut findings);
                }
            }
        }
        findings.into_vec()
    }

    fn categories(&self) -> impl Iterator<Item = (ObjectKind, &str, &Category)> {
        let tocs = self.tocs.iter().map(|entry| (ObjectKind::Toc, entry));
        let hocs = self.hocs.iter().map(|entry| (ObjectKind::Hoc, entry));
        tocs.chain(hocs)
            .map(|(kind, (id, category))| (kind, id.as_str(), category))
    }

    fn category(&mut self, kind: ObjectKind, id: &str) -> &mut Category {
        let categories = match kind {
            ObjectKind::Hoc => &mut self.hocs,
            ObjectKind::Shipment | ObjectKind::Toc => &mut self.tocs,
        };
        categories.entry(id.to_owned()).or_default()
    }

    fn add_references(&mut self, shipment: &IleapExtension<'_>) {
        for tce in shipment.data.items("tces") {
            for (member, kind) in [("tocId", ObjectKind::Toc), ("hocId", ObjectKind::Hoc)] {
                if let Some(id) = tce.text(member) {
                    self.category(kind, id);
                }
            }
        }
    }

    fn add_category(&mut self, footprint: &Cursor<'_>, ileap: &IleapExtension<'_>) {
        let Some(id) = ileap.id() else { return };
        let published = Published {
            footprint: self.key(footprint),
            is_active: is_active(footprint),
            intensity: intensity(ileap),
        };
        let category = self.category(ileap.kind, id);
        category.is_available = true;
        category.published.push(published);
    }

    /// UUIDs are equal regardless of case (RFC 9562 §4).
    fn key(&self, footprint: &Cursor<'_>) -> Option<u128> {
        let id = footprint.text("id")?.to_ascii_lowercase();
        Some(self.fingerprints.of(&id))
    }

    fn p11_version(&mut self, footprint: &Cursor<'_>, findings: &mut Findings) {
        let version = footprint
            .at("version")
            .and_then(|version| version.value().as_u64());
        let (Some(key), Some(version)) = (self.key(footprint), version) else {
            return;
        };
        let highest = self.versions.get(&key).copied();
        if let Some(highest) = highest.filter(|highest| version <= *highest) {
            let id = quote(footprint.text("id").unwrap_or_default());
            let message = if version == highest {
                format!("version {version} of {id} occurs before: raise it")
            } else {
                format!("version {version} of {id} comes after version {highest}: raise it")
            };
            findings.error(RuleId::P11, "/version", message);
        } else {
            self.versions.insert(key, version);
        }
    }

    fn judge_element(&self, tce: &Cursor<'_>, findings: &mut Findings) {
        for (member, index) in [("tocId", &self.tocs), ("hocId", &self.hocs)] {
            let Some(id) = tce.text(member) else { continue };
            match index.get(id).filter(|category| category.is_available) {
                Some(category) => r10_emissions(tce, member, &category.published, findings),
                None => r24_missing(tce, member, id, findings),
            }
        }
    }

    /// Two valid footprints for one TOC or HOC leave open which one a shipment means.
    fn r24_unique(
        &self,
        footprint: &Cursor<'_>,
        ileap: &IleapExtension<'_>,
        findings: &mut Findings,
    ) {
        let (member, index) = match ileap.kind {
            ObjectKind::Hoc => ("hocId", &self.hocs),
            ObjectKind::Shipment | ObjectKind::Toc => ("tocId", &self.tocs),
        };
        let Some(id) = ileap.id().filter(|_| is_active(footprint)) else {
            return;
        };
        let own = self.key(footprint);
        let is_rival = |other: &Published| other.is_active && other.footprint != own;
        let published = index.get(id).map(|category| &category.published);
        if published.into_iter().flatten().any(is_rival) {
            let message = format!("{} has another active footprint: deprecate one", quote(id));
            findings.warning(RuleId::R24, &ileap.data.pointer_to(member), message);
        }
    }
}

/// Judges what holds between footprints and transport activity data of one collection: R10, R24, and the
/// order and uniqueness in P11 and R26.
///
/// The objects themselves are for [`judge_footprint`](super::judge_footprint) and
/// [`judge_tad`](super::judge_tad).
pub fn judge_collection(footprints: &[Value], tads: &[Value]) -> Vec<(ItemRef, Finding)> {
    let mut index = CollectionIndex::default();
    let unordered: Vec<_> = footprints
        .iter()
        .map(|footprint| index.add_footprint(footprint))
        .collect();
    let mut judged = Vec::new();
    for (number, (footprint, mut findings)) in footprints.iter().zip(unordered).enumerate() {
        findings.extend(index.judge_references(footprint));
        let item = ItemRef::Footprint(number);
        judged.extend(findings.into_iter().map(|finding| (item, finding)));
    }
    for (number, tad) in tads.iter().enumerate() {
        let item = ItemRef::Tad(number);
        let findings = index.add_tad(tad);
        judged.extend(findings.into_iter().map(|finding| (item, finding)));
    }
    judged
}

fn is_active(footprint: &Cursor<'_>) -> bool {
    footprint.text("status") == Some("Active")
}

fn r24_missing(tce: &Cursor<'_>, member: &str, id: &str, findings: &mut Findings) {
    let message = format!("{} has no footprint of its own here: add it", quote(id));
    findings.error(RuleId::R24, &tce.pointer_to(member), message);
}

fn r10_emissions(tce: &Cursor<'_>, member: &str, published: &[Published], findings: &mut Findings) {
    let (Some(emissions), Some(activity)) = (tce.decimal("co2eWTW"), activity(tce, member)) else {
        return;
    };
    let mut expected = published
        .iter()
        .filter_map(|published| Some(published.intensity.as_ref()? * &activity))
        .peekable();
    let Some(first) = expected.peek().cloned() else {
        return;
    };
    if !expected.any(|expected| is_close(&emissions, &expected)) {
        let message = format!(
            "found {} kg, activity times intensity of `{member}` is {} kg: correct one of them",
            quote(&emissions.to_plain_string()),
            quote(&first.normalized().to_plain_string())
        );
        findings.warning(RuleId::R10, &tce.pointer_to("co2eWTW"), message);
    }
}

/// What an element did, in tonne kilometres or, at a hub, in tonnes.
fn activity(tce: &Cursor<'_>, member: &str) -> Option<BigDecimal> {
    if member == "tocId" {
        tce.decimal("transportActivity")
    } else {
        let tonnes_per_kilogram = BigDecimal::new(1.into(), 3);
        Some(tce.decimal("mass")? * tonnes_per_kilogram)
    }
}

/// The emissions per activity; none for units that the element does not count.
fn intensity(ileap: &IleapExtension<'_>) -> Option<BigDecimal> {
    let (member, unit) = match ileap.kind {
        ObjectKind::Hoc => ("hubActivityUnit", "tonnes"),
        ObjectKind::Shipment | ObjectKind::Toc => ("transportActivityUnit", "tkm"),
    };
    (ileap.data.text(member)? == unit).then(|| ileap.data.decimal("co2eIntensityWTW"))?
}
