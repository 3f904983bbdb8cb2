//! Receives the host's callbacks, as the official tests' host does.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::Instant};
use url::Url;
use uuid::Uuid;

use crate::{outcome::Stop, wire};

/// The credentials with which hosts call the official tests back.
const CALLBACK_ID: &str = "test_client_id";
const CALLBACK_SECRET: &str = "test_client_secret";
const EVENT_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// What a host may send us; more is refused.
const MOST_EVENTS: usize = 64;

/// A host of ours.
#[derive(Debug)]
pub(crate) struct Listener {
    url: String,
    inbox: Arc<Inbox>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inbox {
    token: String,
    received: Mutex<Vec<Received>>,
    arrived: Notify,
}

/// An event that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) event: Value,
    /// It came with the token that the host got here.
    pub(crate) is_authenticated: bool,
}

impl Listener {
    pub(crate) async fn start(bind: SocketAddr, public: Option<Url>) -> Result<Self, Stop> {
        let unusable = |_| Stop::skip(format!("no listener for callbacks can be opened at {bind}"));
        let socket = TcpListener::bind(bind).await.map_err(unusable)?;
        let address = socket.local_addr().map_err(unusable)?;
        let url = match public {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        let inbox = Arc::new(Inbox {
            token: Uuid::new_v4().to_string(),
            received: Mutex::default(),
            arrived: Notify::new(),
        });
        let router = Router::new()
            .route("/auth/token", post(token))
            .route("/2/events", post(event))
            .layer(DefaultBodyLimit::max(EVENT_LIMIT_BYTES))
            .with_state(Arc::clone(&inbox));
        let task = tokio::spawn(async move {
            // It ends with the run; why it would end earlier shows in the events that do not arrive.
            let _ = axum::serve(socket, router).await;
        });
        Ok(Self { url, inbox, task })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The answer to the request of this id, until `due`.
    pub(crate) async fn wait(&self, request_id: &str, due: Instant) -> Option<Received> {
        loop {
            let arrived = self.inbox.arrived.notified();
            if let Some(found) = self.answers_to(request_id).into_iter().next() {
                return Some(found);
            }
            tokio::time::timeout_at(due, arrived).await.ok()?;
        }
    }

    /// Everything that refers to the request of this id.
    pub(crate) fn answers_to(&self, request_id: &str) -> Vec<Received> {
        let received = self
            .inbox
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let refers = |received: &&Received| {
            received.event["data"]["requestEventId"].as_str() == Some(request_id)
        };
        received.iter().filter(refers).cloned().collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn token(State(inbox): State<Arc<Inbox>>, headers: HeaderMap) -> Response {
    let expected = wire::basic(CALLBACK_ID, CALLBACK_SECRET);
    if headers
        .get(header::AUTHORIZATION)
        .is_some_and(|given| given.as_bytes() == expected.as_bytes())
    {
        return Json(json!({"access_token": inbox.token})).into_response();
    }
    (
        StatusCode::BAD_REQUEST,
        Json(json!({"error": "invalid_client"})),
    )
        .into_response()
}

async fn event(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(event) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let expected = format!("Bearer {}", inbox.token);
    let given = headers.get(header::AUTHORIZATION);
    let is_authenticated = given.is_some_and(|given| given.as_bytes() == expected.as_bytes());
    let mut received = inbox
        .received
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if received.len() >= MOST_EVENTS {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    received.push(Received {
        event,
        is_authenticated,
    });
    drop(received);
    inbox.arrived.notify_waiters();
    StatusCode::OK
}
