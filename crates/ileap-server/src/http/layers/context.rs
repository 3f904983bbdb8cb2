//! Names the request, its caller and its endpoint.

use std::{
    fmt::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Span;

use crate::{
    http::{
        client_address::{client_address, is_trusted},
        endpoint::Endpoint,
        protected::Protected,
        state::AppState,
    },
    telemetry::traces,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id kept from a proxy.
const REQUEST_ID_LIMIT: usize = 128;
/// What a hyphen and the largest number take.
const NUMBER_LIMIT: usize = 21;

/// What is known of a request before anything has been read of it.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// When it arrived.
    pub(crate) arrived: Instant,
    /// Who sent it.
    pub(crate) client_address: IpAddr,
    /// Where it goes.
    pub(crate) endpoint: Endpoint,
    /// Its name in logs and in the answer's header.
    pub(crate) request_id: RequestId,
}

/// A request's name, written once and shared. It is visible ASCII.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RequestContext {
    /// Writes `x-request-id` into the answer.
    pub(super) fn write_id(&self, headers: &mut HeaderMap) {
        headers.insert(X_REQUEST_ID, self.request_id.0.clone());
    }
}

/// Names for requests: drawn at random for the process, counted within it.
pub(super) struct RequestIds {
    next: AtomicU64,
    process: String,
}

impl RequestIds {
    /// Names that no other process gives.
    pub(super) fn new() -> Self {
        let process = uuid::Uuid::new_v4().simple().to_string();
        Self {
            next: AtomicU64::new(1),
            process,
        }
    }

    fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = String::with_capacity(self.process.len() + NUMBER_LIMIT);
        // A String takes all that is written to it.
        let _ = write!(id, "{}-{number}", self.process);
        // It is all hex digits, and would be an empty name otherwise.
        RequestId(id.try_into().unwrap_or(HeaderValue::from_static("")))
    }
}

/// Adds a [`RequestContext`] to the request.
pub(super) fn establish(
    state: &AppState,
    ids: &RequestIds,
    request: &mut Request,
) -> RequestContext {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0);
    let peer = peer.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let live = state.live.load();
    let (trusted, prefix) = (&live.trusted_proxies, &state.edge.prefix);
    let is_proxy = is_trusted(peer.ip().to_canonical(), trusted);
    let inbound = if is_proxy {
        well_formed_id(request.headers())
    } else {
        None
    };
    let endpoint = match Endpoint::of(request.uri().path(), prefix) {
        // A stranger has no say in what it is let through to.
        Endpoint::Verify(_) if is_proxy => {
            Endpoint::Verify(Protected::named_by(request.headers(), prefix))
        }
        endpoint => endpoint,
    };
    let context = RequestContext {
        arrived: state.clock.monotonic(),
        client_address: client_address(peer, request.headers(), trusted),
        endpoint,
        request_id: inbound.map_or_else(|| ids.next(), RequestId),
    };
    request.extensions_mut().insert(context.clone());
    context
}

/// The request's span; it continues a trace that a trusted proxy began.
pub(super) fn span(state: &AppState, context: &RequestContext, request: &Request) -> Span {
    let endpoint = context.endpoint.as_str();
    let span = traces::request(endpoint, request.method(), context.request_id.as_str());
    if !span.is_disabled() {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let live = state.live.load();
        let is_trusted = |peer: &ConnectInfo<SocketAddr>| {
            is_trusted(peer.0.ip().to_canonical(), &live.trusted_proxies)
        };
        if peer.is_some_and(is_trusted) {
            traces::continue_trace(&span, request.headers());
        }
    }
    span
}

fn well_formed_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(X_REQUEST_ID)?;
    let id = value.as_bytes();
    let fits = (1..=REQUEST_ID_LIMIT).contains(&id.len());
    let plain = id
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
    (fits && plain).then(|| value.clone())
}
