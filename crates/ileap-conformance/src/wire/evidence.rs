//! What a person is shown of a request and its answer: never a secret.

use http::{HeaderMap, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Auth, Request};
use crate::options::Options;

/// How much of a body is shown.
const EXCERPT_BYTES: usize = 2_000;
const MOST_HEADERS: usize = 40;
/// How much of a header, a body or a URL of ours is shown.
const SHOWN_BYTES: usize = 2_000;
const REDACTED: &str = "[redacted]";
/// It stands in every URN of PACT too.
const KNOWN_TO_ALL: &str = "pathfinder";

pub(super) struct Evidence<'a> {
    options: &'a Options,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options }
    }

    /// The request as one line for a shell.
    pub(super) fn curl(&self, request: &Request) -> String {
        let mut words = vec!["curl -i".to_owned()];
        let has_body = request.body.is_some();
        if request.method != Method::GET && !(request.method == Method::POST && has_body) {
            words.push(format!("-X {}", request.method));
        }
        words.extend(self.authorization(&request.auth));
        for (name, value) in &request.headers {
            if *name != "accept" {
                words.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
            }
        }
        if let Some(body) = &request.body {
            let shown = body.shown.as_deref();
            let shown = shown.unwrap_or_else(|| body.text.expose_secret());
            words.push(format!("--data-raw {}", quoted(shown)));
        }
        words.push(quoted(&request.url));
        words.join(" ")
    }

    /// In double quotes where a shell has to put in what only its user knows.
    fn authorization(&self, auth: &Auth) -> Option<String> {
        let option = match auth {
            Auth::None => return None,
            Auth::Basic => "-u \"$CLIENT_ID:$CLIENT_SECRET\"".to_owned(),
            Auth::BasicAs { shown, .. } => format!("-H \"Authorization: {shown}\""),
            Auth::BasicOf { id, secret } => format!("-u {}", quoted(&format!("{id}:{secret}"))),
            Auth::Bearer(token) => {
                let expired = self.options.expired_token.as_ref();
                let is_expired =
                    expired.is_some_and(|expired| expired.expose_secret() == token.expose_secret());
                let name = if is_expired {
                    "$EXPIRED_TOKEN"
                } else {
                    "$TOKEN"
                };
                format!("-H \"Authorization: Bearer {name}\"")
            }
            Auth::Forged { shown, .. } => format!("-H \"Authorization: Bearer {shown}\""),
            Auth::Raw(text) => format!("-H {}", quoted(&format!("Authorization: {text}"))),
        };
        Some(option)
    }

    pub(super) fn headers(&self, headers: &HeaderMap) -> Vec<String> {
        let lines = headers.iter().take(MOST_HEADERS).map(|(name, value)| {
            let value = self.redacted(&String::from_utf8_lossy(value.as_bytes()), None);
            let value = if name == "set-cookie" {
                REDACTED
            } else {
                start(&value, 500)
            };
            format!("{name}: {value}")
        });
        lines.collect()
    }

    /// The start of a body, without tokens: neither ours nor one that it brings.
    pub(super) fn excerpt(&self, body: &[u8], request: &Request) -> String {
        let text = match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(mut members)) if members.contains_key("access_token") => {
                for name in ["access_token", "refresh_token", "id_token"] {
                    if let Some(token) = members.get_mut(name) {
                        *token = Value::from(REDACTED);
                    }
                }
                Value::Object(members).to_string()
            }
            _ => {
                // A secret that the cut goes through would not be found after it.
                let part = body.get(..EXCERPT_BYTES * 4).unwrap_or(body);
                String::from_utf8_lossy(part).into_owned()
            }
        };
        let text = self.redacted(&text, Some(request));
        let shown = start(&text, EXCERPT_BYTES);
        if shown.len() < text.len() {
            format!("{shown}…")
        } else {
            text
        }
    }

    fn redacted(&self, text: &str, request: Option<&Request>) -> String {
        let mut secrets: Vec<&SecretString> = vec![&self.options.client_secret];
        secrets.extend(&self.options.expired_token);
        if let Some(Auth::Bearer(token) | Auth::Forged { token, .. }) = request.map(|r| &r.auth) {
            secrets.push(token);
        }
        let mut text = text.to_owned();
        for secret in secrets {
            let secret = secret.expose_secret();
            // A short secret is also a word: it would be found everywhere, as is that of the account that all iLEAP
            // hosts for trials share.
            if secret.len() >= 6 && secret != KNOWN_TO_ALL {
                text = text.replace(secret, REDACTED);
            }
        }
        text
    }
}

/// In single quotes; the only character to mind inside is the quote itself.
fn quoted(text: &str) -> String {
    let shown = start(text, SHOWN_BYTES);
    let text = if shown.len() < text.len() {
        format!("{shown}…({} bytes)", text.len())
    } else {
        shown.to_owned()
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// At most so many bytes, cut between characters.
fn start(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
