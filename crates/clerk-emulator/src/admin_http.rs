//! The controls over HTTP, for tests in other languages. Bodies are JSON.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State, rejection::JsonRejection},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    admin::{AdminError, EmulatorAdmin},
    endpoint::Endpoint,
    faults::Fault,
    routes::plain,
    state::Shared,
};

mod users;

/// Where the controls are. No route of Clerk begins so.
pub(crate) const PREFIX: &str = "/__emulator/";

/// A JSON body, or why there is none. That it must be declared as JSON keeps other origins' pages out: a
/// browser asks before it sends that, and is not answered.
type Body<T> = Result<Json<T>, JsonRejection>;

/// All controls.
pub(crate) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/__emulator/faults", post(add_fault).delete(clear_faults))
        .route("/__emulator/rotate_keys", post(rotate_keys))
        .route("/__emulator/clock", post(advance_clock))
        .route("/__emulator/maintenance", post(set_maintenance))
        .route("/__emulator/calls", get(calls))
        .route("/__emulator/requests", get(requests))
        .route("/__emulator/webhooks", get(webhooks).put(set_webhook_url))
        .merge(users::router())
        .route_layer(from_fn_with_state(Arc::clone(shared), own_host_only))
}

async fn own_host_only(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    if shared.is_own_host(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    plain(
        StatusCode::FORBIDDEN,
        &json!({"error": "not under this name"}),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    endpoint: Endpoint,
    /// Whether it stays, instead of going after one call.
    #[serde(default)]
    always: bool,
    fault: FaultBody,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum FaultBody {
    Error {
        code: String,
        status: Option<u16>,
        #[serde(default)]
        meta: Map<String, Value>,
        retry_after: Option<u64>,
    },
    Latency {
        milliseconds: u64,
    },
    SlowDrip {
        milliseconds: u64,
    },
    Status {
        status: u16,
    },
    Hang,
    TruncatedJson,
    Reset,
    EndlessBody,
    HtmlPage,
    BadGateway,
    GzipBomb,
    InvalidUtf8,
    Redirect,
    EmptyBody,
}

impl From<FaultBody> for Fault {
    fn from(body: FaultBody) -> Self {
        match body {
            FaultBody::Error {
                code,
                status,
                meta,
                retry_after,
            } => Self::Error {
                status: status
                    .or_else(|| crate::errors::usual_status(&code))
                    .unwrap_or(422),
                code,
                meta,
                retry_after,
            },
            FaultBody::Latency { milliseconds } => {
                Self::Latency(Duration::from_millis(milliseconds))
            }
            FaultBody::SlowDrip { milliseconds } => {
                Self::SlowDrip(Duration::from_millis(milliseconds))
            }
            FaultBody::Status { status } => Self::Status(status),
            FaultBody::Hang => Self::Hang,
            FaultBody::TruncatedJson => Self::TruncatedJson,
            FaultBody::Reset => Self::Reset,
            FaultBody::EndlessBody => Self::EndlessBody,
            FaultBody::HtmlPage => Self::HtmlPage,
            FaultBody::BadGateway => Self::BadGateway,
            FaultBody::GzipBomb => Self::GzipBomb,
            FaultBody::InvalidUtf8 => Self::InvalidUtf8,
            FaultBody::Redirect => Self::Redirect,
            FaultBody::EmptyBody => Self::EmptyBody,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    advance_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaintenanceRequest {
    enabled: bool,
}

async fn add_fault(State(shared): State<Arc<Shared>>, body: Body<FaultRequest>) -> Response {
    with(shared, body, |admin, request| {
        if request.always {
            admin.fail_always(request.endpoint, request.fault.into());
        } else {
            admin.fail_next(request.endpoint, request.fault.into());
        }
        Ok(())
    })
}

async fn clear_faults(State(shared): State<Arc<Shared>>) -> Response {
    EmulatorAdmin { shared }.clear_faults();
    done(Ok(()))
}

async fn rotate_keys(State(shared): State<Arc<Shared>>) -> Response {
    done(EmulatorAdmin { shared }.rotate_keys())
}

async fn advance_clock(State(shared): State<Arc<Shared>>, body: Body<ClockRequest>) -> Response {
    with(shared, body, |admin, request| {
        admin.advance_clock(Duration::from_secs(request.advance_seconds))
    })
}

async fn set_maintenance(
    State(shared): State<Arc<Shared>>,
    body: Body<MaintenanceRequest>,
) -> Response {
    with(shared, body, |admin, request| {
        if request.enabled {
            admin.begin_maintenance();
        } else {
            admin.end_maintenance();
        }
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhooksRequest {
    /// Where they go from now on; null ends it.
    url: Option<String>,
}

async fn set_webhook_url(
    State(shared): State<Arc<Shared>>,
    body: Body<WebhooksRequest>,
) -> Response {
    with(shared, body, |admin, request| {
        admin
            .set_webhook_url(request.url.as_deref())
            .map_err(AdminError::from)
    })
}

async fn webhooks(State(shared): State<Arc<Shared>>) -> Response {
    let sent: Vec<_> = shared
        .webhooks
        .sent()
        .into_iter()
        .map(|sent| {
            json!({"id": sent.id, "type": sent.kind, "status": sent.status, "attempts": sent.attempts})
        })
        .collect();
    plain(
        StatusCode::OK,
        &json!({"signing_secret": shared.webhooks.secret(), "sent": sent}),
    )
}

async fn calls(State(shared): State<Arc<Shared>>) -> Response {
    let now = shared.clock().now_ms();
    let world = shared.world();
    let of_users: BTreeMap<_, _> = world
        .accounts
        .values()
        .map(|account| {
            (
                account.identifier().to_owned(),
                world.live_sessions(Some(account), now),
            )
        })
        .collect();
    let body = json!({
        "calls": world.calls,
        "sessions_active": world.live_sessions(None, now),
        "sessions_active_by_user": of_users,
    });
    plain(StatusCode::OK, &body)
}

async fn requests(State(shared): State<Arc<Shared>>) -> Response {
    plain(StatusCode::OK, &json!(shared.world().log.to_vec()))
}

fn with<T: DeserializeOwned>(
    shared: Arc<Shared>,
    body: Body<T>,
    work: impl FnOnce(&EmulatorAdmin, T) -> Result<(), AdminError>,
) -> Response {
    match body {
        Ok(Json(request)) => done(work(&EmulatorAdmin { shared }, request)),
        // The rejection's own text may quote a password.
        Err(rejection) => plain(
            rejection.status(),
            &json!({"error": "the body is not the JSON this control takes"}),
        ),
    }
}

fn done(result: Result<(), AdminError>) -> Response {
    match result {
        Ok(()) => plain(StatusCode::OK, &json!({"ok": true})),
        Err(error) => refused(error),
    }
}

fn refused(error: AdminError) -> Response {
    let status = match error {
        AdminError::UnknownUser | AdminError::UnknownMembership => StatusCode::NOT_FOUND,
        AdminError::WebhookAddress(_) => StatusCode::BAD_REQUEST,
        AdminError::RealClock | AdminError::Taken { .. } => StatusCode::CONFLICT,
        AdminError::KeyGeneration => StatusCode::INTERNAL_SERVER_ERROR,
    };
    plain(status, &json!({"error": error.to_string()}))
}
