//! What a person is shown of a request and its answer: never a secret.

use http::{HeaderMap, Method};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Auth, Request};
use crate::options::{Options, form_encoded};

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
            let written = match &body.shown {
                // A shell puts in what only its user knows.
                Some(shown) => format!("\"{shown}\""),
                None => quoted(body.text.expose_secret()),
            };
            words.push(format!("--data-raw {written}"));
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

    pub(super) fn headers(&self, headers: &HeaderMap, request: &Request) -> Vec<String> {
        let lines = headers.iter().take(MOST_HEADERS).map(|(name, value)| {
            let value = self.redacted(&String::from_utf8_lossy(value.as_bytes()), request);
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
        let text = if asks_for_token(request) {
            without_values(body)
        } else {
            // A secret that the cut goes through would not be found after it.
            let part = body.get(..EXCERPT_BYTES * 4).unwrap_or(body);
            String::from_utf8_lossy(part).into_owned()
        };
        let mut text = self.redacted(&text, request);
        // A secret may stand in escapes, which whoever reads the body undoes.
        let plain = unescaped(&text);
        let redacted = self.redacted(&plain, request);
        if redacted != plain {
            text = redacted;
        }
        let shown = start(&text, EXCERPT_BYTES);
        if shown.len() < text.len() {
            format!("{shown}…")
        } else {
            text
        }
    }

    fn redacted(&self, text: &str, request: &Request) -> String {
        let (id, secret) = (
            &self.options.client_id,
            self.options.client_secret.expose_secret(),
        );
        let encoded = form_encoded(secret);
        let basic = super::basic(id, secret);
        let basic_encoded = super::basic(&form_encoded(id), &encoded);
        // Of nobody, but it may have the name of the account in it.
        let strange = match &request.auth {
            Auth::BasicOf { id, secret } => super::basic(id, secret),
            _ => String::new(),
        };
        let mut secrets = vec![
            credentials(&strange),
            secret,
            encoded.as_str(),
            credentials(&basic),
            credentials(&basic_encoded),
        ];
        let expired = self.options.expired_token.as_ref();
        secrets.extend(expired.map(ExposeSecret::expose_secret));
        match &request.auth {
            Auth::Bearer(token) | Auth::Forged { token, .. } => secrets.push(token.expose_secret()),
            Auth::BasicAs { header, .. } => secrets.push(credentials(header.expose_secret())),
            Auth::None | Auth::Basic | Auth::BasicOf { .. } | Auth::Raw(_) => {}
        }
        let mut text = text.to_owned();
        for secret in secrets {
            // A short secret is also a word: it would be found everywhere, as is that of the account that all iLEAP
            // hosts for trials share.
            if secret.len() >= 6 && secret != KNOWN_TO_ALL {
                text = text.replace(secret, REDACTED);
            }
        }
        without_tokens(&text)
    }
}

/// What follows the scheme in an `Authorization`.
fn credentials(header: &str) -> &str {
    header.split_once(' ').map_or(header, |(_, rest)| rest)
}

/// Whether the answer may be a token.
fn asks_for_token(request: &Request) -> bool {
    let mut headers = request.headers.iter();
    let is_form = headers.any(|(name, value)| {
        *name == "content-type" && value.starts_with("application/x-www-form-urlencoded")
    });
    is_form || matches!(request.auth, Auth::Basic | Auth::BasicOf { .. })
}

/// An answer of a token endpoint: the names of its members, and values that are no secret.
fn without_values(body: &[u8]) -> String {
    const OPEN: [&str; 9] = [
        "code",
        "error",
        "error_description",
        "error_uri",
        "expires_in",
        "message",
        "scope",
        "status",
        "token_type",
    ];
    if let Ok(Value::Object(mut members)) = serde_json::from_slice(body) {
        for (name, value) in &mut members {
            let is_open = OPEN.contains(&name.as_str()) && !value.is_object() && !value.is_array();
            if !is_open {
                *value = Value::from(REDACTED);
            }
        }
        return Value::Object(members).to_string();
    }
    let text = String::from_utf8_lossy(body);
    if text.to_lowercase().contains("token") {
        return format!(
            "[{} bytes that are no JSON object and may hold a token]",
            body.len()
        );
    }
    text.into_owned()
}

/// Without anything that has the look of a JWT: JSON in base64url.
fn without_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, _)) = rest.split_once("eyJ") {
        out.push_str(before);
        let (_, token) = rest.split_at(before.len());
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
        let end = token.find(|c| !is_part(c)).unwrap_or(token.len());
        let (token, after) = token.split_at(end);
        out.push_str(if token.len() < 16 { token } else { REDACTED });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// With the escapes of JSON undone (RFC 8259 §7), but for those of control characters.
fn unescaped(text: &str) -> String {
    let mut units = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let after = chars.as_str();
        let hex = after.strip_prefix('u').and_then(|after| after.get(..4));
        let unit = hex.and_then(|hex| u16::from_str_radix(hex, 16).ok());
        if let Some(unit) = unit.filter(|_| char == '\\') {
            units.push(unit);
            chars = after.get(5..).unwrap_or_default().chars();
            continue;
        }
        let escaped = if char == '\\' { chars.next() } else { None };
        let char = escaped.unwrap_or(char);
        units.extend(char.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16_lossy(&units)
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use secrecy::SecretString;
    use url::Url;

    use super::*;

    fn shown(secret: &str, body: &str) -> String {
        let base = Url::parse("https://ileap.example.com").unwrap();
        let secret = SecretString::from(secret);
        let options = Options::new(base, "hello".to_owned(), secret, Timestamp::UNIX_EPOCH);
        Evidence::new(&options).excerpt(body.as_bytes(), &Request::get("https://ileap.example.com"))
    }

    #[test]
    fn a_secret_is_not_shown_in_the_escapes_of_json_either() {
        for (secret, written) in [
            ("pa\u{df}w\u{f6}rter", r"pa\u00dfw\u00f6rter"),
            ("pa\u{df}w\u{f6}rter", r"pa\u00DFw\u00F6rter"),
            ("pass/word", r"pass\/word"),
            ("pass word", r"pass\u0020word"),
            ("pass\"word", "pass\\\"word"),
            ("pass\\word", r"pass\\word"),
        ] {
            let body = format!(r#"{{"message":"no {written} here"}}"#);
            assert_eq!(shown(secret, &body), r#"{"message":"no [redacted] here"}"#);
        }
        let other = r#"{ "message": "p\u00e4ss" }"#;
        assert_eq!(shown("password", other), other, "as it was sent");
    }
}
