use bigdecimal::BigDecimal;
use jiff::Timestamp;
use serde_json::Value;

use crate::{datetime::DateTime, decimal::Decimal};

/// A JSON value that knows where it is in the judged object.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    value: &'a Value,
    pointer: String,
}

impl<'a> Cursor<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    /// The member of this name. Null counts as absent: rule P12 reports it.
    pub(super) fn at(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self {
            value,
            pointer: self.pointer_to(name),
        })
    }

    /// The elements of the array member of this name; none if it is not an array.
    pub(super) fn items(&self, name: &str) -> Vec<Self> {
        self.at(name)
            .map(|member| member.elements().collect())
            .unwrap_or_default()
    }

    /// The elements of this array; none if it is not an array.
    pub(super) fn elements(&self) -> impl Iterator<Item = Self> + use<'a> {
        let pointer = self.pointer.clone();
        let elements = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        elements.iter().enumerate().map(move |(index, value)| Self {
            value,
            pointer: format!("{pointer}/{index}"),
        })
    }

    /// The members of this object, null or not; none if it is not an object.
    pub(super) fn members(&self) -> impl Iterator<Item = Self> {
        self.value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| Self {
                value,
                pointer: self.pointer_to(name),
            })
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    /// The decimal in the member of this name; none if absent or malformed.
    pub(super) fn decimal(&self, name: &str) -> Option<BigDecimal> {
        let decimal: Decimal = self.text(name)?.parse().ok()?;
        Some(decimal.value())
    }

    /// The RFC 3339 date-time in the member of this name; none if absent or malformed.
    pub(super) fn instant(&self, name: &str) -> Option<Timestamp> {
        let moment: DateTime = self.text(name)?.parse().ok()?;
        Some(moment.timestamp())
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Where the member of this name is or would be (RFC 6901 §3).
    pub(super) fn pointer_to(&self, name: &str) -> String {
        format!(
            "{}/{}",
            self.pointer,
            name.replace('~', "~0").replace('/', "~1")
        )
    }
}
