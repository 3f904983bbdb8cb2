use std::collections::HashSet;

use serde_json::Value;

use super::{
    RuleId,
    cursor::Cursor,
    finding::{Findings, describe, quote},
};
use crate::decimal::{Decimal, DecimalError};

/// One member of an object type.
pub(super) struct Field {
    name: &'static str,
    presence: Presence,
    kind: Kind,
}

enum Presence {
    Mandatory,
    Optional,
}

impl Field {
    /// Whether it is a list that means the same empty and absent.
    fn may_be_left_out(&self) -> bool {
        matches!(self.presence, Presence::Optional)
            && matches!(
                self.kind,
                Kind::List(Items::Any | Items::Filled | Items::Set, _)
            )
    }
}

/// What a value must look like.
pub(super) enum Kind {
    Boolean,
    Text(Format),
    /// A closed enumeration.
    OneOf(&'static [&'static str]),
    /// A number in a string.
    Decimal(Sign),
    /// A JSON integer from zero.
    Integer {
        max: u64,
    },
    /// A JSON number, limits included.
    Number {
        min: f64,
        max: f64,
    },
    Object(&'static [Field]),
    List(Items, &'static Self),
}

/// A text with an inner form.
pub(super) struct Format {
    pub(super) expected: &'static str,
    pub(super) holds: fn(&str) -> bool,
}

#[derive(Clone, Copy)]
pub(super) enum Sign {
    Any,
    NonNegative,
    NonPositive,
}

#[derive(Clone, Copy)]
pub(super) enum Items {
    /// Another rule knows the constraints of this list.
    Any,
    /// Without elements it says something else than if it were absent.
    MayBeEmpty,
    /// At least one element.
    Filled,
    /// At least one element, and no element twice.
    Set,
}

pub(super) const fn must(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        presence: Presence::Mandatory,
        kind,
    }
}

pub(super) const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        presence: Presence::Optional,
        kind,
    }
}

/// Judges an object by its type: rules P01, P02, P03, P10 and R01.
pub(super) fn judge(object: &Cursor<'_>, fields: &'static [Field], findings: &mut Findings) {
    if !object.value().is_object() {
        return p01_type(object, &Kind::Object(fields), findings);
    }
    for field in fields {
        match (object.at(field.name), &field.presence) {
            (Some(member), _) => judge_value(&member, &field.kind, findings),
            (None, Presence::Mandatory) => p01_missing(object, field, findings),
            (None, Presence::Optional) => {}
        }
    }
}

/// Removes the empty lists of optional members, which PACT wants absent; says whether there were any.
pub(super) fn remove_empty_lists(object: &mut Value, fields: &'static [Field]) -> bool {
    let Some(members) = object.as_object_mut() else {
        return false;
    };
    let mut has_changed = false;
    for field in fields {
        let Some(member) = members.get_mut(field.name) else {
            continue;
        };
        if field.may_be_left_out() && member.as_array().is_some_and(Vec::is_empty) {
            members.remove(field.name);
            has_changed = true;
        } else {
            has_changed |= remove_empty_lists_within(member, &field.kind);
        }
    }
    has_changed
}

fn remove_empty_lists_within(value: &mut Value, kind: &'static Kind) -> bool {
    match (kind, value) {
        (Kind::Object(fields), object) => remove_empty_lists(object, fields),
        (Kind::List(_, kind), Value::Array(elements)) => {
            elements.iter_mut().fold(false, |has_changed, element| {
                has_changed | remove_empty_lists_within(element, kind)
            })
        }
        _ => false,
    }
}

fn judge_value(value: &Cursor<'_>, kind: &Kind, findings: &mut Findings) {
    match (kind, value.value()) {
        (Kind::Boolean, Value::Bool(_)) => {}
        (Kind::Text(format), Value::String(text)) if (format.holds)(text) => {}
        (Kind::OneOf(names), Value::String(text)) => p02_closed(value, text, names, findings),
        (Kind::Decimal(sign), Value::String(text)) => judge_decimal(value, text, *sign, findings),
        (Kind::Integer { max }, Value::Number(number))
            if number.as_u64().is_some_and(|number| number <= *max) => {}
        (Kind::Number { min, max }, Value::Number(number)) => {
            // These members are JSON numbers, not decimals: PACT v2 defines them as doubles.
            if !number
                .as_f64()
                .is_some_and(|number| (*min..=*max).contains(&number))
            {
                p03_range(value, (*min, *max), findings);
            }
        }
        (Kind::Object(fields), _) => judge(value, fields, findings),
        (Kind::List(items, kind), Value::Array(_)) => judge_list(value, *items, kind, findings),
        _ => p01_type(value, kind, findings),
    }
}

