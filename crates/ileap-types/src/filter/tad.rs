//! The name-value filters of transport activity data (iLEAP 1.0.0, action "Transport Activity Data").
//!
//! The specification leaves the combination of filters to the host. Here different names must all
//! match, and a repeated name matches if one of its values does. A name is the exact name of a field
//! wherever it occurs, such as `feedstock`, or its whole path joined by dots, such as `origin.city`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::datetime::DateTime;
use crate::decimal::Decimal;
use crate::filter::{FilterError, shown};
use crate::query::repair_plus;

/// A filter of transport activity data: all terms must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TadFilter {
    /// One term for each name; none when nothing is filtered.
    pub terms: Vec<Term>,
}

/// What one name asks for: at least one alternative must be found in the [`tad_index`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The name as given, aliases resolved.
    pub name: String,
    /// Pairs of dotted path and normalised key, each once. None at all match nothing, as for `mass=abc`.
    pub alternatives: Vec<(&'static str, String)>,
}

impl TadFilter {
    /// Reads the decoded query parameters; `limit`, `offset` and `cursor` are passed over.
    ///
    /// An unknown name is not implemented rather than ignored, as ignoring it would return
    /// everything. A value that is malformed for its field matches nothing, except that a malformed
    /// date-time is a bad request.
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, FilterError> {
        let mut terms: Vec<Term> = Vec::new();
        for (name, value) in pairs {
            if RESERVED_NAMES.contains(&name.as_str()) {
                continue;
            }
            let name = resolve_alias(name);
            let alternatives = alternatives(name, value)?;
            match terms.iter_mut().find(|term| term.name == name) {
                Some(term) => {
                    for alternative in alternatives {
                        if !term.alternatives.contains(&alternative) {
                            term.alternatives.push(alternative);
                        }
                    }
                }
                None => terms.push(Term {
                    name: name.to_owned(),
                    alternatives,
                }),
            }
        }
        Ok(Self { terms })
    }

    /// Whether an activity passes; the reference for every store that filters by itself.
    pub fn matches(&self, tad: &Value) -> bool {
        let index: BTreeSet<(&str, String)> = tad_index(tad).into_iter().collect();
        self.terms.iter().all(|term| {
            term.alternatives
                .iter()
                .any(|alternative| index.contains(alternative))
        })
    }
}

/// All that one activity can be found by: sorted pairs of dotted path and normalised key, each once.
///
/// An alternative of a [`Term`] matches the activity exactly when it is among these pairs. Members
/// that are absent, malformed or unknown have no pair.
pub fn tad_index(tad: &Value) -> Vec<(&'static str, String)> {
    let mut pairs = BTreeSet::new();
    for (path, kind) in FIELDS {
        visit_members(tad, path, &mut |member| {
            if let Some(key) = member_key(*kind, member) {
                pairs.insert((*path, key));
            }
        });
    }
    pairs.into_iter().collect()
}

/// What a field holds, and so how its values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldKind {
    /// Compared without regard to case, as the specification demands.
    Text,
    /// Decimals and integers, compared as numbers.
    Number,
    /// Compared as instants.
    Instant,
}

/// Parameters that are no filters.
const RESERVED_NAMES: [&str; 3] = ["limit", "offset", "cursor"];

