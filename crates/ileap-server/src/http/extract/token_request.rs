//! The token request (RFC 6749 §4.4.2), parsed once.

use std::collections::HashMap;

use http::HeaderMap;
use zeroize::Zeroizing;

use super::client_credentials::{self, form_decode};
use crate::{
    http::failure::Cause,
    identity::{PresentedCredentials, Scopes},
};

/// The parameters that are read; each may appear once.
const PARAMETERS: [&str; 5] = [
    "audience",
    "client_id",
    "client_secret",
    "grant_type",
    "scope",
];

/// A token request of the client credentials grant.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    /// Who asks, and the proof.
    pub(crate) credentials: PresentedCredentials,
    /// What will be granted.
    pub(crate) scopes: Scopes,
}

impl TokenRequest {
    /// Parses the form and finds the one set of credentials.
    pub(crate) fn parse(headers: &HeaderMap, form: &[u8]) -> Result<Self, Cause> {
        let from_header = client_credentials::from_header(headers)?;
        let form = Form::parse(form)?;
        let credentials = match (
            from_header,
            form.get("client_id"),
            form.get("client_secret"),
        ) {
            (Some(presented), id, None) if id.is_none_or(|id| presented.names(id)) => presented,
            (Some(_), _, _) => return Err(Cause::CredentialsTwice),
            (None, Some(id), Some(secret)) => client_credentials::from_form(id, secret)?,
            (None, _, _) => return Err(Cause::CredentialsMissing),
        };
        match form.get("grant_type") {
            None => return Err(Cause::GrantTypeMissing),
            Some("client_credentials") => {}
            Some(_) => return Err(Cause::GrantTypeUnsupported),
        }
        Ok(Self {
            credentials,
            scopes: Scopes::granted(form.get("scope")),
        })
    }
}

impl PresentedCredentials {
    /// Whether `client_id` names the same client in one of the readings: RFC 6749 §3.2.1 lets a client
    /// repeat its id in the form.
    fn names(&self, client_id: &str) -> bool {
        let readings = [Some(&self.raw), self.form_decoded.as_ref()];
        readings
            .into_iter()
            .flatten()
            .any(|reading| reading.client_id.as_str() == client_id)
    }
}

/// The form's known parameters. One without a value counts as omitted (RFC 6749 §3.2); unknown ones
/// are passed over.
struct Form(HashMap<&'static str, Zeroizing<String>>);

impl Form {
    fn parse(form: &[u8]) -> Result<Self, Cause> {
        let form = std::str::from_utf8(form).map_err(|_| Cause::FormMalformed)?;
        let mut known = HashMap::new();
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decode(name).ok_or(Cause::FormMalformed)?;
            let value = form_decode(value).ok_or(Cause::FormMalformed)?;
            let Some(name) = PARAMETERS.into_iter().find(|known| *known == name) else {
                continue;
            };
            if known
                .insert(name, Zeroizing::new(value.into_owned()))
                .is_some()
            {
                return Err(Cause::ParameterRepeated(name));
            }
        }
        known.retain(|_, value| !value.is_empty());
        Ok(Self(known))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(request.credentials.raw.client_id.as_str(), "hello");
        assert_eq!(request.scopes, Scopes::all());
    }

    #[test]
    fn form_credentials_are_read() {
        let request = parse(
            None,
            "client_id=a%40b&client_secret=p%2Bq&grant_type=client_credentials",
        )
        .unwrap();
        assert_eq!(request.credentials.raw.client_id.as_str(), "a@b");
        assert_eq!(request.credentials.raw.client_secret.expose(), "p+q");
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
