//! The labels of metrics: each has a small, fixed set of values.

use prometheus_client::encoding::EncodeLabelSet;

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct WebhookLabels {
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct KnownGoodLabels {
    pub(super) answer: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct RequestLabels {
    pub(super) endpoint: &'static str,
    pub(super) status: u16,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct EndpointLabel {
    pub(super) endpoint: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct FailureLabels {
    pub(super) endpoint: &'static str,
    pub(super) cause: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct VerifyLabels {
    pub(super) verifier: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct DeliveryLabels {
    pub(super) task: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct VerifierLabel {
    pub(super) verifier: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct ReasonLabel {
    pub(super) reason: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct BudgetLabel {
    pub(super) budget: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct ApiLabel {
    pub(super) api: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct ClerkCallLabels {
    pub(super) api: &'static str,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct DatabaseLabel {
    pub(super) database: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct CacheLabel {
    pub(super) cache: &'static str,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
pub(super) struct OutcomeLabel {
    pub(super) outcome: &'static str,
}
