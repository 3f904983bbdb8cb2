//! Pages of activity data.

use ileap_types::filter::tad::{TadFilter, Term};

use super::{Builder, end_page, fixed::Fixed, lead::Lead};
use crate::{
    access::{Reach, Visibility},
    store::{PageQuery, Position, StoreError, sql::dialect::Dialect},
};

/// A page of activity data, joined; `None` when the visibility, or a value that cannot be, covers nothing.
pub(in crate::store::sql) fn tads(
    dialect: Dialect,
    visibility: &Visibility,
    filter: &TadFilter,
    (page, lead): (&PageQuery, Option<Lead<'_>>),
) -> Result<Option<Builder>, StoreError> {
    // A term without alternatives is such as a mass that is no number.
    let is_hopeless = filter.terms.iter().any(|term| term.alternatives.is_empty());
    if is_hopeless || matches!(visibility.reach(), Reach::Nothing) {
        return Ok(None);
    }
    let after = match &page.after {
        None => None,
        Some(Position(after)) => Some(
            after
                .strip_prefix("tad/")
                .ok_or(StoreError::UnknownPosition)?,
        ),
    };
    let mut query = Builder::new(
        dialect,
        dialect.begin_page("'tad/' || activity_id", "activity_id"),
    );
    let is_named = matches!(visibility.reach(), Reach::Named { .. });
    let walk = Walk {
        visibility,
        filter,
        after,
    };
    match lead {
        Some(Lead::Term(term)) if !is_named && term.alternatives.len() > 1 => {
            walk.push_side_by_side(&mut query, term, page);
        }
        lead => walk.push(&mut query, lead),
    }
    end_page(&mut query, page);
    Ok(Some(query))
}

/// What holds for every row of a page.
struct Walk<'a> {
    visibility: &'a Visibility,
    filter: &'a TadFilter,
    after: Option<&'a str>,
}

impl Walk<'_> {
    /// Adds the rows of a page: what rules name, where they name objects; else the entries of a term's only
    /// alternative, or all activities.
    fn push(&self, query: &mut Builder, lead: Option<Lead<'_>>) {
        let dialect = query.dialect;
        query.push("SELECT t.json, t.activity_id FROM ");
        let (fixed, column, followed) = match (self.visibility.reach(), lead) {
            (Reach::Named { recipient, .. }, _) => {
                query
                    .push("tad_grants k")
                    .push(&dialect.then_look_up("tads t", "t.activity_id = k.activity_id"));
                let fixed = vec![("k.recipient", recipient.as_str())];
                (fixed, "k.activity_id", None)
            }
            (_, Some(Lead::Term(term))) => {
                query
                    .push("tad_fields k")
                    .push(dialect.then_join())
                    .push("tads t ON t.activity_id = k.activity_id");
                let fixed = term.alternatives.iter().flat_map(entry).collect();
                (fixed, "k.activity_id", Some(term))
            }
            _ => {
                query.push("tads t");
                (Vec::new(), "t.activity_id", None)
            }
        };
        self.push_where(query, (&Fixed(fixed), column), followed);
    }

    /// Adds what has to hold for an entry and the activity in its `column`, besides the term that is followed, and the
    /// order.
    fn push_where(
        &self,
        query: &mut Builder,
        (fixed, column): (&Fixed<'_>, &str),
        followed: Option<&Term>,
    ) {
        query.push(" WHERE 1 = 1");
        fixed.push(query);
        let others = self.filter.terms.iter();
        for term in others.filter(|one| Some(*one) != followed) {
            query
                .push(" AND (SELECT MIN(d.activity_id) FROM tad_fields d WHERE d.activity_id = ")
                .push(column)
                .push(" AND ");
            push_alternatives(query, &term.alternatives);
            query.push(super::IS_THERE);
        }
        if let Some(after) = self.after {
            fixed.push_after(query, (column, after));
        }
        let order = fixed.order(query.dialect, column);
        query.push(" ORDER BY ").push(&order);
    }

    /// Adds the rows of a page that follows the entries of each alternative of `term`, as far as the page may need
    /// them, and puts them together: each once, in their order.
    fn push_side_by_side(&self, query: &mut Builder, term: &Term, page: &PageQuery) {
        let whole = PageQuery {
            limit: page
                .limit
                .saturating_add(usize::try_from(page.offset).unwrap_or(usize::MAX)),
            offset: 0,
            after: None,
        };
        query.push("SELECT t.json, t.activity_id FROM (SELECT DISTINCT activity_id FROM (");
        for (number, alternative) in term.alternatives.iter().enumerate() {
            query
                .push(if number == 0 { "" } else { " UNION ALL " })
                .push("SELECT * FROM (SELECT k.activity_id FROM tad_fields k");
            let fixed = Fixed(entry(alternative).into());
            self.push_where(query, (&fixed, "k.activity_id"), Some(term));
            super::push_limit(query, &whole);
            query.push(") AS alternative");
        }
        query.push(") AS alternatives ORDER BY activity_id");
        super::push_limit(query, &whole);
        let join = query.dialect.then_join();
        query
            .push(") AS k")
            .push(join)
            .push("tads t ON t.activity_id = k.activity_id ORDER BY k.activity_id");
    }
}

/// What entries `k` of an alternative have in common.
fn entry<'a>((path, key): &'a (&'static str, String)) -> [(&'static str, &'a str); 2] {
    [("k.path", *path), ("k.key", key)]
}

/// Adds that an entry `d` is one of some alternatives.
fn push_alternatives(query: &mut Builder, alternatives: &[(&'static str, String)]) {
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
