//! Every route of the public listener, in one list.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    answers::Answers,
    failure::{Cause, Failure},
    layers::Layers,
    routes::{discovery, events, footprints, tad, token, token_status, verify, webhooks},
    state::AppState,
};

/// The public listener's routes, within their layers.
///
/// With a path in the public base URL every route answers below that path and also without it, because
/// a proxy may strip it; the inserted form of the metadata paths of RFC 8414 and RFC 9728 answers too.
pub(crate) fn answers(state: Arc<AppState>) -> Answers {
    let prefix = state.edge.prefix.clone();
    let mut router = routes();
    if !prefix.is_empty() {
        router = router
            .route(
                &format!("/.well-known/openid-configuration{prefix}"),
                get(discovery::metadata),
            )
            .route(
                &format!("/.well-known/oauth-authorization-server{prefix}"),
                get(discovery::metadata),
            )
            .route(
                &format!("/.well-known/oauth-protected-resource{prefix}"),
                get(discovery::protected_resource),
            )
            .nest(&prefix, routes());
    }
    Answers::Guarded(Arc::new(Layers::around(
        router.fallback(nothing_here),
        state,
    )))
}

fn routes() -> Router<Arc<AppState>> {
    let add = |router: Router<_>, (path, methods)| router.route(path, methods);
    table().into_iter().fold(Router::new(), add)
}

/// A path and what answers its methods.
type Route = (&'static str, MethodRouter<Arc<AppState>>);

fn table() -> [Route; 14] {
    [
        // OAuth 2.0 clients: partners' machines.
        ("/auth/token", post(token::issue)),
        // They, and services that ask us about the tokens they get.
        ("/auth/introspect", post(token_status::introspect)),
        ("/auth/revoke", post(token_status::revoke)),
        // Verifiers of our tokens.
        (
            "/.well-known/openid-configuration",
            get(discovery::metadata),
        ),
        (
            "/.well-known/oauth-authorization-server",
            get(discovery::metadata),
        ),
        (
            "/.well-known/oauth-protected-resource",
            get(discovery::protected_resource),
        ),
        ("/jwks", get(discovery::jwks)),
        // Whoever writes a client.
        ("/openapi.json", get(discovery::openapi)),
        // Proxies in front of other services: most ask by GET, Envoy by the caller's own method.
        ("/auth/verify", get(verify::verify).post(verify::verify)),
        // PACT v2 and iLEAP data recipients.
        ("/2/footprints", get(footprints::list)),
        ("/2/footprints/{id}", get(footprints::one)),
        ("/2/events", post(events::receive)),
        ("/2/ileap/tad", get(tad::list)),
        // Clerk.
        ("/webhooks/clerk", post(webhooks::clerk)),
    ]
}

/// What some path or other answers.
const ALL_METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,POST");

/// Nothing, but for questions that are about no path.
async fn nothing_here(request: Request) -> Response {
    match *request.method() {
        // About the server as a whole; to nothing of it in particular (RFC 9110 §9.3.7).
        Method::OPTIONS if request.uri().path() == "*" => {
            (StatusCode::NO_CONTENT, [(header::ALLOW, ALL_METHODS)]).into_response()
        }
        // This is no proxy (RFC 9110 §9.3.6), and an authority has no path that could be unknown.
        Method::CONNECT => {
            let refusal = Failure::from(Cause::MethodNotAllowed);
            ([(header::ALLOW, ALL_METHODS)], refusal).into_response()
        }
        _ => Failure::from(Cause::PathUnknown).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_openapi_document_has_every_path_and_no_other() {
        let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
        let described = document["paths"].as_object().unwrap().keys();
        let described: BTreeSet<&str> = described.map(String::as_str).collect();
        let routed: BTreeSet<&str> = table().iter().map(|(path, _)| *path).collect();
        assert_eq!(described, routed);
    }
}
