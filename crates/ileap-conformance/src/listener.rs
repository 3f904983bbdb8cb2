//! Receives the host's callbacks, as the official tests' host does, and offers keys that nobody should ask for.

mod offers;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::Instant};
use url::Url;
use uuid::Uuid;

use self::offers::Offers;
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
    offers: Offers,
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
        if public.is_some() && bind.port() == 0 {
            let reason = "--callback-url needs --callback-bind ADDRESS:PORT, where what is sent there arrives";
            return Err(Stop::skip(reason));
        }
        let unusable = |_| Stop::skip(format!("no listener for callbacks can be opened at {bind}"));
        let socket = TcpListener::bind(bind).await.map_err(unusable)?;
        let address = socket.local_addr().map_err(unusable)?;
        let url = match public {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        let inbox = Arc::new(Inbox {
            token: Uuid::new_v4().to_string(),
            offers: Offers::default(),
            received: Mutex::default(),
            arrived: Notify::new(),
        });
        let router = Router::new()
            .route("/auth/token", post(token))
            .route("/2/events", post(event))
            .route(offers::PATH, get(offered))
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

    /// Has a text ready at a URL that nobody knows yet.
    pub(crate) fn offer(&self, text: String) -> String {
        format!("{}{}", self.url, self.inbox.offers.add(text))
    }

    /// Whether somebody came for what is at this URL.
    pub(crate) fn was_asked(&self, url: &str) -> bool {
        let path = url.strip_prefix(&self.url);
        path.is_some_and(|path| self.inbox.offers.was_asked(path))
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

async fn offered(State(inbox): State<Arc<Inbox>>, uri: Uri) -> Response {
    let found = inbox.offers.take(uri.path());
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        IntoResponse::into_response,
    )
}

async fn token(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> Response {
    if is_expected(&headers, &body) {
        return Json(json!({"access_token": inbox.token})).into_response();
    }
    (
        StatusCode::BAD_REQUEST,
        Json(json!({"error": "invalid_client"})),
    )
        .into_response()
}

/// The callback's credentials, in either way in which OAuth sends them (RFC 6749 §2.3.1).
pub(crate) fn is_expected(headers: &HeaderMap, form: &[u8]) -> bool {
    let expected = wire::basic(CALLBACK_ID, CALLBACK_SECRET);
    let parts = |header: &str| {
        let (scheme, pair) = header.split_once(' ')?;
        Some((scheme.to_ascii_lowercase(), pair.trim().to_owned()))
    };
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|header| parts(header.to_str().ok()?));
    if given.is_some() {
        return given == parts(&expected);
    }
    let fields = [
        ("client_id", CALLBACK_ID),
        ("client_secret", CALLBACK_SECRET),
    ];
    fields
        .iter()
        .all(|field| form_urlencoded::parse(form).any(|(name, value)| *field == (&*name, &*value)))
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
        // Strangers do not keep the host's events out.
        let Some(strange) = received.iter().position(|event| !event.is_authenticated) else {
            return StatusCode::SERVICE_UNAVAILABLE;
        };
        received.remove(strange);
    }
    received.push(Received {
        event,
        is_authenticated,
    });
    drop(received);
    inbox.arrived.notify_waiters();
    StatusCode::OK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> Arc<Inbox> {
        Arc::new(Inbox {
            token: "t".to_owned(),
            offers: Offers::default(),
            received: Mutex::default(),
            arrived: Notify::new(),
        })
    }

    #[tokio::test]
    async fn a_host_gets_its_token_by_header_and_by_form() {
        let given = |authorization: &str, form: &'static str| {
            let mut headers = HeaderMap::new();
            if !authorization.is_empty() {
                headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
            }
            token(State(inbox()), headers, Bytes::from_static(form.as_bytes()))
        };
        let right = wire::basic(CALLBACK_ID, CALLBACK_SECRET);
        let small = right.replacen("Basic", "basic", 1);
        let wrong = wire::basic(CALLBACK_ID, "another");
        let form = "client_secret=test_client_secret&client_id=test_client_id";
        for (authorization, form, wanted) in [
            (right.as_str(), "", StatusCode::OK),
            (small.as_str(), "", StatusCode::OK),
            ("", form, StatusCode::OK),
            (wrong.as_str(), "", StatusCode::BAD_REQUEST),
            (wrong.as_str(), form, StatusCode::BAD_REQUEST),
            ("", "client_id=test_client_id", StatusCode::BAD_REQUEST),
            ("", "", StatusCode::BAD_REQUEST),
        ] {
            let answer = given(authorization, form).await;
            assert_eq!(answer.status(), wanted, "{authorization} {form}");
        }
    }

    #[tokio::test]
    async fn strangers_do_not_keep_events_of_the_host_out() {
        let inbox = inbox();
        let send = |authorization: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
            event(
                State(Arc::clone(&inbox)),
                headers,
                Bytes::from_static(b"{}"),
            )
        };
        for _ in 0..2 * MOST_EVENTS {
            assert_eq!(send("Bearer stranger").await, StatusCode::OK);
        }
        for _ in 0..MOST_EVENTS {
            assert_eq!(send("Bearer t").await, StatusCode::OK);
        }
        assert_eq!(send("Bearer t").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(inbox.received.lock().unwrap().len(), MOST_EVENTS);
    }

    #[tokio::test]
    async fn a_public_url_needs_a_known_port() {
        let bind = SocketAddr::from(([127, 0, 0, 1], 0));
        let url = Url::parse("https://tests.example.com").unwrap();
        let stop = Listener::start(bind, Some(url)).await.unwrap_err();
        assert!(stop.reason.contains("--callback-bind"), "{}", stop.reason);
    }
}
