//! HTTP on one connection, from its first byte to its end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::HttpBody as _, response::Response};
use http::{HeaderValue, Request, Version, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Semaphore, watch as channel},
    time::MissedTickBehavior,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Deadlines, Phase,
    pace::{Pace, Paced},
    watch::{Judgement, Watch},
};
use crate::{
    http::answers::Answers,
    telemetry::{Metrics, edge::Turned},
};

/// The most header fields a request may have.
pub(crate) const HEADER_COUNT_LIMIT: usize = 64;
/// The largest request head, in bytes: an 8 KiB target and as much in headers.
pub(crate) const HEAD_LIMIT_BYTES: usize = 16 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAM_LIMIT: u32 = 100;
/// What a client may send ahead of our reading it, per request and per connection.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// Answers that are held back by the client's window, per request.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Streams that a client opens and resets at once (rapid reset, CVE-2023-44487), and those that we reset
/// because of its errors, before it is disconnected.
const RESET_LIMIT: usize = 20;
const ERROR_RESET_LIMIT: usize = 64;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_DEADLINE: Duration = Duration::from_secs(10);
/// How often a connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What speaks HTTP/1.1 and HTTP/2.
pub(super) type Http = auto::Builder<TokioExecutor>;

/// Both protocols, told apart by HTTP/2's preface: after ALPN over TLS, by prior knowledge (RFC 9113 §3.3)
/// without. `Upgrade: h2c` is not offered: proxies are known to pass it on unseen.
pub(super) fn http() -> Http {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        // Heads are the watch's matter: hyper would set a timer, and wake up once more, for every request.
        .header_read_timeout(None)
        .max_headers(HEADER_COUNT_LIMIT)
        .max_buf_size(HEAD_LIMIT_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAM_LIMIT)
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(RESET_LIMIT)
        .max_local_error_reset_streams(ERROR_RESET_LIMIT)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_DEADLINE);
    http
}

/// One connection, and what it needs to know of the listener.
pub(super) struct Conversation {
    pub(super) deadlines: Deadlines,
    pub(super) exchange: Arc<Exchange>,
    pub(super) http: Arc<Http>,
    /// Whether a trusted proxy's: one that is idle may carry somebody's request in the next moment, and a proxy
    /// that finds it closed then does not send a login again.
    pub(super) is_of_a_proxy: bool,
    pub(super) metrics: Arc<Metrics>,
    pub(super) phase: channel::Receiver<Phase>,
    /// Places for connections: where there are none left, idle ones must go, but for a proxy's.
    pub(super) slots: Arc<Semaphore>,
}

/// What every request on a connection needs.
pub(super) struct Exchange {
    pub(super) answers: Answers,
    pub(super) pace: Arc<Pace>,
    pub(super) peer: SocketAddr,
    pub(super) phase: channel::Receiver<Phase>,
}

impl Conversation {
    /// Shakes hands first.
    pub(super) async fn over_tls(mut self, stream: Paced<TcpStream>, tls: &TlsAcceptor) {
        let handshake = tokio::time::timeout(self.deadlines.handshake, tls.accept(stream));
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            _ = self.phase.wait_for(|phase| *phase == Phase::Closed) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.run(stream).await,
            Ok(Err(error)) => {
                tracing::debug!(client.address = %self.exchange.peer.ip(), error = %error, "a TLS handshake failed");
            }
            Err(_) => {
                self.metrics.edge.turned_away(Turned::Handshake);
                tracing::debug!(client.address = %self.exchange.peer.ip(), "a TLS handshake took too long");
            }
        }
    }

    /// Answers requests until the client leaves, must leave, or we do.
    pub(super) async fn run<S>(mut self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = {
            let exchange = self.exchange.clone();
            service_fn(move |request| answer(exchange.clone(), request))
        };
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let pace = &self.exchange.pace;
        let mut watch = Watch::new(self.deadlines, pace.counts(), Instant::now());
        let mut looks = tokio::time::interval(LOOK_EVERY.min(self.deadlines.hurried_idle));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut goodbye_at, mut leaving_since) = (None, None);
        loop {
            tokio::select! {
                // First, so that a request that has come is read before its connection is judged.
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(client.address = %self.exchange.peer.ip(), error, "a connection ended early");
                    }
                    return;
                }
                _ = looks.tick() => {}
                changed = self.phase.changed() => if changed.is_err() { return },
            }
            let phase = *self.phase.borrow_and_update();
            let counts = pace.counts();
            let now = Instant::now();
            let is_crowded = !self.is_of_a_proxy && self.slots.available_permits() == 0;
            let leaving_for = (phase > Phase::Open)
                .then(|| now.saturating_duration_since(*leaving_since.get_or_insert(now)));
            // Not at once: a proxy that finds the connections it has used last closed turns to those it has kept.
            let is_hurried =
                is_crowded || leaving_for.is_some_and(|time| time >= self.deadlines.hurried_idle);
            let judgement = watch.look(counts, now, is_hurried);
            // HTTP/2 says which requests it will answer still; in HTTP/1.1 only an answer can say so.
            let may_say_goodbye = counts.is_http2 || counts.under_way > 0;
            match judgement {
                _ if phase == Phase::Closed => return,
                Judgement::HeadTooSlow => return self.turn_away(Turned::SlowHead),
                Judgement::AnswerNotTaken => return self.turn_away(Turned::SlowAnswer),
                Judgement::Fine if phase < Phase::Draining || !may_say_goodbye => continue,
                Judgement::Fine | Judgement::Idle => {}
            }
            let since = *goodbye_at.get_or_insert_with(|| {
                connection.as_mut().graceful_shutdown();
                now
            });
            // It has been told, and waits for nothing of ours.
            let is_over = judgement == Judgement::Idle
                && now.saturating_duration_since(since) >= self.deadlines.head;
            if is_over {
                return;
            }
        }
    }

    fn turn_away(&self, why: Turned) {
        self.metrics.edge.turned_away(why);
        tracing::debug!(client.address = %self.exchange.peer.ip(), reason = why.as_str(), "a connection was closed");
    }
}

async fn answer(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let version = request.version();
    let under_way = exchange.pace.begin(version);
    let mut response = exchange.answers.to(exchange.peer, request).await;
    if version >= Version::HTTP_2 {
        // It has no such header, and says goodbye by itself (RFC 9113 §8.2.2).
        response.headers_mut().remove(header::CONNECTION);
    } else if *exchange.phase.borrow() > Phase::Open {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    under_way.answered(response.body().size_hint().exact().unwrap_or(0));
    Ok(response)
}
