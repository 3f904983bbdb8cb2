//! The one table from failure to wire: status, code, headers and body per profile, endpoint and cause.

use std::borrow::Cow;

use http::{HeaderValue, StatusCode, header};
use ileap_types::{oauth2, pact};

use super::{endpoint::Endpoint, failure::Cause, protected::Protected};
use crate::clerk::webhook::WebhookError;

/// How token errors look; chosen per deployment, because no single answer satisfies every suite.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OauthErrors {
    /// Wrong credentials get 400 `invalid_request`, as the `ileaptest` suite of ileap-go v0 wants.
    Ileaptest,
    /// Wrong credentials get 400 `invalid_client`, as in PACT 2.2 and later.
    #[default]
    Pact,
    /// Wrong credentials get 401 `invalid_client` with a challenge (RFC 6749 §5.2).
    Rfc6749,
}

impl OauthErrors {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Pact, Self::Rfc6749, Self::Ileaptest];

    /// The configuration's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ileaptest => "ileaptest",
            Self::Pact => "pact",
            Self::Rfc6749 => "rfc6749",
        }
    }
}

/// A failure as the caller sees it.
#[derive(Debug)]
pub struct Rendered {
    /// The status line.
    pub status: StatusCode,
    /// The JSON body.
    pub body: Vec<u8>,
    /// `WWW-Authenticate`, where there is a challenge.
    pub challenge: Option<HeaderValue>,
}

/// The challenge to a caller without a token (RFC 6750 §3).
const BEARER: &str = r#"Bearer realm="ileap""#;
/// The challenge to a caller whose token is invalid or expired (RFC 6750 §3.1).
const BEARER_INVALID: &str = r#"Bearer realm="ileap", error="invalid_token""#;
/// The challenge to a caller whose token lacks a scope (RFC 6750 §3.1).
const BEARER_SCOPE: &str = r#"Bearer realm="ileap", error="insufficient_scope""#;
/// The challenge to a client whose credentials are missing or wrong (RFC 6749 §5.2, RFC 7617 §2.1).
const BASIC: &str = r#"Basic realm="ileap", charset="UTF-8""#;

/// Turns a failure into its answer. Pure; the whole table is kept as a snapshot.
pub fn render(profile: OauthErrors, endpoint: Endpoint, cause: &Cause) -> Rendered {
    match endpoint {
        Endpoint::Token | Endpoint::UnknownAuth => oauth(profile, cause),
        // No suite asks here: the answer of RFC 7009 §2.2.1 and RFC 7662 §2.3, whatever the profile.
        Endpoint::Introspect | Endpoint::Revoke => oauth(OauthErrors::Rfc6749, cause),
        Endpoint::Discovery
        | Endpoint::Events
        | Endpoint::GetFootprint
        | Endpoint::Jwks
        | Endpoint::ListFootprints
        | Endpoint::Tad
        | Endpoint::Unknown
        | Endpoint::Webhooks => pact(endpoint, cause),
        Endpoint::Verify(protected) => verify(protected, cause),
    }
}

/// What the protected endpoint would answer, for a proxy to pass on. To nginx nothing but 401 and 403 is a refusal,
/// so that 400 becomes 401, which has a challenge (RFC 9110 §15.5.2).
fn verify(protected: Protected, cause: &Cause) -> Rendered {
    let mut rendered = pact(protected.endpoint(), cause);
    if rendered.status == StatusCode::BAD_REQUEST {
        rendered.status = StatusCode::UNAUTHORIZED;
        rendered.challenge = Some(HeaderValue::from_static(BEARER));
    }
    rendered
}

/// OAuth's family (RFC 6749 §5.2): `{"error", "error_description"}`.
fn oauth(profile: OauthErrors, cause: &Cause) -> Rendered {
    use oauth2::ErrorCode as Code;
    let (status, text) = plain(cause);
    let (status, code, challenge) = match cause {
        Cause::ClientRefused(_) | Cause::CredentialsMissing => match profile {
            OauthErrors::Ileaptest => (StatusCode::BAD_REQUEST, Code::InvalidRequest, None),
            OauthErrors::Pact => (StatusCode::BAD_REQUEST, Code::InvalidClient, None),
            OauthErrors::Rfc6749 => (StatusCode::UNAUTHORIZED, Code::InvalidClient, Some(BASIC)),
        },
        Cause::ClientWithoutRole => (status, Code::UnauthorizedClient, None),
        Cause::GrantTypeUnsupported => (status, Code::UnsupportedGrantType, None),
        Cause::FailuresThrottled { .. }
        | Cause::Overloaded
        | Cause::RequestsThrottled { .. }
        | Cause::SignerMissing
        | Cause::SourceUnavailable { .. }
        | Cause::StoreUnavailable(_)
        | Cause::TimedOut
        | Cause::VerifierUnavailable(_) => (status, Code::TemporarilyUnavailable, None),
        Cause::Internal(_) => (status, Code::ServerError, None),
        Cause::BodyTooLarge { .. }
        | Cause::BodyTooSlow
        | Cause::BodyUnreadable
        | Cause::CredentialsMalformed(_)
        | Cause::CredentialsTwice
        | Cause::CursorInvalid
        | Cause::EventInvalid(_)
        | Cause::FilterMalformed(_)
        | Cause::FilterUnsupported(_)
        | Cause::FootprintNotFound
        | Cause::FormMalformed
        | Cause::GrantTypeMissing
        | Cause::HostUnclear
        | Cause::LimitInvalid
        | Cause::MediaTypeUnsupported(_)
        | Cause::MethodNotAllowed
        | Cause::OffsetInvalid
        | Cause::ParameterMissing(_)
        | Cause::ParameterRepeated(_)
        | Cause::PathUnknown
        | Cause::QueryMalformed(_)
        | Cause::ScopeMissing(_)
        | Cause::TokenExpired
        | Cause::TokenInvalid(_)
        | Cause::TokenMalformed
        | Cause::TokenMissing
        | Cause::UriTooLong
        | Cause::WebhookRefused(_) => (status, Code::InvalidRequest, None),
    };
    let body = oauth2::ErrorBody {
        error: code,
        error_description: Some(text.into_owned()),
    };
    rendered(status, &body, challenge)
}

