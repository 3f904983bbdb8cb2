//! Members that are there and say nothing.
//!
//! PACT v2 and iLEAP 1.0.0 leave out what is not given. Software writes `null` or `[]` for it all the same, the
//! published examples among it, and means nothing else. The data of foreign extensions is for its own schema,
//! where either may mean something.

use serde_json::Value;

use super::{cursor::Cursor, extension, ileap_shape::TAD, pact_shape::PRODUCT_FOOTPRINT, shape};

/// Removes nulls, and the empty lists of optional members, from a footprint; says whether there were any.
///
/// `prevTceIds` stays: without elements it names the beginning of a chain.
pub fn remove_absent_in_footprint(footprint: &mut Value) -> bool {
    let mut foreign = take_foreign_data(footprint);
    let mut has_changed = remove_nulls(footprint);
    has_changed |= shape::remove_empty_lists(footprint, PRODUCT_FOOTPRINT);
    for (number, extension) in extensions(footprint).enumerate() {
        let taken = foreign.iter_mut().find(|(place, _)| *place == number);
        match (taken, extension.get_mut("data")) {
            (Some((_, taken)), Some(data)) => *data = taken.take(),
            _ => has_changed |= remove_empty_lists_of_ileap(extension),
        }
    }
    has_changed
}

/// Removes nulls, and the empty lists of optional members, from activity data (TAD); says whether there were
/// any.
pub fn remove_absent_in_tad(tad: &mut Value) -> bool {
    let had_nulls = remove_nulls(tad);
    shape::remove_empty_lists(tad, TAD) || had_nulls
}

/// Takes out the data of foreign extensions, with the number of each one.
fn take_foreign_data(footprint: &mut Value) -> Vec<(usize, Value)> {
    let mut foreign = Vec::new();
    for (number, extension) in extensions(footprint).enumerate() {
        if extension::kind(&Cursor::root(extension)).is_none()
            && let Some(data) = extension.get_mut("data").filter(|data| !data.is_null())
        {
            foreign.push((number, std::mem::replace(data, Value::Bool(true))));
        }
    }
    foreign
}

fn extensions(footprint: &mut Value) -> impl Iterator<Item = &mut Value> {
    let extensions = footprint
        .get_mut("extensions")
        .and_then(Value::as_array_mut);
    extensions.into_iter().flatten()
}

fn remove_empty_lists_of_ileap(extension: &mut Value) -> bool {
    let Some(kind) = extension::kind(&Cursor::root(extension)) else {
        return false;
    };
    extension
        .get_mut("data")
        .is_some_and(|data| shape::remove_empty_lists(data, extension::fields(kind)))
}

fn remove_nulls(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|_, member| !member.is_null());
            let had_nulls = members.len() < before;
            members.values_mut().fold(had_nulls, |had_nulls, member| {
                had_nulls | remove_nulls(member)
            })
        }
        Value::Array(elements) => elements.iter_mut().fold(false, |had_nulls, element| {
            had_nulls | remove_nulls(element)
        }),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => false,
    }
}
