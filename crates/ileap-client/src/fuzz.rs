//! What hosts write and this crate reads, for the fuzzer in `fuzz/`, and replayed on its corpus by the tests. It takes
//! any bytes, and panics when a promise is broken.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ileap_types::{pact::v2::ProductFootprint, tad::Tad};
use url::Url;

use crate::{
    Client, Credentials, Item, List, Readable, list,
    token::{Token, named_endpoint, permitted_endpoint},
    transport::{Answer, has_credentials, is_loopback, refusal},
};

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 1] = [("client_answer", client_answer)];

/// Header lines, and a body behind an empty one, as a host may answer whatever we ask.
pub fn client_answer(data: &[u8]) {
    let (headers, body) = message(data);
    refuse(&headers, body);
    log_in(body);
    discover(body);
    let answer = Answer::new(StatusCode::OK, headers, Bytes::copy_from_slice(body));
    read_page::<ProductFootprint>(&answer);
    read_page::<Tad>(&answer);
    if let Some(item) = Item::<ProductFootprint>::wrapped(&answer.body) {
        read_item(&item, &answer);
    }
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

/// What a host says is passed on in short texts that no terminal obeys.
fn refuse(headers: &HeaderMap, body: &[u8]) {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE] {
        let refusal = refusal(status, headers, body);
        let texts = [&refusal.code, &refusal.message, &refusal.request_id];
        for text in texts.into_iter().flatten() {
            assert!(!text.trim().is_empty() && text.chars().count() <= 500);
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}

/// A token is one word in a header that no log shows, and ends within a day.
fn log_in(body: &[u8]) {
    let asked_at = Instant::now();
    let Some((token, response)) = Token::read(body, asked_at) else {
        return;
    };
    let text = response.access_token.expose();
    assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(token.bearer, format!("Bearer {text}"));
    assert!(token.bearer.is_sensitive());
    assert!(!token.is_good(asked_at + Duration::from_hours(24)));
}

/// Credentials go where they would go without a document, over TLS, or nowhere.
fn discover(body: &[u8]) {
    let Some(named) = named_endpoint(body) else {
        return;
    };
    let bases = ["https://idp.example.com/x", "http://127.0.0.1:8080"];
    for base in bases.into_iter().filter_map(|base| Url::parse(base).ok()) {
        for is_followed in [false, true] {
            let Ok(url) = permitted_endpoint(&named, &base, is_followed) else {
                continue;
            };
            let is_safe = url.scheme() == "https" || (is_loopback(&url) && is_loopback(&base));
            assert!(
                url.origin() == base.origin() || (is_followed && is_safe),
                "{url}"
            );
            assert!(!has_credentials(&url), "{url}");
        }
    }
}

/// A list goes on at its own host, at another page, or not at all.
fn read_page<T: Readable + Send + 'static>(answer: &Answer) {
    let Some(client) = client() else { return };
    let url = client.url(&["2", "footprints"]);
    let Ok(fetched) = list::read::<T>(&url, answer) else {
        return;
    };
    let mut list = List::new(client.clone(), url.clone(), false);
    assert_eq!(list.goes_on().ok().flatten().as_ref(), Some(&url));
    let page = list.advance(fetched);
    for item in &page.items {
        read_item(item, answer);
    }
    if let Some(next) = list.place() {
        assert_eq!(next.origin(), url.origin());
        assert!(*next != url && !has_credentials(next), "{next}");
    }
}

/// An object is there as it was sent, and can be read or has a problem.
fn read_item<T: Readable>(item: &Item<T>, answer: &Answer) {
    assert!(String::from_utf8_lossy(&answer.body).contains(item.json()));
    assert_eq!(item.read().is_err(), item.problem().is_some());
}

/// Of a host on this machine: for others, a machine without CA certificates has no client.
fn client() -> Option<&'static Client> {
    static CLIENT: OnceLock<Option<Client>> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let credentials = Credentials::new("hello", "pathfinder");
        Client::new("http://127.0.0.1:8080/api", credentials).ok()
    });
    client.as_ref()
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
        search_near(Path::new(CORPUS), &TARGETS, 2000);
    }
}
