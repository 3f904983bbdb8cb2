//! The calls of Clerk's Frontend API that a login without a browser needs.
//!
//! Native mode throughout: `_is_native=1` and the client token in `Authorization`, no cookies, no
//! `Origin`. Bodies are forms: the Frontend API takes nothing else.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use zeroize::Zeroizing;

use super::{
    call::{API_VERSION, API_VERSION_HEADER, Answer, CallError, ClientToken, call},
    gate::{Gate, Limit},
    wire,
};
use crate::identity::ClientSecret;

/// The Frontend API of one Clerk instance.
#[derive(Clone, Debug)]
pub struct FrontendApi {
    gate: Arc<Gate>,
    http: reqwest::Client,
    /// Everything before `/client/...`.
    prefix: String,
}

/// What makes a development instance answer a caller without cookies. Opens the instance: never printed.
pub(crate) struct DevBrowser(SecretString);

impl FrontendApi {
    /// The API at `base_url`: an origin or the prefix of a proxy, without `/v1`, query or user
    /// information. `http` comes from [`crate::outbound::client`]; every login passes `gate`.
    pub fn new(base_url: &Url, http: reqwest::Client, gate: Arc<Gate>) -> Self {
        let prefix = format!("{}/v1", base_url.as_str().trim_end_matches('/'));
        Self { gate, http, prefix }
    }

    /// Whether Clerk gave no answer lately.
    pub(crate) fn is_troubled(&self) -> bool {
        self.gate.is_troubled()
    }

    /// Signs in with one call. A fresh client each time: nothing of an earlier login is sent.
    pub(crate) async fn create_sign_in(
        &self,
        identifier: &str,
        password: &ClientSecret,
        dev_browser: Option<&DevBrowser>,
    ) -> Result<Answer<wire::SignInEnvelope>, CallError> {
        let fields = [
            ("strategy", "password"),
            ("identifier", identifier),
            ("password", password.expose()),
        ];
        let request = self.post("/client/sign_ins", None, dev_browser);
        let call = call(with_form(request, &fields));
        self.gate.pass(Limit::Calls, call).await
    }

    /// The first of two steps, for instances that take no password with the identifier.
    pub(crate) async fn create_sign_in_identifier_only(
        &self,
        identifier: &str,
        dev_browser: Option<&DevBrowser>,
    ) -> Result<Answer<wire::SignInEnvelope>, CallError> {
        let request = self.post("/client/sign_ins", None, dev_browser);
        let call = call(with_form(request, &[("identifier", identifier)]));
        self.gate.pass(Limit::Calls, call).await
    }

    /// The second of two steps, on the client that the first one made.
    pub(crate) async fn attempt_first_factor(
        &self,
        sign_in_id: &str,
        password: &ClientSecret,
        client_token: Option<&ClientToken>,
        dev_browser: Option<&DevBrowser>,
    ) -> Result<Answer<wire::SignInEnvelope>, CallError> {
        let path = format!("/client/sign_ins/{sign_in_id}/attempt_first_factor");
        let fields = [("strategy", "password"), ("password", password.expose())];
        let request = self.post(&path, client_token, dev_browser);
        let call = call(with_form(request, &fields));
        self.gate
            .pass(Limit::Factors, call)
            .await
            .map_err(CallError::about_existing)
    }

    /// Registers a browser at a development instance.
    pub(crate) async fn create_dev_browser(&self) -> Result<DevBrowser, CallError> {
        let request = self
            .http
            .post(format!("{}/dev_browser", self.prefix))
            .header(header::ACCEPT, "application/json")
            .header(API_VERSION_HEADER, API_VERSION);
        let answer = call::<wire::DevBrowser>(request).await?;
        let id = answer.body.id.filter(|id| !id.is_empty());
        id.map(|id| DevBrowser(id.into()))
            .ok_or(CallError::Malformed)
    }

    /// Ends a session and takes it off its client.
    pub(crate) async fn remove_session(
        &self,
        session_id: &str,
        client_token: &ClientToken,
        dev_browser: Option<&DevBrowser>,
    ) -> Result<(), CallError> {
        let path = format!("/client/sessions/{session_id}/remove");
        let request = self.post(&path, Some(client_token), dev_browser);
        call::<wire::Anything>(with_form(request, &[])).await?;
        Ok(())
    }

    /// The instance's settings.
    pub(crate) async fn environment(
        &self,
        dev_browser: Option<&DevBrowser>,
    ) -> Result<super::environment::Environment, CallError> {
        let request = self.http.get(format!("{}/environment", self.prefix));
        let call = call(native(request, None, dev_browser));
        let answer = self.gate.pass(Limit::Unlimited, call).await?;
        Ok(answer.body)
    }

    fn post(
        &self,
        path: &str,
        client_token: Option<&ClientToken>,
        dev_browser: Option<&DevBrowser>,
    ) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.prefix));
        native(request, client_token, dev_browser)
    }
}

fn native(
    request: reqwest::RequestBuilder,
    client_token: Option<&ClientToken>,
    dev_browser: Option<&DevBrowser>,
) -> reqwest::RequestBuilder {
    let request = request
        .query(&[("_is_native", "1")])
        .header(header::ACCEPT, "application/json")
        .header(API_VERSION_HEADER, API_VERSION)
        // Present but empty is how a native client without a token introduces itself.
        .header(header::AUTHORIZATION, authorization(client_token));
    match dev_browser {
        Some(dev_browser) => request.query(&[("__clerk_db_jwt", dev_browser.0.expose_secret())]),
        None => request,
    }
}

fn authorization(client_token: Option<&ClientToken>) -> HeaderValue {
    let text = client_token.map_or("", ClientToken::expose);
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Puts `fields` into the body as a form. The text is written once, into memory that is wiped when the
/// request is done with it.
fn with_form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    // Percent-encoding makes three bytes of one at most: the buffer never moves and leaves no copy.
    let room = fields
        .iter()
        .map(|(name, value)| name.len() + 3 * value.len() + 2)
        .sum();
    let mut form = Zeroizing::new(String::with_capacity(room));
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        form.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }
    request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from_owner(form))
}
