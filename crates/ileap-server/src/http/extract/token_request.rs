//! The token request (RFC 6749 §4.4.2), parsed once.

use axum::extract::Request;

use super::client_form::ClientForm;
use crate::{http::failure::Cause, identity::Scopes};

/// The parameters that are read besides those of the credentials.
const PARAMETERS: [&str; 3] = ["audience", "grant_type", "scope"];

/// A token request of the client credentials grant.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    /// Who asks, and the proof.
    pub(crate) form: ClientForm,
    /// What will be granted.
    pub(crate) scopes: Scopes,
}

impl TokenRequest {
    /// Reads and parses one.
    pub(crate) async fn read(request: Request) -> Result<Self, Cause> {
        Self::of(ClientForm::read(request, &PARAMETERS).await?)
    }

    /// For the fuzzer: the same of a body that is there.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn parse(headers: &http::HeaderMap, form: &[u8]) -> Result<Self, Cause> {
        Self::of(ClientForm::parse(headers, form, &PARAMETERS)?)
    }

    fn of(form: ClientForm) -> Result<Self, Cause> {
        match form.get("grant_type") {
            None => return Err(Cause::GrantTypeMissing),
            Some("client_credentials") => {}
            Some(_) => return Err(Cause::GrantTypeUnsupported),
        }
        let scopes = Scopes::granted(form.get("scope"));
        Ok(Self { form, scopes })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    /// `hello:pathfinder`
    const BASIC: &str = "Basic aGVsbG86cGF0aGZpbmRlcg==";

    fn parse(authorization: Option<&str>, form: &str) -> Result<TokenRequest, &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert("authorization", value.parse().unwrap());
        }
        TokenRequest::parse(&headers, form.as_bytes()).map_err(|cause| cause.as_str())
    }

    #[test]
    fn basic_credentials_are_read() {
        let request = parse(Some(BASIC), "grant_type=client_credentials").unwrap();
        assert_eq!(request.form.credentials.raw.client_id.as_str(), "hello");
        assert_eq!(request.scopes, Scopes::all());
    }

    #[test]
    fn form_credentials_are_read() {
        let request = parse(
            None,
            "client_id=a%40b&client_secret=p%2Bq&grant_type=client_credentials",
        )
        .unwrap();
        assert_eq!(request.form.credentials.raw.client_id.as_str(), "a@b");
        assert_eq!(request.form.credentials.raw.client_secret.expose(), "p+q");
    }

    #[test]
    fn a_client_may_repeat_its_id_but_not_contradict_it() {
        assert!(parse(Some(BASIC), "grant_type=client_credentials&client_id=hello").is_ok());
        assert_eq!(
            parse(Some(BASIC), "grant_type=client_credentials&client_id=other").unwrap_err(),
            "credentials_twice"
        );
    }

    #[test]
    fn each_mistake_has_its_own_answer() {
        let good = "grant_type=client_credentials";
        for (authorization, form, cause) in [
            (None, good, "credentials_missing"),
            (Some("Bearer x"), good, "credentials_missing"),
            (
                None,
                "grant_type=client_credentials&client_id=a",
                "credentials_missing",
            ),
            (Some("Basic ?"), good, "credentials_malformed"),
            (
                Some(BASIC),
                "grant_type=client_credentials&client_secret=x",
                "credentials_twice",
            ),
            (
                Some("Bearer x"),
                "grant_type=client_credentials&client_id=a&client_secret=x",
                "credentials_twice",
            ),
            (Some(BASIC), "", "grant_type_missing"),
            (Some(BASIC), "grant_type=", "grant_type_missing"),
            (Some(BASIC), "grant_type=password", "grant_type_unsupported"),
            (
                Some(BASIC),
                "grant_type=client_credentials&grant_type=client_credentials",
                "parameter_repeated",
            ),
            (
                Some(BASIC),
                "grant_type=client_credentials&scope=&scope=a",
                "parameter_repeated",
            ),
            (Some(BASIC), "grant_type=%zz", "form_malformed"),
            (Some(BASIC), "grant_type=%ff", "form_malformed"),
        ] {
            assert_eq!(
                parse(authorization, form).unwrap_err(),
                cause,
                "{authorization:?} {form}"
            );
        }
    }

    #[test]
    fn unknown_parameters_and_repeated_resources_are_passed_over() {
        // RFC 8707 §2 lets `resource` appear more than once.
        let form =
            "grant_type=client_credentials&resource=a&resource=b&x=1&scope=footprint:read+other";
        assert_eq!(
            parse(Some(BASIC), form).unwrap().scopes.to_string(),
            "footprint:read"
        );
    }
}
