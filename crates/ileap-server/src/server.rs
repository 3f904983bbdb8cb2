//! The start-up story, read top to bottom: configuration becomes parts, parts become listeners, listeners run.

mod data;
mod keys;
mod reload;
mod start_error;
mod tls;
mod verifier;

pub use keys::{kept_signing_keys, key_location, key_policy, signing_keys};
pub use reload::Reloader;
pub use start_error::StartError;
pub(crate) use tls::Pair;
pub use verifier::{VerifierParts, verifier};

use self::tls::Certificate;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    audit::Audit,
    clerk::webhook::WebhookKey,
    clock::{Clock, SystemClock},
    config::{Config, Values},
    data::DataSource,
    delivery::{self, Delivery, DeliveryOptions, DeliveryParts},
    http::{
        admin,
        answers::Answers,
        documents::CurrentDocuments,
        router::answers,
        state::{AppState, Edge},
    },
    invalidation::Invalidations,
    live::Live,
    serve::{Deadlines, Listener, Socket, Terms},
    store::{Store, sql::SqlStore},
    telemetry::Metrics,
    token::{
        DEFAULT_LEEWAY, IssuerOptions, Reuse, SigningKeys, TokenCutoffs, TokenIssuer,
        TokenValidator, ValidatorOptions,
    },
    verify::{CredentialVerifier, ProbeSeverity, encodings::EncodingMemory},
};

/// What the configuration calls the listeners' addresses.
const PUBLIC: &str = "listener.bind";
const ADMIN: &str = "listener.admin_bind";
/// Connections the admin listener takes: probes and scrapers only.
const ADMIN_CONNECTIONS: usize = 64;
/// How long the verifier may take to clean up behind its logins.
const VERIFIER_DRAIN: Duration = Duration::from_secs(5);
/// How long the last lines of the audit trail may take to be on disk.
const AUDIT_DRAIN: Duration = Duration::from_secs(5);
/// How long the admin listener drains, once the public one has.
const ADMIN_DRAIN: Duration = Duration::from_secs(1);
/// How long it may take to say goodbye to the database.
const STORE_CLOSE: Duration = Duration::from_secs(1);

/// The longest that everything takes together which comes after `listener.drain_timeout`.
pub const LONGEST_STOP: Duration = delivery::DRAIN
    .saturating_add(VERIFIER_DRAIN)
    .saturating_add(AUDIT_DRAIN)
    .saturating_add(ADMIN_DRAIN)
    .saturating_add(STORE_CLOSE);

/// What the server is made of, besides its configuration. Tests and the demo bring their own.
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The keys that sign access tokens.
    pub keys: Arc<SigningKeys>,
    /// How tasks for partners are done.
    pub delivery: DeliveryOptions,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The floor under the time a refusal takes.
    pub refusal_floor: Duration,
    /// Footprints, transport activity data and events.
    pub store: Arc<dyn Store>,
    /// Who judges client credentials.
    pub verifier: Arc<dyn CredentialVerifier>,
}

/// A refusal takes at least this long: longer than Clerk usually needs, whatever it finds.
pub const REFUSAL_FLOOR: Duration = Duration::from_millis(400);

impl Parts {
    /// The parts a configuration asks for. Makes keys and the database file where there are none.
    pub async fn from_config(config: &Config) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Arc::new(Metrics::new());
        let store = SqlStore::open(config.store.url.expose()).await?;
        let store: Arc<dyn Store> = Arc::new(store.counted(&metrics));
        if let Some(url) = &config.public_base_url {
            note_issuer(&*store, url.as_str()).await;
        }
        let keys =
            signing_keys(config, Some(store.clone()), clock.clone(), metrics.clone()).await?;
        let verifier_parts = VerifierParts {
            clock: clock.clone(),
            metrics: metrics.clone(),
            store: store.clone(),
        };
        Ok(Self {
            verifier: verifier(config, verifier_parts)?,
            clock,
            delivery: DeliveryOptions::from_config(config),
            keys: Arc::new(keys),
            metrics,
            refusal_floor: REFUSAL_FLOOR,
            store,
        })
    }
}

