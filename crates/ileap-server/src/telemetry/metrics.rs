//! Counters, gauges and histograms.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use jiff::SignedDuration;
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::{
    ClerkCallOutcome, KnownGoodAnswer, RevocationOutcome, VerifyOutcome, WebhookOutcome,
    edge::EdgeMetrics,
    labels::{
        ApiLabel, BudgetLabel, CacheLabel, ClerkCallLabels, DatabaseLabel, DeliveryLabels,
        EndpointLabel, FailureLabels, KnownGoodLabels, OutcomeLabel, ReasonLabel, RequestLabels,
        VerifierLabel, VerifyLabels, WebhookLabels,
    },
    signing_keys::SigningKeyGauges,
};
use crate::store::outbox::OutboxDepth;

/// Upper bounds of the duration histograms, in seconds: from a cached answer to an upstream at its deadline.
const BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0,
];

/// The server's metrics. Every label has a fixed, small set of values.
#[derive(Debug)]
pub struct Metrics {
    /// Of connections, certificates and reloads.
    pub edge: EdgeMetrics,
    registry: Registry,
    process: Registry,
    requests: Family<RequestLabels, Counter<u64, AtomicU64>>,
    request_duration: Family<EndpointLabel, Histogram>,
    pub(super) failures: Family<FailureLabels, Counter<u64, AtomicU64>>,
    verifications: Family<VerifyLabels, Counter<u64, AtomicU64>>,
    verify_duration: Family<VerifierLabel, Histogram>,
    pub(super) known_good: Family<KnownGoodLabels, Counter<u64, AtomicU64>>,
    pub(super) webhooks: Family<WebhookLabels, Counter<u64, AtomicU64>>,
    introspections: Family<OutcomeLabel, Counter<u64, AtomicU64>>,
    revocations: Family<OutcomeLabel, Counter<u64, AtomicU64>>,
    pub(super) deliveries: Family<DeliveryLabels, Counter<u64, AtomicU64>>,
    outbox_open: Gauge<i64, AtomicI64>,
    outbox_dead: Gauge<i64, AtomicI64>,
    outbox_age: Gauge<i64, AtomicI64>,
    objects_refused: Counter<u64, AtomicU64>,
    connections: Gauge<i64, AtomicI64>,
    pub(super) clients_refused: Family<ReasonLabel, Counter<u64, AtomicU64>>,
    held_back: Family<BudgetLabel, Counter<u64, AtomicU64>>,
    clerk_calls: Family<ClerkCallLabels, Counter<u64, AtomicU64>>,
    clerk_call_duration: Family<ApiLabel, Histogram>,
    clerk_breaker_open: Family<ApiLabel, Gauge<i64, AtomicI64>>,
    store_duration: Family<DatabaseLabel, Histogram>,
    pub(super) store_errors: Family<DatabaseLabel, Counter<u64, AtomicU64>>,
    cache_entries: Family<CacheLabel, Gauge<i64, AtomicI64>>,
    pub(super) audit_lines: Family<OutcomeLabel, Counter<u64, AtomicU64>>,
    pub(super) signing_keys: SigningKeyGauges,
}

/// What is counted for one endpoint most of all, once it has been looked up by its labels.
#[derive(Debug, Default)]
pub struct KnownEndpoint {
    duration: OnceLock<Histogram>,
    ok: OnceLock<Counter<u64, AtomicU64>>,
}

