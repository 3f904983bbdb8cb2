//! What strangers write and this crate reads: one function for each, for the fuzzer in `fuzz/`, and replayed on its
//! corpus by the tests. Each takes any bytes, and panics when a promise is broken.
#![expect(clippy::missing_panics_doc, reason = "a fuzzer is told by a panic")]

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use url::Url;

use crate::{
    clerk,
    clock::SystemClock,
    config::{Config, Sources, WebhookSigningSecret},
    data::upstream,
    delivery,
    http::{
        client_address::client_address,
        cursor, documents,
        extract::{
            bearer, client_form::ClientForm, media_type::media_type, token_request::TokenRequest,
        },
        layers,
        protected::Protected,
    },
    identity::{ClientId, Principal, Role, Scopes},
    import, outbound, partner,
    store::{CursorKey, Position},
    token::{
        self, Algorithm, SigningKeys, TokenValidator, UnverifiedToken, ValidatorOptions, inspect,
    },
};

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 16] = [
    ("access_token", access_token),
    ("client_address", forwarded),
    ("clerk_answer", clerk_answer),
    ("configuration", configuration),
    ("cursor", position),
    ("fragment", fragment),
    ("heads", heads),
    ("import_file", import_file),
    ("partner_answer", partner_answer),
    ("partner_event", partner_event),
    ("protected", protected),
    ("retry_after", retry_after),
    ("signed_token", signed_token),
    ("token_request", token_request),
    ("upstream_answer", upstream_answer),
    ("webhook", webhook),
];

/// The first line, and what follows it.
fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (line, rest) = data.split_at(end.unwrap_or(data.len()));
    (line, rest.strip_prefix(b"\n").unwrap_or(rest))
}

fn headers(name: &HeaderName, lines: &[u8]) -> HeaderMap {
    let lines = lines.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (name.clone(), value)).collect()
}

/// Header lines, and what follows an empty one.
fn message(data: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().map(HeaderName::from_bytes);
        let value = parts
            .next()
            .map(|value| HeaderValue::from_bytes(value.trim_ascii()));
        if let (Some(Ok(name)), Some(Ok(value))) = (name, value) {
            // Beyond what a map takes there is nothing to read.
            let _ = headers.try_append(name, value);
        }
    }
    (headers, rest)
}

/// A line of Authorization, one of Content-Type, and a form: credentials come out as they may be used, or not at all.
pub fn token_request(data: &[u8]) {
    let (authorization, rest) = first_line(data);
    let (content_type, form) = first_line(rest);
    media_type(&headers(&header::CONTENT_TYPE, content_type));
    let mut headers = headers(&header::AUTHORIZATION, authorization);
    if authorization.is_empty() {
        headers.clear();
    }
    // An answer, whatever it is.
    let _ = bearer::unverified_token(&headers);
    let taken = TokenRequest::parse(&headers, form);
    let Ok(request) = ClientForm::parse(&headers, form, &["grant_type", "scope"]) else {
        assert!(taken.is_err(), "what has no credentials gets no token");
        return;
    };
    let readings = [
        Some(&request.credentials.raw),
        request.credentials.form_decoded.as_ref(),
    ];
    for reading in readings.into_iter().flatten() {
        let (id, secret) = (reading.client_id.as_str(), reading.client_secret.expose());
        assert!((1..=256).contains(&id.len()) && (1..=1024).contains(&secret.len()));
        assert!(!id.chars().chain(secret.chars()).any(char::is_control));
    }
}

/// Lines of X-Forwarded-For: only proxies that are trusted are believed, and nothing they pass on makes an address up.
pub fn forwarded(data: &[u8]) {
    let headers = headers(&HeaderName::from_static("x-forwarded-for"), data);
    let trusted: Vec<_> = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect();
    let stranger = IpAddr::from([203, 0, 113, 9]);
    let peer = SocketAddr::new(stranger, 4711);
    assert_eq!(client_address(peer, &headers, &trusted), stranger);
    client_address((Ipv4Addr::LOCALHOST, 4711).into(), &headers, &trusted);
}

/// A line with a method and one with a request target, as a proxy passes them on: an endpoint that takes fewer scopes is
/// named in one way alone.
pub fn protected(data: &[u8]) {
    let (method, rest) = first_line(data);
    let (target, _) = first_line(rest);
    let mut said = headers(&HeaderName::from_static("x-forwarded-method"), method);
    said.extend(headers(&HeaderName::from_static("x-forwarded-uri"), target));
    if Protected::named_by(&said, "") != Protected::Other {
        let path = target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        let is_plain = path.starts_with(b"/2/") && !path.iter().any(|byte| b"%;\\#".contains(byte));
        let steps = || path.split(|byte| *byte == b'/').skip(1);
        assert!(is_plain && steps().all(|step| !matches!(step, b"" | b"." | b"..")));
    }
}

