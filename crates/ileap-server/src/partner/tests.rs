use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use super::*;
use crate::{
    clock::ManualClock,
    identity::{ClientId, ClientSecret},
    outbound::raw_upstream::{RawUpstream, Reply},
};

fn endpoint(base: &str) -> PartnerEndpoint {
    PartnerEndpoint {
        base_url: base.to_owned(),
        auth_base_url: base.to_owned(),
        credentials: ClientCredentials {
            client_id: ClientId::new("us@example.org").unwrap(),
            client_secret: ClientSecret::new("sesame+open %41").unwrap(),
        },
        basic_encoding: SecretEncoding::FormEncoded,
    }
}

fn client() -> (PartnerClient, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::starting_at(jiff::Timestamp::UNIX_EPOCH));
    (PartnerClient::new(Reach::Loopback, clock.clone()), clock)
}

/// A host that gives tokens as `token` says and answers everything else with `other`.
async fn host(token: Reply, other: Reply) -> (RawUpstream, Arc<AtomicUsize>) {
    let tokens = Arc::new(AtomicUsize::new(0));
    let counted = tokens.clone();
    let reply = Reply::Answer(Arc::new(move |request: &str| {
        if request.starts_with("GET /.well-known/") {
            return Reply::json(404, "{}");
        }
        if request.starts_with("POST /auth/token") {
            counted.fetch_add(1, Ordering::SeqCst);
            return token.clone();
        }
        other.clone()
    }));
    (RawUpstream::scripted(vec![reply; 64]).await, tokens)
}

fn base(host: &RawUpstream) -> String {
    host.url().as_str().trim_end_matches('/').to_owned()
}

async fn send(client: &PartnerClient, endpoint: &PartnerEndpoint) -> Result<(), DeliveryError> {
    let body = Bytes::from_static(b"{}");
    client
        .send_event(endpoint, body, || ready(Ok(())).boxed())
        .await
}

