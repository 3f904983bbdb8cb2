//! Counts every request, its answer, and how long it took.

use tracing::Span;

use super::{Layers, RequestContext};
use crate::{
    http::record::{CLIENT_GONE, STATUS_GONE},
    telemetry::traces,
};

/// A request that has no answer yet: one count and one duration, whatever becomes of it. The log line about a
/// failure is written where it is rendered.
pub(super) struct Unanswered<'a> {
    cause: Option<&'static str>,
    context: &'a RequestContext,
    layers: &'a Layers,
    span: Span,
    status: u16,
}

impl<'a> Unanswered<'a> {
    pub(super) fn new(layers: &'a Layers, context: &'a RequestContext, span: Span) -> Self {
        Self {
            cause: Some(CLIENT_GONE),
            context,
            layers,
            span,
            status: STATUS_GONE,
        }
    }

    /// It has one; the cause is why it failed.
    pub(super) fn answered(mut self, status: u16, cause: Option<&'static str>) {
        self.status = status;
        self.cause = cause;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let Self {
            cause,
            context,
            layers,
            ref span,
            status,
        } = *self;
        let state = &layers.state;
        traces::answered(span, status, cause);
        let now = state.clock.monotonic();
        let elapsed = now.saturating_duration_since(context.arrived);
        let endpoint = context.endpoint.as_str();
        if let Some(known) = layers.known(context.endpoint) {
            let endpoint = (endpoint, known);
            state.metrics.answered(endpoint, status, elapsed);
        }
        if status == STATUS_GONE {
            state.metrics.failed(endpoint, CLIENT_GONE);
            tracing::info!(
                cause = CLIENT_GONE,
                client.address = %context.client_address,
                duration_ms = elapsed.as_millis(),
                endpoint,
                request.id = %context.request_id,
                "the client hung up before its answer"
            );
            return;
        }
        tracing::debug!(
            client.address = %context.client_address,
            duration_ms = elapsed.as_millis(),
            endpoint,
            http.status = status,
            request.id = %context.request_id,
            "request answered"
        );
    }
}
