//! The whole table, as one text snapshot per profile: what partners see of every failure.

mod documented;

use std::{fmt::Write as _, time::Duration};

use super::*;
use crate::{
    clerk::webhook::WebhookError,
    store::StoreError,
    verify::{RejectReason, VerifyError},
};

const RESOURCE_METADATA: &str = "https://ileap.example/.well-known/oauth-protected-resource";

fn every_cause() -> Vec<Cause> {
    let unavailable = || StoreError::Unavailable {
        attempted: "reading",
        source: "disk".into(),
    };
    vec![
        Cause::CredentialsMissing,
        Cause::CredentialsMalformed("the description"),
        Cause::CredentialsTwice,
        Cause::ClientRefused(RejectReason::WrongSecret),
        Cause::ClientWithoutRole,
        Cause::GrantTypeMissing,
        Cause::GrantTypeUnsupported,
        Cause::FormMalformed,
        Cause::FailuresThrottled {
            budget: "account",
            retry_after: Duration::from_secs(60),
        },
        Cause::VerifierUnavailable(VerifyError::Throttled {
            retry_after: Duration::from_secs(7),
        }),
        Cause::VerifierUnavailable(VerifyError::Unavailable {
            retry_after: Duration::from_millis(1200),
            cause: "timeout".to_owned(),
        }),
        Cause::VerifierUnavailable(VerifyError::Misconfigured {
            code: "host_invalid".to_owned(),
            remedy: "",
        }),
        Cause::TokenMissing,
        Cause::TokenMalformed,
        Cause::TokenInvalid("signature"),
        Cause::TokenExpired,
        Cause::ScopeMissing("footprint:list"),
        Cause::FootprintNotFound,
        Cause::FilterMalformed("the description".to_owned()),
        Cause::FilterUnsupported("the description".to_owned()),
        Cause::LimitInvalid,
        Cause::OffsetInvalid,
        Cause::CursorInvalid,
        Cause::QueryMalformed("the description".to_owned()),
        Cause::EventInvalid("the description".to_owned()),
        Cause::ParameterMissing("token"),
        Cause::ParameterRepeated("limit"),
        Cause::MediaTypeUnsupported("application/json"),
        Cause::BodyTooLarge { limit_bytes: 8192 },
        Cause::BodyTooSlow,
        Cause::BodyUnreadable,
        Cause::UriTooLong,
        Cause::HostUnclear,
        Cause::RequestsThrottled {
            retry_after: Duration::from_millis(1500),
        },
        Cause::PathUnknown,
        Cause::MethodNotAllowed,
        Cause::Overloaded,
        Cause::TimedOut,
        Cause::SignerMissing,
        Cause::StoreUnavailable(unavailable()),
        Cause::SourceUnavailable {
            why: "secret detail",
            retry_after: Duration::from_secs(5),
        },
        Cause::Internal("secret detail".to_owned()),
        Cause::WebhookRefused(WebhookError::Headers),
        Cause::WebhookRefused(WebhookError::Signature),
        Cause::WebhookRefused(WebhookError::Stale),
    ]
}

/// Fails to compile when a cause is added: add it to [`every_cause`], too.
fn place(cause: &Cause) -> usize {
    match cause {
        Cause::BodyTooLarge { .. } => 0,
        Cause::BodyTooSlow => 1,
        Cause::BodyUnreadable => 2,
        Cause::ClientRefused(_) => 3,
        Cause::ClientWithoutRole => 4,
        Cause::CredentialsMalformed(_) => 5,
        Cause::CredentialsMissing => 6,
        Cause::CredentialsTwice => 7,
        Cause::CursorInvalid => 8,
        Cause::EventInvalid(_) => 9,
        Cause::FilterMalformed(_) => 10,
        Cause::FilterUnsupported(_) => 11,
        Cause::FootprintNotFound => 12,
        Cause::FormMalformed => 13,
        Cause::GrantTypeMissing => 14,
        Cause::GrantTypeUnsupported => 15,
        Cause::Internal(_) => 16,
        Cause::LimitInvalid => 17,
        Cause::MediaTypeUnsupported(_) => 18,
        Cause::MethodNotAllowed => 19,
        Cause::Overloaded => 20,
        Cause::ParameterRepeated(_) => 21,
        Cause::PathUnknown => 22,
        Cause::QueryMalformed(_) => 23,
        Cause::ScopeMissing(_) => 24,
        Cause::StoreUnavailable(_) => 25,
        Cause::TimedOut => 26,
        Cause::TokenExpired => 27,
        Cause::TokenInvalid(_) => 28,
        Cause::TokenMalformed => 29,
        Cause::TokenMissing => 30,
        Cause::UriTooLong => 31,
        Cause::VerifierUnavailable(_) => 32,
        Cause::FailuresThrottled { .. } => 33,
        Cause::WebhookRefused(WebhookError::Headers) => 34,
        Cause::WebhookRefused(_) => 35,
        Cause::SourceUnavailable { .. } => 36,
        Cause::OffsetInvalid => 37,
        Cause::ParameterMissing(_) => 38,
        Cause::HostUnclear => 39,
        Cause::RequestsThrottled { .. } => 40,
        Cause::SignerMissing => 41,
    }
}

