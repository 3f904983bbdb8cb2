//! What handlers work with: parts built once at start, shared by every request.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;

use super::{documents::Documents, profile::OauthErrors};
use crate::{
    access::Admission,
    clerk::webhook::{Likenesses, WebhookKey},
    clock::Clock,
    data::DataSource,
    delivery::Delivery,
    invalidation::Invalidations,
    store::Store,
    telemetry::Metrics,
    token::{TokenIssuer, TokenValidator},
    verify::{CredentialVerifier, encodings::EncodingMemory},
};

/// The parts behind the public listener.
pub struct AppState {
    /// Who may come in, and as what.
    pub admission: Admission,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the data endpoints answer.
    pub data: Arc<dyn DataSource>,
    /// What partners get after their request has been answered.
    pub delivery: Arc<Delivery>,
    /// The documents that never change while we run.
    pub documents: Documents,
    /// How each client encodes its Basic credentials.
    pub encodings: EncodingMemory,
    /// Addresses and limits of the edge.
    pub edge: Edge,
    /// What is not to be relied on any longer.
    pub invalidations: Arc<Invalidations>,
    /// Makes access tokens.
    pub issuer: TokenIssuer,
    /// How users looked in the last webhook about them.
    pub likenesses: Likenesses,
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

/// What the edge needs to know.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The URL partners type, without trailing slash; every link begins with it.
    pub public_base_url: String,
    /// The path in it, empty or beginning with a slash.
    pub prefix: String,
    /// Who may tell us the client's address and the request id.
    pub trusted_proxies: Vec<IpNet>,
    /// How token errors look.
    pub oauth_errors: OauthErrors,
    /// Page size where the request names none.
    pub default_page: u32,
    /// Largest page served.
    pub max_page: u32,
    /// A refusal is answered no sooner than this after the request arrived, so that its timing does not
    /// tell an unknown client from a wrong secret.
    pub refusal_floor: Duration,
}
