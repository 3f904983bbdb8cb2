//! Visibility, filter and position as SQL.

mod builder;
mod walk;

pub(super) use self::builder::Builder;

use ileap_types::filter::{
    odata::{Comparison, FootprintFilter, Literal, Operator, Property},
    tad::TadFilter,
};

use super::{dialect::Dialect, nanoseconds};
use crate::{
    access::{Reach, Visibility},
    identity::Role,
    store::{Page, PageQuery, Position, StoreError},
};

/// Shipments refer to TOCs and HOCs; whoever sees the one sees the other.
const SHIPMENTS_AND_REFERENCES: &str = "(f.kind = 'shipment' OR EXISTS (SELECT 1 FROM shipment_references r \
     WHERE r.kind = f.kind AND r.object_id = f.object_id))";

/// One footprint; `None` when the visibility covers nothing.
pub(super) fn footprint(dialect: Dialect, visibility: &Visibility, id: &str) -> Option<Builder> {
    let mut query = Builder::new(dialect, "SELECT f.json FROM footprints f WHERE f.id = ");
    query.push_bind(id.to_ascii_lowercase());
    push_visibility(&mut query, visibility).then_some(query)
}

/// Which of these footprints the visibility covers; `None` when it covers nothing.
pub(super) fn visible(
    dialect: Dialect,
    visibility: &Visibility,
    ids: &[String],
) -> Option<Builder> {
    let mut query = Builder::new(dialect, "SELECT f.id FROM footprints f WHERE f.id IN (");
    for (number, id) in ids.iter().enumerate() {
        query.push(if number == 0 { "" } else { ", " });
        query.push_bind(id.clone());
    }
    query.push(")");
    push_visibility(&mut query, visibility).then_some(query)
}

/// A page of footprints, joined; `None` when the visibility covers nothing.
pub(super) fn footprints(
    dialect: Dialect,
    visibility: &Visibility,
    filter: &FootprintFilter,
    page: &PageQuery,
) -> Result<Option<Builder>, StoreError> {
    let mut query = Builder::new(
        dialect,
        dialect.begin_page("created || '/' || id", "created, id"),
    );
    query.push("SELECT f.json, f.created, f.id FROM ");
    let listed = walk::listed_id(filter);
    let order = match (listed, visibility.reach()) {
        (None, Reach::Named { recipient, .. }) => walk::push_named(&mut query, recipient),
        _ => walk::push_footprints(&mut query, listed),
    };
    if !push_visibility(&mut query, visibility) {
        return Ok(None);
    }
    for comparison in filter.comparisons.iter().filter(|one| Some(*one) != listed) {
        push_comparison(&mut query, comparison);
    }
    if let Some(position) = &page.after {
        let (created, id) = parse_position(position).ok_or(StoreError::UnknownPosition)?;
        query.push(" AND (").push(order).push(") > (");
        query.push_bind(created);
        query.push(", ").push_bind(id.to_owned()).push(")");
    }
    query.push(" ORDER BY ").push(order);
    end_page(&mut query, page);
    Ok(Some(query))
}

/// A page of activity data, joined; `None` when the visibility, or a value that cannot be, covers nothing.
pub(super) fn tads(
    dialect: Dialect,
    visibility: &Visibility,
    filter: &TadFilter,
    page: &PageQuery,
) -> Result<Option<Builder>, StoreError> {
    if matches!(visibility.reach(), Reach::Nothing) {
        return Ok(None);
    }
    let mut query = Builder::new(
        dialect,
        dialect.begin_page("'tad/' || activity_id", "activity_id"),
    );
    query.push("SELECT t.json, t.activity_id FROM ");
    let narrow = walk::narrow_term(filter);
    let order = match (narrow, visibility.reach()) {
        (None, Reach::Named { recipient, .. }) => {
            walk::push_named_activities(&mut query, recipient)
        }
        (Some(_), Reach::Named { recipient, .. }) => {
            let order = walk::push_activities(&mut query, narrow);
            query.push(
                " AND EXISTS (SELECT 1 FROM tad_grants g WHERE g.activity_id = t.activity_id AND g.recipient = ",
            );
            query.push_bind(recipient.clone()).push(")");
            order
        }
        _ => walk::push_activities(&mut query, narrow),
    };
    for term in filter.terms.iter().filter(|one| Some(*one) != narrow) {
        if term.alternatives.is_empty() {
            // Such as a mass that is no number.
            return Ok(None);
        }
        query.push(
            " AND EXISTS (SELECT 1 FROM tad_fields d WHERE d.activity_id = t.activity_id AND (d.path, d.key) IN (VALUES ",
        );
        for (number, (path, key)) in term.alternatives.iter().enumerate() {
            query.push(if number == 0 { "(" } else { ", (" });
            query
                .push_bind(*path)
                .push(", ")
                .push_bind(key.clone())
                .push(")");
        }
        query.push("))");
    }
    if let Some(Position(after)) = &page.after {
        let after = after
            .strip_prefix("tad/")
            .ok_or(StoreError::UnknownPosition)?;
        query.push(" AND ").push(order).push(" > ");
        query.push_bind(after.to_owned());
    }
    query.push(" ORDER BY ").push(order);
    end_page(&mut query, page);
    Ok(Some(query))
}

