//! Traces: what a request spent its time on, as spans for a collector.
//!
//! Spans are made everywhere and in every build; where nobody collects them they cost next to nothing. What sends
//! them to a collector is there with the feature `otel` alone. No span carries who asked, or for what: names,
//! addresses and ids of people belong to log and audit trail.

#[cfg(feature = "otel")]
mod export;
#[cfg(not(feature = "otel"))]
#[path = "traces/absent.rs"]
mod export;

pub(crate) use self::export::continue_trace;
pub use self::export::{Traces, TracesError};

use tracing::{Span, field::Empty};

use super::{ClerkCallOutcome, VerifyOutcome};

/// The target of every span; nothing else has it.
pub(crate) const TARGET: &str = "ileap::traces";

/// A request from its arrival to its answer, in the words of OpenTelemetry's conventions for HTTP servers.
pub(crate) fn request(endpoint: &'static str, method: &http::Method, request_id: &str) -> Span {
    tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = endpoint,
        otel.kind = "server",
        http.request.method = known(method),
        http.response.status_code = Empty,
        request.id = request_id,
        error.r#type = Empty,
    )
}

/// A verification of credentials.
pub(crate) fn verification(verifier: &'static str) -> Span {
    tracing::info_span!(target: TARGET, "verify", ileap.verifier = verifier, ileap.outcome = Empty)
}

/// A call that Clerk limits, waiting for its turn included.
pub(crate) fn clerk_call(api: &'static str) -> Span {
    tracing::info_span!(
        target: TARGET,
        "clerk",
        otel.kind = "client",
        ileap.clerk.api = api,
        ileap.outcome = Empty,
    )
}

/// A statement, waiting for a connection included.
pub(crate) fn store_call(database: &'static str) -> Span {
    tracing::info_span!(target: TARGET, "store", otel.kind = "client", db.system.name = database)
}

/// Notes how a request was answered, and why it failed.
pub(crate) fn answered(span: &Span, status: u16, cause: Option<&'static str>) {
    span.record("http.response.status_code", status);
    if let Some(cause) = cause {
        span.record("error.type", cause);
    }
}

/// Notes what came of a verification.
pub(crate) fn verified(span: &Span, outcome: VerifyOutcome) {
    span.record("ileap.outcome", outcome.as_str());
}

/// Notes what came of a call.
pub(crate) fn called(span: &Span, outcome: ClerkCallOutcome) {
    span.record("ileap.outcome", outcome.as_str());
}

/// Methods of HTTP have names; any other is the caller's own text.
fn known(method: &http::Method) -> &'static str {
    match *method {
        http::Method::DELETE => "DELETE",
        http::Method::GET => "GET",
        http::Method::HEAD => "HEAD",
        http::Method::OPTIONS => "OPTIONS",
        http::Method::PATCH => "PATCH",
        http::Method::POST => "POST",
        http::Method::PUT => "PUT",
        _ => "_OTHER",
    }
}
