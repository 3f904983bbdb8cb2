//! A run's context: what several cases need is got once.

mod events;
mod tokens;

use std::{fmt, sync::Arc, time::Duration};

use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};
use url::Url;

pub(crate) use self::events::Requested;
use self::tokens::TokenState;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::tokens::token_in;
use crate::{
    case::PactVersion,
    listener::Listener,
    listing::{self, Listing},
    options::Options,
    outcome::{Stop, StopKind},
    rules::{self, Findings},
    wire::{Answer, Auth, Request, Wire},
};

/// Before a list that is not whole yet is asked for again; each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

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
    without_events: OnceCell<Result<bool, Stop>>,
    own_tokens: OnceCell<Result<(), Stop>>,
    requested: OnceCell<Result<Requested, Stop>>,
    requested_nothing: OnceCell<Result<Requested, Stop>>,
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
            without_events: OnceCell::new(),
            own_tokens: OnceCell::new(),
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

    /// Under the base of discovery and tokens, which is the host's own unless the user says otherwise.
    pub(crate) fn auth_base(&self) -> &str {
        let base = self.options.auth_base.as_ref();
        base.map_or(&self.base, |base| base.as_str().trim_end_matches('/'))
    }

    /// Whether a URL lies under the base URL, so that our token may go there.
    pub(crate) fn is_ours(&self, url: &str) -> bool {
        let rest = url.strip_prefix(&self.base);
        rest.is_some_and(|rest| rest.starts_with('/')) && Url::parse(url).is_ok()
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
            let url = format!("{}/.well-known/openid-configuration", self.auth_base());
            let request = Request::get(url);
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

    /// Asks with the run's token.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Stop> {
        let token = self.token().await?;
        self.wire.send(request.auth(Auth::Bearer(token))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Stop> {
        self.get_url(&self.url(path)).await
    }

    /// A URL under the base. A list that is not whole yet (202) is asked for again.
    pub(crate) async fn get_url(&self, url: &str) -> Result<Answer, Stop> {
        if !self.is_ours(url) {
            let reason = format!("the link {url} is not under the base URL: see paging/link-form");
            return Err(Stop::inconclusive(reason));
        }
        let mut waited = Duration::ZERO;
        let mut pause = FIRST_PAUSE;
        loop {
            let answer = self.send(Request::get(url)).await?;
            if answer.status != 202 || waited + pause > self.options.timing.throttle {
                return Ok(answer);
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause *= 2;
        }
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
            let footprints = Arc::clone(&footprints.records);
            let tads = self.tads().await.map(|tads| Arc::clone(&tads.records));
            let (tads, version) = (tads.unwrap_or_default(), self.version());
            aside(move || rules::judge(&footprints, &tads, version)).await
        };
        needed(self.findings.get_or_init(judge).await, "the footprints")
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

/// Work over many records, beside the run: that can still be stopped meanwhile.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Stop::inconclusive(format!("the judging itself broke off: {error}")))
}

/// A secret's text, where a case has to look into a token.
pub(crate) fn exposed(token: &SecretString) -> &str {
    token.expose_secret()
}
