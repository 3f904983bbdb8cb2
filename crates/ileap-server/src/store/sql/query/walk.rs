//! What a page follows: all objects in their order, or the entries of one value that is asked for, which are
//! in the same order. So a page costs what it holds, however rare that is.

use ileap_types::filter::{
    odata::{Comparison, FootprintFilter, Literal, Property},
    tad::{TadFilter, Term},
};

use super::Builder;

/// The comparison whose own entries a list can follow instead of trying every footprint. Products come
/// first: one company may stand in all footprints.
pub(super) fn listed_id(filter: &FootprintFilter) -> Option<&Comparison> {
    let listed = filter
        .comparisons
        .iter()
        .filter(|one| list_and_value(one).is_some());
    listed.min_by_key(|one| one.property != Property::ProductIds)
}

/// Adds what a page of footprints follows, and returns the columns of its order.
pub(super) fn push_footprints(query: &mut Builder, listed: Option<&Comparison>) -> &'static str {
    let Some((list, value)) = listed.and_then(list_and_value) else {
        query.push(query.dialect.footprints_in_order());
        query.push(" WHERE 1 = 1");
        return "f.created, f.id";
    };
    let dialect = query.dialect;
    query
        .push("footprint_ids k")
        .push(dialect.then_join())
        .push(dialect.footprints_in_order())
        .push(" ON f.created = k.created AND f.id = k.footprint WHERE k.list = '")
        .push(list)
        .push("' AND k.value = ")
        .push_bind(value.to_owned());
    "k.created, k.footprint"
}

/// Adds what a page of footprints follows that rules name for `recipient`, and returns the columns of its order.
pub(super) fn push_named(query: &mut Builder, recipient: &str) -> &'static str {
    let dialect = query.dialect;
    query
        .push("footprint_grants k")
        .push(dialect.then_join())
        .push("footprints f ON f.id = k.footprint WHERE k.recipient = ")
        .push_bind(recipient.to_owned());
    "k.created, k.footprint"
}

/// The same for activity data.
pub(super) fn push_named_activities(query: &mut Builder, recipient: &str) -> &'static str {
    let dialect = query.dialect;
    query
        .push("tad_grants k")
        .push(dialect.then_join())
        .push("tads t ON t.activity_id = k.activity_id WHERE k.recipient = ")
        .push_bind(recipient.to_owned());
    "k.activity_id"
}

/// The list of ids a comparison looks into, and for what; `None` when it is about no such list.
pub(super) fn list_and_value(comparison: &Comparison) -> Option<(&'static str, &str)> {
    let list = match comparison.property {
        Property::CompanyIds => "company",
        Property::ProductIds => "product",
        _ => return None,
    };
    match &comparison.value {
        Literal::Text(value) => Some((list, value)),
        Literal::Instant(_) => None,
    }
}

/// The term whose own entries a list can follow: one that asks for a single value, and rather one that few
/// activities share.
pub(super) fn narrow_term(filter: &TadFilter) -> Option<&Term> {
    let single = filter
        .terms
        .iter()
        .filter(|term| term.alternatives.len() == 1);
    single.min_by_key(|term| match term.name.as_str() {
        "activityId" => 0,
        "consignmentIds" => 1,
        _ => 2,
    })
}

/// Adds what a page of activity data follows, and returns the column of its order.
pub(super) fn push_activities(query: &mut Builder, narrow: Option<&Term>) -> &'static str {
    let Some((path, key)) = narrow.and_then(|term| term.alternatives.first()) else {
        query.push("tads t WHERE 1 = 1");
        return "t.activity_id";
    };
    let dialect = query.dialect;
    query
        .push("tad_fields k")
        .push(dialect.then_join())
        .push("tads t ON t.activity_id = k.activity_id WHERE k.path = ")
        .push_bind(*path);
    query.push(" AND k.key = ").push_bind(key.clone());
    "k.activity_id"
}
