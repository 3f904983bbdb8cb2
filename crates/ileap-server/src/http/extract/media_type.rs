//! Content types, compared without their parameters.

use http::{HeaderMap, header};

/// The request's media type in lower case without parameters, so that `;charset=UTF-8` is no obstacle.
/// `None` when it is missing, unreadable or given twice, or when the content is coded: nothing is unpacked here
/// (RFC 9110 §8.4).
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return None;
    }
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
    )
}
