//! `Authorization: Bearer`, for the data endpoints here and behind proxies (RFC 6750 §2.1).

use std::sync::Arc;

use http::{HeaderMap, header};

use crate::{
    http::{caller, endpoint::Endpoint, failure::Cause, state::AppState},
    identity::{Principal, Scope},
    token::{UnverifiedToken, VerifiedToken},
};

/// The caller whose access token the request carries, if the token is good and opens `endpoint`.
pub(crate) fn principal(
    state: &AppState,
    headers: &HeaderMap,
    endpoint: Endpoint,
) -> Result<Arc<Principal>, Cause> {
    token(state, headers, endpoint).map(|token| token.principal.clone())
}

/// The access token that the request carries, if it is good and opens `endpoint`.
pub(crate) fn token(
    state: &AppState,
    headers: &HeaderMap,
    endpoint: Endpoint,
) -> Result<Arc<VerifiedToken>, Cause> {
    let token = unverified_token(headers)?;
    let token = state.validator.examine_noting(token, caller::is)?;
    let is_missing = |scope: &&Scope| !token.principal.scopes.contains(**scope);
    match endpoint.scopes().iter().find(is_missing) {
        Some(scope) => Err(Cause::ScopeMissing(scope.as_str())),
        None => Ok(token),
    }
}

/// The header's shape only: one header, the scheme in any case, one or more spaces, token characters.
pub(crate) fn unverified_token(headers: &HeaderMap) -> Result<UnverifiedToken<'_>, Cause> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Cause::TokenMissing)?;
    if values.next().is_some() {
        return Err(Cause::TokenMalformed);
    }
    let token = shown(value.as_bytes()).ok_or(Cause::TokenMalformed)?;
    Ok(UnverifiedToken::new(token))
}

fn shown(value: &[u8]) -> Option<&str> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, mut token) = value.split_at_checked(space)?;
    while let Some(rest) = token.strip_prefix(b" ") {
        token = rest;
    }
    while let Some(rest) = token.strip_suffix(b" ") {
        token = rest;
    }
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && is_b64token(token);
    // Of one that passed, every byte is ASCII.
    is_bearer.then(|| str::from_utf8(token).ok()).flatten()
}

/// Characters of RFC 6750's `b64token`, at least one. No byte decides alone: so the compiler looks at many at once,
/// and a token's seven hundred cost no more than its hash.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a lazy operator would decide byte by byte"
)]
fn is_b64token(token: &[u8]) -> bool {
    let is_wrong = |byte: &u8| {
        let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        // `-`, `.`, `/` and the digits follow each other.
        let from_hyphen_to_nine = byte.wrapping_sub(b'-') <= b'9' - b'-';
        !(letter
            | from_hyphen_to_nine
            | (*byte == b'_')
            | (*byte == b'~')
            | (*byte == b'+')
            | (*byte == b'='))
    };
    !token.is_empty() & !token.iter().fold(false, |any, byte| any | is_wrong(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(values: &[&str]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        unverified_token(&headers)
            .map(|_| ())
            .map_err(|cause| cause.as_str())
    }

    #[test]
    fn the_scheme_has_any_case_and_any_number_of_spaces() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(shape_of(&[value]), Ok(()), "{value}");
        }
    }

    #[test]
    fn a_token_has_the_characters_of_rfc_6750_and_no_other() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            assert_eq!(is_b64token(&[byte]), expected, "{byte}");
            assert_eq!(is_b64token(&[b'a', byte, b'a']), expected, "{byte}");
            assert_eq!(is_b64token(&[byte, byte]), expected, "twice {byte}");
        }
        assert!(!is_b64token(b""));
    }

    #[test]
    fn missing_and_malformed_are_told_apart() {
        assert_eq!(shape_of(&[]), Err("token_missing"));
        for value in [
            "Bearer",
            "Bearer ",
            "Token abc",
            "Basic YTpi",
            "Bearer a b",
            "Bearer a,b",
        ] {
            assert_eq!(shape_of(&[value]), Err("token_malformed"), "{value}");
        }
        assert_eq!(shape_of(&["Bearer a", "Bearer b"]), Err("token_malformed"));
    }
}
