//! Pages of activity data.

use ileap_types::filter::tad::{TadFilter, Term};

use super::{
    Builder, end_page,
    lead::{Lead, push_alternatives},
};
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
    let walk = Walk {
        visibility,
        filter,
        after,
    };
    match lead {
        Some(Lead::Term(term)) if term.alternatives.len() > 1 => {
            walk.push_side_by_side(&mut query, term, page);
        }
        lead => {
            let order = walk.push(&mut query, lead);
            query.push(" ORDER BY ").push(order);
        }
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
    /// Adds the rows of a page, without their order, and returns its column.
    fn push(&self, query: &mut Builder, lead: Option<Lead<'_>>) -> &'static str {
        let dialect = query.dialect;
        query.push("SELECT t.json, t.activity_id FROM ");
        let order = match lead {
            Some(Lead::Term(term)) => {
                query
                    .push("tad_fields d")
                    .push(dialect.then_join())
                    .push("tads t ON t.activity_id = d.activity_id WHERE ");
                push_alternatives(query, &term.alternatives);
                "d.activity_id"
            }
            Some(Lead::Named { recipient, .. }) => {
                query
                    .push("tad_grants k")
                    .push(dialect.then_join())
                    .push("tads t ON t.activity_id = k.activity_id WHERE k.recipient = ")
                    .push_bind(recipient.to_owned());
                "k.activity_id"
            }
            _ => {
                query.push("tads t WHERE 1 = 1");
                "t.activity_id"
            }
        };
        self.push_conditions(query, lead);
        if let Some(after) = self.after {
            query
                .push(" AND ")
                .push(order)
                .push(" > ")
                .push_bind(after.to_owned());
        }
        order
    }

    /// Adds what the lead does not see to.
    fn push_conditions(&self, query: &mut Builder, lead: Option<Lead<'_>>) {
        if let (Reach::Named { recipient, .. }, false) = (
            self.visibility.reach(),
            matches!(lead, Some(Lead::Named { .. })),
        ) {
            query.push(
                " AND EXISTS (SELECT 1 FROM tad_grants g WHERE g.activity_id = t.activity_id AND g.recipient = ",
            );
            query.push_bind(recipient.clone()).push(")");
        }
        let followed = match lead {
            Some(Lead::Term(term)) => Some(term),
            _ => None,
        };
        for term in self
            .filter
            .terms
            .iter()
            .filter(|one| Some(*one) != followed)
        {
            query.push(
                " AND EXISTS (SELECT 1 FROM tad_fields d WHERE d.activity_id = t.activity_id AND ",
            );
            push_alternatives(query, &term.alternatives);
            query.push(")");
        }
    }

    /// Adds a page for each alternative of `term`, without what the alternatives before it have, and all of them
    /// together in their order: each follows entries that are in the order of the list.
    fn push_side_by_side(&self, query: &mut Builder, term: &Term, page: &PageQuery) {
        let whole = PageQuery {
            limit: page
                .limit
                .saturating_add(usize::try_from(page.offset).unwrap_or(usize::MAX)),
            offset: 0,
            after: None,
        };
        query.push("SELECT json, activity_id FROM (");
        for (number, alternative) in term.alternatives.iter().enumerate() {
            query.push(if number == 0 { "" } else { " UNION ALL " });
            let alone = Term {
                name: term.name.clone(),
                alternatives: vec![alternative.clone()],
            };
            let others: Vec<_> = self
                .filter
                .terms
                .iter()
                .filter(|one| *one != term)
                .cloned()
                .collect();
            let filter = TadFilter { terms: others };
            let walk = Walk {
                filter: &filter,
                ..*self
            };
            query.push("SELECT * FROM (");
            let order = walk.push(query, Some(Lead::Term(&alone)));
            if let Some(before) = term
                .alternatives
                .get(..number)
                .filter(|before| !before.is_empty())
            {
                query.push(
                    " AND NOT EXISTS (SELECT 1 FROM tad_fields d WHERE d.activity_id = t.activity_id AND ",
                );
                push_alternatives(query, before);
                query.push(")");
            }
            query.push(" ORDER BY ").push(order);
            super::push_limit(query, &whole);
            query.push(") AS alternative");
        }
        query.push(") AS alternatives ORDER BY activity_id");
    }
}
