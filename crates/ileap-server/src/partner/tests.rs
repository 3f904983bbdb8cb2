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
    ] {
        let (host, tokens) = host(Reply::json(200, answer), Reply::json(200, "")).await;
        let endpoint = endpoint(&base(&host));
        let (client, clock) = client();
        for (advance, expected) in [(0, 1), (lives - 1, 1), (1, 2)] {
            clock.advance(Duration::from_secs(advance));
            client
                .send_event(&endpoint, Bytes::from_static(b"{}"))
                .await
                .unwrap();
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
            Reply::json(404, ""),
            Reply::Reset,
            Err(DeliveryError::Rejected(404)),
        ),
        (
            Reply::json(500, ""),
            Reply::Reset,
            Err(later("server_error", None)),
        ),
        (
            Reply::json(200, "<html>"),
            Reply::Reset,
            Err(DeliveryError::Unreadable),
        ),
        (
            Reply::json(200, "{}"),
            Reply::Reset,
            Err(DeliveryError::Unreadable),
        ),
        (
            Reply::json(200, "{\"access_token\":\"a\\nb\"}"),
            Reply::Reset,
            Err(DeliveryError::Unreadable),
        ),
        (
            Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            Reply::Reset,
            Err(DeliveryError::Unreadable),
        ),
    ] {
        let (host, _) = host(token, event).await;
        let endpoint = endpoint(&base(&host));
        let sent = client()
            .0
            .send_event(&endpoint, Bytes::from_static(b"{}"))
            .await;
        assert_eq!(sent, expected);
        let printed = format!(
            "{sent:?} {endpoint:?} {}",
            sent.map_or_else(|error| error.to_string(), |()| String::new())
        );
        assert!(!printed.contains("sesame"), "{printed}");
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
