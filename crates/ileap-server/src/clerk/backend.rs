//! The calls of Clerk's Backend API that a login needs: who has this identifier, is this the password,
//! which organizations.
//!
//! No sign-in takes place: no session, no Device Trust, no CAPTCHA. What Clerk would have checked at a
//! sign-in (bans, locks, verified addresses) is in the user's record, and checked by the caller.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use super::{
    call::{API_VERSION, API_VERSION_HEADER, CallError, call},
    error::{AnswerClass, BackendTarget},
    gate::{Gate, Limit},
    login_name::LoginName,
    retry::{FAULT_PAUSE, Retries, Retry},
    wire,
};
use crate::{identity::ClientSecret, outbound::OutboundError};

/// Where Clerk's Backend API is, for all instances: the secret key says which one is meant.
pub const BACKEND_API_URL: &str = "https://api.clerk.com";
/// How many users say something about all.
const SAMPLE: usize = 20;
/// Memberships asked for at a time.
const PAGE: usize = 100;
/// The most memberships that are read of one user.
const MOST_MEMBERSHIPS: usize = 500;

/// The Backend API of one Clerk instance.
#[derive(Clone)]
pub struct BackendApi {
    gate: Arc<Gate>,
    http: reqwest::Client,
    /// Everything before `/users/...`.
    prefix: String,
    secret_key: SecretString,
}

impl fmt::Debug for BackendApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendApi")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Which calls may be repeated after a gateway failed in the middle.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Repeat {
    /// Any: it changes nothing.
    Always,
    /// Only one that was not carried out: another may count as a failure.
    Undone,
}

impl BackendApi {
    /// The API at `base_url`: an origin or the prefix of a proxy, without `/v1`, query or user information.
    /// `http` comes from [`crate::outbound::client`]; every call passes `gate`.
    pub fn new(base_url: &Url, secret_key: &str, http: reqwest::Client, gate: Arc<Gate>) -> Self {
        let prefix = format!("{}/v1", base_url.as_str().trim_end_matches('/'));
        Self {
            gate,
            http,
            prefix,
            secret_key: secret_key.to_owned().into(),
        }
    }

    /// Whether Clerk gave no answer lately.
    pub(crate) fn is_troubled(&self) -> bool {
        self.gate.is_troubled()
    }

    /// Whether the key is that of a development instance.
    pub(crate) fn is_development(&self) -> bool {
        self.secret_key.expose_secret().starts_with("sk_test_")
    }

    /// The users that have exactly this login name; at most two, for the second is one too many.
    pub(crate) async fn users_by(
        &self,
        name: &LoginName<'_>,
        deadline: Instant,
    ) -> Result<Vec<wire::DirectoryUser>, CallError> {
        let query = [(name.parameter(), name.text()), ("limit", "2")];
        let request = || self.get("/users").query(&query);
        self.ask(request, BackendTarget::Lookup, Repeat::Always, deadline)
            .await
    }

    /// Some users, whoever they are.
    pub(crate) async fn some_users(
        &self,
        deadline: Instant,
    ) -> Result<Vec<wire::DirectoryUser>, CallError> {
        let request = || self.get("/users").query(&[("limit", SAMPLE)]);
        self.ask(request, BackendTarget::Instance, Repeat::Always, deadline)
            .await
    }

    /// The user of this id.
    pub(crate) async fn user(
        &self,
        id: &str,
        deadline: Instant,
    ) -> Result<wire::DirectoryUser, CallError> {
        let path = format!("/users/{id}");
        let request = || self.get(&path);
        self.ask(request, BackendTarget::User, Repeat::Always, deadline)
            .await
    }

