//! What a page follows: all objects in their order, or the entries of an index, which are in the same order, or of
//! which there are few. So a page costs what it holds, however rare that is.

use ileap_types::filter::{
    odata::{Comparison, FootprintFilter, Literal, Operator, Property},
    tad::{TadFilter, Term},
};

use super::Builder;
use crate::{
    access::{Reach, Visibility},
    identity::Role,
    store::sql::{dialect::Dialect, nanoseconds},
};

/// How far entries are counted that are in the order of the list: counting so many takes less than walking over a
/// hundred of them.
const COUNTED: i64 = 5000;
/// How far others are counted: fewer can be looked at one by one, and sorted.
const FEW: i64 = 500;
/// The most alternatives of a term that are followed side by side.
const MOST_ALTERNATIVES: usize = 8;

/// Something by which a page can be narrowed.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sql) enum Lead<'a> {
    /// Footprints that a comparison holds for, in their order.
    Equal(&'a Comparison),
    /// Footprints that a comparison holds for, in no order.
    Few(&'a Comparison),
    /// Activities that a term holds for.
    Term(&'a Term),
    /// What access rules name for a recipient.
    Named {
        /// The table that has it.
        grants: &'static str,
        /// For whom.
        recipient: &'a str,
    },
}

/// What a page of footprints may follow, the best first where all are equally many.
pub(in crate::store::sql) fn of_footprints<'a>(
    filter: &'a FootprintFilter,
    visibility: &'a Visibility,
) -> Vec<Lead<'a>> {
    let mut leads: Vec<_> = filter
        .comparisons
        .iter()
        .filter_map(of_comparison)
        .collect();
    leads.extend(named(visibility, "footprint_grants"));
    leads.sort_by_key(|lead| match lead {
        Lead::Equal(comparison) => match comparison.property {
            // One company may stand in all footprints.
            Property::ProductIds => 0,
            Property::ProductCategoryCpc => 1,
            Property::CompanyIds => 2,
            _ => 3,
        },
        Lead::Named { .. } | Lead::Term(_) => 4,
        Lead::Few(_) => 5,
    });
    leads
}

/// The same for activity data.
pub(in crate::store::sql) fn of_activities<'a>(
    filter: &'a TadFilter,
    visibility: &'a Visibility,
) -> Vec<Lead<'a>> {
    let followed = |term: &&Term| (1..=MOST_ALTERNATIVES).contains(&term.alternatives.len());
    let mut terms: Vec<_> = filter.terms.iter().filter(followed).collect();
    terms.sort_by_key(|term| match term.name.as_str() {
        "activityId" => 0,
        "consignmentIds" => 1,
        _ => 2,
    });
    let terms = terms.into_iter().map(Lead::Term);
    terms.chain(named(visibility, "tad_grants")).collect()
}

fn named<'a>(visibility: &'a Visibility, grants: &'static str) -> Option<Lead<'a>> {
    match visibility.reach() {
        Reach::Named { recipient, .. } => Some(Lead::Named { grants, recipient }),
        _ => None,
    }
}

fn of_comparison(comparison: &Comparison) -> Option<Lead<'_>> {
    let is_equal = matches!(comparison.operator, Operator::Eq | Operator::Any);
    match comparison.property {
        Property::CompanyIds | Property::ProductIds => {
            list_and_value(comparison).map(|_| Lead::Equal(comparison))
        }
        Property::ProductCategoryCpc | Property::GeographyCountry => {
            is_equal.then_some(Lead::Equal(comparison))
        }
        Property::ReferencePeriodStart | Property::ReferencePeriodEnd | Property::Updated => {
            (comparison.operator != Operator::Ne).then_some(Lead::Few(comparison))
        }
        Property::Created => None,
    }
}

/// How far the entries of a lead are counted.
fn bound(lead: Lead<'_>) -> i64 {
    match lead {
        Lead::Few(_) => FEW,
        Lead::Equal(_) | Lead::Named { .. } | Lead::Term(_) => COUNTED,
    }
}

/// Asks how many entries each lead has, counted up to some bound; `None` when that would change nothing.
pub(in crate::store::sql) fn counts(dialect: Dialect, leads: &[Lead<'_>]) -> Option<Builder> {
    if leads.is_empty() || matches!(leads, [Lead::Equal(_) | Lead::Term(_) | Lead::Named { .. }]) {
        return None;
    }
    let mut query = Builder::new(dialect, "");
    for (number, lead) in leads.iter().enumerate() {
        let select = if number == 0 { "SELECT " } else { ", " };
        query
            .push(select)
            .push("(SELECT COUNT(*) FROM (SELECT 1 FROM ");
        push_entries(&mut query, *lead);
        query
            .push(" LIMIT (")
            .push_bind(bound(*lead))
            .push(" + 0)) AS entries)");
    }
    Some(query)
}

fn push_entries(query: &mut Builder, lead: Lead<'_>) {
    match lead {
        Lead::Equal(comparison) | Lead::Few(comparison) => {
            if let Some((list, value)) = list_and_value(comparison) {
                query
                    .push("footprint_ids WHERE list = '")
                    .push(list)
                    .push("' AND value = ")
                    .push_bind(value.to_owned());
            } else {
                query.push("footprints f WHERE 1 = 1");
                push_comparison(query, comparison);
            }
        }
        Lead::Term(term) => {
            query.push("tad_fields d WHERE ");
            push_alternatives(query, &term.alternatives);
        }
        Lead::Named { grants, recipient } => {
            query
                .push(grants)
                .push(" WHERE recipient = ")
                .push_bind(recipient.to_owned());
        }
    }
}

/// The lead to follow, by the counts of all; `None` where the whole list is followed.
pub(in crate::store::sql) fn chosen<'a>(
    leads: &[Lead<'a>],
    counts: Option<&[i64]>,
) -> Option<Lead<'a>> {
    let Some(counts) = counts else {
        return leads.first().copied();
    };
    let counted = leads.iter().zip(counts);
    let rare = counted.filter(|(lead, count)| **count < bound(**lead));
    if let Some((lead, _)) = rare.min_by_key(|(_, count)| **count) {
        return Some(*lead);
    }
    // As many as can be: what is in order is read only as far as the page needs.
    let first = leads.first().copied();
    first.filter(|lead| !matches!(lead, Lead::Few(_)))
}