/// Every field of a TAD (iLEAP 1.0.0, data type "TAD") by its path.
const FIELDS: &[(&str, FieldKind)] = &[
    ("activityId", FieldKind::Text),
    ("consignmentIds", FieldKind::Text),
    ("distance.actual", FieldKind::Number),
    ("distance.gcd", FieldKind::Number),
    ("distance.sfd", FieldKind::Number),
    ("mass", FieldKind::Number),
    ("loadFactor", FieldKind::Number),
    ("emptyDistanceFactor", FieldKind::Number),
    ("origin.street", FieldKind::Text),
    ("origin.zip", FieldKind::Text),
    ("origin.city", FieldKind::Text),
    ("origin.country", FieldKind::Text),
    ("origin.iata", FieldKind::Text),
    ("origin.locode", FieldKind::Text),
    ("origin.uic", FieldKind::Text),
    ("origin.lat", FieldKind::Number),
    ("origin.lng", FieldKind::Number),
    ("destination.street", FieldKind::Text),
    ("destination.zip", FieldKind::Text),
    ("destination.city", FieldKind::Text),
    ("destination.country", FieldKind::Text),
    ("destination.iata", FieldKind::Text),
    ("destination.locode", FieldKind::Text),
    ("destination.uic", FieldKind::Text),
    ("destination.lat", FieldKind::Number),
    ("destination.lng", FieldKind::Number),
    ("departureAt", FieldKind::Instant),
    ("arrivalAt", FieldKind::Instant),
    ("mode", FieldKind::Text),
    ("packagingOrTrEqType", FieldKind::Text),
    ("packagingOrTrEqAmount", FieldKind::Number),
    ("energyCarriers.energyCarrier", FieldKind::Text),
    ("energyCarriers.relativeShare", FieldKind::Number),
    ("energyCarriers.feedstocks.feedstock", FieldKind::Text),
    (
        "energyCarriers.feedstocks.feedstockShare",
        FieldKind::Number,
    ),
    (
        "energyCarriers.feedstocks.regionProvenance",
        FieldKind::Text,
    ),
    ("energyCarriers.energyConsumption", FieldKind::Number),
    ("energyCarriers.energyConsumptionUnit", FieldKind::Text),
    ("energyCarriers.emissionFactorWTW", FieldKind::Number),
    ("energyCarriers.emissionFactorTTW", FieldKind::Number),
    ("temperatureControl", FieldKind::Text),
];

/// The singular is what people write when they look for one consignment.
fn resolve_alias(name: &str) -> &str {
    if name == "consignmentId" {
        "consignmentIds"
    } else {
        name
    }
}

fn alternatives(name: &str, value: &str) -> Result<Vec<(&'static str, String)>, FilterError> {
    let mut is_known = false;
    let mut alternatives = Vec::new();
    for (path, kind) in FIELDS.iter().filter(|(path, _)| is_named(path, name)) {
        is_known = true;
        let value = if *kind == FieldKind::Instant {
            repair_plus(value)
        } else {
            value.into()
        };
        match (kind, text_key(*kind, &value)) {
            (_, Some(key)) => alternatives.push((*path, key)),
            (FieldKind::Instant, None) => {
                return Err(FilterError::BadRequest(format!(
                    "the filter {name} needs an RFC 3339 date-time such as 2025-05-27T09:00:00Z, not {}",
                    shown(&value)
                )));
            }
            (FieldKind::Text | FieldKind::Number, None) => {}
        }
    }
    if is_known {
        Ok(alternatives)
    } else {
        Err(FilterError::NotImplemented(format!(
            "filtering by {} is not supported; name a field of the transport activity data",
            shown(name)
        )))
    }
}

fn is_named(path: &str, name: &str) -> bool {
    path == name || path.rsplit_once('.').is_some_and(|(_, leaf)| leaf == name)
}

fn member_key(kind: FieldKind, member: &Value) -> Option<String> {
    match member {
        Value::String(text) => text_key(kind, text),
        Value::Number(number) => text_key(kind, &number.to_string()),
        _ => None,
    }
}

fn text_key(kind: FieldKind, text: &str) -> Option<String> {
    match kind {
        FieldKind::Text => Some(text.to_lowercase()),
        FieldKind::Number => text
            .parse::<Decimal>()
            .ok()
            .map(|number| number.canonical()),
        FieldKind::Instant => text.parse::<DateTime>().ok().map(|moment| moment.in_utc()),
    }
}

/// Visits what a dotted path leads to, through the items of every array on the way.
fn visit_members(value: &Value, path: &str, visit: &mut impl FnMut(&Value)) {
    if let Value::Array(items) = value {
        for item in items {
            // The specification knows no array in an array; going deeper would be unbounded.
            if !item.is_array() {
                visit_members(item, path, visit);
            }
        }
    } else if path.is_empty() {
        visit(value);
    } else {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        if let Some(member) = value.get(name) {
            visit_members(member, rest, visit);
        }
    }
}

#[cfg(test)]
mod tests;
