//! Webhooks, delivered and signed as Svix does for Clerk (Standard Webhooks 1.0): in order, tried three times.

mod delivery;
mod news;

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::http::Uri;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use self::news::Snapshot;
use crate::state::Shared;

/// How often changes are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Webhooks waiting to be delivered; more are dropped.
const WAITING: usize = 1_000;
/// Webhooks remembered, so that they can be sent again.
const REMEMBERED: usize = 1_000;

/// Where webhooks go, what was sent, what waits.
pub(crate) struct Webhooks {
    secret: String,
    state: Mutex<WebhookState>,
}

#[derive(Default)]
struct WebhookState {
    target: Option<Target>,
    seen: Snapshot,
    waiting: VecDeque<Message>,
    under_way: bool,
    sent: VecDeque<(Message, WebhookDelivery)>,
}

/// One webhook, ready to be signed.
#[derive(Clone, Debug)]
struct Message {
    id: String,
    kind: String,
    body: String,
    sent_at: Option<u64>,
    key: Option<Vec<u8>>,
}

/// Where webhooks go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    address: SocketAddr,
    path: String,
}

/// What became of a webhook.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebhookDelivery {
    /// The `svix-id`, the same for every attempt.
    pub id: String,
    /// The event's type, such as `user.updated`.
    pub kind: String,
    /// The status of the last answer; `None` when there was none.
    pub status: Option<u16>,
    /// How often it was tried.
    pub attempts: u32,
}

/// Webhooks that a receiver must not take at face value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SpoiledWebhook {
    /// Signed with another key.
    WrongSignature(Value),
    /// Signed, but with a timestamp so long ago.
    Old(Value, Duration),
    /// Signed, with this text as body.
    Body(String),
}

/// The address that webhooks should go to is not one they may go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("setting the webhook address: it must be http:// and a loopback address with a port")]
pub struct WebhookAddressError;