impl Metrics {
    /// Every metric at zero, and what alerts wait for with all its labels.
    #[expect(clippy::too_many_lines, reason = "one entry for each metric")]
    pub fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut registry = Registry::with_prefix("ileap");
        let mut metrics = Self {
            edge: EdgeMetrics::registered(&mut registry),
            registry,
            process: Registry::with_prefix("process"),
            requests: Family::default(),
            request_duration: Family::new_with_constructor(histogram),
            failures: Family::default(),
            verifications: Family::default(),
            verify_duration: Family::new_with_constructor(histogram),
            known_good: Family::default(),
            webhooks: Family::default(),
            introspections: Family::default(),
            revocations: Family::default(),
            deliveries: Family::default(),
            outbox_open: Gauge::default(),
            outbox_dead: Gauge::default(),
            outbox_age: Gauge::default(),
            objects_refused: Counter::default(),
            connections: Gauge::default(),
            clients_refused: Family::default(),
            held_back: Family::default(),
            clerk_calls: Family::default(),
            clerk_call_duration: Family::new_with_constructor(histogram),
            clerk_breaker_open: Family::default(),
            store_duration: Family::new_with_constructor(histogram),
            store_errors: Family::default(),
            cache_entries: Family::default(),
            audit_lines: Family::default(),
            signing_keys: SigningKeyGauges::default(),
        };
        let registry = &mut metrics.registry;
        metrics.signing_keys.register(registry);
        registry.register(
            "http_requests",
            "Requests answered",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's arrival to its answer",
            Unit::Seconds,
            metrics.request_duration.clone(),
        );
        registry.register(
            "http_failures",
            "Requests that failed, by cause",
            metrics.failures.clone(),
        );
        registry.register(
            "verifications",
            "Credentials verified",
            metrics.verifications.clone(),
        );
        registry.register_with_unit(
            "verify_duration",
            "Time to verify credentials",
            Unit::Seconds,
            metrics.verify_duration.clone(),
        );
        registry.register(
            "known_good_answers",
            "Where answers about credentials came from: the verifier, or memory; stale is memory for want of an answer",
            metrics.known_good.clone(),
        );
        registry.register(
            "webhooks",
            "Webhooks of Clerk, by what became of them",
            metrics.webhooks.clone(),
        );
        registry.register(
            "introspections",
            "Tokens introspected",
            metrics.introspections.clone(),
        );
        registry.register(
            "revocations",
            "Requests to revoke a token, by what they came to",
            metrics.revocations.clone(),
        );
        registry.register(
            "deliveries",
            "Attempts at tasks for partners, by what became of them; parts of the delivery that were restarted after a panic",
            metrics.deliveries.clone(),
        );
        registry.register(
            "outbox_open",
            "Tasks for partners that are not done",
            metrics.outbox_open.clone(),
        );
        registry.register(
            "outbox_dead",
            "Tasks for partners that were given up",
            metrics.outbox_dead.clone(),
        );
        registry.register_with_unit(
            "outbox_oldest_age",
            "Age of the oldest task for a partner that is not done",
            Unit::Seconds,
            metrics.outbox_age.clone(),
        );
        registry.register(
            "source_objects_refused",
            "Objects of the upstream data source that break rules and are not served",
            metrics.objects_refused.clone(),
        );
        registry.register(
            "http_connections",
            "Open connections",
            metrics.connections.clone(),
        );
        metrics.register_what_is_behind();
        metrics.begin();
        metrics
    }

    /// Those of what the server is made of, and of the process.
    fn register_what_is_behind(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "clients_refused",
            "Clients refused, by reason",
            self.clients_refused.clone(),
        );
        registry.register(
            "logins_held_back",
            "Logins that were not looked at, by the budget for failures that is used up",
            self.held_back.clone(),
        );
        registry.register(
            "clerk_calls",
            "Calls to Clerk, by what came of them",
            self.clerk_calls.clone(),
        );
        registry.register_with_unit(
            "clerk_call_duration",
            "Time Clerk took to answer",
            Unit::Seconds,
            self.clerk_call_duration.clone(),
        );
        registry.register(
            "clerk_breaker_open",
            "Whether calls to Clerk are stopped because it gives no answer, or throttles",
            self.clerk_breaker_open.clone(),
        );
        registry.register_with_unit(
            "store_statement_duration",
            "Time of a statement outside transactions, waiting for a connection included",
            Unit::Seconds,
            self.store_duration.clone(),
        );
        registry.register(
            "store_errors",
            "Statements that failed",
            self.store_errors.clone(),
        );
        registry.register(
            "cache_entries",
            "What is remembered, in entries",
            self.cache_entries.clone(),
        );
        registry.register(
            "audit_lines",
            "Lines of the audit trail, by what became of them",
            self.audit_lines.clone(),
        );
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The version that runs", Info::new(version));
        #[cfg(target_os = "linux")]
        self.process
            .register_collector(Box::new(super::process::Process::new()));
    }

    /// Counts one answer; `known` is the endpoint's own.
    pub fn answered(
        &self,
        (endpoint, known): (&'static str, &KnownEndpoint),
        status: u16,
        elapsed: Duration,
    ) {
        let requests = || {
            let labels = RequestLabels { endpoint, status };
            self.requests.get_or_create_owned(&labels)
        };
        let duration = || {
            let label = EndpointLabel { endpoint };
            self.request_duration.get_or_create_owned(&label)
        };
        if status == 200 {
            known.ok.get_or_init(requests).inc();
        } else {
            requests().inc();
        }
        let duration = known.duration.get_or_init(duration);
        duration.observe(elapsed.as_secs_f64());
    }

    /// Counts one failure.
    pub fn failed(&self, endpoint: &'static str, cause: &'static str) {
        self.failures
            .get_or_create(&FailureLabels { endpoint, cause })
            .inc();
    }

    /// Counts one verification.
    pub fn verified(&self, verifier: &'static str, outcome: VerifyOutcome, elapsed: Duration) {
        let outcome = outcome.as_str();
        self.verifications
            .get_or_create(&VerifyLabels { verifier, outcome })
            .inc();
        self.verify_duration
            .get_or_create(&VerifierLabel { verifier })
            .observe(elapsed.as_secs_f64());
    }

    /// Counts one answer about credentials.
    pub fn known_good(&self, answer: KnownGoodAnswer) {
        let answer = answer.as_str();
        self.known_good
            .get_or_create(&KnownGoodLabels { answer })
            .inc();
    }

    /// Counts one webhook.
    pub fn webhook(&self, outcome: WebhookOutcome) {
        let outcome = outcome.as_str();
        self.webhooks
            .get_or_create(&WebhookLabels { outcome })
            .inc();
    }

    /// Counts one introspection.
    pub fn introspected(&self, is_active: bool) {
        let outcome = if is_active { "active" } else { "inactive" };
        self.introspections
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    /// Counts one request to revoke a token.
    pub fn revoked(&self, outcome: RevocationOutcome) {
        let outcome = outcome.as_str();
        self.revocations
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    /// Counts an attempt at a task for a partner.
    pub fn delivered(&self, task: &'static str, outcome: &'static str) {
        self.deliveries
            .get_or_create(&DeliveryLabels { task, outcome })
            .inc();
    }

    /// Sets how much is open in the outbox, and since when.
    pub fn outbox(&self, depth: &OutboxDepth, oldest: SignedDuration) {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.outbox_open.set(count(depth.open));
        self.outbox_dead.set(count(depth.dead));
        self.outbox_age.set(oldest.as_secs().max(0));
    }

    /// Counts objects of the data source that are not served.
    pub fn objects_refused(&self, count: u64) {
        self.objects_refused.inc_by(count);
    }

    /// Counts a client that was refused.
    pub fn client_refused(&self, reason: &'static str) {
        self.clients_refused
            .get_or_create(&ReasonLabel { reason })
            .inc();
    }

    /// Counts a login that was not looked at.
    pub fn held_back(&self, budget: &'static str) {
        self.held_back.get_or_create(&BudgetLabel { budget }).inc();
    }

    /// Counts a call to one of Clerk's APIs; `elapsed` where it was made.
    pub fn called_clerk(
        &self,
        api: &'static str,
        outcome: ClerkCallOutcome,
        elapsed: Option<Duration>,
    ) {
        let outcome = outcome.as_str();
        self.clerk_calls
            .get_or_create(&ClerkCallLabels { api, outcome })
            .inc();
        if let Some(elapsed) = elapsed {
            self.clerk_call_duration
                .get_or_create(&ApiLabel { api })
                .observe(elapsed.as_secs_f64());
        }
    }

    /// Sets whether calls to one of Clerk's APIs are stopped.
    pub fn clerk_breaker(&self, api: &'static str, is_open: bool) {
        self.clerk_breaker_open
            .get_or_create(&ApiLabel { api })
            .set(i64::from(is_open));
    }

    /// Counts a statement, and how it ended.
    pub fn store_answered(&self, database: &'static str, is_error: bool, elapsed: Duration) {
        let label = DatabaseLabel { database };
        self.store_duration
            .get_or_create(&label)
            .observe(elapsed.as_secs_f64());
        if is_error {
            self.store_errors.get_or_create(&label).inc();
        }
    }

    /// Sets how many entries a cache has.
    pub fn remembered(&self, cache: &'static str, entries: usize) {
        self.cache_entries
            .get_or_create(&CacheLabel { cache })
            .set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    /// Counts a line of the audit trail: `written` or `lost`.
    pub fn audited(&self, outcome: &'static str) {
        self.audit_lines
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    /// Counts a connection in until the returned guard is dropped.
    pub fn connected(&self) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(self.connections.clone())
    }

    /// The `OpenMetrics` text of every metric.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let written = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &self.process))
            .and_then(|()| encode_eof(&mut text));
        match written {
            Ok(()) => text,
            Err(std::fmt::Error) => String::new(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts its connection out when dropped.
#[derive(Debug)]
pub struct ConnectionGuard(Gauge<i64, AtomicI64>);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
