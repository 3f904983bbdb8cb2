//! The admin listener: never on the public address.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};

use http::StatusCode;

use super::{answers::Answers, state::AppState};

/// How long the store may take to say that it is there.
const STORE_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Admin {
    is_draining: Arc<AtomicBool>,
    state: Arc<AppState>,
}

/// `/healthz` says the process lives, `/readyz` that it should get requests, `/metrics` what it has done.
pub(crate) fn answers(state: Arc<AppState>, is_draining: Arc<AtomicBool>) -> Answers {
    let routes = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Admin { is_draining, state });
    Answers::Plain(routes)
}

/// Not ready while draining, without a key to sign with, or while the store does not answer. Clerk is not asked: partners
/// verified by a token need it not, and every instance would drop out at once.
async fn readyz(State(admin): State<Admin>) -> Response {
    if admin.is_draining.load(Ordering::SeqCst) {
        return unavailable("draining\n");
    }
    if admin.state.keys.now().signing_kid().is_none() {
        return unavailable("no signing key can be used\n");
    }
    match tokio::time::timeout(STORE_DEADLINE, admin.state.store.check()).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(_)) | Err(_) => unavailable("the store does not answer\n"),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let content_type = [(
        "content-type",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )];
    let state = &admin.state;
    state.count_what_is_remembered();
    (content_type, state.metrics.render()).into_response()
}

fn unavailable(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
