//! What is counted of signing keys.

use std::sync::atomic::AtomicI64;

use jiff::SignedDuration;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::Metrics;

/// The gauges.
#[derive(Debug, Default)]
pub(super) struct SigningKeyGauges {
    age: Gauge<i64, AtomicI64>,
    states: Family<KeyStateLabel, Gauge<i64, AtomicI64>>,
    trouble: Gauge<i64, AtomicI64>,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct KeyStateLabel {
    state: &'static str,
}

impl SigningKeyGauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "signing_keys",
            "Keys in the key set, by state",
            self.states.clone(),
        );
        registry.register_with_unit(
            "signing_key_age",
            "For how long the active key has signed",
            Unit::Seconds,
            self.age.clone(),
        );
        registry.register(
            "signing_key_trouble",
            "Whether keys cannot be followed or rotated: 0 or 1",
            self.trouble.clone(),
        );
    }
}

impl Metrics {
    /// Sets how many signing keys are in a state.
    pub fn signing_keys(&self, state: &'static str, count: usize) {
        let label = KeyStateLabel { state };
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.signing_keys.states.get_or_create(&label).set(count);
    }

    /// Sets for how long the active key has signed.
    pub fn signing_key_age(&self, age: SignedDuration) {
        self.signing_keys.age.set(age.as_secs().max(0));
    }

    /// Sets whether keys cannot be followed or rotated.
    pub fn signing_key_trouble(&self, is_in_trouble: bool) {
        self.signing_keys.trouble.set(i64::from(is_in_trouble));
    }
}
