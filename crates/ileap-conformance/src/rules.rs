//! The rules of iLEAP (R) and PACT (P), judged over raw JSON.

mod carriers;
mod collection;
mod footprint;
mod mapping;
mod node;
mod shipment;
mod transport;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::node::{Node, instant};
use crate::{
    case::PactVersion,
    outcome::{Problem, Problems},
    schema::Schema,
};

/// Where pointers into activity data begin when they stand beside those into footprints.
pub(crate) const TADS: &str = "/2/ileap/tad#";

/// What the rules say of records, by rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    errors: BTreeMap<&'static str, Problems>,
    warnings: BTreeMap<&'static str, Problems>,
}

/// The iLEAP object that a footprint carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Hoc,
    Shipment,
    Toc,
}

impl Findings {
    fn error(&mut self, rule: &'static str, node: &Node<'_>, text: impl Into<String>) {
        self.errors
            .entry(rule)
            .or_default()
            .push(&node.pointer, text);
    }

    fn warn(&mut self, rule: &'static str, node: &Node<'_>, text: impl Into<String>) {
        self.warnings
            .entry(rule)
            .or_default()
            .push(&node.pointer, text);
    }

    pub(crate) fn errors_of(&self, rule: &str) -> Problems {
        self.errors.get(rule).cloned().unwrap_or_default()
    }

    pub(crate) fn warnings_of(&self, rule: &str) -> Problems {
        self.warnings.get(rule).cloned().unwrap_or_default()
    }

    /// All errors, each with its rule.
    pub(crate) fn errors(&self) -> Problems {
        let mut all = Problems::default();
        for (rule, problems) in &self.errors {
            for problem in &problems.listed {
                let text = format!("{}: {}", rule.to_uppercase(), problem.text);
                all.add(Problem {
                    text,
                    ..problem.clone()
                });
            }
            all.more += problems.more;
        }
        all
    }

    fn extend(&mut self, other: Self) {
        for (rule, problems) in other.errors {
            self.errors.entry(rule).or_default().extend(problems);
        }
        for (rule, problems) in other.warnings {
            self.warnings.entry(rule).or_default().extend(problems);
        }
    }
}

impl Kind {
    pub(crate) fn schema(self) -> Schema {
        match self {
            Self::Hoc => Schema::Hoc,
            Self::Shipment => Schema::Shipment,
            Self::Toc => Schema::Toc,
        }
    }

    /// The word of its URN and the field of its id.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Hoc => ("hoc", "hocId"),
            Self::Shipment => ("shipment", "shipmentId"),
            Self::Toc => ("toc", "tocId"),
        }
    }

    /// The id of the object in a footprint's extension.
    pub(crate) fn id(self, footprint: &Value) -> Option<&str> {
        extension_of(footprint)?.1["data"][self.words().1].as_str()
    }
}

/// The iLEAP extension of a footprint, its kind by the schema's name, and its place.
pub(crate) fn extension_of(footprint: &Value) -> Option<(Kind, &Value, usize)> {
    let extensions = footprint["extensions"].as_array()?;
    for (index, extension) in extensions.iter().enumerate() {
        let schema = extension["dataSchema"].as_str().unwrap_or_default();
        let kind = match schema.rsplit('/').next() {
            Some("shipment-footprint.json") => Kind::Shipment,
            Some("toc.json") => Kind::Toc,
            Some("hoc.json") => Kind::Hoc,
            _ => continue,
        };
        return Some((kind, extension, index));
    }
    None
}

/// The kind that a footprint claims to be, by its extension or its URN.
pub(crate) fn kind(footprint: &Value) -> Option<Kind> {
    if let Some((kind, ..)) = extension_of(footprint) {
        return Some(kind);
    }
    let ids = footprint["productIds"].as_array()?;
    let mut ids = ids.iter().filter_map(Value::as_str);
    ids.find_map(|id| {
        let (_, rest) = id.split_once("-assigned:")?;
        match rest.split(':').next()? {
            "shipment" => Some(Kind::Shipment),
            "toc" => Some(Kind::Toc),
            "hoc" => Some(Kind::Hoc),
            _ => None,
        }
    })
}

/// Everything about one footprint that can be said without the others.
pub(crate) fn judge_footprint(footprint: &Value, index: usize, version: PactVersion) -> Findings {
    let mut findings = Findings::default();
    let node = Node::new(footprint, format!("/data/{index}"));
    footprint::judge(&node, version, &mut findings);
    if let Some((kind, extension, at)) = extension_of(footprint) {
        let data = Node::new(
            &extension["data"],
            format!("/data/{index}/extensions/{at}/data"),
        );
        carriers::decimals(&data, &mut findings);
        match kind {
            Kind::Shipment => shipment::judge(&data, &mut findings),
            Kind::Hoc | Kind::Toc => transport::judge_category(kind, &data, &mut findings),
        }
        mapping::judge(kind, &node, extension, &data, &mut findings);
    }
    findings
}

/// Everything about one activity that can be said without the others.
pub(crate) fn judge_tad(tad: &Value, pointer: String) -> Findings {
    let mut findings = Findings::default();
    let node = Node::new(tad, pointer);
    carriers::decimals(&node, &mut findings);
    transport::judge_tad(&node, &mut findings);
    // The text has no null there, the published schema allows it.
    footprint::nulls(&node, &mut findings, Findings::warn);
    findings
}

/// Everything, also between records.
pub(crate) fn judge(footprints: &[Value], tads: &[Value], version: PactVersion) -> Findings {
    let mut findings = Findings::default();
    for (index, footprint) in footprints.iter().enumerate() {
        findings.extend(judge_footprint(footprint, index, version));
    }
    for (index, tad) in tads.iter().enumerate() {
        findings.extend(judge_tad(tad, format!("{TADS}/data/{index}")));
    }
    collection::judge(footprints, tads, &mut findings);
    findings
}
