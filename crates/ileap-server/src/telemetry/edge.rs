//! What is counted of connections, certificates and reloads.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::labels::{OutcomeLabel, ReasonLabel};

/// Metrics of the edge.
#[derive(Clone, Debug, Default)]
pub struct EdgeMetrics {
    turned_away: Family<ReasonLabel, Counter<u64, AtomicU64>>,
    config_reloads: Family<OutcomeLabel, Counter<u64, AtomicU64>>,
    certificate_reloads: Family<OutcomeLabel, Counter<u64, AtomicU64>>,
    certificate_not_after: Gauge<i64, AtomicI64>,
}

/// Why a connection was closed, where its client is to blame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turned {
    /// Its address has too many.
    Address,
    /// It did not shake hands in time.
    Handshake,
    /// It does not take its answer.
    SlowAnswer,
    /// It does not finish a request's head.
    SlowHead,
}

impl Turned {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Address,
        Self::Handshake,
        Self::SlowAnswer,
        Self::SlowHead,
    ];

    /// The metric label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Handshake => "handshake",
            Self::SlowAnswer => "slow_answer",
            Self::SlowHead => "slow_head",
        }
    }
}

/// What became of a reload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reload {
    /// The new one counts.
    TakenOn,
    /// The old one counts on.
    Refused,
}

impl Reload {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::TakenOn, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Self::TakenOn => "taken_on",
            Self::Refused => "refused",
        }
    }
}

impl EdgeMetrics {
    /// Every metric at zero, in `registry`.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "http_connections_turned_away",
            "Connections closed for what their clients do",
            metrics.turned_away.clone(),
        );
        registry.register(
            "config_reloads",
            "Reloads of the configuration, by what became of them",
            metrics.config_reloads.clone(),
        );
        registry.register(
            "tls_certificate_reloads",
            "Changes of the certificate's files, by what became of them",
            metrics.certificate_reloads.clone(),
        );
        registry.register_with_unit(
            "tls_certificate_not_after_timestamp",
            "When the certificate of the public listener expires; 0 without one",
            Unit::Seconds,
            metrics.certificate_not_after.clone(),
        );
        // So that the first one is a rise.
        for outcome in Reload::ALL.map(Reload::as_str) {
            let label = OutcomeLabel { outcome };
            metrics.config_reloads.get_or_create(&label).inc_by(0);
            metrics.certificate_reloads.get_or_create(&label).inc_by(0);
        }
        metrics
    }

    /// Counts one connection.
    pub fn turned_away(&self, reason: Turned) {
        let reason = reason.as_str();
        self.turned_away
            .get_or_create(&ReasonLabel { reason })
            .inc();
    }

    /// Counts one reload of the configuration.
    pub fn config_reloaded(&self, outcome: Reload) {
        let outcome = outcome.as_str();
        self.config_reloads
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    /// Counts one change of the certificate's files.
    pub fn certificate_reloaded(&self, outcome: Reload) {
        let outcome = outcome.as_str();
        self.certificate_reloads
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    /// Says until when the certificate is valid, in seconds since 1970.
    pub fn certificate_expires(&self, at: i64) {
        self.certificate_not_after.set(at);
    }
}
