//! Starting and stopping.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use hyper::{body::Incoming, server::conn::http1, service::Service as _, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

use crate::{
    admin::EmulatorAdmin,
    ids::Ids,
    keys::SigningKey,
    options::EmulatorOptions,
    routes::{self, Peer},
    state::Shared,
    users_file,
    webhooks::{Target, WebhookAddressError, Webhooks},
};

/// Connections served at a time; others wait to be accepted.
const CONNECTIONS: usize = 1_024;
/// How long open calls may take when the emulator stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why the emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is reachable from elsewhere. The emulator knows no security.
    #[error("starting the Clerk emulator: {0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The secret key is one of a production instance, which has no place in a test.
    #[error("starting the Clerk emulator: the secret key is a live one (sk_live_), use a test key")]
    LiveKey,
    /// Two users share an e-mail address or username.
    #[error("starting the Clerk emulator: the {key} of user {index} is taken by an earlier user")]
    DuplicateUser {
        /// Which user, counted from 0.
        index: usize,
        /// `email` or `username`.
        key: &'static str,
    },
    /// The address cannot be listened on.
    #[error("starting the Clerk emulator: listening on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Webhooks may not go there.
    #[error("starting the Clerk emulator: {0}")]
    Webhooks(#[from] WebhookAddressError),
    /// No key could be made.
    #[error("starting the Clerk emulator: making its keys failed")]
    Keys,
}

/// A running emulator. It ends when it is dropped, and forgets everything.
pub struct ClerkEmulator {
    admin: EmulatorAdmin,
    publishable_key: String,
    server: Mutex<Option<Running>>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ClerkEmulator {
    /// Starts an emulator with these settings, on one port for both APIs.
    pub async fn start(options: EmulatorOptions) -> Result<Self, StartError> {
        let wanted = options.bind;
        if !wanted.ip().is_loopback() {
            return Err(StartError::NotLoopback(wanted));
        }
        let is_live = |key: &String| key.trim_start().starts_with("sk_live_");
        if options.secret_key.as_ref().is_some_and(is_live) {
            return Err(StartError::LiveKey);
        }
        if let Some((index, key)) = users_file::twin(&options.users) {
            return Err(StartError::DuplicateUser { index, key });
        }
        let bind = |source| StartError::Bind {
            address: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let key = tokio::task::spawn_blocking(SigningKey::of_this_process).await;
        let key = key.ok().and_then(Result::ok).ok_or(StartError::Keys)?;
        let ids = Ids::new().map_err(|_| StartError::Keys)?;
        let webhook_url = options.webhook_url.clone();
        let target = webhook_url.as_deref().map(Target::parse).transpose()?;
        let shared = Arc::new(Shared::new(options, address, ids, key));
        shared.webhooks.set_target(target, &shared);
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, routes::router(&shared), stopped);
        let telling = Webhooks::run(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            tokio::select! {
                () = serving => {}
                () = telling => {}
            }
        });
        Ok(Self {
            admin: EmulatorAdmin { shared },
            publishable_key: publishable_key(address),
            server: Mutex::new(Some(Running { stop, task })),
        })
    }

    /// The origin of the Frontend API, without `/v1`; also the `iss` of its tokens.
    pub fn frontend_api_url(&self) -> &str {
        &self.admin.shared.origin
    }

    /// The origin of the Backend API, without `/v1`: the same one.
    pub fn backend_api_url(&self) -> &str {
        &self.admin.shared.origin
    }

    /// The publishable key, which names host and port. Clients that derive a URL from it assume HTTPS, so
    /// they need [`frontend_api_url`](Self::frontend_api_url) as well.
    pub fn publishable_key(&self) -> &str {
        &self.publishable_key
    }

    /// The secret key of the Backend API.
    pub fn secret_key(&self) -> &str {
        &self.admin.shared.secret_key
    }

    /// What signs webhooks: `whsec_` and base64.
    pub fn webhook_signing_secret(&self) -> &str {
        self.admin.shared.webhooks.secret()
    }

    /// The id of the instance, which is also that of its signing key.
    pub fn instance_id(&self) -> &str {
        &self.admin.shared.instance_id
    }

    /// The id of the organization with this slug, if a user is a member of it.
    pub fn organization_id(&self, slug: &str) -> Option<String> {
        let world = self.admin.shared.world();
        world.organizations.find(slug).map(|found| found.id.clone())
    }

    /// The id of the user with this e-mail address or username.
    pub fn user_id(&self, identifier: &str) -> Option<String> {
        let world = self.admin.shared.world();
        world
            .accounts
            .find(identifier)
            .map(|found| found.id.clone())
    }

    /// The controls.
    pub fn admin(&self) -> &EmulatorAdmin {
        &self.admin
    }

    /// Stops: no new connections, half a second for open calls. What it knows can still be read.
    pub async fn stop(&self) {
        let running = self.take_running();
        if let Some(running) = running {
            let _ = running.stop.send(());
            let _ = running.task.await;
        }
    }

    fn take_running(&self) -> Option<Running> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.take()
    }
}

impl Drop for ClerkEmulator {
    fn drop(&mut self) {
        if let Some(running) = self.take_running() {
            running.task.abort();
        }
    }
}

impl std::fmt::Debug for ClerkEmulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClerkEmulator({})", self.frontend_api_url())
    }
}

/// Always a test key: nobody shall take this for production.
fn publishable_key(address: SocketAddr) -> String {
    format!("pk_test_{}", STANDARD_NO_PAD.encode(format!("{address}$")))
}

/// Accepts until told to stop. The connections end with this task: they are its own.
async fn serve(listener: TcpListener, router: Router, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                // A connection that was given up before it was accepted concerns nobody.
                if let Ok((stream, peer)) = accepted {
                    connections.spawn(connection(stream, peer, router.clone(), graceful.watcher()));
                }
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, graceful.shutdown()).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let early = routes::before_routing(&mut request);
        request.extensions_mut().insert(Peer(peer.ip()));
        let router = router.clone();
        async move {
            match early {
                Some(response) => Ok::<_, Infallible>(response),
                None => router.call(request).await,
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection to the Clerk emulator broke");
    }
}
