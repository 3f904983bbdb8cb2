//! More than there is room for: who is told to come back, who is not concerned, and what is counted.

use std::{sync::Arc, time::Duration};

use clerk_emulator::{Endpoint, Fault};
use ileap_server::clock::{Clock as _, ManualClock, SystemClock};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Options, TestServer, header, refusal, text};

async fn metrics(server: &TestServer) -> String {
    let metrics = server.http.get(format!("{}/metrics", server.admin)).send();
    text(metrics.await.unwrap()).await
}

async fn eventually_counts(server: &TestServer, line: &str) {
    while !metrics(server).await.contains(line) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn connect(server: &TestServer) -> TcpStream {
    let address = server.base.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// The beginning of a token request whose body does not come.
const SLOW: &[u8] =
    b"POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
    authorization: Basic aGVsbG86cGF0aGZpbmRlcg==\r\ncontent-length: 29\r\n\r\ngrant_type=";

#[tokio::test]
async fn an_address_that_sends_too_much_is_told_when_to_come_back() {
    let options = Options::default()
        .set("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "5")
        .set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.1/32");
    let server = TestServer::start_with(options).await;
    let from = |address: &str| {
        let request = server.get("/jwks").header("x-forwarded-for", address);
        request.send()
    };
    for host in 1..=5 {
        let answer = from(&format!("2001:db8::{host}")).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let answer = from("2001:db8::6").await.unwrap();
    let wait: u32 = header(&answer, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(refusal(answer).await, (429, "BadRequest".into()));
    assert_eq!(from("192.0.2.1").await.unwrap().status(), 200);
    // The proxy itself, asking for nobody.
    for _ in 0..10 {
        assert_eq!(server.get("/jwks").send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_correction_of_the_clock_neither_lifts_nor_freezes_the_rate() {
    let clock = Arc::new(ManualClock::starting_at(SystemClock.now()));
    let mut options = Options::default().set("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "2");
    options.clock = clock.clone();
    let server = TestServer::start_with(options).await;
    let status = async || server.get("/jwks").send().await.unwrap().status().as_u16();
    assert_eq!(
        [status().await, status().await, status().await],
        [200, 200, 429]
    );
    for hours in [1, -2] {
        clock.step_wall(hours * 3_600_000);
        assert_eq!(status().await, 429);
    }
    clock.advance(Duration::from_secs(60));
    assert_eq!(
        [status().await, status().await, status().await],
        [200, 200, 429]
    );
}

#[tokio::test]
async fn of_many_more_requests_than_slots_some_are_shed_none_hangs_and_the_rest_is_served() {
    let options = Options::default().set("ILEAP_LISTENER__MAX_REQUESTS", "4");
    let server = TestServer::start_with(options).await;
    let slow = Fault::Latency(Duration::from_millis(300));
    server
        .clerk
        .admin()
        .fail_always(Endpoint::CreateSignIn, slow);
    let requests = (0..60).map(|client| {
        let name = format!("client-{client}");
        let request = server.token_request(&name, "secret");
        async move { request.send().await.unwrap() }
    });
    let answers = futures_util::future::join_all(requests);
    let healthy = async {
        for _ in 0..20 {
            let health = server.http.get(format!("{}/healthz", server.admin)).send();
            assert_eq!(text(health.await.unwrap()).await, "ok\n");
        }
    };
    let (answers, ()) = tokio::join!(answers, healthy);
    let (mut judged, mut shed) = (0, 0);
    for answer in answers {
        let retry_after = header(&answer, "retry-after");
        match refusal(answer).await {
            (400, _) => judged += 1,
            (503, code) if retry_after == "1" && code == "temporarily_unavailable" => shed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        judged >= 4 && shed >= 1 && judged + shed == 60,
        "{judged} {shed}"
    );
    server.as_client("hello").await;
}

#[tokio::test]
async fn slow_senders_keep_nobody_out() {
    let options = Options::default().set("ILEAP_LISTENER__MAX_REQUESTS", "2");
    let server = TestServer::start_with(options).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = connect(&server).await;
        stream.write_all(SLOW).await.unwrap();
        slow.push(stream);
    }
    server.as_client("hello").await.data("/2/footprints").await;
    // They are not forgotten either: the first to finish is answered.
    let mut first = slow.remove(0);
    first.write_all(b"client_credentials").await.unwrap();
    let mut status = [0; 12];
    first.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted() {
    let server = TestServer::start().await;
    let slow = Fault::Latency(Duration::from_secs(4));
    server
        .clerk
        .admin()
        .fail_always(Endpoint::CreateSignIn, slow);
    let mut stream = connect(&server).await;
    stream.write_all(SLOW).await.unwrap();
    stream.write_all(b"client_credentials").await.unwrap();
    while server.clerk.admin().calls().sign_in_creates == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    eventually_counts(
        &server,
        r#"ileap_http_failures_total{endpoint="token",cause="client_gone"} 1"#,
    )
    .await;
    eventually_counts(
        &server,
        r#"ileap_http_requests_total{endpoint="token",status="499"} 1"#,
    )
    .await;
}

#[tokio::test]
async fn a_token_request_with_a_bearer_token_and_form_credentials_is_refused() {
    let server = TestServer::start().await;
    let answer = server
        .http
        .post(format!("{}/auth/token", server.base))
        .bearer_auth("x")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials&client_id=hello&client_secret=pathfinder")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await, (400, "invalid_request".into()));
}
