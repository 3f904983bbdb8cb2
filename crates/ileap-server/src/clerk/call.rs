//! One exchange with Clerk: a request out, typed JSON or an error code back.

use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::{
    error::{BackendTarget, ClerkError},
    wire::ErrorEnvelope,
};
use crate::{
    outbound::{self, OutboundError},
    verify::VerifyError,
};

/// The dated revision of Clerk's APIs that `wire` is written against.
pub(crate) const API_VERSION: &str = "2025-11-10";
/// The header that pins it.
pub(crate) const API_VERSION_HEADER: &str = "clerk-api-version";
/// The longest answer read.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// What Clerk answered.
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    /// The token that names the client from now on; the Frontend API only.
    pub(crate) client_token: Option<ClientToken>,
}

/// Names a Frontend API client together with its sessions. Whoever holds it is logged in.
pub(crate) struct ClientToken(SecretString);

impl ClientToken {
    /// Clerk's own SDKs read an empty value or the bare word `Bearer` as "no token".
    fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
        let is_token = !text.is_empty() && text != "Bearer";
        is_token.then(|| Self(text.to_owned().into()))
    }

    #[cfg(test)]
    pub(crate) fn for_test(text: &str) -> Self {
        Self(text.to_owned().into())
    }

    /// The token, to be sent back verbatim.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why an exchange gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// Not made: Clerk's limits or an outage stand against it.
    #[error("calling Clerk: {0}")]
    Held(VerifyError),
    /// A success status, but not the JSON that belongs to it.
    #[error("calling Clerk: an answer that is not the expected JSON")]
    Malformed,
    /// No answer.
    #[error("calling Clerk: {0}")]
    Outbound(#[from] OutboundError),
    /// An answer that says no.
    #[error("calling Clerk: {0}")]
    Refused(ClerkError),
}

impl CallError {
    /// The same, of a call about something that an earlier call of the same login created.
    pub(crate) fn about_existing(self) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(error.about_existing()),
            other => other,
        }
    }

    /// The same, of a call of the Backend API.
    pub(crate) fn of_backend(self, target: BackendTarget) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(error.of_backend(target)),
            other => other,
        }
    }
}

/// Sends `request` and reads the answer.
pub(crate) async fn call<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
) -> Result<Answer<T>, CallError> {
    let response = outbound::send(request).await?;
    let status = response.status();
    if !status.is_success() {
        return Err(refusal(response).await);
    }
    if is_encoded(response.headers()) {
        return Err(CallError::Malformed);
    }
    let client_token = ClientToken::from_headers(response.headers());
    let body = outbound::read_capped(response, BODY_LIMIT_BYTES).await?;
    let body = serde_json::from_slice(&body).map_err(|_| CallError::Malformed)?;
    Ok(Answer { body, client_token })
}

/// We never ask for a content coding, so one that comes anyway makes the body something we cannot read.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
}

async fn refusal(response: reqwest::Response) -> CallError {
    let status = response.status();
    let retry_after = outbound::retry_after(response.headers());
    // The status alone still tells what class of failure it is: an unreadable body is no new error.
    let body = outbound::read_capped(response, BODY_LIMIT_BYTES)
        .await
        .unwrap_or_default();
    let envelope = serde_json::from_slice::<ErrorEnvelope>(&body).unwrap_or_default();
    let error = ClerkError::new(status.as_u16(), &envelope, retry_after);
    tracing::debug!(
        upstream.status = status.as_u16(),
        clerk.code = error.code(),
        clerk.trace_id = envelope.trace_id().as_deref(),
        "Clerk refused a call"
    );
    // The only status that is about the credentials: it counts only in Clerk's own words.
    if status == StatusCode::UNPROCESSABLE_ENTITY && !error.has_own_code() {
        return CallError::Malformed;
    }
    CallError::Refused(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clerks_sdks_take_for_no_token_is_none() {
        let read = |text: &'static str| {
            let text = http::HeaderValue::from_static(text);
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, text)]);
            ClientToken::from_headers(&headers).map(|token| token.expose().to_owned())
        };
        for nothing in ["", " ", "Bearer", " Bearer "] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
        assert_eq!(read(" eyJ.x.y ").as_deref(), Some("eyJ.x.y"));
        assert!(ClientToken::from_headers(&HeaderMap::new()).is_none());
    }
}