/// Takes leave of a store, once nobody asks it any more. One that does not answer is left without a word.
pub async fn leave(store: &dyn Store) {
    let _ = tokio::time::timeout(STORE_CLOSE, store.close()).await;
}

/// Says so where instances on one store go by different names: each refuses the tokens of the others.
async fn note_issuer(store: &dyn Store, issuer: &str) {
    match store.note_issuer(issuer).await {
        Ok(None) => {}
        Ok(Some(before)) => tracing::warn!(
            public_base_url = issuer,
            before,
            remedy = "give all instances on one database the same public_base_url; where it was changed on purpose, \
                      partners log in again",
            "another public_base_url was served from this database: its tokens are refused from now on"
        ),
        Err(error) => {
            tracing::warn!(
                cause = error.with_cause(),
                "which public_base_url was served before cannot be read"
            );
        }
    }
}

/// A server with its sockets bound, not yet answering.
pub struct Server {
    admin: Listener,
    admin_address: SocketAddr,
    certificate: Option<Arc<Certificate>>,
    is_draining: Arc<AtomicBool>,
    public: Listener,
    public_address: SocketAddr,
    state: Arc<AppState>,
}

impl Server {
    /// Binds both listeners and puts the parts together.
    pub async fn bind(config: &Config, parts: Parts) -> Result<Self, StartError> {
        let (socket, _) = bind(PUBLIC, config.listener.bind).await?;
        Self::on(socket, config, parts).await
    }

    /// The same on a public socket that the service manager opened, and keeps open between two processes.
    pub async fn bind_handed_over(
        socket: std::net::TcpListener,
        config: &Config,
        parts: Parts,
    ) -> Result<Self, StartError> {
        Self::on(handed_over(socket, config.listener.bind)?, config, parts).await
    }

    async fn on(socket: Socket, config: &Config, parts: Parts) -> Result<Self, StartError> {
        let public_address = address_of(&socket, (PUBLIC, config.listener.bind))?;
        let (admin_socket, admin_address) = bind(ADMIN, config.listener.admin_bind).await?;
        let metrics = parts.metrics.clone();
        let certificate = certificate(config, &metrics)?;
        let tls = certificate
            .as_ref()
            .map(|certificate| certificate.acceptor());
        let tls = tls.transpose()?;
        let data = data::data_source(config, parts.store.clone(), metrics.clone())?;
        let audit = Audit::open(
            &config.audit.target,
            config.audit.data_access,
            metrics.clone(),
        );
        let audit = Arc::new(audit.map_err(StartError::Audit)?);
        let state = Arc::new(state(config, parts, (data, audit), public_address));
        let is_draining = Arc::new(AtomicBool::new(false));
        let public = Listener {
            socket,
            terms: Terms {
                deadlines: Deadlines::default(),
                live: state.live.clone(),
                max_connections: config.listener.max_connections,
                metrics: metrics.clone(),
                answers: answers(state.clone()),
                tls,
            },
        };
        let admin = Listener {
            socket: admin_socket,
            terms: admin_terms(config, admin::answers(state.clone(), is_draining.clone())),
        };
        Ok(Self {
            admin,
            admin_address,
            certificate,
            is_draining,
            public,
            public_address,
            state,
        })
    }

    /// Where the admin listener is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Where the public listener is.
    pub fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// The URL partners type.
    pub fn public_base_url(&self) -> &str {
        &self.state.edge.public_base_url
    }

    /// What takes on new configurations, given what every key stood at in the one the server was made from.
    pub fn reloader(&self, values: Values) -> Reloader {
        Reloader {
            certificate: self.certificate.clone(),
            live: self.state.live.clone(),
            metrics: self.state.metrics.clone(),
            values,
        }
    }

