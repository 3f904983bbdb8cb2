//! Connections: accepting, limiting, TLS, and leaving nobody without an answer at the end.

mod addresses;
mod closing;
mod conversation;
mod pace;
mod watch;

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch as channel},
};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::conversation::{HEAD_LIMIT_BYTES, HEADER_COUNT_LIMIT};
use self::{
    addresses::{AddressGuard, Addresses},
    conversation::{Conversation, Exchange, Http},
    pace::{Pace, Paced},
};
use crate::{
    http::{answers::Answers, client_address::is_trusted},
    live::Live,
    telemetry::{Metrics, edge::Turned},
};

/// How long to wait after `accept` failed, as it does when the process is out of file descriptors.
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(100);

/// What connections may take, besides what the configuration says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// For a TLS handshake.
    pub(crate) handshake: Duration,
    /// For a request's head, from its first byte to its last; also for a connection's first request.
    pub(crate) head: Duration,
    /// How long a connection may stay open without a request.
    pub(crate) idle: Duration,
    /// The same while others wait for a place, and at the end.
    pub(crate) hurried_idle: Duration,
    /// How far a client may fall behind with taking an answer.
    pub(crate) patience: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            hurried_idle: Duration::from_secs(1),
            patience: Duration::from_secs(20),
        }
    }
}

/// Where a listener is on its way out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Phase {
    /// It is not.
    Open,
    /// It takes connections, and asks clients to make their next one elsewhere.
    Leaving,
    /// It takes no connection, and ends those that wait for nothing.
    Draining,
    /// What is still open is cut off.
    Closed,
}

/// A socket that listens.
pub(crate) struct Socket {
    /// The socket.
    pub(crate) listener: TcpListener,
    /// Whether it came from the service manager: then it stays open when we end, and so does its queue.
    pub(crate) is_handed_over: bool,
}

/// One listener: where connections come in, and what becomes of them.
pub(crate) struct Listener {
    /// Where connections come in.
    pub(crate) socket: Socket,
    /// What becomes of them.
    pub(crate) terms: Terms,
}

/// What connections get.
pub(crate) struct Terms {
    /// How long clients may take.
    pub(crate) deadlines: Deadlines,
    /// What a reload may change.
    pub(crate) live: Arc<ArcSwap<Live>>,
    /// The most connections open at once; more wait in the kernel's backlog.
    pub(crate) max_connections: usize,
    /// Where connections are counted.
    pub(crate) metrics: Arc<Metrics>,
    /// What answers.
    pub(crate) answers: Answers,
    /// TLS, where the listener speaks it.
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Serves until `shutdown` resolves. Then, for as long as the configuration says, connections are taken
    /// on while clients are asked to go elsewhere; then no more, and requests under way may finish.
    pub(crate) async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { socket, terms } = self;
        let (phase, _) = channel::channel(Phase::Open);
        let floor = Floor {
            addresses: Arc::new(Addresses::default()),
            http: Arc::new(conversation::http()),
            phase,
            slots: Arc::new(Semaphore::new(terms.max_connections)),
            terms,
        };
        floor.accept_until(&socket.listener, shutdown).await;
        let live = floor.terms.live.load_full();
        floor.phase.send_replace(Phase::Leaving);
        let delay = tokio::time::sleep(live.shutdown_delay);
        floor.accept_until(&socket.listener, delay).await;
        // A socket of the service manager goes on without us.
        if !socket.is_handed_over && closing::begin_no_more(&socket.listener).is_ok() {
            let handshakes = tokio::time::sleep(closing::HANDSHAKES);
            floor.accept_until(&socket.listener, handshakes).await;
        }
        let address = socket.listener.local_addr().ok();
        floor.close(socket);
        floor.drain(address, live.drain_timeout).await;
    }
}

/// A listener at work.
struct Floor {
    addresses: Arc<Addresses>,
    http: Arc<Http>,
    phase: channel::Sender<Phase>,
    slots: Arc<Semaphore>,
    terms: Terms,
}

impl Floor {
    async fn accept_until(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(listener) => accepted,
                () = &mut end => return,
            };
            match accepted {
                Ok((stream, peer, slot)) => self.welcome(stream, peer, slot),
                Err(error) => {
                    tracing::warn!(error = %error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_BACK_OFF).await;
                }
            }
        }
    }

    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, slot))
    }

    /// Stops listening. Connections that are in the socket's queue are taken first: closing it resets them.
    fn close(&self, socket: Socket) {
        if socket.is_handed_over {
            return;
        }
        let Ok(listener) = socket.listener.into_std() else {
            return;
        };
        while let Ok(slot) = self.slots.clone().try_acquire_owned() {
            let Ok((stream, peer)) = listener.accept() else {
                break;
            };
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.welcome(stream, peer, slot);
            }
        }
    }

    /// Lets requests under way finish, and cuts off what is left.
    async fn drain(&self, address: Option<SocketAddr>, longest: Duration) {
        self.phase.send_replace(Phase::Draining);
        let ended = tokio::time::timeout(longest, self.phase.closed()).await;
        if ended.is_err() {
            tracing::warn!(
                listener.address = address.map(display),
                "connections still open after the drain timeout were closed"
            );
        }
        self.phase.send_replace(Phase::Closed);
    }

    /// Begins a conversation, unless the address has too many.
    fn welcome(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        let address = match self.place_of(peer) {
            Ok(address) => address,
            Err(reason) => {
                self.terms.metrics.edge.turned_away(reason);
                tracing::debug!(client.address = %peer.ip(), reason = reason.as_str(), "a connection was closed");
                return;
            }
        };
        // Without it small answers wait for the client's acknowledgements; a broken socket shows soon enough.
        let _ = stream.set_nodelay(true);
        let pace = Arc::new(Pace::new());
        let exchange = Exchange {
            answers: self.terms.answers.clone(),
            pace: pace.clone(),
            peer,
            phase: self.phase.subscribe(),
        };
        let conversation = Conversation {
            deadlines: self.terms.deadlines,
            exchange: Arc::new(exchange),
            http: self.http.clone(),
            is_of_a_proxy: address.is_none(),
            metrics: self.terms.metrics.clone(),
            phase: self.phase.subscribe(),
            slots: self.slots.clone(),
        };
        let tls = self.terms.tls.clone();
        let open = (slot, address, self.terms.metrics.connected());
        tokio::spawn(async move {
            let stream = Paced::new(stream, pace);
            match tls {
                Some(tls) => conversation.over_tls(stream, &tls).await,
                None => conversation.run(stream).await,
            }
            drop(open);
        });
    }

    /// A place among the connections of the peer's address. A trusted proxy speaks for many, and needs none.
    fn place_of(&self, peer: SocketAddr) -> Result<Option<AddressGuard>, Turned> {
        let live = self.terms.live.load();
        let address = peer.ip().to_canonical();
        if is_trusted(address, &live.trusted_proxies) {
            return Ok(None);
        }
        let place = self.addresses.enter(address, live.connections_per_address);
        place.map(Some).ok_or(Turned::Address)
    }
}

#[cfg(test)]
mod tests;
