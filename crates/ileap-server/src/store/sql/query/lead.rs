//! What a page follows: all objects in their order, or the entries of an index, which are in the same order, or of
//! which there are few. So a page costs what it holds, however rare that is. Whoever sees only what access rules
//! name follows that, whatever the filter is: then what a page costs depends on nothing that is hidden.

use ileap_types::filter::{
    odata::{Comparison, FootprintFilter, Operator, Property},
    tad::{TadFilter, Term},
};

use super::{
    Builder,
    entries::{list_and_value, push_column_entries, push_ids, push_order_of_column},
    kinds::Kinds,
};
use crate::{
    access::{Reach, Visibility},
    store::sql::dialect::Dialect,
};

/// How far entries are counted: at first so far as to find those of which there are few, which can be looked at one by
/// one, and sorted; then, where there are none, those in the order of the list so far as takes less than walking over a
/// hundred of them.
pub(in crate::store::sql) const COUNTED: [i64; 2] = [500, 5000];

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
    if matches!(visibility.reach(), Reach::Named { .. } | Reach::Nothing) {
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
    if matches!(visibility.reach(), Reach::Named { .. } | Reach::Nothing) {
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

/// Whether it takes counting to tell which lead a page follows.
pub(in crate::store::sql) fn are_to_be_counted(leads: &[Lead<'_>]) -> bool {
    !matches!(leads, [] | [Lead::Equal(_) | Lead::Term(_)])
}

/// Asks how many entries each lead has of what the roles open, counted up to `most`.
pub(in crate::store::sql) fn counts(
    dialect: Dialect,
    (leads, most): (&[Lead<'_>], i64),
    visibility: &Visibility,
) -> Builder {
    let kinds = Kinds::of(visibility);
    let mut query = Builder::new(dialect, "");
    for (number, lead) in leads.iter().enumerate() {
        let select = if number == 0 { "SELECT " } else { ", " };
        query
            .push(select)
            .push("(SELECT COUNT(*) FROM (SELECT 1 FROM ");
        match lead {
            Lead::Equal(comparison) | Lead::Few(comparison) => {
                if push_ids(&mut query, comparison, kinds).is_none() {
                    push_column_entries(&mut query, comparison, kinds);
                    push_order_of_column(&mut query, comparison);
                }
            }
            Lead::Term(term) => push_terms(&mut query, term),
        }
        query
            .push(" LIMIT (")
            .push_bind(most)
            .push(" + 0)) AS entries)");
    }
    query
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

/// The lead with the fewest entries, if those were counted to their end.
pub(in crate::store::sql) fn rarest<'a>(
    leads: &[Lead<'a>],
    (counts, most): (&[i64], i64),
) -> Option<Lead<'a>> {
    let counted = leads.iter().zip(counts);
    let rare = counted.filter(|(_, count)| **count < most);
    let rarest = rare.min_by_key(|(_, count)| **count);
    rarest.map(|(lead, _)| *lead)
}

/// Keeps those whose entries are in the order of the list, however many: they are read only as far as a page needs.
pub(in crate::store::sql) fn keep_ordered(leads: &mut Vec<Lead<'_>>) {
    leads.retain(|lead| !matches!(lead, Lead::Few(_)));
}
