//! `POST /2/events`: `CloudEvents` of the PACT v2 types, kept before they are acknowledged.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use ileap_types::pact::event::CloudEvent;

use crate::{
    http::{
        endpoint::Endpoint,
        extract::{bearer, body, media_type::media_type},
        failure::{Cause, Failure},
        state::AppState,
    },
    store::{EventReceipt, ReceivedEvent},
};

/// The largest event taken: one Fulfilled event may carry many footprints.
const EVENT_LIMIT_BYTES: usize = 1024 * 1024;

/// 200 with an empty body once the event is durable, and what is to be done about it; the same event again is
/// acknowledged again.
pub(crate) async fn receive(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let principal = bearer::principal(&state, &parts.headers, Endpoint::Events)?;
    let client_id = principal.client_id.as_str();
    let body = match media_type(&parts.headers).as_deref() {
        Some("application/cloudevents+json" | "application/json") => {
            body::read(&parts.headers, body, EVENT_LIMIT_BYTES).await
        }
        _ => Err(Cause::MediaTypeUnsupported("application/cloudevents+json")),
    };
    let body = body.map_err(|cause| Failure::from(cause).of_client(client_id))?;
    let event = CloudEvent::parse_v2(&body).map_err(|error| {
        Failure::from(Cause::EventInvalid(error.to_string())).of_client(client_id)
    })?;
    let received = ReceivedEvent {
        event: &event,
        body: &body,
        sender: &principal,
        received_at: state.clock.now(),
    };
    let tasks = state.delivery.tasks(&event, &body, &principal).await?;
    let receipt = state.store.record_event(&received, &tasks).await?;
    if receipt == EventReceipt::Full {
        tracing::warn!(client.id = ?client_id, "an event was not taken: too many tasks of this partner are open");
        return Err(Failure::from(Cause::Overloaded).of_client(client_id));
    }
    if !tasks.is_empty() {
        state.delivery.wake();
    }
    tracing::info!(
        client.id = ?client_id,
        event.id = ?event.id,
        event.r#type = event.event_type.as_str(),
        event.is_duplicate = receipt == EventReceipt::Duplicate,
        "event received"
    );
    let length = [(header::CONTENT_LENGTH, HeaderValue::from_static("0"))];
    Ok((StatusCode::OK, length).into_response())
}