/// PACT's family: `{"code", "message"}`, with the bearer failures that differ per endpoint.
fn pact(endpoint: Endpoint, cause: &Cause) -> Rendered {
    use pact::error::ErrorCode as Code;
    let (status, text) = plain(cause);
    let (status, code, challenge) = match cause {
        // 401 with code BadRequest satisfies every suite of PACT; iLEAP 1.0.0 wants 403 on TAD.
        Cause::TokenInvalid(_) | Cause::TokenMissing if endpoint == Endpoint::Tad => {
            (StatusCode::FORBIDDEN, Code::AccessDenied, None)
        }
        Cause::TokenInvalid(_) => (status, Code::BadRequest, Some(BEARER_INVALID)),
        Cause::TokenMissing => (status, Code::BadRequest, Some(BEARER)),
        Cause::TokenExpired => (status, Code::TokenExpired, Some(BEARER_INVALID)),
        Cause::ScopeMissing(_) => (status, Code::AccessDenied, Some(BEARER_SCOPE)),
        Cause::FootprintNotFound => (status, Code::NoSuchFootprint, None),
        Cause::FilterUnsupported(_) => (status, Code::NotImplemented, None),
        Cause::Internal(_)
        | Cause::Overloaded
        | Cause::SignerMissing
        | Cause::SourceUnavailable { .. }
        | Cause::StoreUnavailable(_)
        | Cause::TimedOut
        | Cause::VerifierUnavailable(_) => (status, Code::InternalError, None),
        Cause::BodyTooLarge { .. }
        | Cause::BodyTooSlow
        | Cause::BodyUnreadable
        | Cause::ClientRefused(_)
        | Cause::ClientWithoutRole
        | Cause::CredentialsMalformed(_)
        | Cause::CredentialsMissing
        | Cause::CredentialsTwice
        | Cause::CursorInvalid
        | Cause::EventInvalid(_)
        | Cause::FailuresThrottled { .. }
        | Cause::FilterMalformed(_)
        | Cause::FormMalformed
        | Cause::GrantTypeMissing
        | Cause::GrantTypeUnsupported
        | Cause::HostUnclear
        | Cause::LimitInvalid
        | Cause::MediaTypeUnsupported(_)
        | Cause::MethodNotAllowed
        | Cause::OffsetInvalid
        | Cause::ParameterMissing(_)
        | Cause::ParameterRepeated(_)
        | Cause::PathUnknown
        | Cause::QueryMalformed(_)
        | Cause::RequestsThrottled { .. }
        | Cause::TokenMalformed
        | Cause::UriTooLong
        | Cause::WebhookRefused(_) => (status, Code::BadRequest, None),
    };
    rendered(
        status,
        &pact::error::ErrorBody {
            code,
            message: text.into_owned(),
        },
        challenge,
    )
}

