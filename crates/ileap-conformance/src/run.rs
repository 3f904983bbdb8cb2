//! A run's context: what several cases need is got once.

use std::{fmt, time::Duration};

use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, OnceCell},
    time::Instant,
};
use url::Url;
use uuid::Uuid;

use crate::{
    case::PactVersion,
    listener::Listener,
    listing::{self, Listing},
    options::Options,
    outcome::{Stop, StopKind},
    rules::{self, Findings},
    wire::{Answer, Auth, Request, Wire, is_loopback},
};

/// A token without `expires_in` is used so long.
const USUAL_LIFE: Duration = Duration::from_secs(300);
/// The product that nobody has, as the official tests name it.
pub(crate) const NO_PRODUCT: &str = "urn:pact:null";

/// The context of a run.
pub(crate) struct Run {
    pub(crate) options: Options,
    pub(crate) wire: Wire,
    /// The versions of PACT whose schemas count.
    pub(crate) versions: Vec<PactVersion>,
    base: String,
    token: Mutex<TokenState>,
    discovery: OnceCell<Result<Value, Stop>>,
    footprints: OnceCell<Result<Listing, Stop>>,
    tads: OnceCell<Result<Listing, Stop>>,
    findings: OnceCell<Result<Findings, Stop>>,
    listener: OnceCell<Result<Listener, Stop>>,
    requested: OnceCell<Result<Requested, Stop>>,
    requested_nothing: OnceCell<Result<Requested, Stop>>,
}

enum TokenState {
    Unknown,
    Held {
        token: SecretString,
        renew_at: Instant,
    },
    /// Not asked again: each failure may count towards a lockout.
    Refused(Box<Stop>),
}

