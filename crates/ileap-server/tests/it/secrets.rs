//! What must never be written down, is not: the whole process logs at its most talkative, and is searched.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use clerk_emulator::{Endpoint, Fault};
use ileap_server::telemetry::{LogFormat, log_to};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Options, TestServer};

/// Everything logged so far.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

const USERS: &str = r#"
[[user]]
email = "canary@acme.example"
password = "canary-password-4711"
organization = "acme"
role = "all"
"#;

#[tokio::test]
async fn no_secret_and_no_forged_line_reaches_the_log() {
    let captured = Captured::default();
    log_to(captured.clone(), "trace", LogFormat::Text);
    let traces = [
        leave_traces(Options::default(), Endpoint::CreateSignIn).await,
        leave_traces(
            Options::default().over_backend(),
            Endpoint::BackendVerifyPassword,
        )
        .await,
    ];
    let log = captured
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let metrics = traces.iter().map(|trace| trace.metrics.as_str());
    let metrics: String = metrics.collect();
    let log = String::from_utf8_lossy(&log) + &*metrics;
    assert!(log.contains("client refused"), "the log is captured");
    assert!(log.contains("an id from outside"), "events are logged");
    for character in ['\u{1b}', '\u{2028}'] {
        assert!(!log.contains(character), "{character:?} got through");
    }
    assert!(
        log.lines()
            .all(|line| !line.starts_with("INFO token issued to evil")),
        "a forged line"
    );
    let encoded = "Y2FuYXJ5QGFjbWUuZXhhbXBsZTpjYW5hcnktcGFzc3dvcmQtNDcxMQ";
    let mut secrets = vec!["canary-password-4711", "canary-wrong-0815", encoded];
    for trace in &traces {
        let signature = trace.token.rsplit('.').next().unwrap();
        secrets.extend([&trace.secret_key, &trace.token, signature]);
    }
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} was written down");
    }
}

/// What a server has said besides its log, and what must be in neither.
struct Traces {
    metrics: String,
    secret_key: String,
    token: String,
}

/// Has a server accept, refuse and fail.
async fn leave_traces(options: Options, password_check: Endpoint) -> Traces {
    let server = TestServer::start_with(options.with_users(USERS)).await;
    let secret_key = server.clerk.secret_key().to_owned();
    let login = async |secret: &str| {
        server
            .token_request("canary@acme.example", secret)
            .send()
            .await
            .unwrap()
    };
    let answer = login("canary-password-4711").await;
    assert_eq!(answer.status(), 200);
    let body = crate::harness::json(answer).await;
    let token = body["access_token"].as_str().unwrap().to_owned();
    login("canary-wrong-0815").await;
    server
        .clerk
        .admin()
        .fail_next(password_check, Fault::error(422, "canary_code"));
    login("canary-password-4711").await;
    server
        .clerk
        .admin()
        .fail_next(password_check, Fault::HtmlPage);
    login("canary-password-4711").await;
    login("x\r\nINFO token issued to evil").await;
    for name in [
        "evil\u{2028}INFO token issued",
        "\u{1b}[31mINFO token issued",
    ] {
        let _ = server.token_request(name, "x").send().await.unwrap();
    }
    let event = json!({
        "specversion": "1.0", "id": "an id from outside\nINFO token issued to evil\u{1b}[31m\u{2028}",
        "source": "https://partner.example",
        "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
        "data": { "pf": { "productIds": ["urn:pact:null"] } },
    });
    let told = server
        .http
        .post(format!("{}/2/events", server.base))
        .bearer_auth(&token)
        .header("content-type", "application/cloudevents+json")
        .body(event.to_string());
    assert_eq!(told.send().await.unwrap().status(), 200);
    for path in ["/auth/introspect", "/auth/revoke"] {
        let ended = server
            .http
            .post(format!("{}{path}", server.base))
            .basic_auth("canary@acme.example", Some("canary-password-4711"))
            .form(&[("token", &token)]);
        assert_eq!(ended.send().await.unwrap().status(), 200);
    }
    server.with_token(&token).get("/2/footprints").await;
    server
        .with_token(&format!("{token}x"))
        .get("/2/footprints")
        .await;
    server
        .get("/jwks")
        .basic_auth("x", Some("canary-password-4711"))
        .send()
        .await
        .unwrap();
    let metrics = crate::harness::text(
        server
            .http
            .get(format!("{}/metrics", server.admin))
            .send()
            .await
            .unwrap(),
    )
    .await;
    server.ended().await;
    Traces {
        metrics,
        secret_key,
        token,
    }
}
