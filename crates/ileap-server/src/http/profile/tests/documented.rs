//! The OpenAPI document has every status that a failure can have, in the form it has.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::Value;

use super::*;

/// Each operation with what it answers when nothing fails.
const OPERATIONS: [(&str, Endpoint, &[u16]); 15] = [
    ("/paths/~1auth~1token/post", Endpoint::Token, &[200]),
    (
        "/paths/~1auth~1introspect/post",
        Endpoint::Introspect,
        &[200],
    ),
    ("/paths/~1auth~1revoke/post", Endpoint::Revoke, &[200]),
    (
        "/paths/~1.well-known~1oauth-protected-resource/get",
        Endpoint::Discovery,
        &[200, 304],
    ),
    (
        "/paths/~1.well-known~1openid-configuration/get",
        Endpoint::Discovery,
        &[200, 304],
    ),
    (
        "/paths/~1.well-known~1oauth-authorization-server/get",
        Endpoint::Discovery,
        &[200, 304],
    ),
    ("/paths/~1jwks/get", Endpoint::Jwks, &[200, 304]),
    (
        "/paths/~1openapi.json/get",
        Endpoint::Discovery,
        &[200, 304],
    ),
    (
        "/paths/~12~1footprints/get",
        Endpoint::ListFootprints,
        &[200],
    ),
    (
        "/paths/~12~1footprints~1{id}/get",
        Endpoint::GetFootprint,
        &[200],
    ),
    ("/paths/~12~1ileap~1tad/get", Endpoint::Tad, &[200]),
    ("/paths/~12~1events/post", Endpoint::Events, &[200]),
    (
        "/paths/~1auth~1verify/get",
        Endpoint::Verify(Protected::Tad),
        &[200],
    ),
    (
        "/paths/~1auth~1verify/post",
        Endpoint::Verify(Protected::Other),
        &[200],
    ),
    ("/paths/~1webhooks~1clerk/post", Endpoint::Webhooks, &[204]),
];

/// What a request head that is too large gets, before there is a request.
const HEAD_TOO_LARGE: u16 = 431;

/// Whether a request with the right method for `endpoint` can fail so.
fn can_meet(endpoint: Endpoint, cause: &Cause) -> bool {
    use Endpoint::{
        Events, GetFootprint, Introspect, ListFootprints, Revoke, Tad, Token, Webhooks,
    };
    let is_one_of = |endpoints: &[Endpoint]| endpoints.contains(&endpoint);
    match cause {
        Cause::BodyUnreadable
        | Cause::HostUnclear
        | Cause::Internal(_)
        | Cause::Overloaded
        | Cause::RequestsThrottled { .. }
        | Cause::TimedOut
        | Cause::UriTooLong => true,
        Cause::BodyTooLarge { .. } | Cause::BodyTooSlow => {
            is_one_of(&[Events, Introspect, Revoke, Token, Webhooks])
        }
        Cause::MediaTypeUnsupported(_) => is_one_of(&[Events, Introspect, Revoke, Token]),
        Cause::ClientWithoutRole | Cause::GrantTypeMissing | Cause::GrantTypeUnsupported => {
            is_one_of(&[Token])
        }
        Cause::ParameterMissing(_) => is_one_of(&[Introspect, Revoke]),
        Cause::ClientRefused(_)
        | Cause::CredentialsMalformed(_)
        | Cause::CredentialsMissing
        | Cause::CredentialsTwice
        | Cause::FailuresThrottled { .. }
        | Cause::FormMalformed
        | Cause::ParameterRepeated(_)
        | Cause::VerifierUnavailable(_) => is_one_of(&[Introspect, Revoke, Token]),
        Cause::TokenExpired
        | Cause::TokenInvalid(_)
        | Cause::TokenMalformed
        | Cause::TokenMissing => {
            is_one_of(&[Events, GetFootprint, ListFootprints, Tad])
                || matches!(endpoint, Endpoint::Verify(_))
        }
        Cause::ScopeMissing(_) => !endpoint.scopes().is_empty(),
        Cause::SignerMissing => is_one_of(&[Token]),
        Cause::SourceUnavailable { .. } => is_one_of(&[GetFootprint, ListFootprints, Tad]),
        Cause::CursorInvalid
        | Cause::FilterMalformed(_)
        | Cause::FilterUnsupported(_)
        | Cause::LimitInvalid
        | Cause::OffsetInvalid
        | Cause::QueryMalformed(_) => is_one_of(&[ListFootprints, Tad]),
        Cause::FootprintNotFound => is_one_of(&[GetFootprint]),
        Cause::EventInvalid(_) => is_one_of(&[Events]),
        // Without a signing secret nothing is at the path of webhooks.
        Cause::PathUnknown | Cause::WebhookRefused(_) => is_one_of(&[Webhooks]),
        Cause::StoreUnavailable(_) => is_one_of(&[
            Events,
            GetFootprint,
            ListFootprints,
            Revoke,
            Tad,
            Token,
            Webhooks,
        ]),
        Cause::MethodNotAllowed => false,
    }
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../../../openapi.json")).unwrap()
}

/// The place of the response to which `pointer` leads, references followed.
fn response(document: &Value, pointer: &str) -> Option<String> {
    let response = document.pointer(pointer)?;
    let referred = response.get("$ref").and_then(Value::as_str);
    Some(referred.map_or(pointer, |target| &target[1..]).to_owned())
}

fn validator(document: &Value, response: &str) -> Validator {
    let schema = format!("#{response}/content/application~1json/schema");
    let mut root = document.clone();
    root["$ref"] = schema.into();
    jsonschema::draft202012::new(&root).unwrap()
}

#[test]
fn every_status_of_a_failure_is_documented_and_no_other() {
    let document = document();
    for (operation, endpoint, successes) in OPERATIONS {
        let without_failure = successes.iter().chain(&[HEAD_TOO_LARGE]);
        let mut given: BTreeSet<String> = without_failure.map(u16::to_string).collect();
        for cause in every_cause() {
            if !can_meet(endpoint, &cause) {
                continue;
            }
            let statuses = OauthErrors::ALL.map(|profile| render(profile, endpoint, &cause).status);
            given.extend(statuses.map(|status| status.as_str().to_owned()));
        }
        let documented = document.pointer(&format!("{operation}/responses")).unwrap();
        let documented: BTreeSet<String> =
            documented.as_object().unwrap().keys().cloned().collect();
        assert_eq!(given, documented, "{operation}");
    }
}

#[test]
fn every_failure_has_the_body_and_the_headers_that_are_documented() {
    let document = document();
    for (operation, endpoint, _) in OPERATIONS {
        for cause in every_cause() {
            if !can_meet(endpoint, &cause) {
                continue;
            }
            for profile in OauthErrors::ALL {
                let rendered = render(profile, endpoint, &cause);
                let place = format!("{operation}/responses/{}", rendered.status.as_u16());
                let place = response(&document, &place).unwrap();
                let body: Value = serde_json::from_slice(&rendered.body).unwrap();
                let validity = validator(&document, &place)
                    .validate(&body)
                    .map_err(|error| error.to_string());
                assert_eq!(validity, Ok(()), "{operation} {body}");
                let documented = document.pointer(&format!("{place}/headers")).unwrap();
                for (name, value) in rendered.headers(&cause) {
                    let is_documented = documented
                        .as_object()
                        .unwrap()
                        .keys()
                        .any(|documented| documented.eq_ignore_ascii_case(name.as_str()));
                    assert!(
                        is_documented || name == header::CONTENT_TYPE,
                        "{operation} {}: {name}: {value:?}",
                        rendered.status
                    );
                }
            }
        }
    }
}
