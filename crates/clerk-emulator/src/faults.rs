//! Failures on demand.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value};

use crate::{
    answer::Answer,
    endpoint::Endpoint,
    errors::{Refusal, usual_status},
};

mod bodies;

/// Scripted failures that wait, per endpoint; more are dropped.
const WAITING: usize = 1_000;

/// What goes wrong with a call.
///
/// `Latency`, `TruncatedJson`, `Reset` and `SlowDrip` damage the answer to a call that was carried out, so a
/// sign-in leaves its session behind; the others come instead of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// An error in Clerk's envelope.
    Error {
        /// The HTTP status.
        status: u16,
        /// The code, known or not.
        code: String,
        /// What stands in `meta`, such as `param_name`.
        meta: Map<String, Value>,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// The right answer, late.
    Latency(Duration),
    /// No answer, ever.
    Hang,
    /// The first half of the right JSON, in an otherwise sound answer.
    TruncatedJson,
    /// A connection that breaks in the middle of the body: fewer bytes than `Content-Length` promises.
    Reset,
    /// JSON that begins well and never ends.
    EndlessBody,
    /// 200 with a page of HTML.
    HtmlPage,
    /// 502 with a page of HTML, as a load balancer answers.
    BadGateway,
    /// Ten megabytes in 64 kilobytes of gzip that nobody asked for.
    GzipBomb,
    /// 200 with bytes that are no UTF-8.
    InvalidUtf8,
    /// 307 without a body, to a path that does not exist.
    Redirect,
    /// 200 with `Content-Length: 0`.
    EmptyBody,
    /// An HTTP status of choice, such as one that nobody knows, with `{}`.
    Status(u16),
    /// The right answer, one byte at a time with this pause.
    SlowDrip(Duration),
}

impl Fault {
    /// An error of this status and code.
    pub fn error(status: u16, code: &str) -> Self {
        Self::Error {
            status,
            code: code.to_owned(),
            meta: Map::new(),
            retry_after: None,
        }
    }

    /// An error of this code with its usual status, 422 for a code that is not known.
    pub fn refusal(code: &str) -> Self {
        Self::error(usual_status(code).unwrap_or(422), code)
    }

    /// The same error about one parameter. Other faults stay as they are.
    #[must_use]
    pub fn about(mut self, param_name: &str) -> Self {
        if let Self::Error { meta, .. } = &mut self {
            meta.insert("param_name".to_owned(), param_name.into());
        }
        self
    }

    /// The same error with `Retry-After`. Other faults stay as they are.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Self::Error { retry_after, .. } = &mut self {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Answers with this fault. `call` carries the call out, `refuse` builds an error answer.
    pub(crate) async fn answer(
        self,
        call: impl FnOnce() -> Answer,
        refuse: impl FnOnce(Refusal) -> Answer,
    ) -> Response {
        match self {
            Self::Error {
                status,
                code,
                meta,
                retry_after,
            } => {
                let refusal = meta.into_iter().fold(
                    Refusal::with_status(status, &code),
                    |refusal, (key, value)| refusal.meta(&key, value),
                );
                refuse(refusal.retry_after(retry_after)).into_response()
            }
            Self::Latency(duration) => {
                tokio::time::sleep(duration).await;
                call().into_response()
            }
            Self::Hang => std::future::pending().await,
            Self::TruncatedJson => {
                let mut answer = call();
                answer.body.truncate(answer.body.len() / 2);
                answer.into_response()
            }
            Self::Reset => call().into_response_with(|body| {
                let half = body.slice(..body.len() / 2);
                bodies::promised(half, body.len())
            }),
            Self::SlowDrip(pause) => call().into_response_with(|body| bodies::drip(body, pause)),
            Self::EndlessBody => json(Body::new(bodies::Endless)),
            Self::GzipBomb => with_header(
                json(Body::from(bodies::gzip_bomb())),
                header::CONTENT_ENCODING,
                "gzip",
            ),
            Self::HtmlPage => html(StatusCode::OK),
            Self::BadGateway => html(StatusCode::BAD_GATEWAY),
            Self::InvalidUtf8 => json(Body::from(&b"{\"response\":{\"status\":\"\xff\xfe\"}}"[..])),
            Self::Redirect => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                with_header(response, header::LOCATION, "/v1/nowhere")
            }
            Self::EmptyBody => json(Body::empty()),
            Self::Status(status) => {
                let mut response = json(Body::from("{}"));
                *response.status_mut() =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                response
            }
        }
    }
}

fn html(status: StatusCode) -> Response {
    let page = Body::from("<!doctype html><title>Just a moment</title><p>Checking your browser.");
    let mut response = Response::new(page);
    *response.status_mut() = status;
    with_header(response, header::CONTENT_TYPE, "text/html; charset=utf-8")
}

fn json(body: Body) -> Response {
    with_header(
        Response::new(body),
        header::CONTENT_TYPE,
        "application/json",
    )
}

fn with_header(mut response: Response, name: header::HeaderName, value: &'static str) -> Response {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// The scripted failures.
#[derive(Default)]
pub(crate) struct Faults {
    next: HashMap<Endpoint, VecDeque<Fault>>,
    always: HashMap<Endpoint, Fault>,
}

impl Faults {
    pub(crate) fn push_next(&mut self, endpoint: Endpoint, fault: Fault) {
        let waiting = self.next.entry(endpoint).or_default();
        if waiting.len() < WAITING {
            waiting.push_back(fault);
        }
    }

    pub(crate) fn set_always(&mut self, endpoint: Endpoint, fault: Fault) {
        self.always.insert(endpoint, fault);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What goes wrong now: a failure scripted for one call goes before one for all.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let next = self.next.get_mut(&endpoint).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&endpoint).cloned())
    }
}
