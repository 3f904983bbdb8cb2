//! The typed configuration, one struct per section.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;
use url::Url;

use super::{
    base_url::PublicBaseUrl,
    store_url::StoreUrl,
    values::{ClerkSecretKey, UpstreamToken, WebhookSigningSecret},
};
use crate::{
    audit::{DataAccess, Target},
    http::profile::OauthErrors,
    identity::Role,
    telemetry::LogFormat,
    token::{Algorithm, KeyCipher},
};

/// Everything that can be set. Turned into parts at start, then dropped.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who may come in.
    pub access: Access,
    /// The audit trail.
    pub audit: Audit,
    /// The data endpoints.
    pub data: Data,
    /// Events.
    pub events: Events,
    /// Signing keys.
    pub keys: Keys,
    /// Listeners.
    pub listener: Listener,
    /// Logging.
    pub log: Log,
    /// How the server speaks.
    pub profile: Profile,
    /// The URL partners type; `None` means that of the loopback listener.
    pub public_base_url: Option<PublicBaseUrl>,
    /// The database.
    pub store: StoreSection,
    /// Access tokens.
    pub token: Token,
    /// Traces.
    pub traces: Traces,
    /// How credentials are checked.
    pub verifier: Verifier,
}

/// `[access]`
#[derive(Clone, Debug)]
pub struct Access {
    /// The client ids the default role is for; empty means all.
    pub allowed_clients: Vec<String>,
    /// The role of verified clients that hold none.
    pub default_role: Option<Role>,
    /// What Clerk's organization role keys mean.
    pub role_keys: BTreeMap<String, Role>,
    /// The client ids of services that may introspect and revoke anybody's tokens.
    pub resource_servers: Vec<String>,
}

/// `[audit]`
#[derive(Clone, Debug)]
pub struct Audit {
    /// Which requests with access tokens are in it.
    pub data_access: DataAccess,
    /// Where it goes.
    pub target: Target,
}

/// `[data]`
#[derive(Clone, Debug)]
pub struct Data {
    /// Items on a page when the request names no limit.
    pub default_page: u32,
    /// The most items on a page.
    pub max_page: u32,
    /// The operator's service, where the answers come from there.
    pub upstream: Option<Upstream>,
}

/// `[data.upstream]`
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The longest one answer may take.
    pub timeout: Duration,
    /// What we show.
    pub token: Option<UpstreamToken>,
    /// Its base.
    pub url: Url,
}

/// `[events]`
#[derive(Clone, Debug)]
pub struct Events {
    /// Whether partners' hosts may be in private networks, and on this machine.
    pub private_networks: bool,
}

/// `[keys]`
#[derive(Clone, Debug)]
pub struct Keys {
    /// What seals keys in the store.
    pub cipher: Option<Arc<KeyCipher>>,
    /// Where key files are.
    pub directory: PathBuf,
    /// Where keys are kept.
    pub location: KeyPlace,
    /// How long a key is published before it signs.
    pub publish_before: Duration,
    /// How long a key signs.
    pub rotate_every: Duration,
}

/// The places where keys are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// Files.
    Directory,
    /// The database, for all instances on it.
    Store,
}

/// `[listener]`
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where the admin listener is.
    pub admin_bind: SocketAddr,
    /// A proxy in front ends TLS.
    pub behind_proxy: bool,
    /// Where the public listener is.
    pub bind: SocketAddr,
    /// How long requests under way may take to finish at the end.
    pub drain_timeout: Duration,
    /// Connections open at once.
    pub max_connections: usize,
    /// Connections open at once from one address.
    pub max_connections_per_address: usize,
    /// Requests worked on at once.
    pub max_requests: usize,
    /// Requests a minute from one address; 0 for no limit.
    pub requests_per_address: u32,
    /// How long requests are taken on at the end, while we are not ready.
    pub shutdown_delay: Duration,
    /// Certificate and key, where the listener speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain.
    pub cert_file: PathBuf,
    /// The key.
    pub key_file: PathBuf,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged.
    pub level: String,
}

/// `[profile]`
#[derive(Clone, Debug)]
pub struct Profile {
    /// How wrong credentials look.
    pub oauth_errors: OauthErrors,
}

/// `[store]`
#[derive(Clone, Debug)]
pub struct StoreSection {
    /// Where it is.
    pub url: StoreUrl,
}

/// `[token]`
#[derive(Clone, Debug)]
pub struct Token {
    /// How tokens are signed.
    pub algorithm: Algorithm,
    /// The `aud`; the public base URL when there is none.
    pub audience: Option<String>,
    /// How long tokens live.
    pub lifetime: Duration,
    /// Whether a client gets the same token again.
    pub reuse: bool,
    /// The `typ` in the header.
    pub typ: String,
}

/// `[traces]`
#[derive(Clone, Debug)]
pub struct Traces {
    /// Where they are sent.
    pub endpoint: Option<Url>,
}

/// `[verifier]`
#[derive(Clone, Debug)]
pub struct Verifier {
    /// Limits on failures and calls.
    pub budget: Budget,
    /// Clerk's side.
    pub clerk: Clerk,
    /// Which verifier.
    pub kind: VerifierKind,
    /// How long verified credentials are remembered.
    pub known_good: KnownGood,
    /// The file of users, where credentials are checked against one.
    pub static_users_file: Option<PathBuf>,
}

/// The verifiers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VerifierKind {
    /// Clerk's Backend API.
    ClerkBackend,
    /// Clerk's Frontend API.
    ClerkFrontend,
    /// A file of hashed secrets.
    StaticUsers,
}

/// `[verifier.clerk]`
#[derive(Clone, Debug)]
pub struct Clerk {
    /// Whether the Backend API's password check is enough for users with a second factor.
    pub allow_mfa_users: bool,
    /// Where the Backend API is, without `/v1`.
    pub backend_api_url: Url,
    /// Where the Frontend API is, without `/v1`; `None` only where it is not asked.
    pub frontend_api_url: Option<Url>,
    /// Id or slug of the organization that accounts must belong to.
    pub organization: Option<String>,
    /// The Backend API's key.
    pub secret_key: Option<ClerkSecretKey>,
    /// The longest one login may take.
    pub timeout: Duration,
    /// The webhooks' secret.
    pub webhook_signing_secret: Option<WebhookSigningSecret>,
}

/// `[verifier.budget]`
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Calls to Clerk in ten seconds, where Clerk's own limit is not the one to keep to.
    pub calls_per_10s: Option<u32>,
    /// Whether there are limits.
    pub enabled: bool,
    /// Failures a minute altogether.
    pub failures_in_all: u32,
    /// Failures a minute from one address.
    pub failures_per_address: u32,
    /// How long a login waits for its turn.
    pub queue_for: Duration,
}

/// `[verifier.known_good]`
#[derive(Clone, Copy, Debug)]
pub struct KnownGood {
    /// How long without asking again.
    pub fresh_for: Duration,
    /// How long while the upstream is down.
    pub stale_for: Duration,
}
