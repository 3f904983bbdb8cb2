//! What every request of the public listener passes, from the outside in.

mod acceptable;
mod context;
mod in_flight;
mod lasting;
mod observe;
mod render_failures;
mod request_rate;

use std::{
    borrow::Borrow, convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, header};
use tower::{ServiceExt as _, service_fn};
use tracing::Instrument as _;

#[cfg(test)]
pub(super) use self::acceptable::URI_LIMIT_BYTES;
pub(crate) use self::{context::RequestContext, in_flight::NoRoom};
use self::{
    context::RequestIds, in_flight::InFlight, lasting::Lasting, request_rate::RequestRates,
};
use super::{
    failure::{Cause, Failure},
    record,
    state::AppState,
};

/// How long a handler may take, its upstream calls included.
const HANDLER_DEADLINE: Duration = Duration::from_secs(15);

/// What the layers keep between requests.
struct Layers {
    in_flight: InFlight,
    request_ids: RequestIds,
    request_rates: RequestRates,
    routes: Router,
    state: Arc<AppState>,
}

/// Puts the layers around the routes: as one future per request, because a boxed one per layer would cost
/// as much as all else that a request for a document does. For the same reason they stand around the whole router
/// and not, as `Router::layer` has it, around each route.
pub(crate) fn stack(router: Router<Arc<AppState>>, state: Arc<AppState>) -> Router {
    let layers = Layers {
        in_flight: InFlight::new(state.edge.max_requests),
        request_ids: RequestIds::new(),
        request_rates: RequestRates::new(),
        routes: router.with_state(state.clone()),
        state,
    };
    let layers = Arc::new(layers);
    Router::new().fallback_service(service_fn(move |request| {
        let layers = layers.clone();
        async move { Ok::<_, Infallible>(pass(&layers, request).await) }
    }))
}

/// The order is the meaning: each line says why it stands where it does.
async fn pass(layers: &Arc<Layers>, mut request: Request) -> Response {
    let state = &layers.state;
    // First, so that everything below can name the request and the caller's address.
    let context = context::establish(state, &layers.request_ids, &mut request);
    let span = context::span(state, &context, &request);
    // Counts also what nobody waits for any more: the caller may hang up, and this future be dropped.
    let unanswered = observe::Unanswered::new(state, &context, span.clone());
    let (mut response, cause) = if record::is_binding(context.endpoint) {
        let decided = decide(layers.clone(), context.clone(), request);
        Lasting::new(decided.instrument(span)).await
    } else {
        let decided = decide(&**layers, &context, request);
        decided.instrument(span).await
    };
    // Outside the renderer, so that refusals carry these headers too.
    security_headers(response.headers_mut(), state.edge.has_tls);
    context.write_id(response.headers_mut());
    // Last, so that it counts the status the caller really gets.
    unanswered.answered(response.status().as_u16(), cause);
    response
}

/// The answer, and the name of why it is a refusal; on record when this ends.
async fn decide(
    layers: impl Borrow<Layers>,
    context: impl Borrow<RequestContext>,
    request: Request,
) -> (Response, Option<&'static str>) {
    let (layers, context) = (layers.borrow(), context.borrow());
    let state = &layers.state;
    let undecided = record::Undecided::new(state, context);
    let response = undecided.heeding(work(layers, context, request)).await;
    let failure = response.extensions().get::<Failure>().cloned();
    // Outside panic, shedding and deadline, so that their failures get our bodies as well.
    let response = render_failures::render(state, context, response);
    undecided.ended(response.status().as_u16(), failure.as_ref());
    (response, failure.map(|failure| failure.cause.as_str()))
}

async fn work(layers: &Layers, context: &RequestContext, request: Request) -> Response {
    // Before any work: what is no request of ours, and whoever sends too many.
    let refusal = acceptable::refusal(&request)
        .or_else(|| layers.request_rates.refusal(&layers.state, context));
    if let Some(refusal) = refusal {
        return refusal;
    }
    // Outside the deadline: what is shed never starts.
    let (_place, request) = match layers.in_flight.enter(request) {
        Ok(entered) => entered,
        Err(NoRoom) => return Failure::from(Cause::Overloaded).into_response(),
    };
    // Innermost: the deadline covers the handler alone (bodies are limited where they are read), and a
    // handler that panics costs one request, not the connection.
    let handler = AssertUnwindSafe(layers.routes.clone().oneshot(request)).catch_unwind();
    match tokio::time::timeout(HANDLER_DEADLINE, handler).await {
        Ok(Ok(Ok(response))) => response,
        // The panic's message stays out of it: it may quote what the handler was working on.
        Ok(Err(_)) => {
            Failure::from(Cause::Internal("a handler panicked".to_owned())).into_response()
        }
        Err(_) => Failure::from(Cause::TimedOut).into_response(),
    }
}

/// An API serves nothing a browser should sniff, frame or run.
fn security_headers(headers: &mut HeaderMap, has_tls: bool) {
    // RFC 6797 §7.2 forbids it over plain HTTP, which a proxy in front may have made of HTTPS: its matter then.
    if has_tls {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
}
