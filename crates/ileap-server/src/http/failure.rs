//! What can go wrong with a request, before it has a status code.

use std::{sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::{
    clerk::webhook::WebhookError,
    data::SourceError,
    store::StoreError,
    token::{IssueError, TokenError},
    verify::{RejectReason, VerifyError},
};

/// This file, for the operations manual's table.
#[cfg(test)]
pub(crate) const SOURCE: &str = include_str!("failure.rs");

/// Why a request fails. What the caller sees of it is decided in [`super::profile`] alone.
#[derive(Debug)]
pub enum Cause {
    /// The body is larger than the endpoint takes.
    BodyTooLarge {
        /// The endpoint's limit.
        limit_bytes: usize,
    },
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The connection broke, or the framing was wrong, while the body was read; or it is in a coding besides chunked.
    BodyUnreadable,
    /// The verifier refused the credentials.
    ClientRefused(RejectReason),
    /// The credentials are right, but the account holds no role and there is no default.
    ClientWithoutRole,
    /// The Authorization header, or the id or secret in it, cannot be read.
    CredentialsMalformed(&'static str),
    /// No credentials, or a scheme the token endpoint does not know.
    CredentialsMissing,
    /// Basic and body credentials in one request.
    CredentialsTwice,
    /// A cursor that did not come from here.
    CursorInvalid,
    /// The body is no `CloudEvent` this endpoint takes; the text says what to change.
    EventInvalid(String),
    /// A filter that cannot be parsed.
    FilterMalformed(String),
    /// A filter that is valid but goes beyond what is offered.
    FilterUnsupported(String),
    /// Our own limit on failures is reached: no verdict on the credentials.
    FailuresThrottled {
        /// Which budget; for the log.
        budget: &'static str,
        /// When to come back.
        retry_after: Duration,
    },
    /// No footprint of this id that the caller may see.
    FootprintNotFound,
    /// The form body cannot be parsed.
    FormMalformed,
    /// `grant_type` is missing.
    GrantTypeMissing,
    /// `grant_type` is another than `client_credentials`.
    GrantTypeUnsupported,
    /// A defect of ours; the text is for the log.
    Internal(String),
    /// No Host, several, or one that names no host (RFC 9112 §3.2).
    HostUnclear,
    /// `limit` is no positive integer.
    LimitInvalid,
    /// `offset` is no whole number, or passes over more than 10 000 where there are more.
    OffsetInvalid,
    /// The Content-Type is not one the endpoint takes; the text names those it does.
    MediaTypeUnsupported(&'static str),
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// More requests in flight than we take on.
    Overloaded,
    /// A parameter that is needed is missing.
    ParameterMissing(&'static str),
    /// A parameter that may appear once appears again.
    ParameterRepeated(&'static str),
    /// The path does not exist.
    PathUnknown,
    /// The query string cannot be decoded, or repeats what may appear once; the text says what to change.
    QueryMalformed(String),
    /// More requests from one address than we take.
    RequestsThrottled {
        /// When to come back.
        retry_after: Duration,
    },
    /// The token does not carry the scope this action needs.
    ScopeMissing(&'static str),
    /// The operator's data service gives no answer that can be used; the word is for the log.
    SourceUnavailable {
        /// What went wrong.
        why: &'static str,
        /// When to come back.
        retry_after: Duration,
    },
    /// No key is there to sign an access token with.
    SignerMissing,
    /// The store cannot answer.
    StoreUnavailable(StoreError),
    /// The request took longer than we allow.
    TimedOut,
    /// The access token was good, once.
    TokenExpired,
    /// The access token is not one of ours, or was altered; the word is for the log.
    TokenInvalid(&'static str),
    /// The Authorization header is not `Bearer <token>`.
    TokenMalformed,
    /// No Authorization header.
    TokenMissing,
    /// The request target is longer than we take.
    UriTooLong,
    /// It could not be found out whether the credentials are right.
    VerifierUnavailable(VerifyError),
    /// A webhook that Clerk has not signed like this, or not now.
    WebhookRefused(WebhookError),
}

impl Cause {
    /// A stable name for logs and metric labels.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyUnreadable => "body_unreadable",
            Self::ClientRefused(_) => "client_refused",
            Self::ClientWithoutRole => "client_without_role",
            Self::CredentialsMalformed(_) => "credentials_malformed",
            Self::CredentialsMissing => "credentials_missing",
            Self::CredentialsTwice => "credentials_twice",
            Self::CursorInvalid => "cursor_invalid",
            Self::EventInvalid(_) => "event_invalid",
            Self::FailuresThrottled { .. } => "failures_throttled",
            Self::FilterMalformed(_) => "filter_malformed",
            Self::FilterUnsupported(_) => "filter_unsupported",
            Self::FootprintNotFound => "footprint_not_found",
            Self::FormMalformed => "form_malformed",
            Self::GrantTypeMissing => "grant_type_missing",
            Self::GrantTypeUnsupported => "grant_type_unsupported",
            Self::HostUnclear => "host_unclear",
            Self::Internal(_) => "internal",
            Self::LimitInvalid => "limit_invalid",
            Self::MediaTypeUnsupported(_) => "media_type_unsupported",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::OffsetInvalid => "offset_invalid",
            Self::Overloaded => "overloaded",
            Self::ParameterMissing(_) => "parameter_missing",
            Self::ParameterRepeated(_) => "parameter_repeated",
            Self::PathUnknown => "path_unknown",
            Self::QueryMalformed(_) => "query_malformed",
            Self::RequestsThrottled { .. } => "requests_throttled",
            Self::ScopeMissing(_) => "scope_missing",
            Self::SignerMissing => "signer_missing",
            Self::SourceUnavailable { .. } => "source_unavailable",
            Self::StoreUnavailable(_) => "store_unavailable",
            Self::TimedOut => "timed_out",
            Self::TokenExpired => "token_expired",
            Self::TokenInvalid(_) => "token_invalid",
            Self::TokenMalformed => "token_malformed",
            Self::TokenMissing => "token_missing",
            Self::UriTooLong => "uri_too_long",
            Self::VerifierUnavailable(_) => "verifier_unavailable",
            Self::WebhookRefused(_) => "webhook_refused",
        }
    }

    /// When the caller may try again, where that is known; whole seconds, at least one.
    pub fn retry_after(&self) -> Option<u64> {
        let wait = match self {
            Self::VerifierUnavailable(
                VerifyError::Throttled { retry_after }
                | VerifyError::Unavailable { retry_after, .. },
            )
            | Self::FailuresThrottled { retry_after, .. }
            | Self::RequestsThrottled { retry_after }
            | Self::SourceUnavailable { retry_after, .. } => *retry_after,
            Self::VerifierUnavailable(VerifyError::Misconfigured { .. }) => Duration::from_mins(5),
            Self::SignerMissing | Self::StoreUnavailable(_) => Duration::from_secs(5),
            Self::Overloaded | Self::TimedOut => Duration::from_secs(1),
            _ => return None,
        };
        Some(
            wait.as_millis()
                .div_ceil(1000)
                .clamp(1, 3600)
                .try_into()
                .unwrap_or(3600),
        )
    }
}

impl From<StoreError> for Cause {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownPosition => Self::CursorInvalid,
            StoreError::Unacceptable { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Unreached { .. } => Self::StoreUnavailable(error),
        }
    }
}

impl From<SourceError> for Cause {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::FilterUnsupported => {
                Self::FilterUnsupported("This filter is not supported here".to_owned())
            }
            SourceError::Store(error) => error.into(),
            SourceError::Unavailable { why, retry_after } => {
                Self::SourceUnavailable { why, retry_after }
            }
        }
    }
}

impl From<TokenError> for Cause {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::TokenExpired,
            TokenError::Invalid(reason) => Self::TokenInvalid(reason.as_str()),
        }
    }
}

impl From<IssueError> for Cause {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Busy | IssueError::Overtaken => Self::Overloaded,
            IssueError::Keyless => Self::SignerMissing,
            IssueError::Range | IssueError::Signing => Self::Internal(error.to_string()),
        }
    }
}

impl From<VerifyError> for Cause {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::OverBudget {
                budget,
                retry_after,
            } => Self::FailuresThrottled {
                budget,
                retry_after,
            },
            error => Self::VerifierUnavailable(error),
        }
    }
}

/// A failed request on its way out: it becomes a response in the `render_failures` layer, which knows
/// the profile. Without that layer the caller gets a bare 500.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Why.
    pub cause: Arc<Cause>,
    /// Who presented themselves, for the log; never for the caller.
    pub client_id: Option<String>,
}

impl Failure {
    /// The same failure, with the client that presented itself.
    #[must_use]
    pub fn of_client(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }
}

impl<C: Into<Cause>> From<C> for Failure {
    fn from(cause: C) -> Self {
        Self {
            cause: Arc::new(cause.into()),
            client_id: None,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
