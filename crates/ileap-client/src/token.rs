//! Access tokens: got, kept, replaced.

use std::time::{Duration, Instant};

use http::{HeaderValue, header};
use ileap_types::oauth2::{AccessToken, TokenResponse, is_token};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::{
    auth::Credentials,
    client::below,
    error::{Error, ErrorKind},
    transport::{Transport, has_credentials, is_loopback},
};

/// How long a token is taken to live that does not say so.
const LIFETIME: Duration = Duration::from_secs(300);
/// The longest a token is kept, whatever it says.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);
/// A token as young as this is not replaced for a 403: it is the caller who may not.
const YOUNG: Duration = Duration::from_secs(30);

/// Gets tokens with the credentials, one request for all who wait.
#[derive(Debug)]
pub(crate) struct Tokens {
    auth_base: Url,
    credentials: Option<Credentials>,
    kept: Mutex<Option<Token>>,
}

/// A token that is shown until shortly before it ends.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) bearer: HeaderValue,
    /// `None` when it is from elsewhere, and as old as may be.
    got_at: Option<Instant>,
    good_until: Instant,
}

impl Token {
    /// The token in an answer to what was asked then, and what else is said there; `None` where it holds none.
    pub(crate) fn read(body: &[u8], asked_at: Instant) -> Option<(Self, TokenResponse)> {
        let response: TokenResponse = serde_json::from_slice(body).ok()?;
        let lifetime = response.expires_in.map_or(LIFETIME, Duration::from_secs);
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        Some((
            Self::new(&response.access_token, lifetime, asked_at)?,
            response,
        ))
    }

