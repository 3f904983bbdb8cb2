//! Partners who log in, read and send, one request after the other, and note every answer that is none.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{Answer, CLIENT, Caller, Cluster, SECRET, eventually};

pub(crate) const PARTNERS: usize = 4;
/// So that the machine has time for servers that start.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Load {
    partners: Vec<JoinHandle<()>>,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Tally {
    events: AtomicU64,
    failures: Mutex<Vec<String>>,
    has_ended: AtomicBool,
    turns: AtomicU64,
}

impl Load {
    /// Partners who come by nginx.
    pub(crate) fn on(cluster: &Cluster) -> Self {
        Self::by(&cluster.public(), || cluster.caller("127.0.0.1"))
    }

    /// Partners who go to this URL.
    pub(crate) fn by(base: &str, caller: impl Fn() -> Caller) -> Self {
        let tally = Arc::new(Tally::default());
        let partners = (0..PARTNERS).map(|number| {
            let mut partner = Partner {
                base: base.to_owned(),
                caller: caller(),
                keys: None,
                number,
                tally: tally.clone(),
            };
            tokio::spawn(async move {
                while !partner.tally.has_ended.load(Ordering::SeqCst) {
                    match partner.turn().await {
                        Ok(()) => _ = partner.tally.turns.fetch_add(1, Ordering::SeqCst),
                        Err(failure) => partner.tally.failures.lock().unwrap().push(failure),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            })
        });
        Self {
            partners: partners.collect(),
            tally,
        }
    }

    /// Waits until every partner may have had a few more turns.
    pub(crate) fn goes_on(&self) {
        let before = self.tally.turns.load(Ordering::SeqCst);
        eventually(|| self.tally.turns.load(Ordering::SeqCst) > before + 8 * PARTNERS as u64);
    }

    /// What has failed so far.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.tally.failures.lock().unwrap().clone()
    }

    /// Ends it: how many events were acknowledged, and what failed.
    pub(crate) async fn end(self) -> (u64, Vec<String>) {
        self.tally.has_ended.store(true, Ordering::SeqCst);
        for partner in self.partners {
            partner.await.unwrap();
        }
        let failures = self.tally.failures.lock().unwrap().clone();
        (self.tally.events.load(Ordering::SeqCst), failures)
    }
}

struct Partner {
    base: String,
    caller: Caller,
    /// The ids in the key set, and until when it may be kept.
    keys: Option<(BTreeSet<String>, Instant)>,
    number: usize,
    tally: Arc<Tally>,
}

impl Partner {
    /// Logs in, looks whether it knows the key, reads, has a proxy ask, and sends an event.
    async fn turn(&mut self) -> Result<(), String> {
        let login = self.caller.login(&self.base, CLIENT, SECRET);
        let body = self.good("POST /auth/token", login).await?.json();
        let token = body["access_token"].as_str().unwrap();
        let key = key_of(token);
        if !self.keys().await?.contains(&key) {
            return Err(format!("the key set lacks {key}"));
        }
        for path in ["/2/footprints", "/auth/verify"] {
            let request = self
                .caller
                .get(&format!("{}{path}", self.base), Some(token));
            self.good(&format!("GET {path}"), request).await?;
        }
        let turn = self.tally.turns.load(Ordering::SeqCst);
        let id = format!("{}/{turn}/{}", self.number, uuid::Uuid::new_v4());
        let event = self.caller.event(&self.base, token, &id);
        self.good("POST /2/events", event).await?;
        self.tally.events.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// The key set, for as long as it may be kept.
    async fn keys(&mut self) -> Result<&BTreeSet<String>, String> {
        if self
            .keys
            .as_ref()
            .is_some_and(|(_, until)| *until < Instant::now())
        {
            self.keys = None;
        }
        if self.keys.is_none() {
            let request = self.caller.get(&format!("{}/jwks", self.base), None);
            let answer = self.good("GET /jwks", request).await?;
            let (_, max_age) = answer.caching.split_once("max-age=").unwrap();
            let seconds = max_age.split(',').next().unwrap().parse().unwrap();
            let set = answer.json();
            let keys = set["keys"].as_array().unwrap().iter();
            let ids = keys.map(|key| key["kid"].as_str().unwrap().to_owned());
            self.keys = Some((ids.collect(), Instant::now() + Duration::from_secs(seconds)));
        }
        Ok(&self.keys.as_ref().unwrap().0)
    }

    async fn good(&self, what: &str, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let answer = self.caller.send(request).await;
        let answer = answer.map_err(|error| format!("{what}: {error}"))?;
        match answer.status {
            200 => Ok(answer),
            status => Err(format!("{what}: {status}")),
        }
    }
}

/// The id of the key that signed a token.
pub(crate) fn key_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}
