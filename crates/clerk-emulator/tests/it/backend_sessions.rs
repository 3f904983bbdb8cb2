//! Sessions and sign-in tokens at the Backend API.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clerk_emulator::{EmulatorClock, EmulatorOptions, EmulatorUser, InstanceKind, Scenario};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Clerk, PASSWORD, read};

async fn clerk(kind: InstanceKind) -> Clerk {
    let users = [
        EmulatorUser::with_username("hello", PASSWORD).member_of("acme", "user"),
        EmulatorUser::with_username("careful", PASSWORD).in_scenario(Scenario::Mfa),
    ];
    Clerk::start(EmulatorOptions {
        instance_kind: kind,
        device_trust: true,
        jwt_templates: vec!["partner".to_owned()],
        clock: EmulatorClock::manual(1_790_000_000_000),
        limits: false,
        ..EmulatorOptions::with_users(users)
    })
    .await
}

async fn post(clerk: &Clerk, path: &str, body: Value) -> Answer {
    clerk.backend_send(Method::POST, path, &body).await
}

fn claims(answer: &Answer) -> Value {
    let jwt = answer.body["jwt"].as_str().unwrap();
    let claims = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// A sign-in token for the user, and its id.
async fn ticket(clerk: &Clerk, username: &str, body: Value) -> (String, String) {
    let mut body = body;
    body["user_id"] = json!(clerk.emulator.user_id(username).unwrap());
    let made = post(clerk, "/v1/sign_in_tokens", body).await.body;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

async fn redeem(clerk: &Clerk, ticket: &str) -> Answer {
    let form = [("strategy", "ticket"), ("ticket", ticket)];
    clerk.post("/v1/client/sign_ins", "", &form).await
}

#[tokio::test]
async fn sessions_are_listed_by_user_and_status_with_the_newest_first() {
    let clerk = clerk(InstanceKind::Development).await;
    let ids = [
        clerk.sign_in("hello", PASSWORD).await,
        clerk.sign_in("hello", PASSWORD).await,
    ]
    .map(|answer| answer.session_id().to_owned());
    let user = clerk.emulator.user_id("hello").unwrap();
    let list = |query: &str| {
        let path = format!("/v1/sessions?user_id={user}{query}");
        let clerk = &clerk;
        async move { clerk.backend_get(&path).await.body }
    };
    let all = list("").await;
    assert_eq!(all[0]["id"], ids[1]);
    assert_eq!(all[1]["id"], ids[0]);
    post(
        &clerk,
        &format!("/v1/sessions/{}/revoke", ids[1]),
        json!({}),
    )
    .await;
    assert_eq!(list("&status=active").await[0]["id"], ids[0]);
    assert_eq!(
        list("&status=revoked&paginated=true").await["total_count"],
        1
    );
    let other = clerk.backend_get("/v1/sessions?user_id=user_none").await;
    assert_eq!(other.body, json!([]));
    let refused = clerk.backend_get("/v1/sessions?status=asleep").await;
    assert_eq!(refused.refusal(), (422, "form_param_value_invalid"));
}

#[tokio::test]
async fn a_revoked_session_is_over_at_the_frontend_api_too() {
    let clerk = clerk(InstanceKind::Production).await;
    let signed_in = clerk.sign_in("hello", PASSWORD).await;
    let path = format!("/v1/sessions/{}/revoke", signed_in.session_id());
    assert_eq!(
        post(&clerk, &path, json!({})).await.body["status"],
        "revoked"
    );
    let tokens = format!("/v1/client/sessions/{}/tokens", signed_in.session_id());
    let refused = clerk.post(&tokens, signed_in.token(), &[]).await;
    assert_eq!(refused.refusal(), (401, "authentication_invalid"));
    assert_eq!(post(&clerk, &path, json!({})).await.status, 400);
    let unknown = post(&clerk, "/v1/sessions/sess_none/revoke", json!({})).await;
    assert_eq!(unknown.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn sessions_are_made_for_tests_only() {
    let production = clerk(InstanceKind::Production).await;
    let body = |clerk: &Clerk| json!({"user_id": clerk.emulator.user_id("hello").unwrap()});
    let refused = post(&production, "/v1/sessions", body(&production)).await;
    assert_eq!(refused.refusal(), (400, "request_invalid_for_environment"));

    let development = clerk(InstanceKind::Development).await;
    let made = post(&development, "/v1/sessions", body(&development)).await;
    assert_eq!(made.body["status"], "active");
    assert_eq!(development.admin().sessions_active_of("hello"), Ok(1));
    let unknown = post(
        &development,
        "/v1/sessions",
        json!({"user_id": "user_none"}),
    )
    .await;
    assert_eq!(unknown.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn a_token_lives_as_long_as_was_asked_for() {
    let clerk = clerk(InstanceKind::Development).await;
    let user = clerk.emulator.user_id("hello").unwrap();
    let acme = clerk.emulator.organization_id("acme").unwrap();
    let body = json!({"user_id": user, "active_organization_id": acme});
    let session = post(&clerk, "/v1/sessions", body).await;
    let path = format!(
        "/v1/sessions/{}/tokens",
        session.body["id"].as_str().unwrap()
    );
    for (body, seconds) in [
        (json!({}), 60),
        (json!({"expires_in_seconds": null}), 60),
        (json!({"expires_in_seconds": 600}), 600),
    ] {
        let claims = claims(&post(&clerk, &path, body).await);
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(lifetime, seconds);
        assert_eq!(claims["o"]["id"], acme);
    }
    let refused = post(&clerk, &path, json!({"expires_in_seconds": 29})).await;
    assert_eq!(refused.refusal(), (422, "form_param_value_invalid"));
    let template = post(
        &clerk,
        &format!("{path}/partner"),
        json!({"expires_in_seconds": 90}),
    )
    .await;
    assert_eq!(claims(&template)["sub"], user);
    let unknown = post(&clerk, &format!("{path}/nobodys"), json!({})).await;
    assert_eq!(unknown.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn a_sign_in_token_signs_in_once_past_device_trust() {
    let clerk = clerk(InstanceKind::Production).await;
    let (ticket, _) = ticket(&clerk, "hello", json!({})).await;
    let signed_in = redeem(&clerk, &ticket).await;
    assert_eq!(signed_in.sign_in_status(), "complete");
    assert_eq!(clerk.admin().sessions_active_of("hello"), Ok(1));
    assert_eq!(
        redeem(&clerk, &ticket).await.refusal(),
        (400, "sign_in_token_already_used_code")
    );
}

#[tokio::test]
async fn a_sign_in_token_does_not_stand_for_the_second_factor() {
    let clerk = clerk(InstanceKind::Production).await;
    let (ticket, _) = ticket(&clerk, "careful", json!({})).await;
    let stopped = redeem(&clerk, &ticket).await;
    assert_eq!(stopped.sign_in_status(), "needs_second_factor");
}

#[tokio::test]
async fn sign_in_tokens_that_are_revoked_expired_or_made_up_are_refused() {
    let clerk = clerk(InstanceKind::Production).await;
    let (revoked, id) = ticket(&clerk, "hello", json!({})).await;
    let path = format!("/v1/sign_in_tokens/{id}/revoke");
    assert_eq!(
        post(&clerk, &path, json!({})).await.body["status"],
        "revoked"
    );
    assert_eq!(post(&clerk, &path, json!({})).await.status, 400);
    let (expired, _) = ticket(&clerk, "hello", json!({"expires_in_seconds": 60})).await;
    clerk
        .admin()
        .advance_clock(Duration::from_secs(60))
        .unwrap();
    for (ticket, code) in [
        (revoked.as_str(), "sign_in_token_revoked_code"),
        (expired.as_str(), "ticket_expired_code"),
        ("made up", "ticket_invalid_code"),
    ] {
        assert_eq!(redeem(&clerk, ticket).await.refusal(), (400, code));
    }
    let form = [("strategy", "ticket")];
    let without = clerk.post("/v1/client/sign_ins", "", &form).await;
    assert_eq!(without.refusal(), (422, "form_param_missing"));
}

#[tokio::test]
async fn a_sign_in_token_names_an_organization_in_the_newer_version_only() {
    let clerk = clerk(InstanceKind::Production).await;
    let acme = clerk.emulator.organization_id("acme").unwrap();
    let user = |name: &str| clerk.emulator.user_id(name).unwrap();
    let make = |version: &'static str, name: &str| {
        clerk
            .plain(Method::POST, "/v1/sign_in_tokens")
            .bearer_auth(clerk.emulator.secret_key())
            .header("clerk-api-version", version)
            .json(&json!({"user_id": user(name), "org_id": acme}))
    };
    let older = read(make("2025-11-10", "hello")).await;
    assert_eq!(older.refusal(), (422, "form_param_unknown"));
    let stranger = read(make("2026-05-12", "careful")).await;
    assert_eq!(stranger.refusal(), (403, "not_a_member_in_organization"));
    let ticket = read(make("2026-05-12", "hello")).await;
    let signed_in = redeem(&clerk, ticket.body["token"].as_str().unwrap()).await;
    let path = format!("/v1/sessions/{}", signed_in.session_id());
    let session = clerk.backend_get(&path).await.body;
    assert_eq!(session["last_active_organization_id"], acme);
}
