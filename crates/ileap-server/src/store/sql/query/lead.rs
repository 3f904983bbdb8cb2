//! What a page follows: all objects in their order, or the entries of an index, which are in the same order, or of
//! which there are few. So a page costs what it holds, however rare that is. Whoever sees only what access rules
//! name follows that, whatever the filter is: then what a page costs depends on nothing that is hidden.

use ileap_types::filter::{
    odata::{Comparison, FootprintFilter, Literal, Operator, Property},
    tad::{TadFilter, Term},
};

use super::{
    Builder,
    kinds::{self, By, Kinds},
};
use crate::{
    access::{Reach, Visibility},
    store::sql::dialect::Dialect,
};

/// How far entries are counted that are in the order of the list: counting so many takes less than walking over a
/// hundred of them.
const COUNTED: i64 = 5000;
/// How far others are counted: fewer can be looked at one by one, and sorted.
const FEW: i64 = 500;

/// Something by which a page can be narrowed.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sql) enum Lead<'a> {
    /// Footprints that a comparison holds for, in their order.
    Equal(&'a Comparison),
    /// Footprints that a comparison holds for, in no order.
    Few(&'a Comparison),
    /// Activities that a term holds for.
    Term(&'a Term),
}

/// What a page of footprints may follow, the best first where all are equally many.
pub(in crate::store::sql) fn of_footprints<'a>(
    filter: &'a FootprintFilter,
    visibility: &Visibility,
) -> Vec<Lead<'a>> {
    if matches!(visibility.reach(), Reach::Named { .. }) {
        return Vec::new();
    }
    let mut leads: Vec<_> = filter
        .comparisons
        .iter()
        .filter_map(of_comparison)
        .collect();
    leads.sort_by_key(|lead| match lead {
        Lead::Equal(comparison) => match comparison.property {
            // One company may stand in all footprints.
            Property::ProductIds => 0,
            Property::ProductCategoryCpc => 1,
            Property::CompanyIds => 2,
            _ => 3,
        },
        Lead::Term(_) => 4,
        Lead::Few(_) => 5,
    });
    leads
}

/// The same for activity data.
pub(in crate::store::sql) fn of_activities<'a>(
    filter: &'a TadFilter,
    visibility: &Visibility,
) -> Vec<Lead<'a>> {
    if matches!(visibility.reach(), Reach::Named { .. }) {
        return Vec::new();
    }
    let mut terms: Vec<_> = filter.terms.iter().collect();
    terms.sort_by_key(|term| match term.name.as_str() {
        "activityId" => 0,
        "consignmentIds" => 1,
        _ => 2,
    });
    terms.into_iter().map(Lead::Term).collect()
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
        Lead::Equal(_) | Lead::Term(_) => COUNTED,
    }
}