/// Ends a page: its rows are one more than the limit, so that "more" shows.
fn end_page(query: &mut Builder, page: &PageQuery) {
    let one_more = i64::try_from(page.limit).map_or(i64::MAX, |limit| limit.saturating_add(1));
    // As an expression: SQLite plans by the value of a bare parameter, and would compile the statement anew
    // for every page.
    query.push(" LIMIT (").push_bind(one_more).push(" + 0)");
    if page.offset > 0 {
        query
            .push(" OFFSET (")
            .push_bind(i64::from(page.offset))
            .push(" + 0)");
    }
    query.push(query.dialect.end_page());
}

/// Takes the object beyond the limit off again, and says where the page ended if there was one.
pub(super) fn page(
    dialect: Dialect,
    mut objects: Vec<u8>,
    places: &str,
    limit: usize,
) -> Option<Page> {
    let places: Vec<&str> = places.split(',').collect();
    let has_more = places.len() > limit;
    let next = if has_more {
        let (length, _) = places.last()?.split_once(' ')?;
        let length: usize = length.parse().ok()?;
        objects.truncate(objects.len().checked_sub(length + 1)?);
        let (_, position) = places.get(limit.checked_sub(1)?)?.split_once(' ')?;
        Some(Position(dialect.restored(unhex(position)?)))
    } else {
        None
    };
    Some(Page {
        objects: objects.into(),
        next,
    })
}

fn unhex(text: &str) -> Option<String> {
    let bytes = text.as_bytes().chunks(2);
    let bytes = bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

fn parse_position(position: &Position) -> Option<(i64, &str)> {
    let (created, id) = position.0.split_once('/')?;
    Some((created.parse().ok()?, id))
}

/// Adds what the caller may see; `false` when that is nothing.
fn push_visibility(query: &mut Builder, visibility: &Visibility) -> bool {
    let (named_for, roles) = match visibility.reach() {
        Reach::Everything => return true,
        Reach::Nothing => return false,
        Reach::Kinds(roles) => (None, roles),
        Reach::Named { recipient, roles } => (Some(recipient), roles),
    };
    let shipments = match named_for {
        None => SHIPMENTS_AND_REFERENCES,
        Some(_) => "(f.kind = 'shipment' OR g.by_shipment = 1)",
    };
    let conditions: Vec<&str> = roles
        .iter()
        .map(|role| match role {
            Role::All => "1 = 1",
            Role::Operator => "f.kind <> 'generic'",
            Role::Organizer => "f.kind IN ('toc', 'hoc')",
            Role::User => shipments,
        })
        .collect();
    if conditions.is_empty() {
        return false;
    }
    query.push(" AND ");
    if let Some(recipient) = named_for {
        query
            .push("EXISTS (SELECT 1 FROM footprint_grants g WHERE g.footprint = f.id AND g.recipient = ")
            .push_bind(recipient.clone())
            .push(" AND ");
    }
    query.push("(").push(&conditions.join(" OR ")).push(")");
    if named_for.is_some() {
        query.push(")");
    }
    true
}

fn push_comparison(query: &mut Builder, comparison: &Comparison) {
    let column = match comparison.property {
        Property::CompanyIds | Property::ProductIds => return push_id(query, comparison),
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
    query.push(" AND ").push(column).push(operator);
    match &comparison.value {
        Literal::Instant(moment) => query.push_bind(nanoseconds(*moment)),
        Literal::Text(text) => query.push_bind(text.clone()),
    };
}

fn push_id(query: &mut Builder, comparison: &Comparison) {
    let Some((list, value)) = walk::list_and_value(comparison) else {
        query.push(" AND 1 = 0");
        return;
    };
    query
        .push(" AND EXISTS (SELECT 1 FROM footprint_ids i WHERE i.footprint = f.id AND i.list = '")
        .push(list)
        .push("' AND i.value = ")
        .push_bind(value.to_owned())
        .push(")");
}
