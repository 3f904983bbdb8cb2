//! Authorization server metadata and keys, which a verifier of our tokens needs, and what else there is.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::HeaderMap;

use crate::http::state::AppState;

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`
/// (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).
pub(crate) async fn metadata(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    state
        .documents
        .answer(|documents| &documents.metadata, &headers)
}

/// `GET /.well-known/oauth-protected-resource` (RFC 9728 §3).
pub(crate) async fn protected_resource(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Response {
    state
        .documents
        .answer(|documents| &documents.protected_resource, &headers)
}

/// `GET /jwks` (RFC 7517 §5).
pub(crate) async fn jwks(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    state
        .documents
        .answer(|documents| &documents.jwks, &headers)
}

/// `GET /openapi.json` (OpenAPI 3.1).
pub(crate) async fn openapi(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    state
        .documents
        .answer(|documents| &documents.openapi, &headers)
}
