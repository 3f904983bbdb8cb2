//! Talking to partners' hosts: only to those that may be reached, with tokens of theirs, and never for long.

#[cfg(any(test, feature = "fuzzing"))]
mod anything;
mod base;
mod error;
mod guard;
#[cfg(test)]
mod tests;
mod token;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::anything::{lead_anywhere, read_anything};
pub(crate) use self::base::loopback_base;
pub use self::{
    base::{callback_base, is_within, registered_base},
    error::DeliveryError,
    guard::Reach,
};

use std::{
    future::ready,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use quick_cache::sync::Cache;
use url::Url;

use self::{
    guard::GuardedResolver,
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
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(15);
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

/// Calls partners' hosts.
pub struct PartnerClient {
    clock: Arc<dyn Clock>,
    /// For hosts within `reach`; made when the first is called, as the other one.
    http: OnceLock<Result<reqwest::Client, OutboundError>>,
    /// For public hosts alone.
    public_http: OnceLock<Result<reqwest::Client, OutboundError>>,
    reach: Reach,
    tokens: Cache<(String, String), Arc<PartnerToken>>,
}

impl PartnerClient {
    /// A client for hosts within `reach`. Without CA certificates on this machine every call fails.
    pub fn new(reach: Reach, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            http: OnceLock::new(),
            public_http: OnceLock::new(),
            reach,
            tokens: Cache::new(TOKENS),
        }
    }

    /// Sends an event; an `Ok` means that the host has acknowledged it with a 2xx. Each time just before it
    /// goes out, `confirm` may still keep it back.
    pub async fn send_event<'a>(
        &self,
        endpoint: &PartnerEndpoint,
        body: Bytes,
        confirm: impl Fn() -> BoxFuture<'a, Result<(), DeliveryError>>,
    ) -> Result<(), DeliveryError> {
        let url = parse(&format!("{}/2/events", endpoint.base_url))?;
        let request = || {
            let request = self.request(Method::POST, url.clone())?;
            let media_type = "application/cloudevents+json; charset=UTF-8";
            Ok(request
                .header(header::CONTENT_TYPE, media_type)
                .body(body.clone()))
        };
        let response = self.call(endpoint, request, confirm).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        Err(self.status_error(status, response.headers()))
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
        let response = self.call(endpoint, request, || ready(Ok(())).boxed());
        let response = response.await?;
        match response.status() {
            StatusCode::OK => {
                let body = read_capped(response, FOOTPRINT_LIMIT_BYTES).await;
                body.map(Some).map_err(DeliveryError::outbound)
            }
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.status_error(status, response.headers())),
        }
    }

    /// Gets a new token and shows it to nobody: whether the host takes the credentials.
    pub async fn log_in(&self, endpoint: &PartnerEndpoint) -> Result<(), DeliveryError> {
        self.request_token(endpoint).await.map(|_| ())
    }

    /// Sees to it that there is a token for the host.
    pub(crate) async fn prepare(&self, endpoint: &PartnerEndpoint) -> Result<(), DeliveryError> {
        self.token(endpoint).await.map(|_| ())
    }

    /// Calls with a token, and once more with a new one where the host does not take it. A 403 to a token that
    /// is almost new is about what was asked for.
    async fn call<'a>(
        &self,
        endpoint: &PartnerEndpoint,
        request: impl Fn() -> Result<reqwest::RequestBuilder, DeliveryError>,
        confirm: impl Fn() -> BoxFuture<'a, Result<(), DeliveryError>>,
    ) -> Result<reqwest::Response, DeliveryError> {
        let token = self.token(endpoint).await?;
        let builder = request()?;
        confirm().await?;
        let response = authorized(builder, &token).await?;
        let is_refused = match response.status() {
            StatusCode::UNAUTHORIZED => true,
            StatusCode::FORBIDDEN => !token.is_new(self.clock.monotonic()),
            _ => false,
        };
        if !is_refused {
            return Ok(response);
        }
        self.tokens.remove(&key(endpoint));
        let token = self.token(endpoint).await?;
        let builder = request()?;
        confirm().await?;
        authorized(builder, &token).await
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
        build((&self.http, self.reach), method, url)
    }

    /// The same where nothing inside is to be reached, whatever else may be.
    fn public_request(
        &self,
        method: Method,
        url: Url,
    ) -> Result<reqwest::RequestBuilder, DeliveryError> {
        build((&self.public_http, Reach::Public), method, url)
    }

    fn status_error(&self, status: StatusCode, headers: &HeaderMap) -> DeliveryError {
        if !is_temporary(status) {
            return DeliveryError::Rejected(status.as_u16());
        }
        DeliveryError::Later {
            why: if status == StatusCode::TOO_MANY_REQUESTS {
                "throttled"
            } else {
                "server_error"
            },
            retry_after: retry_after(headers).or_else(|| self.retry_at(headers)),
        }
    }

    /// `Retry-After` in its form of a date (RFC 9110 §10.2.3).
    fn retry_at(&self, headers: &HeaderMap) -> Option<Duration> {
        let date = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        let date = jiff::fmt::rfc2822::parse(date.trim()).ok()?.timestamp();
        Duration::try_from(date.duration_since(self.clock.now())).ok()
    }
}

fn http_client(reach: Reach) -> Result<reqwest::Client, OutboundError> {
    let client = |roots| {
        let options = OutboundOptions {
            connect_timeout: CONNECT_TIMEOUT,
            roots,
            ..OutboundOptions::default()
        };
        outbound::client_resolving(&options, Arc::new(GuardedResolver(reach)))
    };
    let platform = client(Roots::Platform);
    match reach {
        // The demo runs without CA certificates, too.
        Reach::Loopback => platform.or_else(|_| client(Roots::None)),
        Reach::Private | Reach::Public => platform,
    }
}

fn build(
    (http, reach): (&OnceLock<Result<reqwest::Client, OutboundError>>, Reach),
    method: Method,
    url: Url,
) -> Result<reqwest::RequestBuilder, DeliveryError> {
    if !reach.allows_url(&url) {
        return Err(DeliveryError::Guarded);
    }
    let http = http.get_or_init(|| http_client(reach)).as_ref();
    let http = http.map_err(|error| DeliveryError::outbound(*error))?;
    Ok(http.request(method, url).timeout(CALL_TIMEOUT))
}

async fn authorized(
    request: reqwest::RequestBuilder,
    token: &PartnerToken,
) -> Result<reqwest::Response, DeliveryError> {
    let bearer: HeaderValue = token.header().ok_or(DeliveryError::NoToken)?;
    let sent = request.header(header::AUTHORIZATION, bearer).send().await;
    sent.map_err(DeliveryError::network)
}

/// Tokens of one host belong to the credentials they were got with.
fn key(endpoint: &PartnerEndpoint) -> (String, String) {
    let client_id = endpoint.credentials.client_id.as_str().to_owned();
    (endpoint.auth_base_url.clone(), client_id)
}

fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY
        )
}
