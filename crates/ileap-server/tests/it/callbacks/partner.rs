//! A partner's host: a token endpoint of its own, footprints, and what it was sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(super) const CLIENT_ID: &str = "us@example.org";
pub(super) const CLIENT_SECRET: &str = "sesame+open %41";

/// How the host is, and what it has seen.
pub(super) struct Inner {
    /// The statuses of the next events; then 200.
    pub(super) next: VecDeque<u16>,
    /// How long it thinks about an event.
    pub(super) delay: Duration,
    /// Whether the next events find their tokens unknown.
    pub(super) has_lost_tokens: bool,
    /// Whether it has a discovery document.
    pub(super) has_discovery: bool,
    /// Where it sends callers off to.
    pub(super) redirects_to: Option<String>,
    pub(super) footprints: HashMap<String, Value>,
    /// The statuses of the next answers to whoever fetches these.
    pub(super) fetch_statuses: HashMap<String, VecDeque<u16>>,
    /// Events and the statuses they were answered with.
    pub(super) events: Vec<(Value, u16)>,
    pub(super) content_types: Vec<String>,
    pub(super) tokens: u64,
    pub(super) refused_logins: u64,
    pub(super) fetches: Vec<String>,
}

/// A host that listens until the test is over.
pub(super) struct Partner {
    pub(super) base: String,
    inner: Arc<Mutex<Inner>>,
}

impl Partner {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener)
    }

    pub(super) fn on(listener: TcpListener) -> Self {
        let base = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            next: VecDeque::new(),
            delay: Duration::ZERO,
            has_lost_tokens: false,
            has_discovery: true,
            redirects_to: None,
            footprints: HashMap::new(),
            fetch_statuses: HashMap::new(),
            events: Vec::new(),
            content_types: Vec::new(),
            tokens: 0,
            refused_logins: 0,
            fetches: Vec::new(),
        };
        let partner = Self {
            base,
            inner: Arc::new(Mutex::new(inner)),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/auth/token", post(token))
            .route("/elsewhere/token", post(token))
            .route("/2/events", post(event))
            .route("/2/footprints/{id}", get(footprint))
            .with_state((partner.base.clone(), partner.inner.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        partner
    }

    /// Looks at it, or changes it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap())
    }

    /// The events it has acknowledged.
    pub(super) fn acknowledged(&self) -> Vec<Value> {
        self.with(|inner| {
            let taken = inner.events.iter().filter(|(_, status)| *status == 200);
            taken.map(|(event, _)| event.clone()).collect()
        })
    }

    /// Waits until it has acknowledged so many.
    pub(super) async fn has_acknowledged(&self, count: usize) -> Vec<Value> {
        eventually(|| self.acknowledged().len() >= count).await;
        self.acknowledged()
    }
}

/// Waits for what must happen in the end.
pub(super) async fn eventually(happened: impl Fn() -> bool) {
    for _ in 0..1500 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen");
}

type Shared = State<(String, Arc<Mutex<Inner>>)>;

async fn discovery(State((base, inner)): Shared) -> Response {
    if !inner.lock().unwrap().has_discovery {
        return StatusCode::NOT_FOUND.into_response();
    }
    let document = json!({ "issuer": base, "token_endpoint": format!("{base}/elsewhere/token") });
    axum::Json(document).into_response()
}

async fn token(State((_, inner)): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let raw = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    let authorization = headers[header::AUTHORIZATION].to_str().unwrap();
    assert_eq!(body, "grant_type=client_credentials");
    if authorization != format!("Basic {raw}") {
        inner.lock().unwrap().refused_logins += 1;
        let refusal = json!({ "error": "invalid_client" });
        return (StatusCode::BAD_REQUEST, axum::Json(refusal)).into_response();
    }
    let mut inner = inner.lock().unwrap();
    inner.tokens += 1;
    // As the conformance service does it: nothing but the token.
    axum::Json(json!({ "access_token": format!("token-{}", inner.tokens) })).into_response()
}

async fn event(State((_, inner)): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let delay = inner.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    let mut inner = inner.lock().unwrap();
    if let Some(elsewhere) = &inner.redirects_to {
        let location = [(header::LOCATION, elsewhere.clone())];
        return (StatusCode::TEMPORARY_REDIRECT, location).into_response();
    }
    let bearer = headers[header::AUTHORIZATION].to_str().unwrap();
    let current = format!("Bearer token-{}", inner.tokens);
    let status = if inner.has_lost_tokens || bearer != current {
        inner.has_lost_tokens = false;
        401
    } else {
        inner.next.pop_front().unwrap_or(200)
    };
    let event = serde_json::from_slice(&body).unwrap();
    inner.events.push((event, status));
    let content_type = headers[header::CONTENT_TYPE].to_str().unwrap();
    inner.content_types.push(content_type.to_owned());
    StatusCode::from_u16(status).unwrap().into_response()
}

async fn footprint(State((_, inner)): Shared, Path(id): Path<String>) -> Response {
    let mut inner = inner.lock().unwrap();
    inner.fetches.push(id.clone());
    let statuses = inner.fetch_statuses.get_mut(&id);
    if let Some(status) = statuses.and_then(VecDeque::pop_front) {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    match inner.footprints.get(&id) {
        Some(footprint) => axum::Json(json!({ "data": footprint })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
