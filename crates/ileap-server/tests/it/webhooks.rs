//! Clerk tells of changes: what was remembered goes at once, live tokens with it.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clerk_emulator::{Endpoint, Fault};
use ileap_server::clock::{Clock as _, SystemClock};
use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Caller, Options, TestServer, refusal};

const KEY: &[u8] = b"a signing key of twenty-four";

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

/// With an issuer that outlives a restart.
async fn start() -> TestServer {
    let options = Options::default()
        .set("CLERK_WEBHOOK_SIGNING_SECRET", secret())
        .set("ILEAP_PUBLIC_BASE_URL", "http://127.0.0.1:8080");
    TestServer::start_with(options).await
}

fn now() -> u64 {
    SystemClock.now().as_second().unsigned_abs()
}

/// A webhook as Clerk sends it, signed with `key`.
async fn deliver(
    server: &TestServer,
    id: &str,
    sent_at: u64,
    key: &[u8],
    event: &Value,
) -> Response {
    let body = event.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{id}.{sent_at}.{body}").as_bytes());
    server
        .http
        .post(format!("{}/webhooks/clerk", server.base))
        .header("content-type", "application/json")
        .header("svix-id", id)
        .header("svix-timestamp", sent_at.to_string())
        .header("svix-signature", format!("v1,{}", STANDARD.encode(tag)))
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn tell(server: &TestServer, id: &str, event: &Value) {
    let answer = deliver(server, id, now(), KEY, event).await;
    assert_eq!(answer.status(), 204);
}

fn updated(server: &TestServer, client: &str) -> Value {
    let id = server.clerk.user_id(client).unwrap();
    json!({"type": "user.updated", "object": "event", "data": {"id": id, "object": "user"}})
}

async fn is_cut_off(caller: &Caller<'_>) -> bool {
    let pact = refusal(caller.get("/2/footprints").await).await;
    let tad = refusal(caller.get("/2/ileap/tad").await).await;
    pact == (401, "BadRequest".to_owned()) && tad == (403, "AccessDenied".to_owned())
}

#[tokio::test]
async fn a_ban_bites_at_once() {
    let server = start().await;
    let partner = server.as_client("operator").await;
    server.clerk.admin().ban("operator").unwrap();
    assert_eq!(
        server
            .token_request("operator", "ileap")
            .send()
            .await
            .unwrap()
            .status(),
        200,
        "still known good"
    );
    tell(&server, "msg_1", &updated(&server, "operator")).await;
    assert!(is_cut_off(&partner).await);
    let answer = server
        .token_request("operator", "ileap")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await, (400, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_partner_that_logs_in_again_in_the_same_second_is_let_in() {
    let server = start().await;
    for round in 0..2 {
        let before = server.as_client("operator").await;
        tell(
            &server,
            &format!("msg_{round}"),
            &updated(&server, "operator"),
        )
        .await;
        assert!(is_cut_off(&before).await);
        let again = server.as_client("operator").await;
        assert_eq!(again.get("/2/footprints").await.status(), 200);
    }
}

#[tokio::test]
async fn a_login_under_way_when_the_ban_is_told_is_judged_once_more() {
    let options = Options::default()
        .over_backend()
        .set("CLERK_WEBHOOK_SIGNING_SECRET", secret());
    let server = TestServer::start_with(options).await;
    let clerk = server.clerk.admin();
    // Judged as right, and long on its way to us.
    let slow = Fault::Latency(Duration::from_secs(1));
    clerk.fail_next(Endpoint::BackendVerifyPassword, slow);
    let login = server.token_request("operator", "ileap").send();
    let ban = async {
        while clerk.calls().of(Endpoint::BackendVerifyPassword) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        clerk.ban("operator").unwrap();
        tell(&server, "msg_1", &updated(&server, "operator")).await;
        // Nor does anybody who comes now join the one under way.
        server.token_request("operator", "ileap").send().await
    };
    let (login, later) = tokio::join!(login, ban);
    for answer in [login, later] {
        assert_eq!(
            refusal(answer.unwrap()).await,
            (400, "invalid_client".to_owned())
        );
    }
}

#[tokio::test]
async fn a_login_that_webhooks_overtake_twice_is_told_to_come_back() {
    let options = Options::default()
        .over_backend()
        .set("CLERK_WEBHOOK_SIGNING_SECRET", secret());
    let server = TestServer::start_with(options).await;
    let clerk = server.clerk.admin();
    let slow = Fault::Latency(Duration::from_secs(2));
    clerk.fail_always(Endpoint::BackendVerifyPassword, slow);
    let login = server.token_request("operator", "ileap").send();
    let changes = async {
        for number in 1..=2 {
            while clerk.calls().of(Endpoint::BackendVerifyPassword) < number {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let id = format!("msg_{number}");
            tell(&server, &id, &updated(&server, "operator")).await;
        }
    };
    let both = async { tokio::join!(login, changes) };
    let (login, ()) = tokio::time::timeout(Duration::from_secs(60), both)
        .await
        .unwrap();
    assert_eq!(login.unwrap().status(), 503);
    assert_eq!(clerk.calls().of(Endpoint::BackendVerifyPassword), 2);
}

#[tokio::test]
async fn others_are_not_touched() {
    let server = start().await;
    let other = server.as_client("hello").await;
    tell(&server, "msg_1", &updated(&server, "operator")).await;
    assert_eq!(other.get("/2/footprints").await.status(), 200);
}

#[tokio::test]
async fn leaving_an_organization_and_its_end_cut_off_too() {
    for about in ["membership", "organization"] {
        let server = start().await;
        let partner = server.as_client("operator").await;
        let user = server.clerk.user_id("operator").unwrap();
        let organization = server.clerk.organization_id("carrier").unwrap();
        let event = match about {
            "membership" => json!({
                "type": "organizationMembership.deleted",
                "data": {"public_user_data": {"user_id": user}},
            }),
            _ => json!({"type": "organization.deleted", "data": {"id": organization}}),
        };
        tell(&server, "msg_1", &event).await;
        assert!(is_cut_off(&partner).await, "{about}");
    }
}

#[tokio::test]
async fn what_clerk_has_not_signed_changes_nothing() {
    let server = start().await;
    let partner = server.as_client("operator").await;
    let event = updated(&server, "operator");
    for (what, sent_at, key) in [
        ("a wrong secret", now(), b"another key".as_slice()),
        ("an old one", now() - 301, KEY),
        ("one from the future", now() + 301, KEY),
    ] {
        let answer = deliver(&server, "msg_1", sent_at, key, &event).await;
        assert_eq!(
            refusal(answer).await,
            (401, "BadRequest".to_owned()),
            "{what}"
        );
    }
    let bare = server.http.post(format!("{}/webhooks/clerk", server.base));
    let answer = bare.body(event.to_string()).send().await.unwrap();
    assert_eq!(refusal(answer).await, (400, "BadRequest".to_owned()));
    assert_eq!(partner.get("/2/footprints").await.status(), 200);
}

#[tokio::test]
async fn the_same_webhook_again_changes_nothing() {
    let server = start().await;
    let event = updated(&server, "operator");
    tell(&server, "msg_1", &event).await;
    let partner = server.as_client("operator").await;
    tell(&server, "msg_1", &event).await;
    assert_eq!(partner.get("/2/footprints").await.status(), 200);
}

#[tokio::test]
async fn odd_and_unknown_events_are_acknowledged() {
    let server = start().await;
    for event in [
        json!({"type": "invented.tomorrow", "data": {}}),
        json!({"type": "user.updated", "data": {"id": 7}}),
        json!([]),
    ] {
        tell(&server, "msg_1", &event).await;
    }
    let huge = json!({"type": "user.updated", "padding": "x".repeat(300 * 1024)});
    let answer = deliver(&server, "msg_2", now(), KEY, &huge).await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn without_a_secret_there_is_nothing_at_the_path() {
    let server = TestServer::start().await;
    let answer = deliver(&server, "msg_1", now(), KEY, &json!({})).await;
    assert_eq!(refusal(answer).await.0, 404);
}

#[tokio::test]
async fn a_restart_keeps_what_was_cut_off() {
    let server = start().await;
    let token = server.as_client("operator").await.token;
    let others = server.as_client("hello").await.token;
    tell(&server, "msg_1", &updated(&server, "operator")).await;
    let server = server.restarted().await;
    assert!(is_cut_off(&server.with_token(&token)).await);
    let others = server.with_token(&others).get("/2/footprints").await;
    assert_eq!(others.status(), 200);
    let again = server.as_client("operator").await;
    assert_eq!(again.get("/2/footprints").await.status(), 200);
}

#[tokio::test]
async fn other_instances_on_the_same_store_follow() {
    let first = start().await;
    let second = first.beside().await;
    let partner = second.as_client("operator").await;
    tell(&first, "msg_1", &updated(&first, "operator")).await;
    while !is_cut_off_quietly(&partner).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As Clerk sends it: with when the password was changed.
fn looks(server: &TestServer, client: &str, (name, value): (&str, Value)) -> Value {
    let mut event = updated(server, client);
    event["data"]["password_last_updated_at"] = json!(7);
    event["data"][name] = value;
    event
}

#[tokio::test]
async fn what_looks_as_before_counts_again_when_another_instance_heard_of_a_change_in_between() {
    let first = start().await;
    let second = first.beside().await;
    for (name, before, after) in [
        ("banned", json!(false), json!(true)),
        ("two_factor_enabled", json!(false), json!(true)),
    ] {
        let user = |value: &Value| looks(&first, "operator", (name, value.clone()));
        let id = |number: u8| format!("msg_{name}_{number}");
        tell(&second, &id(1), &user(&after)).await;
        tell(&first, &id(2), &user(&before)).await;
        let token = first.as_client("operator").await.token;
        let partner = second.with_token(&token);
        assert_eq!(partner.get("/2/footprints").await.status(), 200);
        tell(&second, &id(3), &user(&after)).await;
        assert!(is_cut_off(&partner).await, "{name}");
    }
}

#[tokio::test]
async fn a_sign_in_is_no_news_for_any_instance_nor_after_a_restart() {
    let first = start().await;
    let second = first.beside().await;
    let user = |at: u64| looks(&second, "operator", ("last_sign_in_at", json!(at)));
    tell(&first, "msg_1", &user(1)).await;
    let token = first.as_client("operator").await.token;
    let first = first.restarted().await;
    for (number, server) in (2..).zip([&first, &second]) {
        tell(server, &format!("msg_{number}"), &user(number)).await;
        let answer = server.with_token(&token).get("/2/footprints").await;
        assert_eq!(answer.status(), 200);
    }
}

async fn is_cut_off_quietly(caller: &Caller<'_>) -> bool {
    caller.get("/2/footprints").await.status() == 401
}

#[tokio::test]
async fn clerk_itself_tells_of_a_ban() {
    let clerk = TestServer::start().await.clerk;
    let secret = clerk.webhook_signing_secret().to_owned();
    let options = Options::default()
        .over_backend()
        .set("CLERK_WEBHOOK_SIGNING_SECRET", secret.clone());
    let server = TestServer::start_beside(options, clerk.clone()).await;
    let url = format!("{}/webhooks/clerk", server.base);
    clerk.admin().set_webhook_url(Some(&url)).unwrap();
    let partner = server.as_client("operator").await;
    // The login has made no news.
    clerk.admin().webhooks_told().await;
    assert_eq!(partner.get("/2/footprints").await.status(), 200);
    clerk.admin().ban("operator").unwrap();
    clerk.admin().webhooks_told().await;
    assert!(is_cut_off(&partner).await);
    let answer = server.token_request("operator", "ileap").send().await;
    assert_eq!(answer.unwrap().status(), 400);
}

#[tokio::test]
async fn what_a_webhook_cuts_off_is_on_record_once() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("audit.jsonl");
    let options = Options::default()
        .set("CLERK_WEBHOOK_SIGNING_SECRET", secret())
        .set("ILEAP_AUDIT__TARGET", "file")
        .set("ILEAP_AUDIT__FILE", file.to_str().unwrap());
    let server = TestServer::start_with(options).await;
    let event = updated(&server, "operator");
    tell(&server, "msg_1", &event).await;
    tell(&server, "msg_1", &event).await;
    deliver(&server, "msg_2", now(), b"another key", &event).await;
    let id = server.clerk.user_id("operator").unwrap();
    server.ended().await;
    let lines = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [done, refused] = &lines[..] else {
        panic!("{lines:?}");
    };
    assert_eq!(done["event"], "webhook");
    assert_eq!(done["outcome"], "done");
    assert_eq!(done["subject"], format!("clerk|{id}"));
    assert_eq!(refused["outcome"], "refused");
    assert_eq!(refused["reason"], "webhook_refused");
}
