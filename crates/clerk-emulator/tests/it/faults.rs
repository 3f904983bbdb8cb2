//! Failures on demand, in Rust and over HTTP.

use clerk_emulator::{EmulatorOptions, EmulatorUser, Endpoint, Fault, Scenario, known_errors};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

use crate::harness::{Clerk, PASSWORD, raw};

const USER: &str = "ops@acme.example";

async fn failing(fault: Fault) -> (Clerk, Result<(u16, Vec<u8>), reqwest::Error>) {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    clerk.admin().fail_next(Endpoint::CreateSignIn, fault);
    let form = [("identifier", USER), ("password", PASSWORD)];
    let answer = raw(clerk
        .native(Method::POST, "/v1/client/sign_ins", "")
        .form(&form))
    .await;
    (clerk, answer)
}

#[tokio::test]
async fn every_known_error_can_be_scripted() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    for (code, status) in known_errors() {
        let fault = Fault::refusal(code).about("identifier").retry_after(7);
        clerk.admin().fail_next(Endpoint::CreateSignIn, fault);
        let answer = clerk.sign_in(USER, PASSWORD).await;
        assert_eq!(answer.refusal(), (status, code));
        assert_eq!(answer.header("retry-after"), Some("7"));
        assert_eq!(answer.body["clerk_trace_id"].as_str().unwrap().len(), 32);
    }
    assert_eq!(clerk.admin().sessions_active(), 0);
}

#[tokio::test]
async fn failures_come_in_line_and_then_for_good_until_cleared() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    let admin = clerk.admin();
    admin.fail_always(Endpoint::CreateSignIn, Fault::Status(503));
    admin.fail_next(Endpoint::CreateSignIn, Fault::error(418, "one"));
    admin.fail_next(Endpoint::CreateSignIn, Fault::error(418, "two"));
    assert_eq!(clerk.sign_in(USER, PASSWORD).await.refusal(), (418, "one"));
    assert_eq!(clerk.sign_in(USER, PASSWORD).await.refusal(), (418, "two"));
    for _ in 0..3 {
        assert_eq!(clerk.sign_in(USER, PASSWORD).await.status, 503);
    }
    assert_eq!(clerk.get("/v1/client", "").await.status, 200);
    admin.clear_faults();
    assert_eq!(
        clerk.sign_in(USER, PASSWORD).await.sign_in_status(),
        "complete"
    );
}

#[tokio::test]
async fn damaged_answers_leave_their_session_behind() {
    let (clerk, half) = failing(Fault::TruncatedJson).await;
    let (status, body) = half.unwrap();
    assert_eq!(status, 200);
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_err());
    assert_eq!(clerk.admin().sessions_active(), 1);

    let (clerk, reset) = failing(Fault::Reset).await;
    assert!(reset.is_err());
    assert_eq!(clerk.admin().sessions_active(), 1);

    let (clerk, late) = failing(Fault::Latency(Duration::from_millis(5))).await;
    assert_eq!(late.unwrap().0, 200);
    assert_eq!(clerk.admin().sessions_active(), 1);

    let (_, dripped) = failing(Fault::SlowDrip(Duration::ZERO)).await;
    let body: serde_json::Value = serde_json::from_slice(&dripped.unwrap().1).unwrap();
    assert_eq!(body["response"]["status"], "complete");
}

