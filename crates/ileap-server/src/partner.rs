//! Talking to partners' hosts: only to those that may be reached, with tokens of theirs, and never for long.

mod base;
mod guard;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use self::base::loopback_base;
pub use self::{
    base::{callback_base, is_within, registered_base},
    guard::Reach,
};

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use quick_cache::sync::Cache;
use url::Url;

use self::{
    guard::{Guarded, GuardedResolver},
    token::{PartnerToken, parse},
};
use crate::{
    clock::Clock,
    identity::{ClientCredentials, SecretEncoding},
    outbound::{self, OutboundError, OutboundOptions, Roots, read_capped, retry_after},
};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait for an answer, body included.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest footprint that is read.
const FOOTPRINT_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// How many tokens are remembered.
const TOKENS: usize = 1000;

/// A partner's host, as it is called.
#[derive(Clone, Debug)]
pub struct PartnerEndpoint {
    /// Where its PACT endpoints are, without a slash at the end.
    pub base_url: String,
    /// Where its discovery document and token endpoint are, likewise.
    pub auth_base_url: String,
    /// What is shown at its token endpoint.
    pub credentials: ClientCredentials,
    /// How they are put into the Basic header.
    pub basic_encoding: SecretEncoding,
}

/// Why a call to a partner's host did not succeed. It holds nothing of what the host said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeliveryError {
    /// The host's token endpoint does not take our credentials.
    #[error("the partner's token endpoint refuses the credentials")]
    CredentialsRefused,
    /// The host may not be reached: its address is private, or its URL is not HTTPS.
    #[error("the partner's host is not one that may be reached")]
    Guarded,
    /// It may work later.
    #[error("the partner's host gave no answer that can be used: {why}")]
    Later {
        /// What went wrong, in a word.
        why: &'static str,
        /// How long the host wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The host refuses it, and will again.
    #[error("the partner's host refuses with status {0}")]
    Rejected(u16),
    /// The answer is not what it should be.
    #[error("the partner's answer cannot be read")]
    Unreadable,
}

impl DeliveryError {
    /// A short, stable word for logs, metrics and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialsRefused => "credentials_refused",
            Self::Guarded => "address_refused",
            Self::Later { why, .. } => why,
            Self::Rejected(_) => "rejected",
            Self::Unreadable => "answer_unreadable",
        }
    }

    fn network(error: reqwest::Error) -> Self {
        if is_guarded(&error) {
            return Self::Guarded;
        }
        Self::outbound(error.into())
    }

    fn outbound(error: OutboundError) -> Self {
        match error {
            OutboundError::TooLarge => Self::Unreadable,
            error => Self::Later {
                why: error.as_str(),
                retry_after: None,
            },
        }
    }
}

fn is_guarded(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<Guarded>() {
            return true;
        }
        next = cause.source();
    }
    false
}

/// Calls partners' hosts.
pub struct PartnerClient {
    clock: Arc<dyn Clock>,
    http: Result<reqwest::Client, OutboundError>,
    reach: Reach,
    tokens: Cache<(String, String), Arc<PartnerToken>>,
}

impl PartnerClient {
    /// A client for hosts within `reach`. Without CA certificates on this machine every call fails.
    pub fn new(reach: Reach, clock: Arc<dyn Clock>) -> Self {
        let options = OutboundOptions {
            connect_timeout: CONNECT_TIMEOUT,
            roots: match reach {
                Reach::Loopback => Roots::None,
                Reach::Private | Reach::Public => Roots::Platform,
            },
            ..OutboundOptions::default()
        };
        let resolver = Arc::new(GuardedResolver(reach));
        Self {
            clock,
            http: outbound::client_resolving(&options, resolver),
            reach,
            tokens: Cache::new(TOKENS),
        }
    }