#[tokio::test]
async fn a_token_serves_until_shortly_before_it_ends() {
    for (answer, lives) in [
        (r#"{"access_token":"t"}"#, 270),
        (
            r#"{"access_token":"t","expires_in":3600,"token_type":"bearer"}"#,
            3540,
        ),
        (r#"{"access_token":"t","expires_in":10}"#, 9),
        (r#"{"access_token":"t","expires_in":1e300}"#, 270),
        (r#"{"access_token":"t","expires_in":"3600"}"#, 3540),
        (r#"{"access_token":"t","expires_in":"soon"}"#, 270),
        (r#"{"access_token":"t","expires_in":[1]}"#, 270),
    ] {
        let (host, tokens) = host(Reply::json(200, answer), Reply::json(200, "")).await;
        let endpoint = endpoint(&base(&host));
        let (client, clock) = client();
        for (advance, expected) in [(0, 1), (lives - 1, 1), (1, 2)] {
            clock.advance(Duration::from_secs(advance));
            send(&client, &endpoint).await.unwrap();
            assert_eq!(
                tokens.load(Ordering::SeqCst),
                expected,
                "{answer} {advance}"
            );
        }
    }
}

#[tokio::test]
async fn answers_of_a_host_become_words_and_nothing_more() {
    let token = || Reply::json(200, r#"{"access_token":"t"}"#);
    let later = |why, seconds: Option<u64>| DeliveryError::Later {
        why,
        retry_after: seconds.map(Duration::from_secs),
    };
    for (token, event, expected) in [
        (token(), Reply::json(200, ""), Ok(())),
        (token(), Reply::json(202, "whatever"), Ok(())),
        (
            token(),
            Reply::json(400, "sesame"),
            Err(DeliveryError::Rejected(400)),
        ),
        (
            token(),
            Reply::json(401, ""),
            Err(DeliveryError::Rejected(401)),
        ),
        (
            token(),
            Reply::json_with(307, "location: http://127.0.0.1:1/\r\n", ""),
            Err(DeliveryError::Rejected(307)),
        ),
        (
            token(),
            Reply::json_with(429, "retry-after: 7\r\n", ""),
            Err(later("throttled", Some(7))),
        ),
        (
            token(),
            Reply::json(503, ""),
            Err(later("server_error", None)),
        ),
        (token(), Reply::Bytes(Vec::new()), Err(later("reset", None))),
        (
            Reply::json(400, r#"{"error":"invalid_client"}"#),
            Reply::Reset,
            Err(DeliveryError::CredentialsRefused),
        ),
        (
            Reply::json(401, ""),
            Reply::Reset,
            Err(DeliveryError::CredentialsRefused),
        ),
        (
            Reply::json(201, r#"{"access_token":"t"}"#),
            Reply::json(200, ""),
            Ok(()),
        ),
        (
            token(),
            Reply::json_with(503, "retry-after: Thu, 01 Jan 1970 00:02:00 GMT\r\n", ""),
            Err(later("server_error", Some(120))),
        ),
        (
            token(),
            Reply::json_with(503, "retry-after: Wed, 31 Dec 1969 00:00:00 GMT\r\n", ""),
            Err(later("server_error", None)),
        ),
        (
            Reply::json(404, ""),
            Reply::Reset,
            Err(DeliveryError::NoToken),
        ),
        (
            Reply::json(500, ""),
            Reply::Reset,
            Err(later("server_error", None)),
        ),
        (
            Reply::json(200, "<html>"),
            Reply::Reset,
            Err(DeliveryError::NoToken),
        ),
        (
            Reply::json(200, "{}"),
            Reply::Reset,
            Err(DeliveryError::NoToken),
        ),
        (
            Reply::json(200, "{\"access_token\":\"a\\nb\"}"),
            Reply::Reset,
            Err(DeliveryError::NoToken),
        ),
        (
            Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Reply::Reset,
            Err(DeliveryError::NoToken),
        ),
    ] {
        let (host, _) = host(token, event).await;
        let endpoint = endpoint(&base(&host));
        let sent = send(&client().0, &endpoint).await;
        assert_eq!(sent, expected);
        let printed = format!(
            "{sent:?} {endpoint:?} {}",
            sent.map_or_else(|error| error.to_string(), |()| String::new())
        );
        assert!(!printed.contains("sesame"), "{printed}");
    }
}

#[tokio::test]
async fn a_token_that_is_no_word_is_shown_to_nobody() {
    for token in ["", " ", "a b", "a\\tb", "\u{e9}"] {
        let answer = format!(r#"{{"access_token":"{token}"}}"#);
        let (host, _) = host(Reply::json(200, &answer), Reply::json(200, "")).await;
        let sent = send(&client().0, &endpoint(&base(&host))).await;
        assert_eq!(sent, Err(DeliveryError::NoToken), "{token:?}");
    }
}

#[tokio::test]
async fn a_footprint_is_read_up_to_its_limit() {
    let token = || Reply::json(200, r#"{"access_token":"t"}"#);
    for (answer, expected) in [
        (
            Reply::json(200, r#"{"data":{}}"#),
            Ok(Some(r#"{"data":{}}"#)),
        ),
        (Reply::json(404, "{}"), Ok(None)),
        (Reply::json(403, "{}"), Ok(None)),
        (
            Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Err(DeliveryError::Unreadable),
        ),
    ] {
        let (host, _) = host(token(), answer).await;
        let found = client().0.footprint(&endpoint(&base(&host)), "1").await;
        assert_eq!(found, expected.map(|body| body.map(Bytes::from)));
    }
}

#[tokio::test]
async fn a_discovery_document_cannot_send_credentials_out_of_reach() {
    for token_endpoint in [
        "http://192.0.2.1/token",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "//x",
    ] {
        let document = format!("{{\"token_endpoint\":\"{token_endpoint}\"}}");
        let host = RawUpstream::scripted(vec![Reply::json(200, &document); 8]).await;
        let tried = client().0.log_in(&endpoint(&base(&host))).await;
        assert_eq!(tried, Err(DeliveryError::Guarded), "{token_endpoint}");
    }
}

/// A host whose discovery document is answered so; it gives tokens.
async fn discovering(discovery: Reply) -> RawUpstream {
    let reply = Reply::Answer(Arc::new(move |request: &str| {
        if request.starts_with("GET /.well-known/") {
            return discovery.clone();
        }
        Reply::json(200, r#"{"access_token":"t"}"#)
    }));
    RawUpstream::scripted(vec![reply]).await
}

#[tokio::test]
async fn a_discovery_document_that_is_not_there_is_done_without_and_one_that_fails_is_waited_for() {
    for (discovery, expected) in [
        (Reply::json(404, ""), Ok(())),
        (Reply::json(403, ""), Ok(())),
        (Reply::json(200, "<html>"), Ok(())),
        (Reply::json(200, "{}"), Ok(())),
        (Reply::json(500, ""), Err("server_error")),
        (Reply::json(503, ""), Err("server_error")),
        (Reply::json(408, ""), Err("server_error")),
        (Reply::json(429, ""), Err("throttled")),
        (Reply::Bytes(Vec::new()), Err("reset")),
    ] {
        let host = discovering(discovery).await;
        let tried = client().0.log_in(&endpoint(&base(&host))).await;
        let asked = host.requests();
        let token_requests = asked.iter().filter(|request| request.starts_with("POST"));
        assert_eq!(token_requests.count(), usize::from(expected.is_ok()));
        assert_eq!(tried.map_err(DeliveryError::as_str), expected);
    }
}

#[tokio::test]
async fn a_token_endpoint_may_be_another_hosts() {
    let (other, tokens) = host(Reply::json(200, r#"{"access_token":"t"}"#), Reply::Reset).await;
    let document = format!("{{\"token_endpoint\":\"{}/auth/token\"}}", base(&other));
    let host = discovering(Reply::json(200, &document)).await;
    client().0.log_in(&endpoint(&base(&host))).await.unwrap();
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
    assert_eq!(host.requests().len(), 1);
}

#[tokio::test]
async fn a_public_hosts_document_leads_no_credentials_inside() {
    let inside = RawUpstream::scripted(vec![Reply::json(200, r#"{"access_token":"t"}"#)]).await;
    let clock = Arc::new(ManualClock::starting_at(jiff::Timestamp::UNIX_EPOCH));
    let client = PartnerClient::new(Reach::Private, clock);
    for (base, leads) in [
        ("https://1.1.1.1", false),
        ("https://[2606:4700::1111]/ileap", false),
        ("http://127.0.0.1:1", true),
        ("https://10.0.0.1", true),
        ("https://localhost", true),
    ] {
        let endpoint = endpoint(base);
        let url = Url::parse(&self::base(&inside)).unwrap();
        let request = client.request_to_token_endpoint(&endpoint, url).await;
        assert_eq!(request.is_ok(), leads, "{base}");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_whenever_it_is_resolved() {
    let inside = RawUpstream::scripted(vec![Reply::json(200, "{}")]).await;
    let clock = Arc::new(ManualClock::starting_at(jiff::Timestamp::UNIX_EPOCH));
    let client = PartnerClient::new(Reach::Public, clock);
    let port = inside.url().port().unwrap();
    // As a name that led to a public address when it was registered, and does no longer.
    let endpoint = endpoint(&format!("https://localhost:{port}"));
    for _ in 0..2 {
        let sent = send(&client, &endpoint).await;
        assert_eq!(sent, Err(DeliveryError::GuardedName));
        assert_eq!(sent.unwrap_err().as_str(), "address_refused");
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_that_is_kept_back_in_the_last_moment() {
    let token = Reply::json(200, r#"{"access_token":"t"}"#);
    let (host, tokens) = host(token, Reply::json(200, "")).await;
    let kept_back = || ready(Err(DeliveryError::KeptBack("lease_lost"))).boxed();
    let (client, endpoint) = (client().0, endpoint(&base(&host)));
    let sent = client
        .send_event(&endpoint, Bytes::from_static(b"{}"), kept_back)
        .await;
    assert_eq!(sent, Err(DeliveryError::KeptBack("lease_lost")));
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
    let posts = host.requests();
    assert!(posts.iter().all(|request| !request.contains("/2/events")));
}

#[tokio::test]
async fn footprints_that_are_not_for_us_cost_no_new_token_each() {
    let token = Reply::json(200, r#"{"access_token":"t"}"#);
    let (host, tokens) = host(token, Reply::json(403, "{}")).await;
    let (client, clock) = client();
    let endpoint = endpoint(&base(&host));
    for (advance, expected) in [(0, 1), (59, 1), (1, 2), (0, 2)] {
        clock.advance(Duration::from_secs(advance));
        let found = client.footprint(&endpoint, "1").await;
        assert_eq!(found, Ok(None));
        assert_eq!(tokens.load(Ordering::SeqCst), expected);
    }
}
