//! What handlers work with: parts built once at start, shared by every request.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;

use super::documents::CurrentDocuments;
use crate::{
    audit::Audit,
    clerk::webhook::WebhookKey,
    clock::Clock,
    data::DataSource,
    delivery::Delivery,
    invalidation::Invalidations,
    live::Live,
    store::Store,
    telemetry::Metrics,
    token::{SigningKeys, TokenIssuer, TokenValidator},
    verify::{CredentialVerifier, encodings::EncodingMemory},
};

/// The parts behind the public listener.
pub struct AppState {
    /// What is decided, on record.
    pub audit: Arc<Audit>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the data endpoints answer.
    pub data: Arc<dyn DataSource>,
    /// What partners get after their request has been answered.
    pub delivery: Arc<Delivery>,
    /// Discovery, key set and description.
    pub documents: CurrentDocuments,
    /// How each client encodes its Basic credentials.
    pub encodings: EncodingMemory,
    /// Addresses and limits of the edge.
    pub edge: Edge,
    /// What is not to be relied on any longer.
    pub invalidations: Arc<Invalidations>,
    /// Makes access tokens.
    pub issuer: TokenIssuer,
    /// The keys that sign access tokens.
    pub keys: Arc<SigningKeys>,
    /// What a reload of the configuration replaces.
    pub live: Arc<ArcSwap<Live>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Events, and what is remembered of logins.
    pub store: Arc<dyn Store>,
    /// Judges access tokens.
    pub validator: TokenValidator,
    /// Judges client credentials.
    pub verifier: Arc<dyn CredentialVerifier>,
    /// Checks Clerk's webhooks, where there is a secret.
    pub webhook_key: Option<WebhookKey>,
}

impl AppState {
    /// Has the metrics say how many entries each cache has.
    pub(crate) fn count_what_is_remembered(&self) {
        let mut caches = self.verifier.remembered();
        caches.extend([
            ("encodings", self.encodings.remembered()),
            ("issued_tokens", self.issuer.remembered()),
            ("verified_tokens", self.validator.remembered()),
        ]);
        for (cache, entries) in caches {
            self.metrics.remembered(cache, entries);
        }
    }

    /// Waits until the audit trail is on disk.
    pub(crate) async fn flush_audit(&self, longest: Duration) {
        let audit = self.audit.clone();
        let flushed = tokio::task::spawn_blocking(move || audit.flush(longest)).await;
        if !matches!(flushed, Ok(true)) {
            tracing::error!("the last lines of the audit trail may be lost");
        }
    }
}

/// What the edge needs to know.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The URL partners type, without trailing slash; every link begins with it.
    pub public_base_url: String,
    /// Where the metadata of the data endpoints is (RFC 9728).
    pub resource_metadata_url: String,
    /// The path in the public base URL, empty or beginning with a slash.
    pub prefix: String,
    /// Whether the public listener speaks TLS itself.
    pub has_tls: bool,
    /// Requests worked on at once.
    pub max_requests: usize,
    /// A refusal is answered no sooner than this after the request arrived, so that its timing does not
    /// tell an unknown client from a wrong secret.
    pub refusal_floor: Duration,
}
