//! What Clerk tells by webhook: signed as Svix does, read for whose credentials it changes and nothing else.
//!
//! The scheme is that of Standard Webhooks 1.0: HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::wire::{null_is_empty, word};
use crate::{config::WebhookSigningSecret, store::logins::Invalidation};

/// How far a webhook's timestamp may be from now, either way.
const TOLERANCE: Duration = Duration::from_mins(5);
/// The header families, in the order they are looked for: Svix's own, and the standard's.
const FAMILIES: [&str; 2] = ["svix", "webhook"];

/// Checks signatures with the secret of one endpoint. Cannot print.
pub struct WebhookKey(hmac::Key);

/// A webhook that Clerk has signed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Webhook {
    /// The same for every delivery of one event.
    pub(crate) id: String,
    /// What it says.
    pub(crate) news: News,
}

/// What a webhook says, as far as it matters here.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum News {
    /// Nobody may rely on this any longer.
    Invalidates(Invalidation),
    /// Nothing that changes who may log in.
    Irrelevant,
    /// An event of a known type that does not name what it is about.
    Nameless,
}

/// Why a webhook does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WebhookError {
    /// A header is missing, doubled or unreadable.
    #[error("checking a webhook: its signature headers cannot be read")]
    Headers,
    /// Signed by nobody who knows the secret.
    #[error("checking a webhook: the signature is wrong")]
    Signature,
    /// Sent too long ago, or in the future.
    #[error("checking a webhook: its timestamp is more than five minutes from now")]
    Stale,
}

impl WebhookKey {
    /// The key in a signing secret; `None` when it is not `whsec_` and base64.
    pub fn new(secret: &WebhookSigningSecret) -> Option<Self> {
        let key = STANDARD
            .decode(secret.expose().strip_prefix("whsec_")?)
            .ok()?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// Checks `body` against the signature in `headers` and reads it.
    pub(crate) fn open(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Webhook, WebhookError> {
        let [id, timestamp, signatures] =
            signature_headers(headers).ok_or(WebhookError::Headers)?;
        let sent_at: i64 = timestamp.parse().map_err(|_| WebhookError::Headers)?;
        let mut message = Vec::with_capacity(id.len() + timestamp.len() + body.len() + 2);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            message.extend_from_slice(part);
        }
        let is_ours = signatures
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|tag| hmac::verify(&self.0, &message, &tag).is_ok());
        if !is_ours {
            return Err(WebhookError::Signature);
        }
        if now.as_second().abs_diff(sent_at) > TOLERANCE.as_secs() {
            return Err(WebhookError::Stale);
        }
        let event: Event = serde_json::from_slice(body).unwrap_or_default();
        Ok(Webhook {
            id: id.to_owned(),
            news: event.news(),
        })
    }
}

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(redacted)")
    }
}

/// Id, timestamp and signatures, each there once.
fn signature_headers(headers: &HeaderMap) -> Option<[&str; 3]> {
    let family = FAMILIES
        .into_iter()
        .find(|family| headers.contains_key(format!("{family}-id")))?;
    let one = |name: &str| {
        let mut values = headers.get_all(format!("{family}-{name}")).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    let id = one("id").filter(|id| (1..=256).contains(&id.len()))?;
    Some([id, one("timestamp")?, one("signature")?])
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    data: EventData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EventData {
    id: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    public_user_data: PublicUserData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PublicUserData {
    user_id: Option<String>,
}

impl Event {
    fn news(&self) -> News {
        let user = |id: &Option<String>| {
            word(id.as_deref()).map(|id| Invalidation::Subject(format!("clerk|{id}")))
        };
        let invalidation = match self.kind.as_deref().unwrap_or_default() {
            "user.created" | "user.updated" | "user.deleted" => user(&self.data.id),
            "organizationMembership.created"
            | "organizationMembership.updated"
            | "organizationMembership.deleted" => user(&self.data.public_user_data.user_id),
            "organization.updated" | "organization.deleted" => {
                word(self.data.id.as_deref()).map(Invalidation::Organization)
            }
            _ => return News::Irrelevant,
        };
        invalidation.map_or(News::Nameless, News::Invalidates)
    }
}

#[cfg(test)]
mod tests;