fn judge_decimal(value: &Cursor<'_>, text: &str, sign: Sign, findings: &mut Findings) {
    let decimal = match text.parse::<Decimal>() {
        Ok(decimal) => decimal.value(),
        Err(error) => return r01_malformed(value, text, error, findings),
    };
    match sign {
        Sign::NonNegative if decimal < 0 => p03_sign(value, "negative", findings),
        Sign::NonPositive if decimal > 0 => p03_sign(value, "positive", findings),
        _ => {}
    }
}

fn judge_list(list: &Cursor<'_>, items: Items, kind: &Kind, findings: &mut Findings) {
    if matches!(items, Items::Filled | Items::Set) && list.elements().next().is_none() {
        p01_empty(list, findings);
    }
    if matches!(items, Items::Set) {
        p10_repeated(list, findings);
    }
    for element in list.elements() {
        if element.value().is_null() {
            p01_type(&element, kind, findings);
        } else {
            judge_value(&element, kind, findings);
        }
    }
}

fn expected(kind: &Kind) -> String {
    let expected = match kind {
        Kind::Boolean => "true or false",
        Kind::Text(format) => format.expected,
        Kind::OneOf(names) => return format!("one of {}", names.join(", ")),
        Kind::Decimal(_) => "a decimal in a string such as `\"1.5\"`",
        Kind::Integer { max } => return format!("an integer from 0 to {max}"),
        Kind::Number { min, max } => return format!("a number from {min} to {max}"),
        Kind::Object(_) => "an object",
        Kind::List(..) => "an array",
    };
    expected.to_owned()
}

fn p01_missing(object: &Cursor<'_>, field: &Field, findings: &mut Findings) {
    let message = format!(
        "mandatory member `{}` is missing: add {}",
        field.name,
        expected(&field.kind)
    );
    findings.error(RuleId::P01, &object.pointer_to(field.name), message);
}

fn p01_type(value: &Cursor<'_>, kind: &Kind, findings: &mut Findings) {
    let found = describe(value.value());
    let message = format!("found {found}: change it to {}", expected(kind));
    findings.error(RuleId::P01, value.pointer(), message);
}

fn p01_empty(list: &Cursor<'_>, findings: &mut Findings) {
    let message = "the array is empty: add an element, or leave the member out if it is optional";
    findings.error(RuleId::P01, list.pointer(), message.to_owned());
}

fn p02_closed(value: &Cursor<'_>, text: &str, names: &[&str], findings: &mut Findings) {
    if !names.contains(&text) {
        let message = format!(
            "found {}: change it to one of {}",
            quote(text),
            names.join(", ")
        );
        findings.error(RuleId::P02, value.pointer(), message);
    }
}

fn p03_sign(value: &Cursor<'_>, wrong: &str, findings: &mut Findings) {
    let message = format!(
        "found {}: it must not be {wrong}, correct it",
        describe(value.value())
    );
    findings.error(RuleId::P03, value.pointer(), message);
}

fn p03_range(value: &Cursor<'_>, (min, max): (f64, f64), findings: &mut Findings) {
    let found = describe(value.value());
    let message = format!("found {found}: change it to a number from {min} to {max}");
    findings.error(RuleId::P03, value.pointer(), message);
}

fn p10_repeated(list: &Cursor<'_>, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for element in list.elements() {
        if !seen.insert(element.value().to_string()) {
            let found = describe(element.value());
            let message = format!("{found} occurs before in this array: remove the repetition");
            findings.error(RuleId::P10, element.pointer(), message);
        }
    }
}

fn r01_malformed(value: &Cursor<'_>, text: &str, error: DecimalError, findings: &mut Findings) {
    let message = format!("{}: {error}", quote(text));
    findings.error(RuleId::R01, value.pointer(), message);
}
