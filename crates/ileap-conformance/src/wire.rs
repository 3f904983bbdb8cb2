//! One request and its answer: bounded in time and size, kept as evidence without secrets.

mod answer;
mod evidence;
mod link;
mod silence;

use std::time::Duration;

use http::{HeaderMap, Method, header};
use reqwest::redirect::Policy;
use rustls::RootCertStore;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use url::{Host, Url};

pub(crate) use self::answer::Answer;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::link::links;
use self::{
    evidence::Evidence,
    silence::{Silence, Silences},
};
use crate::{
    options::Options,
    outcome::{Exchange, Stop},
};

/// More than any list page needs; less than a machine has.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// How often a host may say "later" to one request.
const MOST_THROTTLES: u32 = 2;
/// A body that some hosts refuse before they have read it.
const LARGE_BODY_BYTES: usize = 64 * 1024;

/// Sends requests to the host under test.
#[derive(Debug)]
pub(crate) struct Wire {
    http: reqwest::Client,
    options: Options,
    silences: Silences,
    began: Instant,
}

/// What stands in `Authorization`.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    None,
    /// The credentials of the run.
    Basic,
    /// The credentials of the run in another writing.
    BasicAs {
        header: SecretString,
        shown: &'static str,
    },
    /// Credentials that open nothing.
    BasicOf {
        id: String,
        secret: String,
    },
    Bearer(SecretString),
    /// Made from a real token, so that it is not shown.
    Forged {
        token: SecretString,
        shown: &'static str,
    },
    /// Text that opens nothing.
    Raw(String),
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) auth: Auth,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Body>,
}

/// A body, and how a person is shown it when that is another text.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) text: SecretString,
    pub(crate) shown: Option<String>,
}

impl Request {
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            auth: Auth::None,
            headers: vec![("accept", "application/json".to_owned())],
            body: None,
        }
    }

    pub(crate) fn post(
        url: impl Into<String>,
        content_type: &str,
        body: impl Into<String>,
    ) -> Self {
        let mut request = Self::new(Method::POST, url);
        request
            .headers
            .push(("content-type", content_type.to_owned()));
        let text = SecretString::from(body.into());
        request.body = Some(Body { text, shown: None });
        request
    }

    /// A form, as token requests are.
    pub(crate) fn form(url: impl Into<String>, body: impl Into<String>) -> Self {
        Self::post(url, "application/x-www-form-urlencoded", body)
    }

    pub(crate) fn auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// What a person is shown instead of the body, because that holds a secret.
    pub(crate) fn shown_body(mut self, shown: impl Into<String>) -> Self {
        if let Some(body) = &mut self.body {
            body.shown = Some(shown.into());
        }
        self
    }
}

