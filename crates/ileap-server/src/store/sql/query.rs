//! Visibility, filter and position as SQL.

mod activities;
mod builder;
mod entries;
mod fixed;
mod kinds;
pub(super) mod lead;

pub(super) use self::{activities::tads, builder::Builder};

use ileap_types::filter::odata::{FootprintFilter, Property};

use self::{
    entries::Entry,
    fixed::Fixed,
    kinds::{By, Kinds},
    lead::Lead,
};
use super::dialect::Dialect;
use crate::{
    access::{Reach, Visibility},
    identity::Role,
    store::{Page, PageQuery, Position, StoreError},
};

/// Shipments refer to TOCs and HOCs; whoever sees the one sees the other. By the least, as [`IS_THERE`] says.
const SHIPMENTS_AND_REFERENCES: &str = "(f.kind = 'shipment' OR (SELECT MIN(r.footprint) FROM shipment_references r \
     WHERE r.kind = f.kind AND r.object_id = f.object_id) IS NOT NULL)";

/// Ends a subquery for the least of what fits, which says whether something does. An EXISTS would be made a join: by
/// PostgreSQL, which then reads a table as a whole, and by SQLite (3.51), whose OFFSET then counts what fits twice
/// twice.
const IS_THERE: &str = ") IS NOT NULL";

/// One footprint; `None` when the visibility covers nothing. What is hidden is looked for in one index, as what is
/// not there.
pub(super) fn footprint(dialect: Dialect, visibility: &Visibility, id: &str) -> Option<Builder> {
    let mut query = Builder::new(dialect, "SELECT f.json FROM ");
    let id_column = push_singly(&mut query, visibility);
    let id = id.to_ascii_lowercase();
    let fixed = Fixed(vec![(id_column, &id)]);
    fixed.push(&mut query);
    if !push_roles(&mut query, visibility, SINGLY) {
        return None;
    }
    query.push(" ORDER BY ").push(id_column);
    Some(query)
}

/// Which of these footprints the visibility covers; `None` when it covers nothing.
pub(super) fn visible(
    dialect: Dialect,
    visibility: &Visibility,
    ids: &[String],
) -> Option<Builder> {
    let mut query = Builder::new(dialect, "SELECT f.id FROM ");
    let id_column = push_singly(&mut query, visibility);
    query.push(" AND ").push(id_column).push(" IN (");
    for (number, id) in ids.iter().enumerate() {
        query.push(if number == 0 { "" } else { ", " });
        query.push_bind(id.clone());
    }
    query.push(")");
    push_roles(&mut query, visibility, SINGLY).then_some(query)
}

/// Adds the footprints of a caller's reach in an index by id, and returns the column of the id.
fn push_singly(query: &mut Builder, visibility: &Visibility) -> &'static str {
    let dialect = query.dialect;
    if let Reach::Named { recipient, .. } = visibility.reach() {
        query
            .push("footprint_grants k")
            .push(&dialect.indexed_by("footprint_grants_by_footprint"))
            .push(&dialect.then_look_up("footprints f", "f.id = k.footprint"))
            .push(" WHERE k.recipient = ")
            .push_bind(recipient.clone());
        return "k.footprint";
    }
    query.push("footprints f");
    if Kinds::of(visibility) == Kinds::Any {
        query.push(" WHERE 1 = 1");
    } else {
        query
            .push(&dialect.indexed_by(&Kinds::Ileap.index(By::Id)))
            .push(" WHERE f.kind <> 'generic'");
    }
    "f.id"
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
    let entry = entries::push_footprints(&mut query, lead, visibility);
    if !push_roles(&mut query, visibility, IN_ORDER) {
        return Ok(None);
    }
    let followed = match (visibility.reach(), lead) {
        (Reach::Named { .. }, _) => None,
        (_, Some(Lead::Equal(comparison) | Lead::Few(comparison))) => Some(comparison),
        _ => None,
    };
    for comparison in filter
        .comparisons
        .iter()
        .filter(|one| Some(*one) != followed)
    {
        match entries::list_and_value(comparison) {
            Some((list, value)) => push_id(&mut query, entry, (list, value)),
            None if comparison.property == Property::Created => {
                entry.push_created(&mut query, comparison, page.after.is_some());
            }
            None => entries::push_comparison(&mut query, comparison),
        }
    }
    if let Some(position) = &page.after {
        let position = parse_position(position).ok_or(StoreError::UnknownPosition)?;
        entry.push_after(&mut query, position);
    }
    query.push(" ORDER BY ").push(&entry.order());
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

/// Adds which kinds the caller's roles open; `false` when that is none. Which objects of them was said before: those
/// of the grants `k` where rules name objects.
fn push_roles(query: &mut Builder, visibility: &Visibility, granted: Granted) -> bool {
    let conditions: Vec<&str> = match visibility.reach() {
        Reach::Everything => return true,
        Reach::Nothing => return false,
        Reach::Kinds(roles) => roles.iter().map(|role| opened_by(*role)).collect(),
        Reach::Named { roles, .. } => roles.iter().map(|role| granted(*role)).collect(),
    };
    if conditions.is_empty() {
        return false;
    }
    query
        .push(" AND (")
        .push(&conditions.join(" OR "))
        .push(")");
    true
}

/// Which footprints `f` a role opens.
fn opened_by(role: Role) -> &'static str {
    match role {
        Role::All => "1 = 1",
        Role::Operator => "f.kind <> 'generic'",
        Role::Organizer => "f.kind IN ('toc', 'hoc')",
        Role::User => SHIPMENTS_AND_REFERENCES,
    }
}

/// Says which grants `k` of footprints `f` are for a role.
type Granted = fn(Role) -> &'static str;

/// In the words of the indexes that a page follows ([`kinds::index_of_grants`]).
const IN_ORDER: Granted = |role| match role {
    Role::All | Role::Operator => "1 = 1",
    Role::Organizer => "k.kind IN ('toc', 'hoc')",
    Role::User => "k.kind = 'shipment' OR k.by_shipment = 1",
};

/// In words of none, because PostgreSQL would look for one footprint among all that are granted.
const SINGLY: Granted = |role| match role {
    Role::All | Role::Operator => "1 = 1",
    Role::Organizer => "k.kind || '' IN ('toc', 'hoc')",
    Role::User => "k.kind || '' = 'shipment' OR k.by_shipment = 1",
};

/// Adds that a footprint has an id in a list. It is looked for among the others that have it, which are in the order
/// of the walk, and not among the ids of the footprint, which are anywhere.
fn push_id(query: &mut Builder, entry: Entry<'_>, (list, value): (&str, &str)) {
    let indexed_by = query.dialect.indexed_by("sqlite_autoindex_footprint_ids_1");
    query
        .push(" AND (SELECT MIN(i.footprint) FROM footprint_ids i")
        .push(&indexed_by)
        .push(" WHERE i.footprint = ")
        .push(entry.id)
        .push(" AND i.created = ")
        .push(entry.created)
        .push(" AND i.list = '")
        .push(list)
        .push("' AND i.value = ")
        .push_bind(value.to_owned())
        .push(IS_THERE);
}
