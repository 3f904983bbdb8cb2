//! Every route of the public listener, in one list.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    failure::{Cause, Failure},
    layers,
    routes::{discovery, events, footprints, tad, token, webhooks},
    state::AppState,
};

/// The public listener's router, with its layers.
///
/// With a path in the public base URL every route answers below that path and also without it, because
/// a proxy may strip it; RFC 8414's inserted form of the metadata path answers too.
pub(crate) fn router(state: Arc<AppState>) -> Router {
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
            .nest(&prefix, routes());
    }
    layers::stack(router.fallback(nothing_here), state)
}

fn routes() -> Router<Arc<AppState>> {
    Router::new()
        // OAuth 2.0 clients: partners' machines.
        .route("/auth/token", post(token::issue))
        // Verifiers of our tokens.
        .route(
            "/.well-known/openid-configuration",
            get(discovery::metadata),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::metadata),
        )
        .route("/jwks", get(discovery::jwks))
        // PACT v2 and iLEAP data recipients.
        .route("/2/footprints", get(footprints::list))
        .route("/2/footprints/{id}", get(footprints::one))
        .route("/2/events", post(events::receive))
        .route("/2/ileap/tad", get(tad::list))
        // Clerk.
        .route("/webhooks/clerk", post(webhooks::clerk))
}

async fn nothing_here() -> Failure {
    Cause::PathUnknown.into()
}
