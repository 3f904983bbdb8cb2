//! What hosts write and this suite reads, for the fuzzer in `fuzz/`, and replayed on its corpus by the tests. It takes
//! any bytes, and panics when a promise is broken.

use std::{sync::OnceLock, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::{
    Options,
    jwt::{Jwt, public_key_forms},
    listener::is_expected,
    options::form_encoded,
    outcome::{Exchange, MOST_PROBLEMS},
    rules,
    run::{Run, token_in},
    schema::Schema,
    wire::{Answer, Auth, Request, links},
};

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 1] = [("conformance_answer", conformance_answer)];

const SECRET: &str = "correct horse+battery";
const TOKEN: &str = "Opaque-Token-Of-A-Run";
/// The most records that are judged: schemas take their time.
const MOST_RECORDS: usize = 4;

/// Header lines, and a body behind an empty one, as the host under test may answer whatever it is asked, or call us.
pub fn conformance_answer(data: &[u8]) {
    let (headers, body) = message(data);
    let Some(run) = run() else { return };
    for request in requests(run) {
        let received = (200, headers.clone(), body.to_vec());
        let answer = run.wire.answer(&request, Exchange::default(), received);
        let mut shown = ask(&answer);
        shown.extend(answer.exchange.headers.iter().cloned());
        shown.push(answer.exchange.body.clone());
        show(&request, &shown);
        follow(run, &answer);
        log_in(&answer);
        judge(run, &answer);
    }
    write_link(body);
    be_called(&headers, body);
}

fn message(data: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.strip_prefix(b"\n").unwrap_or(after);
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

/// Of a host on this machine: for others, a machine without CA certificates has no client.
fn run() -> Option<&'static Run> {
    static RUN: OnceLock<Option<Run>> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let base = Url::parse("http://127.0.0.1:8080/api").ok()?;
        let secret = SecretString::from(SECRET);
        let options = Options::new(base, "hello".to_owned(), secret, Timestamp::UNIX_EPOCH);
        Run::new(&options).ok()
    });
    run.as_ref()
}

/// One with a token, and one for a token.
fn requests(run: &Run) -> [Request; 2] {
    let list = Request::get(run.url("/2/footprints"));
    let form = Request::form(run.url("/auth/token"), "grant_type=client_credentials");
    [
        list.auth(Auth::Bearer(SecretString::from(TOKEN))),
        form.auth(Auth::Basic),
    ]
}

/// What a person is shown is short, and holds neither our secret nor our token.
fn show(request: &Request, texts: &[String]) {
    let mut hidden = vec![SECRET.to_owned(), form_encoded(SECRET)];
    hidden.push(BASE64_STANDARD.encode(format!("hello:{SECRET}")));
    if matches!(request.auth, Auth::Bearer(_)) {
        hidden.push(TOKEN.to_owned());
    }
    for text in texts {
        assert!(text.chars().count() <= 2_001, "{text}");
        assert!(hidden.iter().all(|hidden| !text.contains(hidden)), "{text}");
    }
}

/// Whatever a case asks of it: the reasons.
fn ask(answer: &Answer) -> Vec<String> {
    answer.media_type();
    answer.challenges("Bearer");
    answer.retry_after();
    let stops = [
        answer.expect(&[201, 204]).err(),
        answer.expect_refusal().err(),
        answer.expect_code(&["AccessDenied"]).err(),
        answer.expect_error(&["invalid_client"]).err(),
        answer.object().err(),
        answer.list().err(),
    ];
    stops
        .into_iter()
        .flatten()
        .map(|stop| stop.reason)
        .collect()
}

/// Our token goes where the host is, and credentials too.
fn follow(run: &Run, answer: &Answer) {
    let given = answer.header("link").unwrap_or_default();
    let (next, all) = answer.next_links();
    assert!(next.len() <= all && all <= given.matches('<').count());
    let document = answer.json_or_null();
    let named = ["token_endpoint", "jwks_uri"];
    let named = named.iter().filter_map(|name| document[name].as_str());
    for url in next.iter().map(String::as_str).chain(named) {
        assert!(given.contains(url) || !document.is_null());
        if run.is_ours(url) || run.may_have_credentials(url) {
            let origin = Url::parse(url).map(|url| url.origin());
            assert_eq!(origin.ok(), Some(run.options.base.origin()), "{url}");
        }
    }
}

