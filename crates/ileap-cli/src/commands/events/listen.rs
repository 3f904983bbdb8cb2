//! `ileap events listen`: a host that does nothing but take events.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use ileap_client::types::pact::event::CloudEvent;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use uuid::Uuid;

use crate::{
    cli::ListenArguments,
    commands::{pull::one_line, serve::told_to_stop},
    exit::Failed,
    output,
};

/// What hosts under test know: the credentials of PACT's own conformance service.
const CLIENT: &str = "test_client_id:test_client_secret";
/// The largest event taken.
const EVENT_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// Events that wait to be printed.
const WAITING: usize = 64;

struct Receiver {
    token: String,
    received: mpsc::Sender<String>,
}

/// Prints each event on a line of its own until told to stop, or until there were enough.
pub(crate) async fn run(arguments: &ListenArguments) -> Result<(), Failed> {
    let failed = |error| Failed::new("listening for events", error);
    let stop = told_to_stop()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (taken, mut events) = mpsc::channel(WAITING);
    let receiver = Receiver {
        token: Uuid::new_v4().to_string(),
        received: taken,
    };
    let router = Router::new()
        .route("/auth/token", post(token))
        .route("/2/events", post(event))
        .layer(DefaultBodyLimit::max(EVENT_LIMIT_BYTES))
        .with_state(Arc::new(receiver));
    output::note(&format!(
        "listening: use http://{address} as source of your events; client id test_client_id, secret test_client_secret"
    ));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let print = async {
        let mut left = arguments.count.unwrap_or(usize::MAX);
        while left > 0 {
            let Some(event) = events.recv().await else {
                break;
            };
            output::line(event)?;
            left -= 1;
        }
        Ok(())
    };
    let outcome = tokio::select! {
        printed = print => printed,
        () = stop => Ok(()),
    };
    serving.abort();
    outcome
}

async fn token(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let pair = shown
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|pair| STANDARD.decode(pair).ok());
    if pair.as_deref() != Some(CLIENT.as_bytes()) {
        output::note("a token was asked for with other credentials");
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalid_client" })),
        );
    }
    let token =
        json!({ "access_token": receiver.token, "token_type": "Bearer", "expires_in": 3600 });
    (StatusCode::OK, Json(token))
}

async fn event(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(), (StatusCode, Json<Value>)> {
    let refusal = |status, code: &str, message: &str| {
        (status, Json(json!({ "code": code, "message": message })))
    };
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if bearer != Some(&format!("Bearer {}", receiver.token)) {
        output::note("an event came without the token");
        return Err(refusal(
            StatusCode::UNAUTHORIZED,
            "BadRequest",
            "the token is not the one given here",
        ));
    }
    if let Err(error) = CloudEvent::parse_v2(&body) {
        let why = error.to_string();
        output::note(&output::sanitised(&format!("an event was refused: {why}")));
        return Err(refusal(StatusCode::BAD_REQUEST, "BadRequest", &why));
    }
    let line = one_line(&String::from_utf8_lossy(&body)).into_owned();
    // Acknowledged only when it will be printed.
    let taken = receiver.received.send(line).await;
    taken.map_err(|_| {
        refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "InternalError",
            "the listener is ending",
        )
    })
}
