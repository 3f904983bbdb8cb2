//! Reads the members of an event, naming each by its path when it is not as it should be.

use serde_json::{Map, Value};
use url::Url;

use super::EventError;
use crate::datetime::DateTime;

/// A member that is neither absent nor `null`; `CloudEvents` treats both alike (JSON format §2.2).
pub(super) fn present<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

pub(super) fn text<'a>(
    object: &'a Map<String, Value>,
    name: &str,
    member: &'static str,
) -> Result<&'a str, EventError> {
    let expected = "a non-empty string";
    let value = present(object, name).ok_or(EventError::Missing { member, expected })?;
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .ok_or(EventError::Invalid { member, expected })
}

pub(super) fn object(
    mut parent: Map<String, Value>,
    name: &str,
    member: &'static str,
) -> Result<Map<String, Value>, EventError> {
    let expected = "a JSON object";
    match parent.remove(name) {
        Some(Value::Object(object)) => Ok(object),
        None | Some(Value::Null) => Err(EventError::Missing { member, expected }),
        Some(_) => Err(EventError::Invalid { member, expected }),
    }
}

pub(super) fn time(envelope: &Map<String, Value>) -> Result<Option<DateTime>, EventError> {
    let Some(time) = present(envelope, "time") else {
        return Ok(None);
    };
    let expected = "an RFC 3339 date-time, such as \"2025-05-27T09:00:00Z\"";
    let time = time.as_str().and_then(|time| time.parse().ok());
    time.map(Some).ok_or(EventError::Invalid {
        member: "time",
        expected,
    })
}

/// Whether the source is an absolute URL with a host, or `//host/path`.
///
/// The URL parser forgives much: it drops white space, turns backslashes and adds or removes
/// slashes before the host. What it would have to mend is refused.
pub(super) fn is_host_reference(source: &str) -> bool {
    let is_mended =
        |character: char| character.is_whitespace() || character.is_control() || character == '\\';
    if source.contains(is_mended) {
        return false;
    }
    let (scheme, rest) = match source.strip_prefix("//") {
        Some(rest) => ("https", rest),
        None => source.split_once("://").unwrap_or_default(),
    };
    !rest.starts_with('/')
        && Url::parse(&format!("{scheme}://{rest}"))
            .is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
}