/// Asks how many entries each lead has of what the roles open, counted up to some bound; `None` when that would
/// change nothing.
pub(in crate::store::sql) fn counts(
    dialect: Dialect,
    leads: &[Lead<'_>],
    visibility: &Visibility,
) -> Option<Builder> {
    if leads.is_empty() || matches!(leads, [Lead::Equal(_) | Lead::Term(_)]) {
        return None;
    }
    let kinds = Kinds::of(visibility);
    let mut query = Builder::new(dialect, "");
    for (number, lead) in leads.iter().enumerate() {
        let select = if number == 0 { "SELECT " } else { ", " };
        query
            .push(select)
            .push("(SELECT COUNT(*) FROM (SELECT 1 FROM ");
        match lead {
            Lead::Equal(comparison) | Lead::Few(comparison) => {
                push_ids(&mut query, comparison, kinds)
                    .unwrap_or_else(|| push_column_entries(&mut query, comparison, kinds));
            }
            Lead::Term(term) => push_terms(&mut query, term),
        }
        query
            .push(" LIMIT (")
            .push_bind(bound(*lead))
            .push(" + 0)) AS entries)");
    }
    Some(query)
}

/// Adds all entries that any of the alternatives has, one by one.
fn push_terms(query: &mut Builder, term: &Term) {
    for (number, (path, key)) in term.alternatives.iter().enumerate() {
        if number > 0 {
            query.push(" UNION ALL SELECT 1 FROM ");
        }
        query
            .push("tad_fields k WHERE k.path = ")
            .push_bind(*path)
            .push(" AND k.key = ")
            .push_bind(key.clone());
    }
    if term.alternatives.is_empty() {
        query.push("tad_fields k WHERE 1 = 0");
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

/// The columns that say which footprint an entry is of, and where in the list it is. Conditions that need no other
/// are judged before the footprint itself is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) created: &'static str,
    pub(super) id: &'static str,
}

const OF_FOOTPRINT: Entry = Entry {
    created: "f.created",
    id: "f.id",
};
const BESIDE_FOOTPRINT: Entry = Entry {
    created: "k.created",
    id: "k.footprint",
};

/// Adds the columns of a page of footprints and what it follows; returns the columns of its order.
pub(super) fn push_footprints(
    query: &mut Builder,
    lead: Option<Lead<'_>>,
    visibility: &Visibility,
) -> Entry {
    query.push("SELECT f.json, f.created, f.id FROM ");
    let (dialect, kinds) = (query.dialect, Kinds::of(visibility));
    if let Reach::Named { recipient, roles } = visibility.reach() {
        query.push("footprint_grants k");
        if let Some(index) = kinds::index_of_grants(roles) {
            query.push(&dialect.indexed_by(index));
        }
        query
            .push(&dialect.then_look_up("footprints f", "f.id = k.footprint"))
            .push(" WHERE k.recipient = ")
            .push_bind(recipient.clone());
        return BESIDE_FOOTPRINT;
    }
    match lead {
        Some(Lead::Equal(comparison) | Lead::Few(comparison)) => {
            if push_ids_with_footprints(query, comparison, kinds).is_some() {
                return BESIDE_FOOTPRINT;
            }
            push_column_entries(query, comparison, kinds);
        }
        Some(Lead::Term(_)) | None => {
            query
                .push("footprints f")
                .push(&dialect.indexed_by(&kinds.index(By::Order)));
            push_kinds(query, "f", kinds);
        }
    }
    OF_FOOTPRINT
}

/// Adds ` WHERE ` and what holds for an index of some kinds.
fn push_kinds(query: &mut Builder, table: &str, kinds: Kinds) {
    query.push(" WHERE ");
    // Of footprints the roles say it once more; PostgreSQL would take that for a condition that few fulfil.
    let is_said_twice =
        query.dialect == Dialect::Postgres && kinds == Kinds::Categories && table == "f";
    match kinds.condition().filter(|_| !is_said_twice) {
        Some(condition) => query.push(table).push(condition),
        None => query.push("1 = 1"),
    };
}

/// Adds the entries of a list of ids, if the comparison is about one.
fn push_ids(query: &mut Builder, comparison: &Comparison, kinds: Kinds) -> Option<()> {
    let (list, value) = list_and_value(comparison)?;
    push_ids_before_where(query, kinds);
    push_ids_where(query, (list, value), kinds);
    Some(())
}

/// The same with the footprints they are of.
fn push_ids_with_footprints(
    query: &mut Builder,
    comparison: &Comparison,
    kinds: Kinds,
) -> Option<()> {
    let (list, value) = list_and_value(comparison)?;
    push_ids_before_where(query, kinds);
    let join = query.dialect.then_join();
    query.push(join).push("footprints f ON f.id = k.footprint");
    push_ids_where(query, (list, value), kinds);
    Some(())
}

fn push_ids_before_where(query: &mut Builder, kinds: Kinds) {
    query.push("footprint_ids k");
    if let Some(index) = kinds.index_of_ids() {
        let indexed_by = query.dialect.indexed_by(&index);
        query.push(&indexed_by);
    }
}

fn push_ids_where(query: &mut Builder, (list, value): (&str, &str), kinds: Kinds) {
    push_kinds(query, "k", kinds);
    query
        .push(" AND k.list = '")
        .push(list)
        .push("' AND k.value = ")
        .push_bind(value.to_owned());
}

/// Adds the footprints for whose column the comparison holds, by the index of that column.
fn push_column_entries(query: &mut Builder, comparison: &Comparison, kinds: Kinds) {
    let by = match comparison.property {
        Property::GeographyCountry => By::Country,
        Property::ReferencePeriodStart => By::PeriodStart,
        Property::ReferencePeriodEnd => By::PeriodEnd,
        Property::Updated => By::Update,
        Property::ProductCategoryCpc => By::Cpc,
        Property::Created | Property::CompanyIds | Property::ProductIds => By::Order,
    };
    let indexed_by = query.dialect.indexed_by(&kinds.index(by));
    query.push("footprints f").push(&indexed_by);
    push_kinds(query, "f", kinds);
    push_comparison(query, comparison);
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
        Literal::Instant(moment) => query.push_bind(moment.ticks()),
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
