//! Access tokens of partners' hosts (RFC 6749 §4.4, RFC 8414 with OpenID Connect's well-known path).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use ileap_types::oauth2::is_token;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{DeliveryError, PartnerClient, PartnerEndpoint, guard::is_inside, is_temporary};
use crate::{
    identity::SecretEncoding,
    outbound::{OutboundError, read_capped},
};

const DOCUMENT_LIMIT_BYTES: usize = 64 * 1024;
/// How long a token is taken to live that does not say so.
const LIFETIME: Duration = Duration::from_secs(300);

/// How long a token is new.
const NEW: Duration = Duration::from_secs(60);

/// A token that is shown until shortly before it ends.
#[derive(Debug)]
pub(super) struct PartnerToken {
    value: SecretString,
    asked_at: Instant,
    good_until: Instant,
}

impl PartnerToken {
    /// The token in an answer to what was asked then.
    pub(super) fn read(body: &[u8], asked_at: Instant) -> Result<Self, DeliveryError> {
        let answer = TokenAnswer::read(body)?;
        let lifetime = answer.lifetime();
        let margin = (lifetime / 10).min(Duration::from_secs(60));
        Ok(Self {
            value: answer.access_token.into(),
            asked_at,
            good_until: asked_at + lifetime.saturating_sub(margin),
        })
    }

    pub(super) fn is_good(&self, now: Instant) -> bool {
        now < self.good_until
    }

    /// Whether another one would hardly be better.
    pub(super) fn is_new(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.asked_at) < NEW
    }

    /// `Authorization: Bearer` with this token; never printed.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", self.value.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[derive(Deserialize)]
struct Metadata {
    token_endpoint: String,
}

/// Where a discovery document says that tokens are, if it does.
pub(super) fn named_endpoint(document: &[u8]) -> Option<Result<Url, DeliveryError>> {
    let metadata: Metadata = serde_json::from_slice(document).ok()?;
    Some(parse(&metadata.token_endpoint))
}

/// Partners send no more than this, some not even the lifetime, or as a text.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<Value>,
}

impl TokenAnswer {
    fn read(body: &[u8]) -> Result<Self, DeliveryError> {
        let answer: Self = serde_json::from_slice(body).map_err(|_| DeliveryError::NoToken)?;
        if is_token(&answer.access_token) {
            Ok(answer)
        } else {
            Err(DeliveryError::NoToken)
        }
    }

    fn lifetime(&self) -> Duration {
        let seconds = match &self.expires_in {
            Some(Value::Number(seconds)) => seconds.as_f64(),
            Some(Value::String(seconds)) => seconds.trim().parse().ok(),
            _ => None,
        };
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(LIFETIME)
            .min(Duration::from_secs(24 * 60 * 60))
    }
}

impl PartnerClient {
    /// A new token from the partner's token endpoint.
    pub(super) async fn request_token(
        &self,
        endpoint: &PartnerEndpoint,
    ) -> Result<Arc<PartnerToken>, DeliveryError> {
        let asked_at = self.clock.monotonic();
        let url = self.token_endpoint(endpoint).await?;
        let request = self.request_to_token_endpoint(endpoint, url).await?;
        let request = request
            .header(header::AUTHORIZATION, basic(endpoint)?)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let response = request.send().await.map_err(DeliveryError::network)?;
        let status = response.status();
        if matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            return Err(DeliveryError::CredentialsRefused);
        }
        if is_temporary(status) {
            return Err(self.status_error(status, response.headers()));
        }
        if !status.is_success() {
            return Err(DeliveryError::NoToken);
        }
        let body = read_capped(response, DOCUMENT_LIMIT_BYTES).await;
        let body = body.map_err(|error| match error {
            OutboundError::TooLarge => DeliveryError::NoToken,
            error => DeliveryError::outbound(error),
        })?;
        PartnerToken::read(&body, asked_at).map(Arc::new)
    }

    /// A request to the token endpoint. Another host's may be one inside only where the registered one is: a
    /// document from outside must not lead our credentials in.
    pub(super) async fn request_to_token_endpoint(
        &self,
        endpoint: &PartnerEndpoint,
        url: Url,
    ) -> Result<RequestBuilder, DeliveryError> {
        let base = parse(&endpoint.auth_base_url)?;
        if url.origin() == base.origin() || is_inside(&base).await {
            return self.request(Method::POST, url);
        }
        self.public_request(Method::POST, url)
    }

    /// From the discovery document; where there is none that can be used, where PACT puts it.
    async fn token_endpoint(&self, endpoint: &PartnerEndpoint) -> Result<Url, DeliveryError> {
        let base = &endpoint.auth_base_url;
        let document = parse(&format!("{base}/.well-known/openid-configuration"))?;
        let request = self.request(Method::GET, document)?;
        let request = request.header(header::ACCEPT, "application/json");
        let response = request.send().await.map_err(DeliveryError::network)?;
        if is_temporary(response.status()) {
            return Err(self.status_error(response.status(), response.headers()));
        }
        if response.status() == StatusCode::OK {
            let body = match read_capped(response, DOCUMENT_LIMIT_BYTES).await {
                Ok(body) => body,
                Err(OutboundError::TooLarge) => Bytes::new(),
                Err(error) => return Err(DeliveryError::outbound(error)),
            };
            if let Some(endpoint) = named_endpoint(&body) {
                return endpoint;
            }
        }
        parse(&format!("{base}/auth/token"))
    }
}

pub(super) fn parse(url: &str) -> Result<Url, DeliveryError> {
    Url::parse(url).map_err(|_| DeliveryError::Guarded)
}

fn basic(endpoint: &PartnerEndpoint) -> Result<HeaderValue, DeliveryError> {
    let id = endpoint.credentials.client_id.as_str();
    let secret = endpoint.credentials.client_secret.expose();
    let encoded = |text: &str| match endpoint.basic_encoding {
        SecretEncoding::Raw => text.to_owned(),
        SecretEncoding::FormEncoded => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
    };
    let pair = SecretString::from(format!("{}:{}", encoded(id), encoded(secret)));
    let value = format!("Basic {}", STANDARD.encode(pair.expose_secret()));
    let mut value = HeaderValue::try_from(value).map_err(|_| DeliveryError::CredentialsRefused)?;
    value.set_sensitive(true);
    Ok(value)
}
