//! A place in a record, and values read there strictly.

use bigdecimal::BigDecimal;
use jiff::Timestamp;
use serde_json::Value;

/// Longer ones are no quantities, and cost more than they say.
const MOST_DIGITS: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) pointer: String,
}

impl<'a> Node<'a> {
    pub(crate) fn new(value: &'a Value, pointer: String) -> Self {
        Self { value, pointer }
    }

    /// A member; null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self::new(value, format!("{}/{name}", self.pointer)))
    }

    /// The place of a member, be it there or not.
    pub(crate) fn at(&self, name: &str) -> Self {
        Self::new(&self.value[name], format!("{}/{name}", self.pointer))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The elements of a member that is an array.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        let at = self.at(name);
        let elements = at.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let elements = elements.iter().enumerate();
        elements
            .map(|(index, value)| Self::new(value, format!("{}/{index}", at.pointer)))
            .collect()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    pub(crate) fn decimal(&self, name: &str) -> Option<BigDecimal> {
        decimal_of(self.value.get(name)?)
    }

    pub(crate) fn instant(&self, name: &str) -> Option<Timestamp> {
        instant(self.text(name)?)
    }
}

/// A decimal as iLEAP and PACT 2 write it: digits with an optional minus and fraction, in a string.
pub(crate) fn decimal_of(value: &Value) -> Option<BigDecimal> {
    let text = value.as_str()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_decimal = text.len() <= MOST_DIGITS && is_digits(whole) && is_digits(fraction);
    if is_decimal { text.parse().ok() } else { None }
}

/// An instant in RFC 3339.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Equal within what rounding explains: 0.5 %, or a millionth.
pub(super) fn is_close(left: &BigDecimal, right: &BigDecimal) -> bool {
    let difference = (left - right).abs();
    let relative = right.abs() * ratio(5, 3);
    difference <= relative.max(ratio(1, 6))
}

/// `digits` / 10^`places`.
pub(super) fn ratio(digits: i64, places: i64) -> BigDecimal {
    BigDecimal::new(digits.into(), places)
}