    fn new(token: &AccessToken, lifetime: Duration, from: Instant) -> Option<Self> {
        if !is_token(token.expose()) {
            return None;
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
        bearer.set_sensitive(true);
        let margin = (lifetime / 10).min(Duration::from_secs(60));
        Some(Self {
            bearer,
            got_at: Some(from),
            good_until: from + lifetime.saturating_sub(margin),
        })
    }

    pub(crate) fn is_good(&self, now: Instant) -> bool {
        now < self.good_until
    }

    pub(crate) fn is_young(&self) -> bool {
        self.got_at.is_some_and(|at| at.elapsed() < YOUNG)
    }
}

impl Tokens {
    pub(crate) fn new(auth_base: Url, credentials: Option<Credentials>) -> Self {
        Self {
            auth_base,
            credentials,
            kept: Mutex::new(None),
        }
    }

    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The kept token while it is good, else a new one.
    pub(crate) async fn get(&self, transport: &Transport) -> Result<Token, Error> {
        let mut kept = self.kept.lock().await;
        let now = Instant::now();
        if let Some(token) = kept.as_ref().filter(|token| token.is_good(now)) {
            return Ok(token.clone());
        }
        let (token, _) = self.request(transport).await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    /// Another one than `refused`: the one that somebody else has got meanwhile, or a new one.
    pub(crate) async fn replace(
        &self,
        transport: &Transport,
        refused: &Token,
    ) -> Result<Token, Error> {
        let mut kept = self.kept.lock().await;
        match kept.as_ref() {
            Some(token) if token.bearer != refused.bearer => Ok(token.clone()),
            _ => {
                let (token, _) = self.request(transport).await?;
                *kept = Some(token.clone());
                Ok(token)
            }
        }
    }

    /// Keeps a token from elsewhere, as of an earlier run, for as long as it is said to live.
    pub(crate) async fn keep(&self, token: &AccessToken, lifetime: Duration) {
        let token = Token::new(token, lifetime, Instant::now());
        *self.kept.lock().await = token.map(|token| Token {
            got_at: None,
            ..token
        });
    }

    /// A new token, with the host's whole answer.
    pub(crate) async fn log_in(&self, transport: &Transport) -> Result<TokenResponse, Error> {
        let mut kept = self.kept.lock().await;
        let (token, response) = self.request(transport).await?;
        *kept = Some(token);
        Ok(response)
    }

    async fn request(&self, transport: &Transport) -> Result<(Token, TokenResponse), Error> {
        let Some(credentials) = &self.credentials else {
            let attempted = format!("getting a token at {}", self.auth_base);
            return Err(Error::new(attempted, ErrorKind::CredentialsMissing));
        };
        let url = self.endpoint(transport).await?;
        let attempted = format!("getting a token at {url}");
        let encoding = transport.options().basic_encoding;
        let basic = credentials.basic(encoding).ok_or_else(|| {
            let why = "a client id with a colon needs the Basic encoding of RFC 6749";
            Error::new(&attempted, ErrorKind::CredentialsUnusable(why))
        })?;
        let asked_at = Instant::now();
        let attempt = || async {
            let request = transport
                .post(&url)?
                .header(header::AUTHORIZATION, basic.clone())
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body("grant_type=client_credentials");
            transport.send(request).await.map_err(as_credentials)
        };
        let answer = transport.call(&attempted, attempt).await?;
        Token::read(&answer.body, asked_at)
            .ok_or_else(|| Error::new(&attempted, answer.unreadable("it holds no access token")))
    }

    /// From the discovery document; without a usable one, where PACT puts it (PACT v2.3 "Authentication Flow").
    async fn endpoint(&self, transport: &Transport) -> Result<Url, Error> {
        let fallback = below(&self.auth_base, &["auth", "token"]);
        let Some(endpoint) = self.named(transport).await? else {
            return Ok(fallback);
        };
        let is_followed = transport.options().follow_token_endpoint;
        permitted_endpoint(&endpoint, &self.auth_base, is_followed).map_err(|kind| {
            let attempted = format!("finding the token endpoint of {}", self.auth_base);
            Error::new(attempted, kind)
        })
    }

    /// What the discovery document says. No answer, or one that cannot be read, is as good as no document; what
    /// else it holds is nothing to us, and may be null.
    async fn named(&self, transport: &Transport) -> Result<Option<String>, Error> {
        let url = below(&self.auth_base, &[".well-known", "openid-configuration"]);
        let attempt = || async { transport.send(transport.get(&url)?).await };
        // Patience is for what has no other place.
        let is_worth_it =
            |error: &Error| error.is_temporary() && *error.kind() != ErrorKind::Timeout;
        let attempted = format!("reading the discovery document at {url}");
        let answer = transport.call_while(is_worth_it, &attempted, attempt).await;
        match answer {
            Ok(answer) => Ok(named_endpoint(&answer.body)),
            // Nobody is there, or nobody who is to be believed.
            Err(error) if matches!(error.kind(), ErrorKind::Connect | ErrorKind::Tls(_)) => {
                Err(error)
            }
            Err(_) => Ok(None),
        }
    }
}

/// The token endpoint that a discovery document names.
pub(crate) fn named_endpoint(document: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Document {
        token_endpoint: Option<String>,
    }
    let document: Document = serde_json::from_slice(document).ok()?;
    document.token_endpoint
}

/// What is named, as far as it may get the credentials; on another origin only where that `is_followed`.
pub(crate) fn permitted_endpoint(
    named: &str,
    auth_base: &Url,
    is_followed: bool,
) -> Result<Url, ErrorKind> {
    let Ok(url) = Url::parse(named) else {
        let why = "the discovery document names a token endpoint that is no URL";
        return Err(ErrorKind::Unreadable(why));
    };
    if has_credentials(&url) {
        let why = "the discovery document names a token endpoint with credentials in its URL";
        return Err(ErrorKind::Address(why));
    }
    if url.origin() == auth_base.origin() {
        return Ok(url);
    }
    if url.scheme() != "https" && !(is_loopback(&url) && is_loopback(auth_base)) {
        let why = "the discovery document names a token endpoint without TLS, which must not get credentials";
        return Err(ErrorKind::Address(why));
    }
    if !is_followed {
        let origin = url.origin().ascii_serialization();
        return Err(ErrorKind::TokenEndpointElsewhere { origin });
    }
    Ok(url)
}

/// What a token endpoint says about credentials is about credentials; its troubles are not.
fn as_credentials(kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::Refused(refusal) if matches!(refusal.status, 400 | 401 | 403) => {
            ErrorKind::CredentialsRefused(refusal)
        }
        kind => kind,
    }
}
