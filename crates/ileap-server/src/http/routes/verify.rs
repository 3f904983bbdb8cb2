//! `GET /auth/verify`: forward authentication, for proxies in front of other services.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::{HeaderMap, Method, header};

use super::NO_STORE;
use crate::http::{
    endpoint::Endpoint,
    extract::bearer,
    failure::{Cause, Failure},
    layers::RequestContext,
    state::AppState,
};

/// How proxies ask: most by GET, Envoy by the caller's own method.
pub(crate) const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
/// Room for all headers of the answer, those of the layers and of the connection included.
const ANSWER_HEADERS: usize = 12;

/// For the router, which knows which other methods are refused; the layers take the short way.
pub(crate) async fn verify(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    answer(&state, context.endpoint, &headers)
}

/// 200 with who is calling, for the proxy to pass on; nothing that the request says of itself but its token counts.
pub(crate) fn answer(
    state: &AppState,
    endpoint: Endpoint,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let token = bearer::token(state, headers, endpoint)?;
    let told = token
        .caller_headers()
        .ok_or_else(|| Cause::Internal("a caller that cannot be written".to_owned()))?;
    let mut response = Response::default();
    let answer = response.headers_mut();
    answer.reserve(ANSWER_HEADERS);
    answer.insert(header::CACHE_CONTROL, NO_STORE);
    answer.extend(told.iter().cloned());
    Ok(response)
}