    /// Answers until `shutdown` resolves; then says "not ready", finishes what is under way, and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        tracing::info!(
            admin.address = %self.admin_address,
            listener.address = %self.public_address,
            profile.oauth_errors = self.state.live.load().oauth_errors.as_str(),
            public_base_url = self.state.edge.public_base_url,
            verifier.kind = self.state.verifier.kind(),
            "ileap is ready"
        );
        let invalidations = self.state.invalidations.clone();
        // Before any request: a token cut off yesterday must not count for a moment.
        let caught_up = invalidations.catch_up().await;
        let mark = caught_up
            .inspect_err(|error| {
                tracing::error!(
                    cause = error.with_cause(),
                    "which tokens are cut off cannot be read: they count until it can"
                );
            })
            .ok();
        let keys = self.state.keys.clone();
        let verifier = self.state.verifier.clone();
        let care = tokio::spawn(async move {
            let tend = async {
                probe(&*verifier).await;
                verifier.tend().await;
            };
            tokio::join!(tend, invalidations.follow(mark), keys.tend());
        });
        let certificate = self.certificate.clone();
        let certificate = tokio::spawn(async move {
            if let Some(certificate) = certificate {
                certificate.follow().await;
            }
        });
        let delivering = tokio::spawn(self.state.delivery.clone().run());
        let (stop_admin, stopped) = watch::channel(());
        let admin = tokio::spawn(self.admin.serve(async move {
            let mut stopped = stopped;
            // Ends when the sender is dropped.
            while stopped.changed().await.is_ok() {}
        }));
        let is_draining = self.is_draining;
        let drained = async move {
            shutdown.await;
            is_draining.store(true, Ordering::SeqCst);
            tracing::info!("shutting down: requests under way may finish");
        };
        self.public.serve(drained).await;
        care.abort();
        certificate.abort();
        self.state.delivery.stop(delivering, delivery::DRAIN).await;
        self.state.verifier.drain(VERIFIER_DRAIN).await;
        self.state.flush_audit(AUDIT_DRAIN).await;
        drop(stop_admin);
        if admin.await.is_err() {
            tracing::warn!("the admin listener ended early");
        }
        tracing::info!("stopped");
    }
}

/// The URL partners type: configured, or that of the listener's address.
pub fn public_base_url(config: &Config, bound: SocketAddr) -> String {
    let scheme = if config.listener.tls.is_some() {
        "https"
    } else {
        "http"
    };
    match &config.public_base_url {
        Some(url) => url.as_str().to_owned(),
        None => format!("{scheme}://{bound}"),
    }
}

/// What tokens of the server at `base_url` say, for the party that issues them and for the one that judges them.
pub fn token_options(config: &Config, base_url: &str) -> (IssuerOptions, ValidatorOptions) {
    let audience = config
        .token
        .audience
        .clone()
        .unwrap_or_else(|| base_url.to_owned());
    let issuer = IssuerOptions {
        issuer: base_url.to_owned(),
        audience: audience.clone(),
        lifetime: config.token.lifetime,
        typ: config.token.typ.clone(),
        reuse: if config.token.reuse {
            Reuse::WhileHalfLeft
        } else {
            Reuse::Never
        },
    };
    let validator = ValidatorOptions {
        issuer: base_url.to_owned(),
        audience,
        typ: config.token.typ.clone(),
        leeway: DEFAULT_LEEWAY,
    };
    (issuer, validator)
}

