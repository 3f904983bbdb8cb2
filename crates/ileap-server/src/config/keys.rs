//! The registry: every key, its form, its default and its meaning. There is no other list.

pub(super) use super::key::{Key, Kind};

/// The key of this path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The section a path lies in: all but its last part.
pub(super) fn section(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(section, _)| section)
}

/// Whether keys or sections lie in this path.
pub(super) fn is_section(path: &str) -> bool {
    let is_below = |rest: &str| rest.starts_with('.');
    KEYS.iter()
        .any(|key| key.path.strip_prefix(path).is_some_and(is_below))
}

/// The key whose path is most like this one, if any is.
pub(super) fn nearest(path: &str) -> Option<&'static Key> {
    let likeness = |key: &Key| strsim::jaro_winkler(key.path, path);
    KEYS.iter()
        .max_by(|left, right| likeness(left).total_cmp(&likeness(right)))
        .filter(|key| strsim::damerau_levenshtein(key.path, path) <= NEAR)
}

/// The most edits that a mistyped path is away from the one that was meant; `_file` is five.
const NEAR: usize = 5;

const ROLES: &[&str] = &["user", "organizer", "operator", "all"];

/// Every key, in the order of the default file.
pub(super) const KEYS: [Key; 62] = [
    Key::unset(
        "public_base_url",
        Kind::Text,
        "\"https://ileap.example.com\"",
        "The URL partners type, and the issuer of tokens; it may carry a path. Without it only a loopback \
         listener starts.",
    ),
    Key::set(
        "listener.bind",
        Kind::Text,
        "\"127.0.0.1:8080\"",
        "Address and port of the public listener.",
    ),
    Key::set(
        "listener.admin_bind",
        Kind::Text,
        "\"127.0.0.1:9464\"",
        "Address and port of the admin listener: /healthz, /readyz, /metrics.",
    ),
    Key::set(
        "listener.trusted_proxies",
        Kind::List,
        "[]",
        "Networks (CIDR) whose X-Forwarded-For and x-request-id are believed, and what they ask /auth/verify about.",
    )
    .reloaded(),
    Key::set(
        "listener.behind_proxy",
        Kind::Boolean,
        "false",
        "A proxy in front ends TLS: plain HTTP on a non-loopback address is meant.",
    ),
    Key::unset(
        "listener.tls_cert_file",
        Kind::Text,
        "\"cert.pem\"",
        "Certificate chain, PEM; read anew when it changes.",
    )
    .reloaded(),
    Key::unset(
        "listener.tls_key_file",
        Kind::Text,
        "\"key.pem\"",
        "Private key of the certificate, PEM.",
    )
    .reloaded(),
    Key::set(
        "listener.max_connections",
        Kind::Integer(1, 1_000_000),
        "10000",
        "Connections open at once; more wait in the kernel. No more than the limit on open files leaves room for.",
    ),
    Key::set(
        "listener.max_connections_per_address",
        Kind::Integer(1, 1_000_000),
        "256",
        "Connections open at once from one address (IPv6: one /64 network); trusted proxies have no such limit.",
    )
    .reloaded(),
    Key::set(
        "listener.max_requests",
        Kind::Integer(1, 1_000_000),
        "4096",
        "Requests worked on at once; more are told to come back (503).",
    ),
    Key::set(
        "listener.requests_per_address",
        Kind::Integer(0, 10_000_000),
        "30000",
        "Requests a minute from one address (IPv6: one /64 network) before more are told to come back (429); 0 for \
         no limit. Trusted proxies have none of their own.",
    )
    .reloaded(),
    Key::set(
        "listener.shutdown_delay",
        Kind::Duration("0", "10m"),
        "\"0\"",
        "How long requests are taken on at the end, while /readyz says no: the time in which a load balancer notices.",
    )
    .reloaded(),
    Key::set(
        "listener.drain_timeout",
        Kind::Duration("0", "10m"),
        "\"30s\"",
        "How long requests under way may take to finish at the end.",
    )
    .reloaded(),
    Key::unset(
        "verifier.kind",
        Kind::Choice(&["clerk_backend", "clerk_frontend", "static_users"]),
        "\"clerk_backend\"",
        "How credentials are checked. When left out: clerk_backend where there is a secret key, else clerk_frontend.",
    ),
    Key::unset(
        "verifier.clerk.publishable_key",
        Kind::Text,
        "\"pk_live_...\"",
        "Clerk's publishable key; names the Frontend API's host. CLERK_PUBLISHABLE_KEY sets it, too.",
    ),
    Key::unset(
        "verifier.clerk.secret_key_file",
        Kind::Text,
        "\"clerk_secret_key\"",
        "File with Clerk's secret key, readable by its owner alone. CLERK_SECRET_KEY holds the key itself.",
    ),
    Key::unset(
        "verifier.clerk.webhook_signing_secret_file",
        Kind::Text,
        "\"clerk_webhook_secret\"",
        "File with the secret of Clerk's webhooks. CLERK_WEBHOOK_SIGNING_SECRET holds the secret itself.",
    ),
    Key::unset(
        "verifier.clerk.frontend_api_url",
        Kind::Text,
        "\"https://clerk.example.com\"",
        "Origin or proxy prefix of the Frontend API, without /v1, where the publishable key's host is not it. \
         Plain http for loopback only.",
    ),
    Key::set(
        "verifier.clerk.backend_api_url",
        Kind::Text,
        "\"https://api.clerk.com\"",
        "Origin or proxy prefix of the Backend API, without /v1. Plain http for loopback only.",
    ),
    Key::set(
        "verifier.clerk.allow_mfa_users",
        Kind::Boolean,
        "false",
        "Whether the password alone is enough for users with a second factor; clerk_backend only.",
    ),
    Key::unset(
        "verifier.clerk.organization",
        Kind::Text,
        "\"org_...\"",
        "Id or slug of the organization that every partner's user must be a member of.",
    ),
    Key::set(
        "verifier.clerk.timeout",
        Kind::Duration("100ms", "10s"),
        "\"5s\"",
        "The longest one login may take at Clerk, retries included.",
    ),
    Key::unset(
        "verifier.static_users.file",
        Kind::Text,
        "\"users.toml\"",
        "File of client ids and hashed secrets for verifier.kind = \"static_users\", readable by its owner alone; \
         read anew when it changes.",
    ),
    Key::set(
        "verifier.known_good.fresh_for",
        Kind::Duration("0", "1h"),
        "\"5m\"",
        "How long verified credentials are accepted without asking Clerk; a changed password or a ban takes as \
         long to bite where no webhook tells of it.",
    ),
    Key::set(
        "verifier.known_good.stale_for",
        Kind::Duration("0", "24h"),
        "\"1h\"",
        "How long they go on after Clerk's last sign of life; 0 turns that off. Never those that a webhook evicted.",
    ),
    Key::set(
        "verifier.budget.enabled",
        Kind::Boolean,
        "true",
        "Whether failed logins and calls to Clerk are limited. Off in the demo; nowhere else.",
    ),
    Key::set(
        "verifier.budget.failures_per_address",
        Kind::Integer(1, 100_000),
        "30",
        "Failed logins a minute from one address (IPv6: one /64 network) before more are held back.",
    ),
    Key::set(
        "verifier.budget.failures_in_all",
        Kind::Integer(1, 1_000_000),
        "600",
        "Failed logins a minute altogether before logins that are not known to be good are held back.",
    ),
    Key::set(
        "verifier.budget.queue_for",
        Kind::Duration("0", "5s"),
        "\"2s\"",
        "How long a login waits for its turn when Clerk's limits are reached, before it is told to come back.",
    ),
    Key::unset(
        "verifier.budget.calls_per_10s",
        Kind::Integer(1, 100_000),
        "800",
        "Calls to Clerk in any ten seconds. Default: 4 logins over the Frontend API; over the Backend API 800, or 80 \
         with the key of a development instance.",
    ),
    Key::unset(
        "access.default_role",
        Kind::Choice(ROLES),
        "\"user\"",
        "The role of verified clients that hold none: for instances without organizations. Mind open sign-up.",
    )
    .reloaded(),
    Key::set(
        "access.allowed_clients",
        Kind::List,
        "[]",
        "The client ids the default role is for; empty means all.",
    )
    .reloaded(),
    Key::set(
        "access.resource_servers",
        Kind::List,
        "[]",
        "The client ids, as they log in, of services that may introspect and revoke anybody's tokens; they need no role.",
    )
    .reloaded(),
    Key::set(
        "access.role_keys.user",
        Kind::List,
        "[\"org:ileap_user\"]",
        "Clerk role keys that mean user.",
    ),
    Key::set(
        "access.role_keys.organizer",
        Kind::List,
        "[\"org:ileap_organizer\"]",
        "Clerk role keys that mean organizer.",
    ),
    Key::set(
        "access.role_keys.operator",
        Kind::List,
        "[\"org:ileap_operator\"]",
        "Clerk role keys that mean operator.",
    ),
    Key::set(
        "access.role_keys.all",
        Kind::List,
        "[\"org:ileap_all\"]",
        "Clerk role keys that mean all.",
    ),
    Key::set(
        "token.algorithm",
        Kind::Choice(&["RS256", "ES256", "EdDSA"]),
        "\"RS256\"",
        "How access tokens are signed.",
    ),
    Key::set(
        "token.lifetime",
        Kind::Duration("1m", "24h"),
        "\"1h\"",
        "How long access tokens live.",
    ),
    Key::set(
        "token.typ",
        Kind::Text,
        "\"at+jwt\"",
        "The `typ` of access tokens (RFC 9068); \"JWT\" for consumers that insist.",
    ),
    Key::set(
        "token.reuse",
        Kind::Boolean,
        "true",
        "Whether a client gets the same token again while half its life is left.",
    ),
    Key::unset(
        "token.audience",
        Kind::Text,
        "\"https://ileap.example.com\"",
        "The `aud` of access tokens. Default: public_base_url.",
    ),
    Key::set(
        "keys.location",
        Kind::Choice(&["directory", "store"]),
        "\"directory\"",
        "Where signing keys are kept: in files, or in the database for all servers on it.",
    ),
    Key::set(
        "keys.directory",
        Kind::Text,
        "\"keys\"",
        "Directory of signing keys; made at first start, every file 0600. With keys.location = \"store\": where the first \
         start looks for keys to take over.",
    ),
    Key::unset(
        "keys.encryption_key_file",
        Kind::Text,
        "\"keys.secret\"",
        "File, readable by its owner alone, with 32 bytes in base64 that encrypt signing keys in the store.",
    ),
    Key::set(
        "keys.rotate_every",
        Kind::Duration("1h", "1825d"),
        "\"90d\"",
        "How long a key signs before the next one does; longer than token.lifetime.",
    ),
    Key::set(
        "keys.publish_before",
        Kind::Duration("10s", "1825d"),
        "\"24h\"",
        "How long a key is published before it signs. Verifiers may keep the key set for half of it, 5m at most.",
    ),
    Key::set(
        "store.url",
        Kind::Text,
        "\"sqlite:ileap.db\"",
        "The database: sqlite:FILE, postgres://USER:PASSWORD@HOST/DATABASE, or sqlite::memory: for tests.",
    ),
    Key::set(
        "data.kind",
        Kind::Choice(&["stored", "upstream"]),
        "\"stored\"",
        "Where the data endpoints' answers come from: this server's store, or your own service.",
    ),
    Key::set(
        "data.default_page",
        Kind::Integer(1, 10_000),
        "100",
        "Items on a page when the request names no limit.",
    )
    .reloaded(),
    Key::set(
        "data.max_page",
        Kind::Integer(1, 10_000),
        "1000",
        "The most items on a page; a larger limit is capped.",
    )
    .reloaded(),
    Key::unset(
        "data.upstream.url",
        Kind::Text,
        "\"https://emissions.example.com\"",
        "Base URL of your service, for data.kind = \"upstream\": it answers /2/footprints, /2/footprints/{id} and \
         /2/ileap/tad below it.",
    ),
    Key::unset(
        "data.upstream.token_file",
        Kind::Text,
        "\"upstream.token\"",
        "File, readable by its owner alone, with the bearer token that your service gets from us.",
    ),
    Key::set(
        "data.upstream.timeout",
        Kind::Duration("100ms", "10s"),
        "\"5s\"",
        "The longest one answer may take, all calls to your service together.",
    ),
    Key::set(
        "events.private_networks",
        Kind::Boolean,
        "false",
        "Whether partners' hosts (`ileap partners`) may be in private networks, and on this machine, where plain HTTP \
         is allowed too. Otherwise only public addresses are called, over HTTPS.",
    ),
    Key::set(
        "profile.oauth_errors",
        Kind::Choice(&["pact", "rfc6749", "ileaptest"]),
        "\"pact\"",
        "How wrong credentials look: 400 invalid_client, 401 invalid_client, or 400 invalid_request.",
    )
    .reloaded(),
    Key::set(
        "audit.target",
        Kind::Choice(&["off", "stderr", "file"]),
        "\"off\"",
        "Where the audit trail goes: who was let in, who was not and why, and who changed that.",
    ),
    Key::set(
        "audit.file",
        Kind::Text,
        "\"audit.jsonl\"",
        "The file, for audit.target = \"file\"; made with mode 0600, and opened anew when it was moved away.",
    ),
    Key::set(
        "audit.data_access",
        Kind::Choice(&["none", "refused", "all"]),
        "\"refused\"",
        "Which requests with access tokens are in it.",
    ),
    Key::unset(
        "traces.endpoint",
        Kind::Text,
        "\"http://127.0.0.1:4318/v1/traces\"",
        "Where traces are sent, by OTLP over HTTP, where the build has the feature `otel`. \
         OTEL_EXPORTER_OTLP_TRACES_ENDPOINT sets it too, and OTEL_EXPORTER_OTLP_ENDPOINT without the path.",
    ),
    Key::set(
        "log.level",
        Kind::Text,
        "\"info\"",
        "What is logged: error, warn, info, debug, trace, or a filter such as \"ileap_server=debug,warn\".",
    )
    .reloaded(),
    Key::set(
        "log.format",
        Kind::Choice(&["text", "json"]),
        "\"text\"",
        "How log lines look, on stderr.",
    ),
];