#[tokio::test]
async fn other_failures_come_instead_of_the_call() {
    for (fault, status) in [
        (Fault::HtmlPage, 200),
        (Fault::BadGateway, 502),
        (Fault::GzipBomb, 200),
        (Fault::InvalidUtf8, 200),
        (Fault::Redirect, 307),
        (Fault::EmptyBody, 200),
        (Fault::Status(299), 299),
    ] {
        let (clerk, answer) = failing(fault.clone()).await;
        let (answered, body) = answer.unwrap();
        assert_eq!(answered, status, "{fault:?}");
        let json = serde_json::from_slice::<serde_json::Value>(&body);
        assert!(json.is_err() || body == b"{}", "{fault:?}");
        assert_eq!(clerk.admin().sessions_active(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn an_endless_body_goes_on_beyond_any_limit() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    clerk
        .admin()
        .fail_next(Endpoint::GetClient, Fault::EndlessBody);
    let request = clerk.native(Method::GET, "/v1/client", "");
    let mut answer = request.send().await.unwrap();
    let mut read = 0;
    while read < 4 * 1024 * 1024 {
        read += answer.chunk().await.unwrap().unwrap().len();
    }
}

#[tokio::test]
async fn a_hanging_call_ends_with_the_emulator() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    clerk.admin().fail_next(Endpoint::GetClient, Fault::Hang);
    let pending = tokio::spawn(raw(clerk.native(Method::GET, "/v1/client", "")));
    while clerk.admin().calls().of(Endpoint::GetClient) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!pending.is_finished());
    clerk.emulator.stop().await;
    assert!(pending.await.unwrap().is_err());
}

#[tokio::test]
async fn failures_can_be_scripted_over_http() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    for (body, status) in [
        (
            json!({"endpoint": "create_sign_in", "fault": {"kind": "error", "code": "user_locked"}}),
            200,
        ),
        (
            json!({"endpoint": "create_sign_in", "fault": {"kind": "latency", "milliseconds": 1}}),
            200,
        ),
        (
            json!({"endpoint": "create_sign_in", "always": true, "fault": {"kind": "empty_body"}}),
            200,
        ),
        (
            json!({"endpoint": "nowhere", "fault": {"kind": "hang"}}),
            422,
        ),
        (
            json!({"endpoint": "create_sign_in", "fault": {"kind": "hang"}, "when": "now"}),
            422,
        ),
    ] {
        let answer = clerk.control(Method::POST, "faults", &body).await;
        assert_eq!(answer.status, status, "{body}");
    }
    assert_eq!(
        clerk.sign_in(USER, PASSWORD).await.refusal(),
        (403, "user_locked")
    );
    assert_eq!(
        clerk.sign_in(USER, PASSWORD).await.sign_in_status(),
        "complete"
    );
    assert!(clerk.sign_in(USER, PASSWORD).await.body.is_null());
    clerk.control(Method::DELETE, "faults", &json!({})).await;
    assert_eq!(
        clerk.sign_in(USER, PASSWORD).await.sign_in_status(),
        "complete"
    );
}

#[tokio::test]
async fn accounts_can_be_changed_over_http() {
    let user = EmulatorUser::with_email(USER, PASSWORD);
    let clerk = Clerk::start(EmulatorOptions::with_users([user]).without_limits()).await;
    for (change, expected) in [
        (json!({"banned": true}), "user_banned"),
        (json!({"banned": false, "locked": true}), "user_locked"),
        (
            json!({"locked": false, "scenario": "device_trust"}),
            "needs_client_trust",
        ),
        (json!({"bypass_client_trust": true}), "complete"),
        (json!({"password": "another"}), "form_password_incorrect"),
    ] {
        let path = format!("users/{USER}");
        assert_eq!(
            clerk.control(Method::PATCH, &path, &change).await.status,
            200
        );
        assert_eq!(
            clerk.sign_in(USER, PASSWORD).await.sign_in_status(),
            expected,
            "{change}"
        );
    }
    let unknown = clerk
        .control(Method::PATCH, "users/nobody", &json!({}))
        .await;
    assert_eq!(unknown.status, 404);
    let secret = json!({"password": "s3cret", "nonsense": 1});
    let refused = clerk
        .control(Method::PATCH, &format!("users/{USER}"), &secret)
        .await;
    assert_eq!(refused.status, 422);
    assert!(!refused.body.to_string().contains("s3cret"));
}

#[tokio::test]
async fn counters_keys_and_requests_can_be_read_over_http() {
    let clerk = Clerk::with_scenario(Scenario::Ok).await;
    clerk.sign_in(USER, PASSWORD).await;
    let calls = clerk.control(Method::GET, "calls", &json!({})).await.body;
    assert_eq!(calls["calls"]["sign_in_creates"], 1);
    assert_eq!(calls["calls"]["by_endpoint"]["create_sign_in"], 1);
    assert_eq!(calls["sessions_active_by_user"][USER], 1);
    let requests = clerk
        .control(Method::GET, "requests", &json!({}))
        .await
        .body;
    assert_eq!(requests[0]["endpoint"], "create_sign_in");
    let before = clerk.get("/.well-known/jwks.json", "").await.body;
    clerk.control(Method::POST, "rotate_keys", &json!({})).await;
    assert_ne!(before, clerk.get("/.well-known/jwks.json", "").await.body);
    clerk
        .control(Method::POST, "maintenance", &json!({"enabled": true}))
        .await;
    assert_eq!(clerk.sign_in(USER, PASSWORD).await.status, 503);
}
