//! What strangers write and this crate reads: one function for each, for the fuzzer in `fuzz/`, and replayed on its
//! corpus by the tests. Each takes any bytes, and panics when a promise is broken.
#![expect(clippy::missing_panics_doc, reason = "a fuzzer is told by a panic")]

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;

use crate::{
    clerk,
    clock::SystemClock,
    config::{Config, Sources, WebhookSigningSecret},
    http::{
        client_address::client_address,
        cursor,
        extract::{bearer, client_form::ClientForm, media_type::media_type},
        protected::Protected,
    },
    outbound,
    store::{CursorKey, Position},
    token::{
        self, Algorithm, SigningKeys, TokenValidator, UnverifiedToken, ValidatorOptions, inspect,
    },
};

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 10] = [
    ("access_token", access_token),
    ("client_address", forwarded),
    ("clerk_answer", clerk_answer),
    ("configuration", configuration),
    ("cursor", position),
    ("protected", protected),
    ("retry_after", retry_after),
    ("signed_token", signed_token),
    ("token_request", token_request),
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
    let Ok(request) = ClientForm::parse(&headers, form, &["grant_type", "scope"]) else {
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

/// Three headers and a body. Without the key nobody is believed; with it any body is read.
pub fn webhook(data: &[u8]) {
    const KEY: &[u8] = b"twenty-four bytes of key";
    let secret = WebhookSigningSecret::for_test(&format!("whsec_{}", STANDARD.encode(KEY)));
    let Some(key) = clerk::webhook::WebhookKey::new(&secret) else {
        return;
    };
    let now = Timestamp::UNIX_EPOCH;
    let (signature, body) = first_line(data);
    let sent = |signature: &[u8]| {
        let lines = [
            ("svix-id", b"msg_1".as_slice()),
            ("svix-timestamp", b"0"),
            ("svix-signature", signature),
        ];
        let pair = |(name, value): (&'static str, &[u8])| {
            let value = HeaderValue::from_bytes(value).ok()?;
            Some((HeaderName::from_static(name), value))
        };
        lines.into_iter().filter_map(pair).collect::<HeaderMap>()
    };
    assert!(key.open(&sent(signature), body, now).is_err());
    let message = [b"msg_1.0.".as_slice(), body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), &message);
    let signature = format!("v1,{}", STANDARD.encode(tag));
    assert!(key.open(&sent(signature.as_bytes()), body, now).is_ok());
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

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::{
        corpus::{edit, edited, inputs},
        *,
    };

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        inputs(&corpus, name)
    }

    #[test]
    fn every_reader_keeps_its_promises_on_the_corpus() {
        for (name, target) in TARGETS {
            let inputs = corpus(name);
            assert!(!inputs.is_empty(), "{name} has a corpus");
            for input in inputs {
                println!("{name}: {:?}", String::from_utf8_lossy(&input));
                target(&input);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        /// What the fuzzer does for longer and with more guile, on any toolchain.
        #[test]
        fn every_reader_keeps_its_promises_near_the_corpus(
            target in 0..TARGETS.len(),
            input in any::<Index>(),
            edits in vec(edit(), 1..6),
        ) {
            let (name, read) = TARGETS[target];
            read(&edited(input.get(&corpus(name)).clone(), &edits));
        }
    }
}
