//! The audit trail of a running server: every decision, and nothing that opens a door.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_emulator::{Endpoint, Fault};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

use crate::harness::{Options, TestServer};

/// A server that keeps a trail, and what it has written once it ended.
struct Audited {
    directory: TempDir,
    server: TestServer,
}

impl Audited {
    async fn start(data_access: &str, options: Options) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("audit.jsonl");
        let options = options
            .set("ILEAP_AUDIT__TARGET", "file")
            .set("ILEAP_AUDIT__FILE", file.to_str().unwrap())
            .set("ILEAP_AUDIT__DATA_ACCESS", data_access);
        Self {
            server: TestServer::start_with(options).await,
            directory,
        }
    }

    async fn log_in(&self, client_id: &str, secret: &str) -> reqwest::Response {
        let request = self.server.token_request(client_id, secret);
        request.send().await.unwrap()
    }

    async fn ended(self) -> (String, Vec<Value>) {
        self.server.ended().await;
        let text = fs::read_to_string(self.directory.path().join("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines = lines.collect();
        (text, lines)
    }
}

/// Some fields of a line, `-` where it has none.
fn fields(line: &Value, names: &[&str]) -> String {
    let field = |name: &&str| match &line[*name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    names.iter().map(field).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn every_login_is_on_record_with_its_outcome_and_reason() {
    let audited = Audited::start("none", Options::default().over_backend()).await;
    let answer = audited.log_in("operator", "ileap").await;
    let request_id = crate::harness::header(&answer, "x-request-id");
    let token = crate::harness::json(answer).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    audited.log_in("operator", "canary-wrong-0815").await;
    audited.log_in("nobody\r\nat all", "ileap").await;
    audited.log_in("no_role", "ileap").await;
    let unauthenticated = audited
        .server
        .http
        .post(format!("{}/auth/token", audited.server.base));
    unauthenticated.send().await.unwrap();
    audited.server.with_token(&token).get("/2/footprints").await;
    let (text, lines) = audited.ended().await;
    let names = ["event", "outcome", "reason", "client_id", "status"];
    let seen: Vec<_> = lines.iter().map(|line| fields(line, &names)).collect();
    assert_eq!(
        seen,
        [
            "token_request accepted - operator 200",
            "token_request refused wrong_secret operator 400",
            "token_request refused credentials_malformed - 400",
            "token_request refused no_role no_role 400",
            "token_request refused media_type_unsupported - 400",
        ]
    );
    let first = &lines[0];
    assert_eq!(first["request_id"], *request_id);
    assert_eq!(first["client_address"], "127.0.0.1");
    assert!(
        first["subject"]
            .as_str()
            .unwrap()
            .starts_with("clerk|user_")
    );
    assert!(first["organization"].as_str().unwrap().starts_with("org_"));
    assert!(first["time"].as_str().unwrap().ends_with('Z'));
    for secret in ["canary-wrong-0815", "Basic", &token] {
        assert!(!text.contains(secret), "{secret} is on record");
    }
}

#[tokio::test]
async fn questions_about_tokens_are_on_record_most_of_all_those_about_somebody_elses() {
    let other = vec![
        "introspection accepted inactive operator 200",
        "revocation accepted inactive operator 200",
    ];
    let mut all = other.clone();
    all.insert(0, "introspection accepted - hello 200");
    for (data_access, wanted) in [("refused", other), ("all", all)] {
        let audited = Audited::start(data_access, Options::default()).await;
        let server = &audited.server;
        let token = server.as_client("hello").await.token.clone();
        for (path, client) in [
            ("/auth/introspect", ("hello", "pathfinder")),
            ("/auth/introspect", ("operator", "ileap")),
            ("/auth/revoke", ("operator", "ileap")),
        ] {
            let answer = server.ask(path, client, &token).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        let (text, lines) = audited.ended().await;
        assert!(!text.contains(&token));
        let asked = lines.iter().filter(|line| {
            let event = line["event"].as_str();
            matches!(event, Some("introspection" | "revocation"))
        });
        let names = ["event", "outcome", "reason", "client_id", "status"];
        let asked: Vec<_> = asked.map(|line| fields(line, &names)).collect();
        assert_eq!(asked, wanted, "{data_access}");
    }
}

#[tokio::test]
async fn data_access_is_on_record_as_far_as_the_operator_wants() {
    for (data_access, wanted) in [
        ("none", vec![]),
        (
            "refused",
            vec![
                "refused signature - 403 tad",
                "refused token_missing - 401 list_footprints",
            ],
        ),
        (
            "all",
            vec![
                "accepted - hello 200 list_footprints",
                "accepted footprint_not_found hello 404 get_footprint",
                "refused signature - 403 tad",
                "refused token_missing - 401 list_footprints",
            ],
        ),
    ] {
        let audited = Audited::start(data_access, Options::default()).await;
        let caller = audited.server.as_client("hello").await;
        caller.get("/2/footprints").await;
        caller
            .get("/2/footprints/00000000-0000-4000-8000-000000000000")
            .await;
        // Any character of the signature but the last, in which not every bit counts.
        let place = caller.token.len() - 10;
        let (before, rest) = caller.token.split_at(place);
        let other = if rest.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{before}{other}{}", &rest[1..]);
        audited.server.with_token(&forged).get("/2/ileap/tad").await;
        audited.server.get("/2/footprints").send().await.unwrap();
        audited.server.get("/jwks").send().await.unwrap();
        let deleted = format!("{}/2/footprints", audited.server.base);
        audited.server.http.delete(deleted).send().await.unwrap();
        let (_, lines) = audited.ended().await;
        let data = lines.iter().filter(|line| line["event"] == "data_access");
        let names = ["outcome", "reason", "client_id", "status", "endpoint"];
        let seen: Vec<_> = data.map(|line| fields(line, &names)).collect();
        assert_eq!(seen, wanted, "{data_access}");
    }
}

#[tokio::test]
async fn whose_token_is_used_after_its_end_is_on_record() {
    let audited = Audited::start("refused", Options::default()).await;
    let server = &audited.server;
    let token = server.as_client("hello").await.token;
    let revoked = server.ask("/auth/revoke", ("hello", "pathfinder"), &token);
    assert_eq!(revoked.send().await.unwrap().status(), 200);
    let expired = server.expired_token();
    for token in [&token, &expired] {
        let answer = server.with_token(token).get("/2/footprints").await;
        assert_eq!(answer.status(), 401);
    }
    let (_, lines) = audited.ended().await;
    let data = lines.iter().filter(|line| line["event"] == "data_access");
    let names = ["outcome", "reason", "client_id"];
    let seen: Vec<_> = data.map(|line| fields(line, &names)).collect();
    assert_eq!(
        seen,
        ["refused revoked hello", "refused token_expired hello"]
    );
    let subjects: Vec<_> = lines
        .iter()
        .map(|line| line["subject"].as_str().unwrap())
        .collect();
    assert!(
        subjects[..3].iter().all(|subject| *subject == subjects[0]),
        "{subjects:?}"
    );
    let revocation = lines.iter().find(|line| line["event"] == "revocation");
    let change = revocation.unwrap()["change"].as_str().unwrap();
    let id = change.strip_prefix("token ").unwrap();
    assert!(id.len() > 20 && id.ends_with(" revoked"), "{change}");
}

impl Audited {
    /// Sends a request and hangs up as soon as `is_under_way`, which is before the answer; waits for the trail's next
    /// `event`. Lines of other events may still be on their way to the trail.
    async fn hang_up_on(&self, event: &str, request: &str, is_under_way: impl Fn() -> bool) {
        let event = format!(r#""event":"{event}""#);
        let lines = || {
            let text = fs::read_to_string(self.directory.path().join("audit.jsonl"));
            text.unwrap_or_default().matches(&event).count()
        };
        let before = lines();
        let address = self.server.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        while !is_under_way() {
            tokio::task::yield_now().await;
        }
        drop(stream);
        for _ in 0..1500 {
            if lines() > before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing is on record of a request whose client hung up");
    }
}

fn login(credentials: &str) -> String {
    format!(
        "POST /auth/token HTTP/1.1\r\nhost: x\r\nauthorization: Basic {}\r\ncontent-length: 29\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\ngrant_type=client_credentials",
        STANDARD.encode(credentials)
    )
}

#[tokio::test]
async fn whoever_hangs_up_before_the_answer_is_on_record_with_what_was_decided() {
    let audited = Audited::start("none", Options::default().over_backend()).await;
    let clerk = &audited.server.clerk;
    let slow = Fault::Latency(Duration::from_millis(300));
    let admin = clerk.admin();
    admin.fail_always(Endpoint::BackendVerifyPassword, slow);
    for (turn, credentials) in (1..).zip(["operator:guess", "operator:ileap"]) {
        let is_under_way = || admin.calls().of(Endpoint::BackendVerifyPassword) >= turn;
        let login = login(credentials);
        audited
            .hang_up_on("token_request", &login, is_under_way)
            .await;
    }
    let metrics = audited
        .server
        .http
        .get(format!("{}/metrics", audited.server.admin));
    let metrics = crate::harness::text(metrics.send().await.unwrap()).await;
    let gone = r#"ileap_http_requests_total{endpoint="token",status="499"} 2"#;
    assert!(metrics.contains(gone), "{metrics}");
    let (_, lines) = audited.ended().await;
    let names = ["event", "outcome", "reason", "client_id"];
    let seen: Vec<_> = lines.iter().map(|line| fields(line, &names)).collect();
    assert_eq!(
        seen,
        [
            "token_request refused wrong_secret operator",
            "token_request accepted - operator",
        ]
    );
    assert!(lines.iter().all(|line| line["request_id"].is_string()));
}

#[tokio::test]
async fn whoever_asks_for_data_and_does_not_wait_for_it_is_on_record() {
    // A service that takes connections and says nothing.
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options::default().set("ILEAP_DATA__KIND", "upstream").set(
        "ILEAP_DATA__UPSTREAM__URL",
        format!("http://{}", service.local_addr().unwrap()),
    );
    let audited = Audited::start("all", options).await;
    let token = audited.server.as_client("hello").await.token.clone();
    let is_asked = AtomicBool::new(false);
    let request =
        format!("GET /2/footprints HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    let asked = async {
        let connection = service.accept().await.unwrap();
        is_asked.store(true, Ordering::SeqCst);
        connection
    };
    let is_under_way = || is_asked.load(Ordering::SeqCst);
    let hang_up = audited.hang_up_on("data_access", &request, is_under_way);
    let (connection, ()) = tokio::join!(asked, hang_up);
    drop(connection);
    let (_, lines) = audited.ended().await;
    let names = [
        "event",
        "outcome",
        "reason",
        "client_id",
        "status",
        "endpoint",
    ];
    let mut data = lines.iter().filter(|line| line["event"] == "data_access");
    let line = data.next().unwrap();
    assert_eq!(
        fields(line, &names),
        "data_access accepted client_gone hello 499 list_footprints"
    );
    assert!(line["subject"].is_string());
    assert!(data.next().is_none());
}

#[tokio::test]
async fn logins_that_are_held_back_are_told_from_refused_ones() {
    let options = Options::default()
        .over_backend()
        .set("ILEAP_VERIFIER__BUDGET__ENABLED", "true")
        .set("ILEAP_VERIFIER__BUDGET__FAILURES_PER_ADDRESS", "2");
    let audited = Audited::start("none", options).await;
    for number in 0..3 {
        audited.log_in(&format!("stranger{number}"), "guess").await;
    }
    let metrics = audited
        .server
        .http
        .get(format!("{}/metrics", audited.server.admin));
    let metrics = crate::harness::text(metrics.send().await.unwrap()).await;
    let (_, lines) = audited.ended().await;
    let names = ["outcome", "reason", "status"];
    let seen: Vec<_> = lines.iter().map(|line| fields(line, &names)).collect();
    let refused = "refused unknown_client 400";
    assert_eq!(seen, [refused, refused, "held_back address 429"]);
    for line in [
        r#"ileap_logins_held_back_total{budget="address"} 1"#,
        r#"ileap_clients_refused_total{reason="unknown_client"} 2"#,
        r#"ileap_clerk_breaker_open{api="backend"} 0"#,
        r#"ileap_cache_entries{cache="addresses"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    let clerk_was_asked = metrics.contains(r#"ileap_clerk_calls_total{api="backend",outcome="#);
    assert!(clerk_was_asked, "{metrics}");
}
