//! Names the request, its caller and its endpoint.

use std::{
    fmt,
    io::Write as _,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::extract::Request;
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
/// What the process's part of a name takes.
const PROCESS_LENGTH: usize = uuid::fmt::Simple::LENGTH;
/// The same with a hyphen and the largest number.
const OWN_LIMIT: usize = PROCESS_LENGTH + 21;

/// What is known of a request before anything has been read of it.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// When it arrived.
    pub(crate) arrived: Instant,
    /// Who sent it.
    pub(crate) client_address: IpAddr,
    /// Where it goes.
    pub(crate) endpoint: Endpoint,
    /// Whether a trusted proxy passed it on.
    pub(super) is_from_proxy: bool,
    /// Its name in logs and in the answer's header.
    pub(crate) request_id: RequestId,
}

/// A request's name. It is visible ASCII.
#[derive(Clone, Debug)]
pub(crate) enum RequestId {
    /// A trusted proxy's.
    Given(HeaderValue),
    /// One of ours, written in place.
    Own {
        text: [u8; OWN_LIMIT],
        length: usize,
    },
}

impl RequestId {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Given(value) => value.as_bytes(),
            Self::Own { text, length } => text.get(..*length).unwrap_or_default(),
        }
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn header(&self) -> HeaderValue {
        match self {
            Self::Given(value) => value.clone(),
            // It is all hex digits, and would be an empty name otherwise.
            Self::Own { .. } => {
                HeaderValue::from_bytes(self.as_bytes()).unwrap_or(HeaderValue::from_static(""))
            }
        }
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
        headers.insert(X_REQUEST_ID, self.request_id.header());
    }
}

/// Names for requests: drawn at random for the process, counted within it.
pub(super) struct RequestIds {
    next: AtomicU64,
    process: [u8; PROCESS_LENGTH],
}

impl RequestIds {
    /// Names that no other process gives.
    pub(super) fn new() -> Self {
        let mut process = [0; PROCESS_LENGTH];
        uuid::Uuid::new_v4().simple().encode_lower(&mut process);
        Self {
            next: AtomicU64::new(1),
            process,
        }
    }

    fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [0; OWN_LIMIT];
        let mut rest = &mut text[..];
        // There is room for both.
        let _ = rest
            .write_all(&self.process)
            .and_then(|()| write!(rest, "-{number}"));
        let length = OWN_LIMIT - rest.len();
        RequestId::Own { text, length }
    }
}

/// What is known of `request`.
pub(super) fn of(
    state: &AppState,
    ids: &RequestIds,
    peer: SocketAddr,
    request: &Request,
) -> RequestContext {
    let live = state.live.load();
    let (trusted, prefix) = (&live.trusted_proxies, &state.edge.prefix);
    let is_from_proxy = is_trusted(peer.ip().to_canonical(), trusted);
    let inbound = if is_from_proxy {
        well_formed_id(request.headers())
    } else {
        None
    };
    let endpoint = match Endpoint::of(request.uri().path(), prefix) {
        // A stranger has no say in what it is let through to.
        Endpoint::Verify(_) if is_from_proxy => {
            Endpoint::Verify(Protected::named_by(request.headers(), prefix))
        }
        endpoint => endpoint,
    };
    RequestContext {
        arrived: state.clock.monotonic(),
        client_address: client_address(peer, request.headers(), trusted),
        endpoint,
        is_from_proxy,
        request_id: inbound.map_or_else(|| ids.next(), RequestId::Given),
    }
}

/// The request's span; it continues a trace that a trusted proxy began.
pub(super) fn span(context: &RequestContext, request: &Request) -> Span {
    let endpoint = context.endpoint.as_str();
    let span = traces::request(endpoint, request.method(), context.request_id.as_str());
    if !span.is_disabled() && context.is_from_proxy {
        traces::continue_trace(&span, request.headers());
    }
    span
}

pub(crate) fn well_formed_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(X_REQUEST_ID)?;
    let id = value.as_bytes();
    let fits = (1..=REQUEST_ID_LIMIT).contains(&id.len());
    let plain = id
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte));
    (fits && plain).then(|| value.clone())
}
