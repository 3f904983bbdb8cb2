//! The `$filter` parameter of PACT v2 `ListFootprints`: the subset of `OData` 4 which PACT names.
//!
//! Comparisons of eight properties, joined by `and`. What `OData` allows beyond that is answered as
//! not implemented, what `OData` does not allow as a bad request.

mod lexer;
mod meaning;
mod parser;

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use crate::datetime::DateTime;
use crate::filter::FilterError;

/// The longest expression that is read.
pub const MAX_EXPRESSION_BYTES: usize = 4 * 1024;

/// The deepest nesting of parentheses that is read.
pub const MAX_DEPTH: usize = 16;

/// The most comparisons that are read.
pub const MAX_COMPARISONS: usize = 64;

/// A filter of footprints: all comparisons must hold (PACT v2.3 "Filtering").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FootprintFilter {
    /// The comparisons, in the order given; at least one.
    pub comparisons: Vec<Comparison>,
}

impl FootprintFilter {
    /// Reads the decoded value of `$filter`.
    pub fn parse(expression: &str) -> Result<Self, FilterError> {
        parser::parse(expression).map(|comparisons| Self { comparisons })
    }

    /// Whether a footprint passes; the reference for every store that filters by itself.
    pub fn matches(&self, footprint: &Value) -> bool {
        self.comparisons
            .iter()
            .all(|comparison| comparison.matches(footprint))
    }
}

impl fmt::Display for FootprintFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, comparison) in self.comparisons.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            write!(f, "{comparison}")?;
        }
        Ok(())
    }
}

/// One comparison of a property with a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared.
    pub property: Property,
    /// How; [`Operator::Any`] for the two lists, never for the others.
    pub operator: Operator,
    /// With what; an instant for the date-times, a text for the others.
    pub value: Literal,
}

impl Comparison {
    /// Whether a footprint passes. A property that is absent or malformed passes no comparison.
    pub fn matches(&self, footprint: &Value) -> bool {
        let Some(member) = footprint.pointer(self.property.pointer()) else {
            return false;
        };
        match (&self.value, member) {
            (Literal::Text(text), Value::Array(items)) => {
                items.iter().any(|item| item.as_str() == Some(text))
            }
            (Literal::Text(text), Value::String(member)) => {
                self.operator.holds(member.as_str().cmp(text))
            }
            (Literal::Instant(instant), Value::String(member)) => member
                .parse::<DateTime>()
                .is_ok_and(|member| self.operator.holds(member.cmp(instant))),
            _ => false,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            property,
            operator,
            value,
        } = self;
        match operator {
            Operator::Any => write!(f, "{}/any(v:(v eq {value}))", property.path()),
            _ => write!(f, "{} {} {value}", property.path(), operator.as_str()),
        }
    }
}

/// A property of a footprint that can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    /// `created`: date-time.
    Created,
    /// `updated`: date-time.
    Updated,
    /// `productCategoryCpc`: text.
    ProductCategoryCpc,
    /// `pcf/geographyCountry`: text.
    GeographyCountry,
    /// `pcf/referencePeriodStart`: date-time.
    ReferencePeriodStart,
    /// `pcf/referencePeriodEnd`: date-time.
    ReferencePeriodEnd,
    /// `companyIds`: list of texts.
    CompanyIds,
    /// `productIds`: list of texts.
    ProductIds,
}

/// What a property holds, and so which comparisons it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PropertyKind {
    Instant,
    Text,
    Texts,
}

impl Property {
    /// Every property.
    pub const ALL: &'static [Self] = &[
        Self::Created,
        Self::Updated,
        Self::ProductCategoryCpc,
        Self::GeographyCountry,
        Self::ReferencePeriodStart,
        Self::ReferencePeriodEnd,
        Self::CompanyIds,
        Self::ProductIds,
    ];

    /// The path in a filter expression.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::ProductCategoryCpc => "productCategoryCpc",
            Self::GeographyCountry => "pcf/geographyCountry",
            Self::ReferencePeriodStart => "pcf/referencePeriodStart",
            Self::ReferencePeriodEnd => "pcf/referencePeriodEnd",
            Self::CompanyIds => "companyIds",
            Self::ProductIds => "productIds",
        }
    }

    /// The JSON pointer into a footprint (RFC 6901).
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Created => "/created",
            Self::Updated => "/updated",
            Self::ProductCategoryCpc => "/productCategoryCpc",
            Self::GeographyCountry => "/pcf/geographyCountry",
            Self::ReferencePeriodStart => "/pcf/referencePeriodStart",
            Self::ReferencePeriodEnd => "/pcf/referencePeriodEnd",
            Self::CompanyIds => "/companyIds",
            Self::ProductIds => "/productIds",
        }
    }

    fn from_path(path: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|property| property.path() == path)
    }

    fn kind(self) -> PropertyKind {
        match self {
            Self::Created
            | Self::Updated
            | Self::ReferencePeriodStart
            | Self::ReferencePeriodEnd => PropertyKind::Instant,
            Self::ProductCategoryCpc | Self::GeographyCountry => PropertyKind::Text,
            Self::CompanyIds | Self::ProductIds => PropertyKind::Texts,
        }
    }
}

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal, and present.
    Ne,
    /// Less, or earlier.
    Lt,
    /// Less or equal.
    Le,
    /// Greater, or later.
    Gt,
    /// Greater or equal.
    Ge,
    /// Some item of the list is equal.
    Any,
}

impl Operator {
    /// The name in a filter expression.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Any => "any",
        }
    }

    /// A comparison operator by its name in any case; `any` is none.
    fn from_name(name: &str) -> Option<Self> {
        [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge]
            .into_iter()
            .find(|operator| operator.as_str().eq_ignore_ascii_case(name))
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
            Self::Any => false,
        }
    }
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A moment, compared as an instant.
    Instant(DateTime),
    /// A text, compared by code points, exactly.
    Text(String),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(instant) => write!(f, "'{}'", instant.in_utc()),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests;