fn state(
    config: &Config,
    parts: Parts,
    (data, audit): (Arc<dyn DataSource>, Arc<Audit>),
    bound: SocketAddr,
) -> AppState {
    let base = public_base_url(config, bound);
    let (issuer, validator) = token_options(config, &base);
    let prefix = config
        .public_base_url
        .as_ref()
        .map_or("", |url| url.path_prefix());
    let cutoffs = Arc::new(TokenCutoffs::default());
    let signing_secret = config.verifier.clerk.webhook_signing_secret.as_ref();
    let delivery = DeliveryParts {
        clock: parts.clock.clone(),
        data: data.clone(),
        metrics: parts.metrics.clone(),
        public_base_url: base.clone(),
        store: parts.store.clone(),
    };
    AppState {
        audit,
        delivery: Arc::new(Delivery::new(parts.delivery, delivery)),
        invalidations: Arc::new(Invalidations {
            clock: parts.clock.clone(),
            cutoffs: cutoffs.clone(),
            store: parts.store.clone(),
            verifier: parts.verifier.clone(),
        }),
        webhook_key: signing_secret.and_then(WebhookKey::new),
        data,
        documents: CurrentDocuments::new(&base, parts.keys.clone(), key_policy(config).max_age()),
        encodings: EncodingMemory::new(),
        edge: Edge {
            resource_metadata_url: format!("{base}/.well-known/oauth-protected-resource"),
            public_base_url: base,
            prefix: prefix.to_owned(),
            has_tls: config.listener.tls.is_some(),
            max_requests: config.listener.max_requests,
            refusal_floor: parts.refusal_floor,
        },
        keys: parts.keys.clone(),
        live: Arc::new(ArcSwap::from_pointee(Live::from_config(config))),
        issuer: TokenIssuer::new(issuer, parts.keys.clone(), parts.clock.clone())
            .heeding(cutoffs.clone()),
        validator: TokenValidator::new(validator, parts.keys, parts.clock.clone()).heeding(cutoffs),
        clock: parts.clock,
        metrics: parts.metrics,
        store: parts.store,
        verifier: parts.verifier,
    }
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<(Socket, SocketAddr), StartError> {
    let failed = |source| StartError::Bind {
        key,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let socket = Socket {
        listener,
        is_handed_over: false,
    };
    let bound = address_of(&socket, (key, address))?;
    Ok((socket, bound))
}

/// Takes the socket over, unless it is another one than the configuration, which was judged, speaks of.
fn handed_over(socket: std::net::TcpListener, wanted: SocketAddr) -> Result<Socket, StartError> {
    let failed = |source| StartError::Bind {
        key: PUBLIC,
        address: wanted,
        source,
    };
    let given = socket.local_addr().map_err(failed)?;
    let is_wanted = given == wanted || (wanted.port() == 0 && given.ip() == wanted.ip());
    if !is_wanted {
        return Err(StartError::HandedOver { given, wanted });
    }
    socket.set_nonblocking(true).map_err(failed)?;
    Ok(Socket {
        listener: TcpListener::from_std(socket).map_err(failed)?,
        is_handed_over: true,
    })
}

fn address_of(
    socket: &Socket,
    (key, wanted): (&'static str, SocketAddr),
) -> Result<SocketAddr, StartError> {
    let address = socket.listener.local_addr();
    address.map_err(|source| StartError::Bind {
        key,
        address: wanted,
        source,
    })
}

fn certificate(
    config: &Config,
    metrics: &Arc<Metrics>,
) -> Result<Option<Arc<Certificate>>, StartError> {
    let Some(files) = &config.listener.tls else {
        return Ok(None);
    };
    let certificate = Certificate::new(Pair::read(files)?, metrics.clone());
    Ok(Some(Arc::new(certificate)))
}

/// Probes and scrapers keep to no limits of partners, and wait for nothing at the end.
fn admin_terms(config: &Config, answers: Answers) -> Terms {
    let live = Live {
        connections_per_address: ADMIN_CONNECTIONS,
        drain_timeout: ADMIN_DRAIN,
        shutdown_delay: Duration::ZERO,
        ..Live::from_config(config)
    };
    Terms {
        deadlines: Deadlines {
            hurried_idle: ADMIN_DRAIN / 4,
            ..Deadlines::default()
        },
        live: Arc::new(ArcSwap::from_pointee(live)),
        max_connections: ADMIN_CONNECTIONS,
        metrics: Arc::new(Metrics::new()),
        answers,
        tls: None,
    }
}

/// Asks the verifier once whether logins can work, and says what stands in the way.
async fn probe(verifier: &dyn CredentialVerifier) {
    for finding in verifier.probe().await {
        let (text, remedy) = (finding.finding, finding.remedy);
        match finding.severity {
            ProbeSeverity::Info => tracing::info!(finding = text, remedy, "verifier probe"),
            ProbeSeverity::Warning => tracing::warn!(finding = text, remedy, "verifier probe"),
            ProbeSeverity::Error => tracing::error!(finding = text, remedy, "verifier probe"),
        }
    }
}
