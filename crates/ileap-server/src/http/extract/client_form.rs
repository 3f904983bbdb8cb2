//! What a client sends that authenticates itself: the form body and the one set of credentials, at every endpoint of
//! OAuth alike.

use std::collections::HashMap;

use axum::extract::Request;
use http::{HeaderMap, header};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    body,
    client_credentials::{self, form_decode},
    media_type::media_type,
};
use crate::{http::failure::Cause, identity::PresentedCredentials};

/// The largest form taken.
const LIMIT_BYTES: usize = 8 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters of a form and who sends it.
#[derive(Debug)]
pub(crate) struct ClientForm {
    /// Who asks, and the proof.
    pub(crate) credentials: PresentedCredentials,
    /// When all of it was there: a caller that sends its body late gains nothing by it.
    pub(crate) read_at: Instant,
    parameters: Parameters,
}

impl ClientForm {
    /// Reads the form and finds the one set of credentials. Of the form, `known` parameters are read besides those of
    /// the credentials.
    pub(crate) async fn read(request: Request, known: &[&'static str]) -> Result<Self, Cause> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers).as_deref() != Some(FORM) {
            return Err(Cause::MediaTypeUnsupported(FORM));
        }
        let form = body::read(&parts.headers, body, LIMIT_BYTES).await?;
        Self::parse(&parts.headers, &form, known)
    }

    pub(crate) fn parse(
        headers: &HeaderMap,
        form: &[u8],
        known: &[&'static str],
    ) -> Result<Self, Cause> {
        let from_header = client_credentials::from_header(headers)?;
        let parameters = Parameters::parse(form, known)?;
        let credentials = match (
            from_header,
            parameters.get("client_id"),
            parameters.get("client_secret"),
        ) {
            (Some(presented), id, None) if id.is_none_or(|id| presented.names(id)) => presented,
            (Some(_), _, _) => return Err(Cause::CredentialsTwice),
            // RFC 6749 §2.3: one method of authentication a request, known or not. A header that is not Basic is another.
            (None, _, Some(_)) if headers.contains_key(header::AUTHORIZATION) => {
                return Err(Cause::CredentialsTwice);
            }
            (None, Some(id), Some(secret)) => client_credentials::from_form(id, secret)?,
            (None, _, _) => return Err(Cause::CredentialsMissing),
        };
        Ok(Self {
            credentials,
            read_at: Instant::now(),
            parameters,
        })
    }

    /// A known parameter's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }
}

impl PresentedCredentials {
    /// Whether `client_id` names the same client in one of the readings: RFC 6749 §3.2.1 lets a client
    /// repeat its id in the form.
    fn names(&self, client_id: &str) -> bool {
        let readings = [Some(&self.raw), self.form_decoded.as_ref()];
        readings
            .into_iter()
            .flatten()
            .any(|reading| reading.client_id.as_str() == client_id)
    }
}

/// The form's known parameters, each at most once. One without a value counts as omitted (RFC 6749 §3.2);
/// unknown ones are passed over.
struct Parameters(HashMap<&'static str, Zeroizing<String>>);

impl Parameters {
    fn parse(form: &[u8], known: &[&'static str]) -> Result<Self, Cause> {
        let form = std::str::from_utf8(form).map_err(|_| Cause::FormMalformed)?;
        let mut values = HashMap::new();
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decode(name).ok_or(Cause::FormMalformed)?;
            let value = form_decode(value).ok_or(Cause::FormMalformed)?;
            let mut all_known = ["client_id", "client_secret"].iter().chain(known);
            let Some(name) = all_known.find(|known| **known == name) else {
                continue;
            };
            if values
                .insert(*name, Zeroizing::new(value.into_owned()))
                .is_some()
            {
                return Err(Cause::ParameterRepeated(name));
            }
        }
        values.retain(|_, value| !value.is_empty());
        Ok(Self(values))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameters(redacted)")
    }
}