    /// Whether this is the user's password. Never repeated once Clerk may have judged it: a wrong one may
    /// count as a failure there.
    pub(crate) async fn verify_password(
        &self,
        id: &str,
        password: &ClientSecret,
        deadline: Instant,
    ) -> Result<wire::PasswordAnswer, CallError> {
        let path = format!("/users/{id}/verify_password");
        let body = password_body(password)?;
        let request = || {
            self.authorized(self.http.post(format!("{}{path}", self.prefix)))
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone())
        };
        self.ask(request, BackendTarget::Password, Repeat::Undone, deadline)
            .await
    }

    /// The organizations that the user belongs to: all of them up to 500, the first 500 of more.
    pub(crate) async fn organization_memberships(
        &self,
        id: &str,
        deadline: Instant,
    ) -> Result<Vec<wire::OrganizationMembership>, CallError> {
        let path = format!("/users/{id}/organization_memberships");
        let mut memberships = Vec::new();
        loop {
            let query = [("limit", PAGE), ("offset", memberships.len())];
            let request = || self.get(&path).query(&query);
            let page: wire::MembershipPage = self
                .ask(request, BackendTarget::User, Repeat::Always, deadline)
                .await?;
            let is_last = page.data.len() < PAGE;
            memberships.extend(page.data);
            if is_last || memberships.len() >= MOST_MEMBERSHIPS {
                memberships.truncate(MOST_MEMBERSHIPS);
                return Ok(memberships);
            }
        }
    }

    /// Fails with a refusal that says so when the instance has no organizations; any answer at all proves
    /// the secret key.
    pub(crate) async fn organizations(&self, deadline: Instant) -> Result<(), CallError> {
        let request = || self.get("/organizations").query(&[("limit", "1")]);
        let answer =
            self.ask::<wire::Anything>(request, BackendTarget::Instance, Repeat::Always, deadline);
        answer.await.map(|_| ())
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.authorized(self.http.get(format!("{}{path}", self.prefix)))
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request
            .header(header::ACCEPT, "application/json")
            .header(API_VERSION_HEADER, API_VERSION)
            .header(header::AUTHORIZATION, bearer(&self.secret_key))
    }

    /// Makes one call, again where that cannot do harm: once each when no connection came about, when Clerk
    /// throttles for a moment, and when a gateway failed.
    async fn ask<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
        target: BackendTarget,
        repeat: Repeat,
        deadline: Instant,
    ) -> Result<T, CallError> {
        // What is asked about the instance is asked now and then, and tells whether Clerk is there: it is always
        // made.
        let limit = match target {
            BackendTarget::Instance => Limit::Unlimited,
            _ => Limit::Calls,
        };
        let mut retries = Retries::new(deadline);
        loop {
            let error = match self.gate.pass(limit, call(request())).await {
                Ok(answer) => return Ok(answer.body),
                Err(error) => error.of_backend(target),
            };
            let pause = match &error {
                CallError::Outbound(OutboundError::Connect) if retries.take(Retry::Connect) => {
                    FAULT_PAUSE
                }
                CallError::Refused(refused) => match refused.class() {
                    AnswerClass::Throttled { retry_after } if retries.take_after(retry_after) => {
                        retry_after
                    }
                    AnswerClass::Busy { .. }
                        if repeat == Repeat::Always
                            && refused.is_gateway_fault()
                            && retries.take(Retry::Gateway) =>
                    {
                        FAULT_PAUSE
                    }
                    _ => return Err(error),
                },
                _ => return Err(error),
            };
            tokio::time::sleep(pause).await;
        }
    }
}

fn bearer(secret_key: &SecretString) -> HeaderValue {
    let text = Zeroizing::new(format!("Bearer {}", secret_key.expose_secret()));
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Bearer"));
    value.set_sensitive(true);
    value
}

/// The password as JSON. The text is written once, into memory that is wiped when the requests are done with it.
fn password_body(password: &ClientSecret) -> Result<Bytes, CallError> {
    let password = password.expose();
    // Escaping makes six bytes of one at most: the buffer never moves and leaves no copy.
    let mut body = Zeroizing::new(Vec::with_capacity(6 * password.len() + 16));
    body.extend_from_slice(br#"{"password":"#);
    serde_json::to_writer(&mut *body, password).map_err(|_| OutboundError::Request)?;
    body.push(b'}');
    Ok(Bytes::from_owner(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_escaped_into_the_room_made_for_it() {
        for text in ["\\\"".repeat(50), "/\u{1f69b}".to_owned()] {
            let password = ClientSecret::new(&text).unwrap();
            let body = password_body(&password).unwrap();
            assert!(body.len() <= 6 * text.len() + 16);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body, serde_json::json!({"password": text}));
        }
    }
}
