//! Writes the answer to a failed request, and the one log line about it.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

use super::RequestContext;
use crate::{
    http::{
        failure::{Cause, Failure},
        profile,
        state::AppState,
    },
    verify::VerifyError,
};

/// Replaces the empty response that carries a [`Failure`] by the one the table names.
pub(super) fn render(
    state: &AppState,
    context: &RequestContext,
    mut response: Response,
) -> Response {
    // The router answers a known path's wrong method by itself; only the Allow header is of use.
    let is_unrendered_405 = response.status() == StatusCode::METHOD_NOT_ALLOWED;
    let failure = match response.extensions_mut().remove::<Failure>() {
        Some(failure) => failure,
        None if is_unrendered_405 => Cause::MethodNotAllowed.into(),
        None => return response,
    };
    let oauth_errors = state.live.load().oauth_errors;
    let rendered = profile::render(oauth_errors, context.endpoint, &failure.cause)
        .naming(&state.edge.resource_metadata_url);
    log(context, &failure, rendered.status);
    state
        .metrics
        .failed(context.endpoint.as_str(), failure.cause.as_str());
    match &*failure.cause {
        Cause::ClientRefused(reason) => state.metrics.client_refused(reason.as_str()),
        Cause::ClientWithoutRole => state.metrics.client_refused("no_role"),
        Cause::FailuresThrottled { budget, .. } => state.metrics.held_back(budget),
        _ => {}
    }
    let headers = rendered.headers(&failure.cause);
    let mut answer = Response::new(Body::from(rendered.body));
    *answer.status_mut() = rendered.status;
    answer.headers_mut().extend(headers);
    // What was not read of a body would be read as the next request, so the connection ends (RFC 9112 §9.6).
    if matches!(
        *failure.cause,
        Cause::BodyTooLarge { .. } | Cause::BodyTooSlow | Cause::BodyUnreadable
    ) {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

/// Who was refused what, and why. What is ours to mend is a warning with its remedy, or an error.
fn log(context: &RequestContext, failure: &Failure, status: StatusCode) {
    let Entry {
        level,
        message,
        reason,
        remedy,
    } = Entry::of(&failure.cause);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                cause = failure.cause.as_str(),
                client.address = %context.client_address,
                client.id = failure.client_id.as_ref().map(tracing::field::debug),
                endpoint = context.endpoint.as_str(),
                http.status = status.as_u16(),
                reason,
                remedy,
                request.id = %context.request_id,
                "{message}"
            )
        };
    }
    match level {
        Level::Info => line!(info),
        Level::Warn => line!(warn),
        Level::Error => line!(error),
    }
}

/// How loud a log line is.
enum Level {
    Info,
    Warn,
    Error,
}

/// What a log line says beyond who and where.
struct Entry {
    level: Level,
    message: &'static str,
    reason: Option<String>,
    remedy: Option<&'static str>,
}

impl Entry {
    fn of(cause: &Cause) -> Self {
        const NO_ROLE: &str =
            "give the user an organization role such as org:ileap_user, or set access.default_role";
        const OVER_BUDGET: &str = "the secret that verified last keeps working; to let another one in, find out who keeps failing, \
            then run ileap doctor --client ID --forget";
        let entry = |level, message, reason: String, remedy| Self {
            level,
            message,
            reason: Some(reason),
            remedy,
        };
        match cause {
            Cause::ClientRefused(reason) => {
                let remedy = reason.remedy();
                let level = if remedy.is_some() {
                    Level::Warn
                } else {
                    Level::Info
                };
                entry(level, "client refused", reason.as_str().to_owned(), remedy)
            }
            Cause::ClientWithoutRole => entry(
                Level::Warn,
                "client refused",
                "no_role".to_owned(),
                Some(NO_ROLE),
            ),
            Cause::VerifierUnavailable(error) => {
                let (level, remedy) = match error {
                    VerifyError::Misconfigured { remedy, .. } => (Level::Error, Some(*remedy)),
                    VerifyError::OverBudget { .. }
                    | VerifyError::Throttled { .. }
                    | VerifyError::Unavailable { .. } => (Level::Warn, None),
                };
                entry(
                    level,
                    "credentials cannot be verified",
                    error.to_string(),
                    remedy,
                )
            }
            Cause::FailuresThrottled { budget, .. } => entry(
                Level::Warn,
                "logins held back after too many failures",
                (*budget).to_owned(),
                (*budget == "account").then_some(OVER_BUDGET),
            ),
            Cause::SignerMissing => entry(
                Level::Error,
                "no access token can be signed",
                "no key is left that may sign".to_owned(),
                Some("see `ileap keys list`, and what the log says of keys before this"),
            ),
            Cause::SourceUnavailable { why, .. } => entry(
                Level::Error,
                "the data source cannot answer",
                (*why).to_owned(),
                None,
            ),
            Cause::StoreUnavailable(error) => entry(
                Level::Error,
                "the store cannot answer",
                error.with_cause(),
                None,
            ),
            Cause::Internal(what) => entry(Level::Error, "internal error", what.clone(), None),
            Cause::Overloaded | Cause::TimedOut => Self {
                level: Level::Warn,
                message: "request given up",
                reason: None,
                remedy: None,
            },
            Cause::WebhookRefused(error) => entry(
                Level::Warn,
                "webhook refused",
                error.to_string(),
                Some(
                    "compare the signing secret with the one in the Clerk dashboard (Configure, Webhooks), and this machine's clock",
                ),
            ),
            Cause::TokenInvalid(reason) => {
                entry(Level::Info, "request refused", (*reason).to_owned(), None)
            }
            _ => Self {
                level: Level::Info,
                message: "request refused",
                reason: None,
                remedy: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_store_that_fails_is_logged_in_words_with_all_that_led_to_it() {
        let error = StoreError::Unavailable {
            attempted: "reading a page",
            source: Box::new(sqlx::Error::PoolClosed),
        };
        let reason = Entry::of(&error.into()).reason.unwrap();
        assert_eq!(
            reason,
            "reading a page: the database is unavailable: attempted to acquire a connection on a closed pool"
        );
    }
}