fn table(profile: OauthErrors) -> String {
    let mut table = String::new();
    for endpoint in Endpoint::ALL {
        match endpoint {
            Endpoint::Verify(protected) => writeln!(table, "## verify, for {protected:?}").unwrap(),
            endpoint => writeln!(table, "## {}", endpoint.as_str()).unwrap(),
        }
        for cause in every_cause() {
            let rendered = render(profile, endpoint, &cause).naming(RESOURCE_METADATA);
            let body = String::from_utf8(rendered.body.clone()).unwrap();
            write!(
                table,
                "{:<22} {} {body}",
                cause.as_str(),
                rendered.status.as_u16()
            )
            .unwrap();
            for (name, value) in rendered.headers(&cause).iter().skip(2) {
                write!(table, " [{name}: {}]", value.to_str().unwrap()).unwrap();
            }
            table.push('\n');
        }
    }
    table
}

#[test]
fn the_table_lists_every_cause() {
    let places: std::collections::BTreeSet<_> = every_cause().iter().map(place).collect();
    assert_eq!(
        places.into_iter().collect::<Vec<_>>(),
        (0..=41).collect::<Vec<_>>()
    );
}

#[test]
fn every_failure_looks_the_same_as_yesterday() {
    for profile in OauthErrors::ALL {
        insta::assert_snapshot!(profile.as_str(), table(profile));
    }
}

#[test]
fn every_refusal_is_byte_identical() {
    let reasons = [
        RejectReason::Banned,
        RejectReason::DeviceTrust,
        RejectReason::Locked {
            expires_in: Some(Duration::from_secs(60)),
        },
        RejectReason::MfaRequired,
        RejectReason::NewPasswordRequired,
        RejectReason::NoOrganization,
        RejectReason::NoPassword,
        RejectReason::NotAllowed,
        RejectReason::ProtectCheck,
        RejectReason::SecretCompromised,
        RejectReason::SessionTask,
        RejectReason::UnknownClient,
        RejectReason::UnknownStatus,
        RejectReason::WrongSecret,
    ];
    let endpoints = [Endpoint::Token, Endpoint::Introspect, Endpoint::Revoke];
    let profiles = OauthErrors::ALL.into_iter();
    for (profile, endpoint) in profiles.flat_map(|profile| endpoints.map(|it| (profile, it))) {
        let answers: std::collections::BTreeSet<_> = reasons
            .iter()
            .map(|reason| {
                let cause = Cause::ClientRefused(reason.clone());
                let rendered = render(profile, endpoint, &cause);
                let headers = format!("{:?}", rendered.headers(&cause));
                (rendered.status.as_u16(), rendered.body, headers)
            })
            .collect();
        assert_eq!(answers.len(), 1);
    }
}

/// Nginx passes on 401 and 403 alone, and lets nobody in for another.
#[test]
fn a_proxy_gets_401_where_the_protected_endpoint_says_400_and_else_the_same_answer() {
    for endpoint in Endpoint::ALL {
        let Endpoint::Verify(protected) = endpoint else {
            continue;
        };
        for cause in every_cause() {
            let own = render(OauthErrors::Pact, protected.endpoint(), &cause);
            let told = render(OauthErrors::Pact, endpoint, &cause);
            assert_eq!(told.body, own.body);
            if own.status == StatusCode::BAD_REQUEST {
                assert_eq!(told.status, StatusCode::UNAUTHORIZED);
                assert!(told.challenge.is_some());
            } else {
                assert_eq!((told.status, told.challenge), (own.status, own.challenge));
            }
        }
    }
}

#[test]
fn an_internal_error_keeps_its_details_inside() {
    for endpoint in Endpoint::ALL {
        let rendered = render(
            OauthErrors::Pact,
            endpoint,
            &Cause::Internal("secret detail".to_owned()),
        );
        assert!(!String::from_utf8(rendered.body).unwrap().contains("secret"));
    }
}
