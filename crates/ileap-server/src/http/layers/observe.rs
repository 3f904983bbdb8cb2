//! Counts every answer and how long it took.

use axum::response::Response;

use super::RequestContext;
use crate::http::state::AppState;

/// One count and one duration per request; the log line is written where a failure is rendered.
pub(super) fn count(state: &AppState, context: &RequestContext, response: &Response) {
    let elapsed = state
        .clock
        .monotonic()
        .saturating_duration_since(context.arrived);
    state.metrics.answered(
        context.endpoint.as_str(),
        response.status().as_u16(),
        elapsed,
    );
    tracing::debug!(
        client.address = %context.client_address,
        duration_ms = elapsed.as_millis(),
        endpoint = context.endpoint.as_str(),
        http.status = response.status().as_u16(),
        request.id = %context.request_id,
        "request answered"
    );
}
