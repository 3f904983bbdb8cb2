//! From a connection to a call and back.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension, Router,
    body::Body,
    extract::{RawPathParams, State},
    http::{HeaderMap, Method, Request, StatusCode, Uri, header, request::Parts},
    response::Response,
    routing::on,
};
use http_body_util::{BodyExt as _, Limited};

use crate::{
    admin_http,
    answer::Answer,
    backend::body,
    calls::RecordedRequest,
    endpoint::Endpoint,
    errors::Refusal,
    frontend::{self, Incoming, browser, params::Params},
    state::Shared,
};

/// The longest body read.
const BODY_LIMIT_BYTES: usize = 64 * 1024;
/// Stands where a credential stood.
const REDACTED: &str = "[redacted]";
/// Headers that hold credentials.
const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "clerk-secret-key",
];
/// Query parameters that hold credentials.
const SECRET_PARAMS: [&str; 3] = ["__clerk_db_jwt", "__dev_session", "__clerk_testing_token"];

/// Where a connection comes from.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The method as sent.
#[derive(Clone)]
struct SentMethod(Method);

/// All routes of one emulator.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    let routes = Endpoint::ALL
        .into_iter()
        .fold(Router::new(), |router, endpoint| {
            let handler = move |State(shared): State<Arc<Shared>>,
                                Extension(peer): Extension<Peer>,
                                ids: RawPathParams,
                                request: Request<Body>| {
                serve(shared, endpoint, (peer, ids), request)
            };
            router.route(endpoint.path(), on(endpoint.methods(), handler))
        });
    routes
        .merge(admin_http::router(shared))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(shared))
}

/// What has to happen before a route is chosen: browsers ask first, and clients that can only GET and POST
/// name another method in the query.
pub(crate) fn before_routing(request: &mut Request<Body>) -> Option<Response> {
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight && !request.uri().path().starts_with(admin_http::PREFIX) {
        return Some(browser::preflight(request.headers()));
    }
    let sent = request.method().clone();
    if sent == Method::POST {
        let query = request.uri().query().unwrap_or_default();
        let tunnelled = match Params::parse(query.as_bytes()).get("_method") {
            Some("DELETE") => Some(Method::DELETE),
            Some("PATCH") => Some(Method::PATCH),
            Some("PUT") => Some(Method::PUT),
            _ => None,
        };
        if let Some(method) = tunnelled {
            *request.method_mut() = method;
        }
    }
    request.extensions_mut().insert(SentMethod(sent));
    None
}

async fn serve(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    (peer, ids): (Peer, RawPathParams),
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT_BYTES).collect().await;
    let body = body.map(|body| body.to_bytes().to_vec());
    let incoming = Incoming {
        endpoint,
        ids: ids.iter().map(|(_, id)| id.to_owned()).collect(),
        body: body.as_ref().cloned().unwrap_or_default(),
        peer: peer.0,
        uri: parts.uri.clone(),
        headers: parts.headers.clone(),
    };
    let fault = {
        let mut world = shared.world();
        world.calls.count(endpoint);
        world.log.push(recorded(&incoming, &parts));
        world.faults.take(endpoint)
    };
    let call = || match body {
        Ok(_) => frontend::carry_out(&shared, &incoming),
        Err(_) => frontend::refuse(&shared, &incoming, Refusal::new("request_body_invalid")),
    };
    match fault {
        None => call().into_response(),
        Some(fault) => {
            let refuse = |refusal| frontend::refuse(&shared, &incoming, refusal);
            fault.answer(call, refuse).await
        }
    }
}

async fn nowhere(State(shared): State<Arc<Shared>>) -> Response {
    refused(&shared, &Refusal::new("resource_not_found"))
}

async fn wrong_method(State(shared): State<Arc<Shared>>) -> Response {
    refused(&shared, &Refusal::new("method_not_allowed"))
}

fn refused(shared: &Shared, refusal: &Refusal) -> Response {
    let trace_id = shared.world().ids.trace_id();
    Answer::json(refusal.status, &refusal.body(&trace_id, None)).into_response()
}

fn recorded(incoming: &Incoming, parts: &Parts) -> RecordedRequest {
    let method = parts.extensions.get::<SentMethod>();
    let form = Params::parse(&incoming.body);
    RecordedRequest {
        endpoint: incoming.endpoint,
        method: method.map_or(&parts.method, |sent| &sent.0).to_string(),
        path_and_query: without_secrets(&parts.uri),
        headers: headers(&parts.headers),
        // The names in a body that is no form would be the body itself.
        form_keys: if incoming.endpoint.is_backend() {
            body::member_names(&incoming.body)
        } else if incoming.body.first() == Some(&b'{') {
            Vec::new()
        } else {
            form.names().map(str::to_owned).collect()
        },
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |name: &str, value: &header::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let is_secret = SECRET_HEADERS.contains(&name) && !text.is_empty();
        (
            name.to_owned(),
            if is_secret { REDACTED.to_owned() } else { text },
        )
    };
    headers
        .iter()
        .map(|(name, value)| shown(name.as_str(), value))
        .collect()
}

fn without_secrets(uri: &Uri) -> String {
    let Some(query) = uri.query() else {
        return uri.path().to_owned();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRET_PARAMS.contains(&name) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    format!("{}?{}", uri.path(), pairs.collect::<Vec<_>>().join("&"))
}

/// An answer of the emulator's own controls.
pub(crate) fn plain(status: StatusCode, body: &serde_json::Value) -> Response {
    Answer::json(status.as_u16(), body).into_response()
}