impl Wire {
    pub(crate) fn new(options: &Options) -> Result<Self, String> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that builds a client: deadlines, no redirects, nothing unpacked"
        )]
        let builder = reqwest::Client::builder();
        let mut builder = builder
            .connect_timeout(options.timing.call / 2)
            .timeout(options.timing.call)
            .redirect(Policy::none())
            .referer(false)
            .pool_idle_timeout(Duration::from_secs(5))
            .user_agent(concat!("ileap-conformance/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&options.base) {
            // Machines without CA certificates can talk to themselves, and no proxy leads there.
            builder = builder.no_proxy();
            let is_alone = options.auth_hosts.is_empty() && options.auth_base.is_none();
            if options.base.scheme() == "http" && is_alone {
                builder = builder.tls_certs_only([]);
            }
        }
        for authority in &options.authorities {
            let is_one = RootCertStore::empty().add(authority.clone()).is_ok();
            let certificate = reqwest::Certificate::from_der(authority).ok();
            let certificate = certificate.filter(|_| is_one);
            let certificate = certificate.ok_or_else(|| "a CA certificate is none".to_owned())?;
            builder = builder.tls_certs_merge([certificate]);
        }
        let http = builder.build();
        Ok(Self {
            http: http.map_err(|_| "no HTTP client can be set up on this machine".to_owned())?,
            options: options.clone(),
            silences: Silences::default(),
            began: Instant::now(),
        })
    }

    /// Sends it; a host that says "later" is asked again when it said.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Stop> {
        let mut throttles = 0;
        loop {
            let answer = self.attempt(&request).await?;
            let pause = match answer.status {
                429 => answer.retry_after().unwrap_or(1),
                503 => match answer.retry_after() {
                    Some(seconds) => seconds,
                    None => return Ok(answer),
                },
                _ => return Ok(answer),
            };
            throttles += 1;
            if throttles > MOST_THROTTLES
                || Duration::from_secs(pause) > self.options.timing.throttle
            {
                let status = answer.status;
                let reason = format!("the host throttles ({status}, Retry-After: {pause})");
                return Err(Stop::inconclusive(reason).of(&answer.exchange));
            }
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
    }

    /// Whether the host answered to anything yet.
    pub(crate) fn has_answered(&self) -> bool {
        self.silences.has_answered()
    }

    pub(crate) fn is_time_over(&self) -> bool {
        self.began.elapsed() > self.options.timing.run
    }

    async fn attempt(&self, request: &Request) -> Result<Answer, Stop> {
        let evidence = Evidence::new(&self.options);
        let exchange = Exchange {
            curl: evidence.curl(request),
            ..Exchange::default()
        };
        // Plain http beside https, or a token endpoint elsewhere: their silence says nothing of the host.
        let origin = Url::parse(&request.url).map(|url| url.origin());
        let is_of_host = origin.is_ok_and(|origin| origin == self.options.base.origin());
        if let Some(why) = self.silences.too_many().filter(|_| is_of_host) {
            let reason = format!("the host is asked no more: {why}, several times in a row");
            return Err(Stop::inconclusive(reason).of(&exchange));
        }
        if self.is_time_over() {
            let reason = "the time of the run is over: the host is too slow for all cases";
            return Err(Stop::inconclusive(reason).of(&exchange));
        }
        let Ok(built) = self.built(request) else {
            let reason = "the request cannot be written: its URL or a header is none";
            return Err(Stop::fail(reason).of(&exchange));
        };
        match self.receive(built).await {
            Ok(received) => {
                if is_of_host {
                    self.silences.end();
                }
                Ok(self.answer(request, exchange, received))
            }
            Err(silence) => {
                let stop = silence.stop(self.options.timing.call);
                if is_of_host && silence.is_lasting() {
                    self.silences.add(&stop.reason);
                }
                Err(stop.of(&exchange))
            }
        }
    }

    /// What was received, with what a person may be shown of it.
    pub(crate) fn answer(
        &self,
        request: &Request,
        exchange: Exchange,
        (status, headers, body): (u16, HeaderMap, Vec<u8>),
    ) -> Answer {
        let evidence = Evidence::new(&self.options);
        let exchange = Exchange {
            status: Some(status),
            headers: evidence.headers(&headers, request),
            body: evidence.excerpt(&body, request),
            ..exchange
        };
        Answer {
            status,
            headers,
            body,
            exchange,
        }
    }

    fn built(&self, request: &Request) -> Result<reqwest::Request, ()> {
        let url = Url::parse(&request.url).map_err(drop)?;
        let mut builder = self.http.request(request.method.clone(), url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(value) = self.authorization(&request.auth) {
            builder = builder.header(header::AUTHORIZATION, value.expose_secret());
        }
        if let Some(body) = &request.body {
            let text = body.text.expose_secret();
            // A host may end the connection without reading it all: no other case shall meet that.
            if text.len() > LARGE_BODY_BYTES {
                builder = builder.header(header::CONNECTION, "close");
            }
            builder = builder.body(text.to_owned());
        }
        builder.build().map_err(drop)
    }

    fn authorization(&self, auth: &Auth) -> Option<SecretString> {
        let text = match auth {
            Auth::None => return None,
            Auth::Basic => {
                let (id, secret) = self.options.pair();
                basic(&id, secret.expose_secret())
            }
            Auth::BasicAs { header, .. } => header.expose_secret().to_owned(),
            Auth::BasicOf { id, secret } => basic(id, secret),
            Auth::Bearer(token) | Auth::Forged { token, .. } => {
                format!("Bearer {}", token.expose_secret())
            }
            Auth::Raw(text) => text.clone(),
        };
        Some(SecretString::from(text))
    }

    async fn receive(
        &self,
        request: reqwest::Request,
    ) -> Result<(u16, HeaderMap, Vec<u8>), Silence> {
        let silence = |error: reqwest::Error| Silence::of(&error);
        let mut response = self.http.execute(request).await.map_err(silence)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silence)? {
            if body.len() + chunk.len() > ANSWER_LIMIT_BYTES {
                return Err(Silence::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, headers, body))
    }
}

/// `Basic` with the pair as it is.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// Whether nothing but this machine is reached.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