/// Adds the columns of a page of footprints and what it follows; returns the columns of its order.
pub(super) fn push_footprints(
    query: &mut Builder,
    lead: Option<Lead<'_>>,
    visibility: &Visibility,
) -> &'static str {
    query.push("SELECT f.json, f.created, f.id FROM ");
    let dialect = query.dialect;
    match lead {
        Some(Lead::Equal(comparison)) => {
            if let Some((list, value)) = list_and_value(comparison) {
                query
                    .push("footprint_ids k")
                    .push(dialect.then_join())
                    .push("footprints f ON f.id = k.footprint WHERE k.list = '")
                    .push(list)
                    .push("' AND k.value = ")
                    .push_bind(value.to_owned());
                return "k.created, k.footprint";
            }
            let index = match comparison.property {
                Property::GeographyCountry => "footprints_by_country",
                _ => "footprints_by_cpc",
            };
            query
                .push("footprints f")
                .push(&dialect.indexed_by(index))
                .push(" WHERE 1 = 1");
            push_comparison(query, comparison);
        }
        Some(Lead::Few(comparison)) => {
            let index = match comparison.property {
                Property::ReferencePeriodStart => "footprints_by_period",
                Property::ReferencePeriodEnd => "footprints_by_period_end",
                _ => "footprints_by_update",
            };
            query
                .push("footprints f")
                .push(&dialect.indexed_by(index))
                .push(" WHERE 1 = 1");
            push_comparison(query, comparison);
        }
        Some(Lead::Named { recipient, .. }) => {
            query
                .push("footprint_grants k")
                .push(dialect.then_join())
                .push("footprints f ON f.id = k.footprint WHERE k.recipient = ")
                .push_bind(recipient.to_owned());
            return "k.created, k.footprint";
        }
        Some(Lead::Term(_)) | None => {
            let (index, kinds) = order(visibility);
            // The roles say the same once more; PostgreSQL would take that for a condition that few fulfil.
            let is_said_twice = dialect == Dialect::Postgres && index == "footprints_of_categories";
            let kinds = if is_said_twice { "1 = 1" } else { kinds };
            query
                .push("footprints f")
                .push(&dialect.indexed_by(index))
                .push(" WHERE ")
                .push(kinds);
        }
    }
    "f.created, f.id"
}

/// The index that has all a caller may see in its order, and what that index is of.
fn order(visibility: &Visibility) -> (&'static str, &'static str) {
    match visibility.reach() {
        Reach::Kinds(roles) if roles.iter().all(|role| *role == Role::Organizer) => {
            ("footprints_of_categories", "f.kind IN ('toc', 'hoc')")
        }
        Reach::Kinds(roles) if !roles.contains(&Role::All) => {
            ("footprints_of_ileap", "f.kind <> 'generic'")
        }
        _ => ("footprints_in_order", "1 = 1"),
    }
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

/// Adds a condition on the columns of a footprint; those on lists of ids are not among them.
pub(super) fn push_comparison(query: &mut Builder, comparison: &Comparison) {
    push_column(query, comparison, " AND ");
}

/// The same, so that no index is read by it.
pub(super) fn push_comparison_apart(query: &mut Builder, comparison: &Comparison) {
    push_column(query, comparison, " AND +");
}

fn push_column(query: &mut Builder, comparison: &Comparison, and: &str) {
    let column = match comparison.property {
        Property::CompanyIds | Property::ProductIds => return,
        Property::Created => "f.created",
        Property::GeographyCountry => "f.country",
        Property::ProductCategoryCpc => "f.cpc",
        Property::ReferencePeriodEnd => "f.period_end",
        Property::ReferencePeriodStart => "f.period_start",
        Property::Updated => "f.updated",
    };
    let operator = match comparison.operator {
        Operator::Any | Operator::Eq => " = ",
        Operator::Ge => " >= ",
        Operator::Gt => " > ",
        Operator::Le => " <= ",
        Operator::Lt => " < ",
        Operator::Ne => " <> ",
    };
    query.push(and).push(column).push(operator);
    match &comparison.value {
        Literal::Instant(moment) => query.push_bind(nanoseconds(*moment)),
        Literal::Text(text) => query.push_bind(text.clone()),
    };
}

/// Adds that an entry `d` is one of some alternatives.
pub(super) fn push_alternatives(query: &mut Builder, alternatives: &[(&'static str, String)]) {
    if let [(path, key)] = alternatives {
        query
            .push("d.path = ")
            .push_bind(*path)
            .push(" AND d.key = ")
            .push_bind(key.clone());
        return;
    }
    query.push("(d.path, d.key) IN (VALUES ");
    for (number, (path, key)) in alternatives.iter().enumerate() {
        query.push(if number == 0 { "(" } else { ", (" });
        query
            .push_bind(*path)
            .push(", ")
            .push_bind(key.clone())
            .push(")");
    }
    query.push(")");
}
