//! What the words and literals of a filter expression mean.

use super::{Literal, Operator, Property, PropertyKind};
use crate::datetime::DateTime;
use crate::filter::{FilterError, shown};
use crate::query::repair_plus;

/// A literal as written, before the property gives it a type.
pub(super) enum Operand {
    Quoted(String),
    Bare(String),
}

pub(super) fn typed(property: Property, operand: Operand) -> Result<Literal, FilterError> {
    match (property.kind(), operand) {
        (PropertyKind::Instant, Operand::Quoted(text) | Operand::Bare(text)) => {
            let moment: DateTime = repair_plus(&text).parse().map_err(|_| {
                bad(format!(
                    "$filter compares {} with {}, which is not an RFC 3339 date-time such as '2025-05-27T09:00:00Z'",
                    property.path(),
                    shown(&text)
                ))
            })?;
            Ok(Literal::Instant(moment))
        }
        (PropertyKind::Text | PropertyKind::Texts, Operand::Quoted(text)) => {
            Ok(Literal::Text(text))
        }
        (PropertyKind::Text | PropertyKind::Texts, Operand::Bare(text)) => Err(bad(format!(
            "$filter compares {} with {}; put texts in single quotes",
            property.path(),
            shown(&text)
        ))),
    }
}

pub(super) fn property(path: &str) -> Result<Property, FilterError> {
    if path.split('/').any(str::is_empty) {
        return Err(bad(format!(
            "$filter has a malformed property path: {}",
            shown(path)
        )));
    }
    Property::from_path(path).ok_or_else(|| {
        unsupported(format!(
            "$filter by the property {} is not supported",
            shown(path)
        ))
    })
}

/// Passes `and`; tells the other operators of `OData` from nonsense.
pub(super) fn refuse_operator_after_term(word: &str) -> Result<(), FilterError> {
    if word.eq_ignore_ascii_case("and") {
        Ok(())
    } else if word.eq_ignore_ascii_case("or")
        || Operator::from_name(word).is_some()
        || is_other_operator(word)
    {
        Err(unsupported(format!(
            "$filter with `{}` is not supported",
            word.to_ascii_lowercase()
        )))
    } else {
        Err(bad(format!(
            "$filter has {} where `and` or the end is expected",
            shown(word)
        )))
    }
}

/// The operators of `OData` 4.01 (Part 2 §5.1.1) that PACT does not name.
pub(super) fn is_other_operator(word: &str) -> bool {
    ["has", "in", "add", "sub", "mul", "div", "divby", "mod"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(word))
}

pub(super) fn bad(message: String) -> FilterError {
    FilterError::BadRequest(message)
}

pub(super) fn unsupported(message: impl Into<String>) -> FilterError {
    FilterError::NotImplemented(message.into())
}
