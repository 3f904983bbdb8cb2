//! Client credentials, from the Basic header (RFC 7617) or the form (RFC 6749 §2.3.1).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use zeroize::Zeroizing;

use crate::{
    http::failure::Cause,
    identity::{ClientCredentials, ClientId, ClientSecret, PresentedCredentials},
};

const NOT_BASIC: &str =
    "The Authorization header is not valid HTTP Basic: base64 of id:secret is expected";
const ID_OR_SECRET: &str =
    "The client id or secret is empty, too long, or contains control characters";

/// The credentials in the Authorization header; `None` when there is none of the Basic scheme.
pub(crate) fn from_header(headers: &HeaderMap) -> Result<Option<PresentedCredentials>, Cause> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Cause::CredentialsMalformed(
            "More than one Authorization header",
        ));
    }
    let value = value
        .to_str()
        .map_err(|_| Cause::CredentialsMalformed(NOT_BASIC))?;
    let (scheme, encoded) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = STANDARD
        .decode(encoded.trim_matches(' '))
        .map(Zeroizing::new);
    let decoded = decoded.map_err(|_| Cause::CredentialsMalformed(NOT_BASIC))?;
    let text = std::str::from_utf8(&decoded).map_err(|_| Cause::CredentialsMalformed(NOT_BASIC))?;
    // The first colon separates: ids have none, secrets may.
    let (id, secret) = text
        .split_once(':')
        .ok_or(Cause::CredentialsMalformed(NOT_BASIC))?;
    let raw = credentials(id, secret)?;
    Ok(Some(PresentedCredentials {
        raw,
        form_decoded: form_decoded(id, secret),
    }))
}

/// Credentials from the form fields `client_id` and `client_secret`: already decoded, so one reading.
pub(crate) fn from_form(id: &str, secret: &str) -> Result<PresentedCredentials, Cause> {
    Ok(PresentedCredentials {
        raw: credentials(id, secret)?,
        form_decoded: None,
    })
}

fn credentials(id: &str, secret: &str) -> Result<ClientCredentials, Cause> {
    let client_id = ClientId::new(id).ok_or(Cause::CredentialsMalformed(ID_OR_SECRET))?;
    let client_secret =
        ClientSecret::new(secret).ok_or(Cause::CredentialsMalformed(ID_OR_SECRET))?;
    Ok(ClientCredentials {
        client_id,
        client_secret,
    })
}

/// The second reading, where both parts decode as forms and it says something else than the first.
fn form_decoded(id: &str, secret: &str) -> Option<ClientCredentials> {
    let (decoded_id, decoded_secret) = (
        form_decode(id)?,
        Zeroizing::new(form_decode(secret)?.into_owned()),
    );
    if decoded_id == id && *decoded_secret == secret {
        return None;
    }
    credentials(&decoded_id, &decoded_secret).ok()
}

/// `application/x-www-form-urlencoded` decoding of one value; `None` for a broken escape or text that
/// is not UTF-8.
pub(crate) fn form_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? * 16 + hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Result<Option<PresentedCredentials>, Cause> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        from_header(&headers)
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    fn form_encode(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    fn texts(credentials: &ClientCredentials) -> (&str, &str) {
        (
            credentials.client_id.as_str(),
            credentials.client_secret.expose(),
        )
    }

    #[test]
    fn a_secret_may_contain_colons() {
        let read = read(&basic("hello:path:finder")).unwrap().unwrap();
        assert_eq!(texts(&read.raw), ("hello", "path:finder"));
        assert!(read.form_decoded.is_none());
    }

    #[test]
    fn a_plus_is_read_both_ways() {
        let read = read(&basic("hello:a+b%41")).unwrap().unwrap();
        assert_eq!(texts(&read.raw), ("hello", "a+b%41"));
        assert_eq!(texts(&read.form_decoded.unwrap()), ("hello", "a bA"));
    }

    #[test]
    fn a_broken_escape_leaves_the_raw_reading() {
        let read = read(&basic("hello:100%")).unwrap().unwrap();
        assert_eq!(texts(&read.raw), ("hello", "100%"));
        assert!(read.form_decoded.is_none());
    }

    #[test]
    fn another_scheme_is_no_credentials() {
        assert!(read("Bearer abc").unwrap().is_none());
    }

    #[test]
    fn what_is_not_basic_is_malformed() {
        for value in [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic YQ",
            &basic("no-colon"),
            &basic(":x"),
            &basic("x:"),
        ] {
            assert!(
                matches!(read(value), Err(Cause::CredentialsMalformed(_))),
                "{value}"
            );
        }
        let not_utf8 = format!("Basic {}", STANDARD.encode([b'a', b':', 0xff]));
        assert!(read(&not_utf8).is_err());
        assert!(read(&basic("a:b\0c")).is_err());
    }

    proptest! {
        #[test]
        fn raw_and_encoded_senders_are_both_understood(
            id in "[^\\x00-\\x1f\\x7f:\\u{80}-\\u{9f}]{1,40}",
            secret in "[^\\x00-\\x1f\\x7f\\u{80}-\\u{9f}]{1,60}",
        ) {
            let raw = read(&basic(&format!("{id}:{secret}"))).unwrap().unwrap();
            prop_assert_eq!(texts(&raw.raw), (id.as_str(), secret.as_str()));
            let encoded = format!("{}:{}", form_encode(&id), form_encode(&secret));
            let encoded = read(&basic(&encoded)).unwrap().unwrap();
            let reading = encoded.form_decoded.as_ref().unwrap_or(&encoded.raw);
            prop_assert_eq!(texts(reading), (id.as_str(), secret.as_str()));
        }

        #[test]
        fn arbitrary_headers_never_panic(value in "[ -~]{0,80}") {
            let _ = read(&value);
        }
    }
}
