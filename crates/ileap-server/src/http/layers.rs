//! What every request of the public listener passes, from the outside in.

mod acceptable;
mod context;
mod in_flight;
mod lasting;
mod observe;
mod render_failures;
mod request_rate;

use std::{borrow::Borrow, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, header};
use tower::ServiceExt as _;
use tracing::Instrument as _;

#[cfg(test)]
pub(super) use self::acceptable::URI_LIMIT_BYTES;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::{acceptable::is_empty_or_host, context::well_formed_id};
pub(crate) use self::{context::RequestContext, in_flight::NoRoom};
use self::{
    context::RequestIds, in_flight::InFlight, lasting::Lasting, request_rate::RequestRates,
};
use super::{
    endpoint::Endpoint,
    failure::{Cause, Failure},
    record,
    routes::verify,
    state::AppState,
};
use crate::telemetry::KnownEndpoint;

/// How long a handler may take, its upstream calls included.
const HANDLER_DEADLINE: Duration = Duration::from_secs(15);

/// The routes, and what the layers around them keep between requests.
pub(crate) struct Layers {
    in_flight: InFlight,
    /// In the order of [`Endpoint::ALL`].
    known: [KnownEndpoint; Endpoint::ALL.len()],
    request_ids: RequestIds,
    request_rates: RequestRates,
    routes: Router,
    state: Arc<AppState>,
}

impl Layers {
    /// Puts the layers around the routes: as one future per request, because a boxed one per layer would cost
    /// as much as all else that a request for a document does. For the same reason they stand around the whole router
    /// and not, as `Router::layer` has it, around each route.
    pub(crate) fn around(router: Router<Arc<AppState>>, state: Arc<AppState>) -> Self {
        Self {
            in_flight: InFlight::new(state.edge.max_requests),
            known: Default::default(),
            request_ids: RequestIds::new(),
            request_rates: RequestRates::new(),
            routes: router.with_state(state.clone()),
            state,
        }
    }

    /// The order is the meaning: each line says why it stands where it does.
    pub(crate) async fn answer(self: &Arc<Self>, peer: SocketAddr, request: Request) -> Response {
        let state = &self.state;
        // First, so that everything below can name the request and the caller's address.
        let context = context::of(state, &self.request_ids, peer, &request);
        let span = context::span(&context, &request);
        let is_head = request.method() == Method::HEAD;
        // Counts also what nobody waits for any more: the caller may hang up, and this future be dropped.
        let unanswered = observe::Unanswered::new(self, &context, span.clone());
        let (mut response, cause) = if record::is_binding(context.endpoint) {
            let decided = decide(self.clone(), context.clone(), request);
            Lasting::new(decided.instrument(span)).await
        } else {
            let decided = decide(&**self, &context, request);
            decided.instrument(span).await
        };
        // Outside the renderer, so that refusals carry these headers too.
        security_headers(response.headers_mut(), state.edge.has_tls);
        context.write_id(response.headers_mut());
        if is_head {
            response = without_body(response);
        }
        // Last, so that it counts the status the caller really gets.
        unanswered.answered(response.status().as_u16(), cause);
        response
    }

    /// What is counted of answers at this endpoint.
    fn known(&self, endpoint: Endpoint) -> Option<&KnownEndpoint> {
        let place = Endpoint::ALL.iter().position(|one| *one == endpoint)?;
        self.known.get(place)
    }
}

/// RFC 9110 §9.3.2: the headers of a GET's answer alone, its length among them.
fn without_body(mut response: Response) -> Response {
    let length = response.body().size_hint().exact().filter(|it| *it > 0);
    if let Some(length) = length {
        let length = HeaderValue::from(length);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
    }
    response.map(|_| Body::empty())
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
    let (_place, mut request) = match layers.in_flight.enter(request) {
        Ok(entered) => entered,
        Err(NoRoom) => return Failure::from(Cause::Overloaded).into_response(),
    };
    // A proxy asks once for each request that it lets through. The answer is in memory, and takes neither a router
    // nor a deadline.
    if matches!(context.endpoint, Endpoint::Verify(_)) && verify::METHODS.contains(request.method())
    {
        let answer = || verify::answer(&layers.state, context.endpoint, request.headers());
        return match std::panic::catch_unwind(AssertUnwindSafe(answer)) {
            Ok(answer) => answer.into_response(),
            Err(_) => panicked(),
        };
    }
    request.extensions_mut().insert(context.clone());
    // Innermost: the deadline covers the handler alone (bodies are limited where they are read), and a
    // handler that panics costs one request, not the connection.
    let handler = AssertUnwindSafe(layers.routes.clone().oneshot(request)).catch_unwind();
    match tokio::time::timeout(HANDLER_DEADLINE, handler).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_)) => panicked(),
        Err(_) => Failure::from(Cause::TimedOut).into_response(),
    }
}

/// The panic's message stays out of it: it may quote what the handler was working on.
fn panicked() -> Response {
    Failure::from(Cause::Internal("a handler panicked".to_owned())).into_response()
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