/// No cursor is ours but one that was sealed here, for the same list.
pub fn position(data: &[u8]) {
    let key = CursorKey([7; 32]);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    assert!(cursor::open(&key, "/2/footprints", text).is_err());
    let sealed = cursor::seal(&key, "/2/footprints", &Position(text.to_owned()));
    if text.len() < 2048 {
        let opened = cursor::open(&key, "/2/footprints", &sealed);
        assert!(opened.is_ok_and(|position| position.0 == text));
    }
    assert!(cursor::open(&key, "/2/ileap/tad", &sealed).is_err());
}

/// What Clerk, or whoever answers in its place, sends.
pub fn clerk_answer(data: &[u8]) {
    clerk::read_anything(data);
}

/// A wait that another server asks for.
pub fn retry_after(data: &[u8]) {
    let headers = headers(&header::RETRY_AFTER, data);
    if let Some(wait) = outbound::retry_after(&headers) {
        assert!(wait.subsec_nanos() == 0, "whole seconds");
    }
}

/// Lines of id, timestamp and signature, and a body. Without the key nobody is believed; with it any body is read, but
/// only as what was signed.
pub fn webhook(data: &[u8]) {
    const KEY: &[u8] = b"twenty-four bytes of key";
    let secret = WebhookSigningSecret::for_test(&format!("whsec_{}", STANDARD.encode(KEY)));
    let Some(key) = clerk::webhook::WebhookKey::new(&secret) else {
        return;
    };
    let (id, rest) = first_line(data);
    let (timestamp, rest) = first_line(rest);
    let (signature, body) = first_line(rest);
    let seconds = str::from_utf8(timestamp)
        .ok()
        .and_then(|text| text.parse().ok());
    let sent_at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let now = sent_at.unwrap_or_default();
    let opened = |signature: &[u8]| {
        let lines = [
            ("svix-id", id),
            ("svix-timestamp", timestamp),
            ("svix-signature", signature),
        ];
        let pair = |(name, value): (&'static str, &[u8])| {
            let value = HeaderValue::from_bytes(value).ok()?;
            Some((HeaderName::from_static(name), value))
        };
        let headers = lines.into_iter().filter_map(pair).collect();
        key.open(&headers, body, now)
    };
    assert!(opened(signature).is_err());
    let message = [id, timestamp, body].join(&b'.');
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), &message);
    let signature = format!("v1,{}", STANDARD.encode(tag));
    let is_id = |byte: &u8| byte.is_ascii_graphic() && *byte != b'.';
    let is_clear = (1..=256).contains(&id.len()) && id.iter().all(is_id) && sent_at.is_some();
    match opened(signature.as_bytes()) {
        Ok(webhook) => {
            let mut parts = message.splitn(3, |byte| *byte == b'.');
            assert_eq!(parts.next(), Some(webhook.id.as_bytes()));
            assert_eq!((parts.next(), parts.next()), (Some(timestamp), Some(body)));
        }
        Err(_) => assert!(!is_clear),
    }
}

/// Header lines of a request: a host is one host, an id is a plain word, a media type stands alone, and only who names
/// a document's tag has it.
pub fn heads(data: &[u8]) {
    let (headers, _) = message(data);
    for host in headers.get_all(header::HOST) {
        if layers::is_empty_or_host(host) {
            assert!(
                host.is_empty() || host.to_str().is_ok_and(is_one_host),
                "{host:?}"
            );
        }
    }
    if let Some(id) = layers::well_formed_id(&headers) {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
        assert!((1..=128).contains(&id.len()) && id.as_bytes().iter().all(is_plain));
    }
    if let Some(media_type) = media_type(&headers) {
        assert!(!media_type.contains(';') && media_type.trim() == media_type);
        assert_eq!(media_type.to_ascii_lowercase(), media_type);
    }
    for tags in headers.get_all(header::IF_NONE_MATCH) {
        let (ours, is_known) = documents::is_known(tags);
        let tags = tags.to_str().unwrap_or_default();
        let mut quoted = tags.split('"').skip(1).step_by(2);
        let is_named = quoted.any(|tag| tag == ours.trim_matches('"'));
        assert!(!is_known || is_named || tags.trim() == "*", "{tags}");
    }
}