/// A request by event, and what the host said to it.
#[derive(Clone, Debug)]
pub(crate) struct Requested {
    pub(crate) event_id: String,
    pub(crate) products: Vec<String>,
    pub(crate) answer: Answer,
    /// When its callback is due.
    pub(crate) due: Instant,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Run {
    pub(crate) fn new(options: &Options) -> Result<Self, String> {
        let profiles = options.effective_profiles();
        let versions = profiles.iter().filter_map(|profile| profile.version());
        let mut versions: Vec<_> = versions.collect();
        versions.sort_unstable();
        versions.dedup();
        if versions.is_empty() {
            // The version that iLEAP 1.0.0 is built on.
            versions.push(PactVersion::V21);
        }
        Ok(Self {
            options: options.clone(),
            wire: Wire::new(options)?,
            versions,
            base: options.base.as_str().trim_end_matches('/').to_owned(),
            token: Mutex::new(TokenState::Unknown),
            discovery: OnceCell::new(),
            footprints: OnceCell::new(),
            tads: OnceCell::new(),
            findings: OnceCell::new(),
            listener: OnceCell::new(),
            requested: OnceCell::new(),
            requested_nothing: OnceCell::new(),
        })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whether a URL lies under the base URL, so that our token may go there.
    pub(crate) fn is_ours(&self, url: &str) -> bool {
        let rest = url.strip_prefix(&self.base);
        rest.is_some_and(|rest| rest.starts_with('/')) && Url::parse(url).is_ok()
    }

    /// Whether the credentials of the run may be sent to a URL.
    pub(crate) fn may_have_credentials(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        if url.origin() == self.options.base.origin() {
            return true;
        }
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        let is_allowed = self
            .options
            .auth_hosts
            .iter()
            .any(|allowed| allowed == host || with_port.as_ref() == Some(allowed));
        is_allowed && (url.scheme() == "https" || is_loopback(&url))
    }

    pub(crate) fn is_https(&self) -> bool {
        self.options.base.scheme() == "https"
    }

    /// The version of PACT that single judgements go by: the newest.
    pub(crate) fn version(&self) -> PactVersion {
        self.versions.last().copied().unwrap_or(PactVersion::V21)
    }

    /// The discovery document.
    pub(crate) async fn discovery(&self) -> Result<Value, Stop> {
        let get = || async {
            let request = Request::get(self.url("/.well-known/openid-configuration"));
            let answer = self.wire.send(request).await?;
            answer.expect(&[200])?;
            let document = answer.json()?;
            if document.is_object() {
                Ok(document)
            } else {
                Err(answer.fails("the discovery document is no object"))
            }
        };
        self.discovery.get_or_init(get).await.clone()
    }

    /// Where tokens are got: what discovery says, if we may go there.
    pub(crate) async fn token_url(&self) -> String {
        let document = self.discovery().await.unwrap_or_default();
        let named = document["token_endpoint"].as_str();
        let named = named.filter(|url| self.may_have_credentials(url));
        named.map_or_else(|| self.url("/auth/token"), str::to_owned)
    }

    /// A token request with the right credentials.
    pub(crate) async fn token_request(&self) -> Request {
        Request::form(self.token_url().await, "grant_type=client_credentials").auth(Auth::Basic)
    }

    pub(crate) async fn token(&self) -> Result<SecretString, Stop> {
        let mut state = self.token.lock().await;
        match &*state {
            TokenState::Held { token, renew_at } if Instant::now() < *renew_at => {
                return Ok(token.clone());
            }
            TokenState::Refused(stop) => return Err(stop.as_ref().clone()),
            TokenState::Held { .. } | TokenState::Unknown => {}
        }
        match self.new_token().await {
            Ok((token, life)) => {
                let renew_at = Instant::now() + life / 2;
                *state = TokenState::Held {
                    token: token.clone(),
                    renew_at,
                };
                Ok(token)
            }
            Err(stop) => {
                let reason = format!(
                    "it needs an access token, and there is none: {}",
                    stop.reason
                );
                let mut needed = Stop::inconclusive(reason);
                needed.exchange = stop.exchange;
                *state = TokenState::Refused(Box::new(needed.clone()));
                Err(needed)
            }
        }
    }

    async fn new_token(&self) -> Result<(SecretString, Duration), Stop> {
        let answer = self.wire.send(self.token_request().await).await?;
        answer.expect(&[200])?;
        let body = answer.json()?;
        let Some(token) = body["access_token"]
            .as_str()
            .filter(|token| is_token(token))
        else {
            return Err(answer.fails("no `access_token` that fits in a header"));
        };
        let life = body["expires_in"]
            .as_u64()
            .map_or(USUAL_LIFE, Duration::from_secs);
        Ok((
            SecretString::from(token),
            life.min(Duration::from_secs(86_400)),
        ))
    }

    /// Asks with the run's token.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Stop> {
        let token = self.token().await?;
        self.wire.send(request.auth(Auth::Bearer(token))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Stop> {
        self.get_url(&self.url(path)).await
    }

    /// A URL under the base.
    pub(crate) async fn get_url(&self, url: &str) -> Result<Answer, Stop> {
        if !self.is_ours(url) {
            let reason = format!("the link {url} is not under the base URL: see paging/link-form");
            return Err(Stop::inconclusive(reason));
        }
        self.send(Request::get(url)).await
    }

    pub(crate) async fn post_event(&self, event: &Value) -> Result<Answer, Stop> {
        self.send(self.event_request(event.to_string())).await
    }

    pub(crate) fn event_request(&self, body: String) -> Request {
        let media_type = "application/cloudevents+json; charset=UTF-8";
        Request::post(self.url("/2/events"), media_type, body)
    }

    /// An event of ours; `source` is where answers go.
    pub(crate) fn event(&self, kind: &str, source: &str, data: &Value) -> Value {
        json!({
            "type": format!("org.wbcsd.pathfinder.{kind}.v1"),
            "specversion": "1.0",
            "id": format!("{}/12", Uuid::new_v4()),
            "source": source,
            "time": self.options.started_at.to_string(),
            "data": data,
        })
    }

    /// Every footprint that the account sees.
    pub(crate) async fn footprints(&self) -> Result<&Listing, Stop> {
        let read = || listing::read(self, "/2/footprints");
        needed(self.footprints.get_or_init(read).await, "the footprints")
    }

    /// Every activity that the account sees.
    pub(crate) async fn tads(&self) -> Result<&Listing, Stop> {
        let read = || listing::read(self, "/2/ileap/tad");
        needed(self.tads.get_or_init(read).await, "the activity data")
    }

    /// What the rules say of all of them; a host without activity data is judged by its footprints.
    pub(crate) async fn findings(&self) -> Result<&Findings, Stop> {
        let judge = || async {
            let footprints = self.footprints().await?;
            let tads = self.tads().await.map(|listing| listing.records.as_slice());
            Ok(rules::judge(
                &footprints.records,
                tads.unwrap_or_default(),
                self.version(),
            ))
        };
        needed(self.findings.get_or_init(judge).await, "the footprints")
    }

    /// Where the host's callbacks arrive.
    pub(crate) async fn listener(&self) -> Result<&Listener, Stop> {
        let start = || async {
            let public = self.options.callback_url.clone();
            if public.is_none() && !is_loopback(&self.options.base) {
                let reason = "the host cannot call back here; name a URL that leads to this machine with --callback-url";
                return Err(Stop::skip(reason));
            }
            Listener::start(self.options.callback_bind, public).await
        };
        self.listener
            .get_or_init(start)
            .await
            .as_ref()
            .map_err(Clone::clone)
    }

    /// A request by event for the products of the first footprint.
    pub(crate) async fn requested(&self) -> Result<&Requested, Stop> {
        let send = || async {
            let listing = self.footprints().await?;
            let first = listing.records.first();
            let ids = first.and_then(|footprint| footprint["productIds"].as_array());
            let ids = ids.map(Vec::as_slice).unwrap_or_default().iter();
            let products: Vec<_> = ids.filter_map(Value::as_str).map(str::to_owned).collect();
            if products.is_empty() {
                return Err(Stop::inconclusive("no footprint is there to ask for"));
            }
            self.request(products).await
        };
        self.requested
            .get_or_init(send)
            .await
            .as_ref()
            .map_err(Clone::clone)
    }

    /// A request by event for a product that nobody has.
    pub(crate) async fn requested_nothing(&self) -> Result<&Requested, Stop> {
        let send = || self.request(vec![NO_PRODUCT.to_owned()]);
        let requested = self.requested_nothing.get_or_init(send).await;
        requested.as_ref().map_err(Clone::clone)
    }

    async fn request(&self, products: Vec<String>) -> Result<Requested, Stop> {
        let listener = self.listener().await?;
        let data = json!({"pf": {"productIds": products}, "comment": "a conformance test"});
        let event = self.event("ProductFootprintRequest.Created", listener.url(), &data);
        let answer = self.post_event(&event).await?;
        Ok(Requested {
            event_id: event["id"].as_str().unwrap_or_default().to_owned(),
            products,
            answer,
            due: Instant::now() + self.options.timing.callback,
        })
    }

    /// A request that opens nothing, for the plain form of an https URL; true credentials never go there.
    pub(crate) fn plain(&self, method: Method, path: &str) -> Result<Request, Stop> {
        let Some(rest) = self.base.strip_prefix("https://") else {
            return Err(Stop::skip(
                "the host under test is asked over plain http itself",
            ));
        };
        Ok(Request::new(method, format!("http://{rest}{path}")))
    }
}

/// Whether it can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 * 1024 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What another case judges is merely missing here.
fn needed<'a, T>(got: &'a Result<T, Stop>, what: &str) -> Result<&'a T, Stop> {
    got.as_ref().map_err(|stop| {
        // What is said of the first link of the chain is enough.
        let is_said = stop.kind == StopKind::Inconclusive;
        let reason = format!("it needs {what}, and: {}", stop.reason);
        let mut needed = Stop::inconclusive(if is_said { &stop.reason } else { &reason });
        needed.exchange.clone_from(&stop.exchange);
        needed
    })
}

/// A secret's text, where a case has to look into a token.
pub(crate) fn exposed(token: &SecretString) -> &str {
    token.expose_secret()
}
