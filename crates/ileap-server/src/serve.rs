//! Connections: accepting, limiting, TLS, and draining at the end.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, response::Response};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::telemetry::{ConnectionGuard, Metrics};

/// How long a client may take to send a request's headers; it also ends idle connections.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// The most header fields a request may have.
const HEADER_COUNT_LIMIT: usize = 64;
/// The largest request head, in bytes: an 8 KiB target and as much in headers.
const HEAD_LIMIT_BYTES: usize = 16 * 1024;
/// How long to wait after `accept` failed, as it does when the process is out of file descriptors.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// One listener with what it serves.
pub(crate) struct Listener {
    /// Where connections come in.
    pub(crate) socket: TcpListener,
    /// What answers them.
    pub(crate) router: Router,
    /// TLS, where the listener speaks it.
    pub(crate) tls: Option<TlsAcceptor>,
    /// The most connections open at once; more wait in the kernel's backlog.
    pub(crate) max_connections: usize,
    /// Where connections are counted.
    pub(crate) metrics: Arc<Metrics>,
}

impl Listener {
    /// Serves until `shutdown` resolves, then stops accepting and lets requests under way finish for at
    /// most `drain`.
    pub(crate) async fn serve(self, shutdown: impl Future<Output = ()>, drain: Duration) {
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(self.max_connections));
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&slots) => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer, slot)) => self.spawn(stream, peer, slot, &graceful),
                Err(error) => {
                    tracing::warn!(error = %error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_BACK_OFF).await;
                }
            }
        }
        drop(self.socket);
        if tokio::time::timeout(drain, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("connections still open after the drain timeout were closed");
        }
    }

    async fn accept(
        &self,
        slots: &Arc<Semaphore>,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = slots
            .clone()
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let (stream, peer) = self.socket.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, peer, slot))
    }

    fn spawn(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
        graceful: &GracefulShutdown,
    ) {
        let router = self.router.clone();
        let watcher = graceful.watcher();
        let open = Open {
            _slot: slot,
            _counted: self.metrics.connected(),
        };
        let Some(tls) = self.tls.clone() else {
            tokio::spawn(converse(stream, peer, router, watcher, open));
            return;
        };
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_DEADLINE, tls.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, peer, router, watcher, open).await,
                Ok(Err(error)) => tracing::debug!(error = %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        });
    }
}

/// What an open connection holds until it ends.
struct Open {
    _slot: OwnedSemaphorePermit,
    _counted: ConnectionGuard,
}

/// HTTP/1.1 on one connection, to its end.
async fn converse<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher, open: Open)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        answer(router.clone(), request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_headers(HEADER_COUNT_LIMIT)
        .max_buf_size(HEAD_LIMIT_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error = %error, "a connection ended early");
    }
    drop(open);
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.oneshot(request).await
}
