//! The one place that builds HTTP clients, and what every answer from outside goes through.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use reqwest::dns::Resolve;
use url::Url;

use crate::distrust::Distrust;

/// How long an unused connection is kept: shorter than servers and load balancers usually do, so that
/// a request rarely meets a connection that is just being closed.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What an outbound client is built from.
#[derive(Clone, Debug)]
pub struct OutboundOptions {
    /// The longest wait for a connection with its TLS handshake.
    pub connect_timeout: Duration,
    /// Whose certificates are believed.
    pub roots: Roots,
    /// What the client calls itself.
    pub user_agent: String,
}

/// Whose certificates are believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Roots {
    /// Nobody's: for upstreams on loopback without TLS, on machines without CA certificates.
    None,
    /// Those of the platform.
    Platform,
}

impl Default for OutboundOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            roots: Roots::Platform,
            user_agent: concat!("ileap/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl OutboundOptions {
    /// For calls to `upstream` alone: without TLS nobody's certificates are needed.
    pub fn for_url(upstream: &Url) -> Self {
        Self {
            roots: if upstream.scheme() == "http" {
                Roots::None
            } else {
                Roots::Platform
            },
            ..Self::default()
        }
    }
}

/// Builds a client: rustls with the platform's roots, no redirects, no proxies from the environment,
/// no decompression (an answer is never larger than what was received).
///
/// It has no total deadline: the caller owns one, because it often covers several calls.
pub fn client(options: &OutboundOptions) -> Result<reqwest::Client, OutboundError> {
    built(builder(options))
}

/// The same, with names resolved by `resolver`.
pub(crate) fn client_resolving(
    options: &OutboundOptions,
    resolver: Arc<impl Resolve + 'static>,
) -> Result<reqwest::Client, OutboundError> {
    built(builder(options).dns_resolver(resolver))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, OutboundError> {
    builder.build().map_err(|_| OutboundError::Roots)
}

fn builder(options: &OutboundOptions) -> reqwest::ClientBuilder {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may build a client"
    )]
    let builder = reqwest::Client::builder();
    let builder = match options.roots {
        Roots::None => builder.tls_certs_only([]),
        Roots::Platform => builder,
    };
    builder
        .connect_timeout(options.connect_timeout)
        .user_agent(&options.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
}

/// Sends a request and waits for the head of its answer.
pub(crate) async fn send(
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, OutboundError> {
    #[cfg(test)]
    if simulated::is_laid() {
        return simulated::carry(request.build()?).await;
    }
    Ok(request.send().await?)
}

/// Reads a body of at most `limit_bytes`; anything longer is an error as soon as that is known.
pub async fn read_capped(
    mut response: reqwest::Response,
    limit_bytes: usize,
) -> Result<Bytes, OutboundError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit_bytes {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// `Retry-After` in its form of whole seconds (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// Why a call gave no answer. It holds no address, header or body: those may carry secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OutboundError {
    /// The answer broke off or was no HTTP.
    #[error("reading the answer of an upstream: it broke off or is no HTTP")]
    Body,
    /// No connection; nothing was sent.
    #[error("connecting to an upstream")]
    Connect,
    /// The request could not be built.
    #[error("building a request to an upstream")]
    Request,
    /// The platform's certificates cannot be read.
    #[error(
        "loading the CA certificates of this machine: install them (Debian: ca-certificates), or name them in \
         SSL_CERT_FILE"
    )]
    Roots,
    /// The connection ended after the request was (partly) sent and before an answer came.
    #[error("calling an upstream: the connection ended before an answer came")]
    Reset,
    /// No answer in time.
    #[error("calling an upstream: no answer in time")]
    Timeout,
    /// The peer could not prove who it is; nothing was sent.
    #[error("connecting to an upstream: the TLS handshake went wrong")]
    Tls,
    /// The answer is longer than the caller accepts.
    #[error("reading the answer of an upstream: it is longer than accepted")]
    TooLarge,
}

impl OutboundError {
    /// A short, stable word for logs and metric labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Connect => "connect",
            Self::Request => "request",
            Self::Reset => "reset",
            Self::Roots => "roots",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::TooLarge => "too_large",
        }
    }
}

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_connect() {
            return if Distrust::behind(&error).is_some() {
                Self::Tls
            } else {
                Self::Connect
            };
        }
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_builder() {
            Self::Request
        } else if error.is_body() || error.is_decode() {
            Self::Body
        } else {
            Self::Reset
        }
    }
}

#[cfg(test)]
pub(crate) mod raw_upstream;
#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
