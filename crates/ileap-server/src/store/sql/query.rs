//! Visibility, filter and position as SQL.

mod activities;
mod builder;
pub(super) mod lead;

pub(super) use self::{activities::tads, builder::Builder};

use ileap_types::filter::odata::{FootprintFilter, Property};

use self::lead::Lead;
use super::dialect::Dialect;
use crate::{
    access::{Reach, Visibility},
    identity::Role,
    store::{Page, PageQuery, Position, StoreError},
};

/// Shipments refer to TOCs and HOCs; whoever sees the one sees the other. By the least, and not by EXISTS, which
/// PostgreSQL answers from a hash of all references.
const SHIPMENTS_AND_REFERENCES: &str = "(f.kind = 'shipment' OR (SELECT MIN(r.footprint) FROM shipment_references r \
     WHERE r.kind = f.kind AND r.object_id = f.object_id) IS NOT NULL)";

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
    (page, lead): (&PageQuery, Option<Lead<'_>>),
) -> Result<Option<Builder>, StoreError> {
    let mut query = Builder::new(
        dialect,
        dialect.begin_page("created || '/' || id", "created, id"),
    );
    let order = lead::push_footprints(&mut query, lead, visibility);
    if !push_visibility(&mut query, visibility) {
        return Ok(None);
    }
    let followed = match lead {
        Some(Lead::Equal(comparison) | Lead::Few(comparison)) => Some(comparison),
        _ => None,
    };
    for comparison in filter
        .comparisons
        .iter()
        .filter(|one| Some(*one) != followed)
    {
        match lead::list_and_value(comparison) {
            Some((list, value)) => push_id(&mut query, list, value),
            // The position says more, and only one of the two can be looked up.
            None if comparison.property == Property::Created && page.after.is_some() => {
                lead::push_comparison_apart(&mut query, comparison);
            }
            None => lead::push_comparison(&mut query, comparison),
        }
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

/// Ends a page.
fn end_page(query: &mut Builder, page: &PageQuery) {
    push_limit(query, page);
    query.push(query.dialect.end_page());
}

/// Limits the rows to one more than the page has, so that "more" shows.
fn push_limit(query: &mut Builder, page: &PageQuery) {
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

fn push_id(query: &mut Builder, list: &str, value: &str) {
    query
        .push(" AND EXISTS (SELECT 1 FROM footprint_ids i WHERE i.footprint = f.id AND i.list = '")
        .push(list)
        .push("' AND i.value = ")
        .push_bind(value.to_owned())
        .push(")");
}
