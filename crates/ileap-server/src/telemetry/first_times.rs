//! Counters that are there before anything is counted: one that appears at 1 has not risen in Prometheus' eyes, and no
//! alert would tell of what happens for the first time.

use super::{KnownGoodAnswer, WebhookOutcome, labels, metrics::Metrics};
use crate::{http::endpoint::Endpoint, store::outbox::TaskKind};

/// Failures that are nobody's but the operator's.
const CAUSES: [&str; 5] = [
    "internal",
    "overloaded",
    "signer_missing",
    "source_unavailable",
    "timed_out",
];
/// Of clients whose secrets are right.
const REASONS: [&str; 6] = [
    "device_trust",
    "mfa_required",
    "no_role",
    "protect_check",
    "session_task",
    "unknown_status",
];
/// What keeps deliveries going.
const PARTS: [&str; 4] = ["leases", "publisher", "tidying", "worker"];

impl Metrics {
    /// Shows at zero what alerts wait for.
    pub(super) fn begin(&self) {
        for endpoint in Endpoint::ALL.map(Endpoint::as_str) {
            for cause in CAUSES {
                let labels = labels::FailureLabels { endpoint, cause };
                self.failures.get_or_create(&labels).inc_by(0);
            }
        }
        for reason in REASONS {
            let label = labels::ReasonLabel { reason };
            self.clients_refused.get_or_create(&label).inc_by(0);
        }
        let kinds = TaskKind::ALL.map(|kind| (kind.as_str(), "dead"));
        let parts = PARTS.map(|part| (part, "restarted"));
        for (task, outcome) in kinds.into_iter().chain(parts) {
            let labels = labels::DeliveryLabels { task, outcome };
            self.deliveries.get_or_create(&labels).inc_by(0);
        }
        for answer in KnownGoodAnswer::ALL.map(KnownGoodAnswer::as_str) {
            let labels = labels::KnownGoodLabels { answer };
            self.known_good.get_or_create(&labels).inc_by(0);
        }
        for outcome in WebhookOutcome::ALL.map(WebhookOutcome::as_str) {
            let labels = labels::WebhookLabels { outcome };
            self.webhooks.get_or_create(&labels).inc_by(0);
        }
        for database in ["postgresql", "sqlite"] {
            let label = labels::DatabaseLabel { database };
            self.store_errors.get_or_create(&label).inc_by(0);
        }
        for outcome in ["lost", "written"] {
            let label = labels::OutcomeLabel { outcome };
            self.audit_lines.get_or_create(&label).inc_by(0);
        }
    }
}
