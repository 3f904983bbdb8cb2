//! `Authorization: Bearer`, for the data endpoints here and behind proxies (RFC 6750 §2.1).

use std::sync::Arc;

use http::{HeaderMap, header};

use crate::{
    http::{caller, endpoint::Endpoint, failure::Cause, state::AppState},
    identity::{Principal, Scope},
    token::UnverifiedToken,
};

/// The caller whose access token the request carries, if the token is good and opens `endpoint`.
pub(crate) fn principal(
    state: &AppState,
    headers: &HeaderMap,
    endpoint: Endpoint,
) -> Result<Arc<Principal>, Cause> {
    let token = unverified_token(headers)?;
    let principal = state.validator.validate(token)?;
    caller::is(&principal);
    let is_missing = |scope: &&Scope| !principal.scopes.contains(**scope);
    match endpoint.scopes().iter().find(is_missing) {
        Some(scope) => Err(Cause::ScopeMissing(scope.as_str())),
        None => Ok(principal),
    }
}

/// The header's shape only: one header, the scheme in any case, one or more spaces, token characters.
pub(crate) fn unverified_token(headers: &HeaderMap) -> Result<UnverifiedToken<'_>, Cause> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Cause::TokenMissing)?;
    if values.next().is_some() {
        return Err(Cause::TokenMalformed);
    }
    let value = value.to_str().map_err(|_| Cause::TokenMalformed)?;
    let (scheme, token) = value.split_once(' ').ok_or(Cause::TokenMalformed)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || !token.bytes().all(is_b64token)
    {
        return Err(Cause::TokenMalformed);
    }
    Ok(UnverifiedToken::new(token))
}

/// The characters of RFC 6750's `b64token`.
fn is_b64token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
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