/// Status and text of a failure, as far as neither family nor endpoint says otherwise. Texts keep to the
/// characters of RFC 6749 §5.2, save for what the caller sent.
fn plain(cause: &Cause) -> (StatusCode, Cow<'static, str>) {
    let (bad, too_many) = (StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS);
    let (status, text) = match cause {
        Cause::BodyTooLarge { limit_bytes } => {
            let text = format!("The body is larger than {limit_bytes} bytes");
            return (StatusCode::PAYLOAD_TOO_LARGE, text.into());
        }
        Cause::MediaTypeUnsupported(wanted) => {
            return (bad, format!("The Content-Type must be {wanted}").into());
        }
        Cause::ParameterMissing(name) => {
            return (bad, format!("The parameter {name} is missing").into());
        }
        Cause::ParameterRepeated(name) => {
            return (
                bad,
                format!("The parameter {name} appears more than once").into(),
            );
        }
        Cause::ScopeMissing(scope) => {
            let text = format!("The access token lacks the scope {scope}");
            return (StatusCode::FORBIDDEN, text.into());
        }
        Cause::EventInvalid(text)
        | Cause::FilterMalformed(text)
        | Cause::FilterUnsupported(text)
        | Cause::QueryMalformed(text) => return (bad, text.clone().into()),
        Cause::CredentialsMalformed(text) => (bad, *text),
        Cause::FailuresThrottled { .. } => (too_many, "Too many failed logins: try again later"),
        Cause::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "The body came too slowly"),
        Cause::BodyUnreadable => (bad, "The body cannot be read"),
        Cause::ClientRefused(_) => (bad, "Client authentication failed"),
        Cause::ClientWithoutRole => (
            bad,
            "This client has no role here: ask the data owner for one",
        ),
        Cause::CredentialsMissing => (
            bad,
            "Client authentication is missing: send id and secret by HTTP Basic",
        ),
        Cause::CredentialsTwice => (
            bad,
            "Credentials in both the Authorization header and the body: send one",
        ),
        Cause::CursorInvalid => (
            bad,
            "The cursor is not one of ours: follow the Link header, or begin without it",
        ),
        Cause::FootprintNotFound => (
            StatusCode::NOT_FOUND,
            "The specified footprint does not exist.",
        ),
        Cause::FormMalformed => (bad, "The form body cannot be decoded"),
        Cause::GrantTypeMissing => (
            bad,
            "The parameter grant_type is missing: send grant_type=client_credentials",
        ),
        Cause::GrantTypeUnsupported => (bad, "Only grant_type=client_credentials is supported"),
        Cause::HostUnclear => (bad, "The request must have one Host header"),
        Cause::Internal(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "An internal or unexpected error has occurred",
        ),
        Cause::LimitInvalid => (bad, "The parameter limit must be a positive integer"),
        Cause::OffsetInvalid => (bad, "The parameter offset must be an integer up to 10000"),
        Cause::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "This method is not allowed here",
        ),
        Cause::Overloaded
        | Cause::SignerMissing
        | Cause::SourceUnavailable { .. }
        | Cause::StoreUnavailable(_)
        | Cause::TimedOut
        | Cause::VerifierUnavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service cannot answer at the moment: try again later",
        ),
        Cause::PathUnknown => (StatusCode::NOT_FOUND, "There is nothing at this path"),
        Cause::RequestsThrottled { .. } => (too_many, "Too many requests: try again later"),
        Cause::TokenExpired => (
            StatusCode::UNAUTHORIZED,
            "The specified access token has expired",
        ),
        Cause::TokenInvalid(_) => (StatusCode::UNAUTHORIZED, "The access token is invalid"),
        Cause::TokenMalformed => (
            bad,
            "The Authorization header must be: Bearer <access token>",
        ),
        Cause::TokenMissing => (StatusCode::UNAUTHORIZED, "An access token is required"),
        Cause::UriTooLong => (StatusCode::URI_TOO_LONG, "The request target is too long"),
        Cause::WebhookRefused(WebhookError::Headers) => (
            bad,
            "The signature headers of the webhook are missing or cannot be read",
        ),
        Cause::WebhookRefused(WebhookError::Signature | WebhookError::Stale) => (
            StatusCode::UNAUTHORIZED,
            "The webhook is not signed with our secret, or not now",
        ),
    };
    (status, text.into())
}

fn rendered(
    status: StatusCode,
    body: &impl serde::Serialize,
    challenge: Option<&'static str>,
) -> Rendered {
    Rendered {
        status,
        body: serde_json::to_vec(body).unwrap_or_default(),
        challenge: challenge.map(HeaderValue::from_static),
    }
}

impl Rendered {
    /// The same, with where a challenged caller finds out how to get a token (RFC 9728 §5.1).
    #[must_use]
    pub fn naming(mut self, resource_metadata_url: &str) -> Self {
        let bearer = self
            .challenge
            .take_if(|it| it.as_bytes().starts_with(b"Bearer"));
        if let Some(challenge) = bearer {
            let mut named = challenge.as_bytes().to_vec();
            named.extend_from_slice(b", resource_metadata=\"");
            named.extend_from_slice(resource_metadata_url.as_bytes());
            named.push(b'"');
            self.challenge = Some(HeaderValue::try_from(named).unwrap_or(challenge));
        }
        self
    }

    /// The headers of the answer besides its length, in the order they are written.
    pub fn headers(&self, cause: &Cause) -> Vec<(header::HeaderName, HeaderValue)> {
        let mut headers = vec![
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        if let Some(challenge) = &self.challenge {
            headers.push((header::WWW_AUTHENTICATE, challenge.clone()));
        }
        if let Some(seconds) = cause.retry_after() {
            headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        headers
    }
}

#[cfg(test)]
mod tests;
