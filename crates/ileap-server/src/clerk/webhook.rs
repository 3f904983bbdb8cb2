//! What Clerk tells by webhook: signed as Svix does, read for whose credentials it changes and nothing else.
//!
//! The scheme is that of Standard Webhooks 1.0: HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::wire::word;
use crate::{
    config::WebhookSigningSecret,
    store::logins::{Invalidation, Likeness},
    verify::AccountKey,
};

/// How far a webhook's timestamp may be from now, either way.
const TOLERANCE: Duration = Duration::from_mins(5);
/// Members of a user that a sign-in changes.
const CHANGED_BY_SIGN_INS: [&str; 5] = [
    "last_active_at",
    "last_sign_in_at",
    "lockout_expires_in_seconds",
    "updated_at",
    "verification_attempts_remaining",
];
/// The header families, in the order they are looked for: Svix's own, and the standard's.
const FAMILIES: [&str; 2] = ["svix", "webhook"];

/// Checks signatures with the secret of one endpoint. Cannot print.
pub struct WebhookKey(hmac::Key);

/// A webhook that Clerk has signed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Webhook {
    /// The same for every delivery of one event.
    pub(crate) id: String,
    /// How the user looks that it tells of, where that can be known and is worth remembering.
    pub(crate) likeness: Option<Likeness>,
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

impl News {
    /// The one user that it is about.
    pub(crate) fn subject(&self) -> Option<&str> {
        match self {
            Self::Invalidates(Invalidation::Subject(subject)) => Some(subject),
            _ => None,
        }
    }
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
        if now.as_second().abs_diff(sent_at) > TOLERANCE.as_secs() {
            return Err(WebhookError::Stale);
        }
        let mut message = Vec::with_capacity(id.len() + timestamp.len() + body.len() + 2);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            message.extend_from_slice(part);
        }
        // Once, however many signatures a stranger sends.
        let ours = hmac::sign(&self.0, &message);
        let is_ours = signatures
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .any(|tag| ours.as_ref().ct_eq(&tag).into());
        if !is_ours {
            return Err(WebhookError::Signature);
        }
        let event = serde_json::from_slice(body).unwrap_or_default();
        Ok(Webhook {
            id: id.to_owned(),
            likeness: likeness(&event),
            news: news(&event),
        })
    }
}

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(redacted)")
    }
}

/// Id, timestamp and signatures, each there once. What is signed is joined by dots: with one in the id, its end could
/// pass for the timestamp, and the timestamp for the beginning of the body.
fn signature_headers(headers: &HeaderMap) -> Option<[&str; 3]> {
    let family = FAMILIES
        .into_iter()
        .find(|family| headers.contains_key(format!("{family}-id")))?;
    let one = |name: &str| {
        let mut values = headers.get_all(format!("{family}-{name}")).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    let id = one("id").filter(|id| (1..=256).contains(&id.len()) && !id.contains('.'))?;
    Some([id, one("timestamp")?, one("signature")?])
}

/// What the event says; what cannot be read says nothing.
fn news(event: &Value) -> News {
    let text = |pointer: &str| word(event.pointer(pointer).and_then(Value::as_str));
    let subject = |pointer: &str| text(pointer).map(|id| format!("clerk|{id}"));
    let kind = event.get("type").and_then(Value::as_str);
    let invalidation = match kind.unwrap_or_default() {
        // It has no tokens yet; but that nobody had its identifiers may be remembered.
        "user.created" => subject("/data/id")
            .map(|subject| Invalidation::Account(AccountKey::of_subject(&subject))),
        "user.updated" | "user.deleted" => subject("/data/id").map(Invalidation::Subject),
        "organizationMembership.created"
        | "organizationMembership.updated"
        | "organizationMembership.deleted" => {
            subject("/data/public_user_data/user_id").map(Invalidation::Subject)
        }
        "organization.updated" | "organization.deleted" => {
            text("/data/id").map(Invalidation::Organization)
        }
        _ => return News::Irrelevant,
    };
    invalidation.map_or(News::Nameless, News::Invalidates)
}

/// A digest of the user in a `user.updated` event, without what every sign-in changes; `None` where a changed
/// password would not show in it, and for users that are shut out: to hear of it twice does no harm, and not to heed it
/// would, when what happened in between was not heard of.
fn likeness(event: &Value) -> Option<Likeness> {
    if event.get("type")? != "user.updated" {
        return None;
    }
    let mut user = event.get("data")?.as_object()?.clone();
    user.get("password_last_updated_at")?.as_i64()?;
    let is = |state: &str| user.get(state).and_then(Value::as_bool) == Some(true);
    if is("banned") || is("locked") {
        return None;
    }
    for name in CHANGED_BY_SIGN_INS {
        user.remove(name);
    }
    let digest = digest::digest(&digest::SHA256, Value::Object(user).to_string().as_bytes());
    digest.as_ref().try_into().ok().map(Likeness)
}

#[cfg(test)]
mod tests;