    /// Sends an event; an `Ok` means that the host has acknowledged it with a 2xx.
    pub async fn send_event(
        &self,
        endpoint: &PartnerEndpoint,
        body: Bytes,
    ) -> Result<(), DeliveryError> {
        let url = parse(&format!("{}/2/events", endpoint.base_url))?;
        let request = || {
            let request = self.request(Method::POST, url.clone())?;
            let media_type = "application/cloudevents+json; charset=UTF-8";
            Ok(request
                .header(header::CONTENT_TYPE, media_type)
                .body(body.clone()))
        };
        let response = self.call(endpoint, request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        Err(status_error(status, response.headers()))
    }

    /// Fetches a footprint: the answer's whole body; `None` when the host has none, or none for us.
    pub async fn footprint(
        &self,
        endpoint: &PartnerEndpoint,
        id: &str,
    ) -> Result<Option<Bytes>, DeliveryError> {
        let url = parse(&format!("{}/2/footprints/{id}", endpoint.base_url))?;
        let request = || {
            let request = self.request(Method::GET, url.clone())?;
            Ok(request.header(header::ACCEPT, "application/json"))
        };
        let response = self.call(endpoint, request).await?;
        match response.status() {
            StatusCode::OK => {
                let body = read_capped(response, FOOTPRINT_LIMIT_BYTES).await;
                body.map(Some).map_err(DeliveryError::outbound)
            }
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(None),
            status => Err(status_error(status, response.headers())),
        }
    }

    /// Gets a new token and shows it to nobody: whether the host takes the credentials.
    pub async fn log_in(&self, endpoint: &PartnerEndpoint) -> Result<(), DeliveryError> {
        self.request_token(endpoint).await.map(|_| ())
    }

    /// Calls with a token, and once more with a new one where the host does not take it.
    async fn call(
        &self,
        endpoint: &PartnerEndpoint,
        request: impl Fn() -> Result<reqwest::RequestBuilder, DeliveryError>,
    ) -> Result<reqwest::Response, DeliveryError> {
        let response = self.authorized(endpoint, request()?).await?;
        if response.status() != StatusCode::UNAUTHORIZED
            && response.status() != StatusCode::FORBIDDEN
        {
            return Ok(response);
        }
        self.tokens.remove(&key(endpoint));
        self.authorized(endpoint, request()?).await
    }

    async fn authorized(
        &self,
        endpoint: &PartnerEndpoint,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, DeliveryError> {
        let token = self.token(endpoint).await?;
        let bearer: HeaderValue = token.header().ok_or(DeliveryError::Unreadable)?;
        let sent = request.header(header::AUTHORIZATION, bearer).send().await;
        sent.map_err(DeliveryError::network)
    }

    async fn token(&self, endpoint: &PartnerEndpoint) -> Result<Arc<PartnerToken>, DeliveryError> {
        let known = self.tokens.get(&key(endpoint));
        if let Some(token) = known.filter(|token| token.is_good(self.clock.monotonic())) {
            return Ok(token);
        }
        let token = self.request_token(endpoint).await?;
        self.tokens.insert(key(endpoint), token.clone());
        Ok(token)
    }

    fn request(&self, method: Method, url: Url) -> Result<reqwest::RequestBuilder, DeliveryError> {
        if !self.reach.allows_url(&url) {
            return Err(DeliveryError::Guarded);
        }
        let http = self
            .http
            .as_ref()
            .map_err(|error| DeliveryError::outbound(*error))?;
        Ok(http.request(method, url).timeout(CALL_TIMEOUT))
    }
}

/// Tokens of one host belong to the credentials they were got with.
fn key(endpoint: &PartnerEndpoint) -> (String, String) {
    let client_id = endpoint.credentials.client_id.as_str().to_owned();
    (endpoint.auth_base_url.clone(), client_id)
}

fn status_error(status: StatusCode, headers: &HeaderMap) -> DeliveryError {
    let is_temporary = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY
        );
    if is_temporary {
        return DeliveryError::Later {
            why: if status == StatusCode::TOO_MANY_REQUESTS {
                "throttled"
            } else {
                "server_error"
            },
            retry_after: retry_after(headers),
        };
    }
    DeliveryError::Rejected(status.as_u16())
}