/// As another reader understands it, who refuses more.
fn is_one_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    let has_port = port.is_empty() || port.ends_with(']') || port.parse::<u16>().is_ok();
    let url = Url::parse(&format!("http://{text}/"));
    let is_host = url.map_or(!text.contains('['), |url| {
        url.path() == "/" && url.has_host()
    });
    text.bytes().all(is_plain) && has_port && is_host
}

/// A file with data of partners.
pub fn import_file(data: &[u8]) {
    import::read_anything(data);
}

/// Header lines and a body that a partner's host answers.
pub fn partner_answer(data: &[u8]) {
    let (headers, body) = message(data);
    partner::read_anything(&headers, body);
    delivery::fetch_anything(&Bytes::copy_from_slice(body));
}

/// An event of a partner, and a source that it may name.
pub fn partner_event(data: &[u8]) {
    if let Some(sender) = somebody() {
        delivery::keep_anything(&sender, &Bytes::copy_from_slice(data));
    }
    if let Ok(source) = str::from_utf8(first_line(data).0) {
        partner::lead_anywhere(source);
    }
}

/// A line with a fragment of a footprint that is asked for, and footprints, separated by commas.
pub fn fragment(data: &[u8]) {
    let (fragment, footprints) = first_line(data);
    delivery::ask_anything(fragment, &Bytes::copy_from_slice(footprints));
}

/// Header lines and a body that the operator's own service answers.
pub fn upstream_answer(data: &[u8]) {
    let (headers, body) = message(data);
    if let Some(caller) = somebody() {
        upstream::read_anything(&caller, &headers, body);
    }
}

fn somebody() -> Option<Principal> {
    Some(Principal {
        subject: "static|ops@acme.example".to_owned(),
        client_id: ClientId::new("ops@acme.example")?,
        organization: None,
        roles: BTreeSet::from([Role::All]),
        scopes: Scopes::all(),
    })
}

/// A file, or environment variables: whatever they say, there is a configuration or a reason.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let environment = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let from_environment = Sources {
        file: None,
        environment,
    };
    let Ok(file) = tempfile::NamedTempFile::new() else {
        return;
    };
    if std::fs::write(file.path(), data).is_err() {
        return;
    }
    let from_file = Sources {
        file: Some(file.path().to_owned()),
        environment: Vec::new(),
    };
    for sources in [from_environment, from_file] {
        if let Err(error) = Config::load(sources) {
            assert!(!error.violations.is_empty());
        }
    }
}

/// No token is ours but one that was signed with our key.
pub fn access_token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Some((validator, _)) = judge() {
        assert!(validator.validate(UnverifiedToken::new(text)).is_err());
        inspect(UnverifiedToken::new(text), Some(validator));
    }
}

/// A header and claims, signed with our key as they are: what is accepted says who it is for, and until when.
pub fn signed_token(data: &[u8]) {
    let (header, payload) = first_line(data);
    let Some((validator, keys)) = judge() else {
        return;
    };
    let Some(token) = token::sign_anything(keys, header, payload) else {
        return;
    };
    if validator.validate(UnverifiedToken::new(&token)).is_ok() {
        let claims: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
        assert_eq!(claims.get("iss"), Some(&ISSUER.into()));
        assert!(claims.get("exp").is_some_and(serde_json::Value::is_number));
    }
}

const ISSUER: &str = "https://ileap.example.com";

fn judge() -> Option<&'static (TokenValidator, Arc<SigningKeys>)> {
    static JUDGE: OnceLock<Option<(TokenValidator, Arc<SigningKeys>)>> = OnceLock::new();
    let judge = JUDGE.get_or_init(|| {
        let keys = Arc::new(SigningKeys::ephemeral(Algorithm::EdDsa).ok()?);
        let options = ValidatorOptions {
            issuer: ISSUER.to_owned(),
            audience: ISSUER.to_owned(),
            typ: "at+jwt".to_owned(),
            leeway: Duration::from_secs(30),
        };
        let validator = TokenValidator::new(options, keys.clone(), Arc::new(SystemClock));
        Some((validator, keys))
    });
    judge.as_ref()
}

#[cfg(test)]
#[path = "../../../fuzz/tests/replay/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        TARGETS,
        corpus::{replay, search_near},
    };

    const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");

    #[test]
    fn every_reader_keeps_its_promises_on_the_corpus() {
        replay(Path::new(CORPUS), &TARGETS);
    }

    #[test]
    fn every_reader_keeps_its_promises_near_the_corpus() {
        search_near(Path::new(CORPUS), &TARGETS, 4500);
    }
}
