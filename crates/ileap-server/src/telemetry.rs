//! Metrics and logs.

use std::{
    io,
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use jiff::SignedDuration;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::store::outbox::OutboxDepth;

/// Upper bounds of the duration histograms, in seconds: from a cached answer to an upstream at its deadline.
const BUCKETS: [f64; 11] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0,
];

/// The server's metrics. Every label has a fixed, small set of values.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter<u64, AtomicU64>>,
    request_duration: Family<EndpointLabel, Histogram>,
    failures: Family<FailureLabels, Counter<u64, AtomicU64>>,
    verifications: Family<VerifyLabels, Counter<u64, AtomicU64>>,
    verify_duration: Family<VerifierLabel, Histogram>,
    known_good: Family<KnownGoodLabels, Counter<u64, AtomicU64>>,
    webhooks: Family<WebhookLabels, Counter<u64, AtomicU64>>,
    deliveries: Family<DeliveryLabels, Counter<u64, AtomicU64>>,
    outbox_open: Gauge<i64, AtomicI64>,
    outbox_dead: Gauge<i64, AtomicI64>,
    outbox_age: Gauge<i64, AtomicI64>,
    objects_refused: Counter<u64, AtomicU64>,
    connections: Gauge<i64, AtomicI64>,
}

/// How a verification ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VerifyOutcome {
    /// The credentials are right.
    Accepted,
    /// Not looked at: too many failures before.
    HeldBack,
    /// They are not.
    Refused,
    /// It could not be found out.
    Unavailable,
}

impl VerifyOutcome {
    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::HeldBack => "held_back",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Where the answer about credentials came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KnownGoodAnswer {
    /// The verifier was asked.
    Asked,
    /// From memory: right, lately.
    Fresh,
    /// From memory, for want of an answer: right, when it was verified last.
    Stale,
    /// From memory: refused, lately.
    Wrong,
}

impl KnownGoodAnswer {
    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
        }
    }
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebhookOutcome {
    /// What it names is invalidated.
    Applied,
    /// It says nothing that matters here.
    Ignored,
    /// Not signed by Clerk, or not now.
    Refused,
    /// It had taken effect before.
    Repeated,
}

impl WebhookOutcome {
    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
        }
    }
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct WebhookLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct KnownGoodLabels {
    answer: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct RequestLabels {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct EndpointLabel {
    endpoint: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct FailureLabels {
    endpoint: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct VerifyLabels {
    verifier: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct DeliveryLabels {
    task: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct VerifierLabel {
    verifier: &'static str,
}

impl Metrics {
    /// Every metric at zero.
    pub fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut metrics = Self {
            registry: Registry::with_prefix("ileap"),
            requests: Family::default(),
            request_duration: Family::new_with_constructor(histogram),
            failures: Family::default(),
            verifications: Family::default(),
            verify_duration: Family::new_with_constructor(histogram),
            known_good: Family::default(),
            webhooks: Family::default(),
            deliveries: Family::default(),
            outbox_open: Gauge::default(),
            outbox_dead: Gauge::default(),
            outbox_age: Gauge::default(),
            objects_refused: Counter::default(),
            connections: Gauge::default(),
        };
        let registry = &mut metrics.registry;
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
            "Where answers about credentials came from",
            metrics.known_good.clone(),
        );
        registry.register(
            "webhooks",
            "Webhooks of Clerk, by what became of them",
            metrics.webhooks.clone(),
        );
        registry.register(
            "deliveries",
            "Attempts at tasks for partners, by what became of them",
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
        metrics
    }

    /// Counts one answer.
    pub fn answered(&self, endpoint: &'static str, status: u16, elapsed: Duration) {
        self.requests
            .get_or_create(&RequestLabels { endpoint, status })
            .inc();
        self.request_duration
            .get_or_create(&EndpointLabel { endpoint })
            .observe(elapsed.as_secs_f64());
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

    /// Counts a connection in until the returned guard is dropped.
    pub fn connected(&self) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(self.connections.clone())
    }

    /// The `OpenMetrics` text of every metric.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
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

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[default]
    Text,
}

/// Sends this process's log lines to `writer`: stderr, outside tests. A second call changes nothing.
///
/// `level` is a filter in the `tracing` form (`info`, or `ileap_server=debug,warn`).
pub fn log_to<W>(writer: W, level: &str, format: LogFormat)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false);
    // A subscriber is already there when a test, or an embedding program, has set one.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder
            .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
            .try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_render_as_openmetrics_text() {
        let metrics = Metrics::new();
        metrics.answered("token", 200, Duration::from_millis(3));
        metrics.failed("token", "client_refused");
        metrics.verified(
            "clerk_frontend",
            VerifyOutcome::Refused,
            Duration::from_millis(90),
        );
        let connection = metrics.connected();
        let text = metrics.render();
        for line in [
            r#"ileap_http_requests_total{endpoint="token",status="200"} 1"#,
            r#"ileap_http_failures_total{endpoint="token",cause="client_refused"} 1"#,
            r#"ileap_verifications_total{verifier="clerk_frontend",outcome="refused"} 1"#,
            r#"ileap_verify_duration_seconds_count{verifier="clerk_frontend"} 1"#,
            "ileap_http_connections 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        drop(connection);
        assert!(metrics.render().contains("ileap_http_connections 0"));
    }
}
