mod category;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use self::category::{Category, Published, is_active, r10_emissions, r16_locations};

use super::{
    Finding, RuleId,
    cursor::Cursor,
    extension::{self, IleapExtension},
    finding::{Findings, quote},
    fingerprints::Fingerprints,
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
/// The objects need not be in memory together: add each one, then those that the recipient gets otherwise, then
/// judge the references of each one. Kept are at most 80 bytes per footprint and 40 per activity, besides the id
/// and the intensity of every TOC and HOC and the id of every one that is referred to.
#[derive(Default)]
pub struct CollectionIndex {
    fingerprints: Fingerprints,
    /// The highest version of each footprint.
    versions: HashMap<u128, u64>,
    activities: HashSet<u128>,
    tocs: HashMap<String, Category>,
    hocs: HashMap<String, Category>,
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

    /// The TOCs and HOCs that were added, or that shipments refer to.
    pub fn categories(&self) -> impl Iterator<Item = (ObjectKind, &str)> {
        let tocs = self.tocs.keys().map(|id| (ObjectKind::Toc, id.as_str()));
        let hocs = self.hocs.keys().map(|id| (ObjectKind::Hoc, id.as_str()));
        tocs.chain(hocs)
    }

    /// Adds a footprint around a TOC or HOC that the recipient gets otherwise. It counts for nothing if the
    /// collection has a version of its own of it, which will take its place.
    pub fn add_other(&mut self, footprint: &Value) {
        let footprint = Cursor::root(footprint);
        let key = self.key(&footprint);
        if key.is_some_and(|key| self.versions.contains_key(&key)) {
            return;
        }
        for ileap in extension::find(&footprint) {
            if ileap.kind != ObjectKind::Shipment {
                self.add_category(&footprint, &ileap);
            }
        }
    }

    /// An index for what comes after this collection, whose TOCs and HOCs will be there.
    #[must_use]
    pub fn followed(&self) -> Self {
        Self {
            fingerprints: self.fingerprints.clone(),
            ..Self::default()
        }
    }

    /// Adds the TOCs and HOCs of an earlier collection that this one names or refers to, as by
    /// [`add_other`](Self::add_other). This one must have been made by its [`followed`](Self::followed).
    pub fn add_others(&mut self, earlier: &Self) {
        let versions = &self.versions;
        for (own, others) in [
            (&mut self.tocs, &earlier.tocs),
            (&mut self.hocs, &earlier.hocs),
        ] {
            for (id, category) in own {
                let published = others.get(id).map(|other| &other.published);
                let stays = |published: &&Published| {
                    let key = published.footprint;
                    !key.is_some_and(|key| versions.contains_key(&key))
                };
                let published = published.into_iter().flatten().filter(stays);
                category.published.extend(published.cloned());
            }
        }
    }

    /// Takes over the TOCs and HOCs of a collection that came after this one.
    pub fn append(&mut self, later: Self) {
        let versions = later.versions;
        for (own, others) in [(&mut self.tocs, later.tocs), (&mut self.hocs, later.hocs)] {
            for category in own.values_mut() {
                category.published.retain(|published| {
                    let key = published.footprint;
                    !key.is_some_and(|key| versions.contains_key(&key))
                });
            }
            // What is in both, the later one took over before.
            own.extend(others);
        }
    }

    /// Judges what holds between a footprint and the TOCs and HOCs that were added: R10, R16 and R24.
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
        let published = Published::new(self.key(footprint), footprint, ileap);
        self.category(ileap.kind, id).published.push(published);
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
            let published = index.get(id).map(|category| category.published.as_slice());
            match published.filter(|published| !published.is_empty()) {
                Some(published) => {
                    r10_emissions(tce, member, published, findings);
                    r16_locations(tce, published, findings);
                }
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

/// Judges what holds between footprints and transport activity data of one collection: R10, R16, R24, and the
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

fn r24_missing(tce: &Cursor<'_>, member: &str, id: &str, findings: &mut Findings) {
    let message = format!("{} has no footprint of its own here: add it", quote(id));
    findings.error(RuleId::R24, &tce.pointer_to(member), message);
}