impl Target {
    /// Plain HTTP on loopback only: nothing of an emulator's leaves the machine.
    pub(crate) fn parse(url: &str) -> Result<Self, WebhookAddressError> {
        let uri: Uri = url.parse().map_err(|_| WebhookAddressError)?;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip = match host {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            other => other.parse().map_err(|_| WebhookAddressError)?,
        };
        let port = uri.port_u16().unwrap_or(80);
        if uri.scheme_str() != Some("http") || !ip.is_loopback() {
            return Err(WebhookAddressError);
        }
        let path = uri.path_and_query();
        Ok(Self {
            address: SocketAddr::new(ip, port),
            path: path.map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

impl Webhooks {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            secret: format!("whsec_{}", STANDARD.encode(key)),
            state: Mutex::default(),
        }
    }

    /// What signs: `whsec_` and base64.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// From now on, changes are told there. What has been is not.
    pub(crate) fn set_target(&self, target: Option<Target>, shared: &Shared) {
        let seen = Snapshot::of(shared);
        let mut state = self.state();
        state.seen = seen;
        state.target = target;
    }

    /// What was sent, the oldest first.
    pub(crate) fn sent(&self) -> Vec<WebhookDelivery> {
        let state = self.state();
        state
            .sent
            .iter()
            .map(|(_, delivery)| delivery.clone())
            .collect()
    }

    /// Sends one again that was sent before; says whether there is one of this id.
    pub(crate) fn resend(&self, id: &str) -> bool {
        let mut state = self.state();
        let known = state.sent.iter().find(|(message, _)| message.id == id);
        let Some(message) = known.map(|(message, _)| message.clone()) else {
            return false;
        };
        state.waiting.push_back(message);
        true
    }

    pub(crate) fn send(&self, spoiled: SpoiledWebhook, shared: &Shared) {
        let now = shared.clock().now_ms() / 1000;
        let (body, sent_at, key) = match spoiled {
            SpoiledWebhook::WrongSignature(event) => {
                (event.to_string(), None, Some(b"not the key".to_vec()))
            }
            SpoiledWebhook::Old(event, age) => {
                let sent_at = now.saturating_sub(age.as_secs());
                (event.to_string(), Some(sent_at), None)
            }
            SpoiledWebhook::Body(text) => (text, None, None),
        };
        let message = Message {
            id: shared.world().ids.object("msg"),
            kind: "spoiled".to_owned(),
            body,
            sent_at,
            key,
        };
        self.state().waiting.push_back(message);
    }

    /// Whether everything that has happened has been told.
    pub(crate) fn is_idle(&self, shared: &Shared) -> bool {
        let now = Snapshot::of(shared);
        let state = self.state();
        let is_told = state.target.is_none() || state.seen == now;
        is_told && state.waiting.is_empty() && !state.under_way
    }

    /// Looks for changes and delivers, until it is dropped.
    pub(crate) async fn run(shared: Arc<Shared>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let webhooks = &shared.webhooks;
            webhooks.look(&shared);
            while let Some((message, target)) = webhooks.next() {
                let delivery = delivery::deliver(&message, &target, &shared).await;
                webhooks.done(message, delivery);
            }
        }
    }

    fn look(&self, shared: &Shared) {
        if self.state().target.is_none() {
            return;
        }
        let now = Snapshot::of(shared);
        let mut state = self.state();
        let news = state.seen.changes_to(&now);
        state.seen = now;
        drop(state);
        for (kind, data) in news {
            let now = shared.clock().now_ms();
            let event = json!({
                "data": data,
                "object": "event",
                "type": kind,
                "timestamp": now,
                "instance_id": shared.instance_id,
                "event_attributes": {"http_request": {"client_ip": "", "user_agent": ""}},
            });
            let message = Message {
                id: shared.world().ids.object("msg"),
                kind,
                body: event.to_string(),
                sent_at: None,
                key: None,
            };
            let mut state = self.state();
            if state.waiting.len() < WAITING {
                state.waiting.push_back(message);
            }
        }
    }

    fn next(&self) -> Option<(Message, Target)> {
        let mut state = self.state();
        let target = state.target.clone()?;
        let message = state.waiting.pop_front()?;
        state.under_way = true;
        Some((message, target))
    }

    fn done(&self, message: Message, delivery: WebhookDelivery) {
        let mut state = self.state();
        state.under_way = false;
        if state.sent.len() >= REMEMBERED {
            state.sent.pop_front();
        }
        state.sent.push_back((message, delivery));
    }

    fn state(&self) -> MutexGuard<'_, WebhookState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message {
    /// The three headers' values: id, seconds since the Unix epoch, signature.
    fn signed(&self, secret: &str, now: u64) -> [String; 3] {
        let key = self.key.clone().or_else(|| {
            let key = secret.strip_prefix("whsec_")?;
            STANDARD.decode(key).ok()
        });
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.unwrap_or_default());
        let sent_at = self.sent_at.unwrap_or(now);
        let signed = format!("{}.{sent_at}.{}", self.id, self.body);
        let tag = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        [self.id.clone(), sent_at.to_string(), format!("v1,{tag}")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_stay_on_the_machine() {
        for url in [
            "http://127.0.0.1:8080/webhooks/clerk",
            "http://localhost:8080/",
            "http://[::1]:8080",
        ] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
        for url in [
            "https://127.0.0.1:8080/",
            "http://203.0.113.9:8080/",
            "http://clerk.example/",
            "/webhooks",
            "",
        ] {
            assert_eq!(Target::parse(url), Err(WebhookAddressError), "{url}");
        }
    }

    #[test]
    fn the_signature_is_the_one_that_svix_publishes() {
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            kind: String::new(),
            body: r#"{"test": 2432232314}"#.to_owned(),
            sent_at: None,
            key: None,
        };
        let [_, _, signature] =
            message.signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1_614_265_330);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