/// A token fits in a header and ends within a day. What is made of one is another, which fits too.
fn log_in(answer: &Answer) {
    let Ok((token, life)) = token_in(answer) else {
        return;
    };
    let token = token.expose_secret();
    let is_one_word = |token: &str| token.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(!token.is_empty() && is_one_word(token));
    assert!(life <= Duration::from_hours(24));
    let Some(jwt) = Jwt::parse(token) else {
        return;
    };
    let keys = public_keys(answer);
    let signed = keys.iter().map(|key| jwt.signed_with_public_key(key));
    let forged = [
        jwt.with_broken_signature(),
        jwt.with_altered_claims(),
        jwt.padded(),
    ];
    for forged in forged.into_iter().chain(signed) {
        let forged = forged.expose_secret();
        assert!(forged != token && is_one_word(forged), "{forged}");
    }
    let is_unsigned = token.ends_with('.');
    assert!(is_unsigned || jwt.unsigned().expose_secret() != token);
}

/// A key is written in the three forms, or is of a kind that nobody knows here.
fn public_keys(answer: &Answer) -> Vec<Vec<u8>> {
    let set = answer.json_or_null();
    let mut all = Vec::new();
    for key in set["keys"].as_array().into_iter().flatten().take(4) {
        let forms = public_key_forms(key);
        if let [trimmed, pem, _] = forms.as_slice() {
            assert_eq!(trimmed.trim_ascii(), pem.trim_ascii());
            let lines = pem
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.starts_with(b"-"));
            let info = BASE64_STANDARD.decode(lines.collect::<Vec<_>>().concat());
            assert!(info.is_ok_and(|info| is_one_sequence(&info)));
        } else {
            assert!(forms.is_empty());
        }
        all.extend(forms);
    }
    all
}

/// Of DER, with nothing behind it (X.690 §8.1).
fn is_one_sequence(der: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = der else {
        return false;
    };
    let count = usize::from(first & 0x7f);
    if *first < 0x80 {
        return rest.len() == count;
    }
    rest.split_at_checked(count)
        .is_some_and(|(length, content)| {
            let length = length
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            length >= 0x80 && length == content.len()
        })
}

/// Whatever records hold, each is judged, in a list that has an end.
fn judge(run: &Run, answer: &Answer) {
    let records = answer.list().unwrap_or_default();
    let records: Vec<Value> = records.into_iter().take(MOST_RECORDS).collect();
    for record in &records {
        for schema in [Schema::Footprint(run.version()), Schema::Tad, Schema::Toc] {
            let faults = schema.faults(record);
            assert!(faults.iter().all(|fault| fault.text.chars().count() <= 241));
        }
    }
    let errors = rules::judge(&records, &records, run.version()).errors();
    assert!(errors.listed.len() <= MOST_PROBLEMS);
}

/// A link that is written is read.
fn write_link(body: &[u8]) {
    let Ok(target) = str::from_utf8(body) else {
        return;
    };
    if !target.contains('>') {
        let read = links(&format!("<first>; rel=prev, <{target}>; rel=\"x NEXT\""));
        let next: Vec<_> = read.iter().filter(|link| link.is_next()).collect();
        assert!(matches!(next.as_slice(), [link] if link.target == target.trim()));
    }
}

/// Nobody is the host but who knows its secret.
fn be_called(headers: &HeaderMap, body: &[u8]) {
    let pair = BASE64_STANDARD.encode("test_client_id:test_client_secret");
    let shown = headers.get("authorization");
    let shown = shown
        .and_then(|shown| shown.to_str().ok())
        .unwrap_or_default();
    let form: Vec<_> = form_urlencoded::parse(body).collect();
    let is_sent = form.iter().any(|(_, value)| value == "test_client_secret");
    assert!(!is_expected(headers, body) || shown.ends_with(&pair) || is_sent);
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
    fn every_answer_keeps_its_promises_on_the_corpus() {
        replay(Path::new(CORPUS), &TARGETS);
    }

    #[test]
    fn every_answer_keeps_its_promises_near_the_corpus() {
        search_near(Path::new(CORPUS), &TARGETS, 600);
    }
}
