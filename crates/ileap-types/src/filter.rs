//! Filters of the list actions: `$filter` of PACT v2 and the name-value pairs of iLEAP.

pub mod odata;
pub mod tad;

/// Why a filter is not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The filter is well-formed and asks for something that is not offered.
    #[error("{0}")]
    NotImplemented(String),
    /// The filter is malformed.
    #[error("{0}")]
    BadRequest(String),
}

impl FilterError {
    /// For a query option of `OData` that is none of PACT's.
    pub fn unsupported_option(name: &str) -> Self {
        Self::NotImplemented(format!(
            "the query option {} is not supported; PACT has $filter and limit",
            shown(name)
        ))
    }
}

/// A piece of the caller's input, short and without control characters, to be named in a message.
fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let mut shown: String = text
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_CHARS)
        .collect();
    if text.chars().count() > MAX_CHARS {
        shown.push('…');
    }
    shown
}
