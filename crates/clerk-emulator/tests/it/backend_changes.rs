//! Making, changing, locking, banning and deleting users at the Backend API.

use clerk_emulator::{EmulatorClock, EmulatorOptions, EmulatorUser, Scenario};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Clerk, PASSWORD, read};

const OPS: &str = "ops@acme.example";

async fn clerk() -> Clerk {
    let users = [
        EmulatorUser::with_email(OPS, PASSWORD).member_of("acme", "all"),
        EmulatorUser {
            external_id: Some("ext-1".to_owned()),
            ..EmulatorUser::with_username("hello", PASSWORD)
        },
    ];
    Clerk::start(EmulatorOptions {
        clock: EmulatorClock::manual(1_790_000_000_000),
        limits: false,
        ..EmulatorOptions::with_users(users)
    })
    .await
}

async fn create(clerk: &Clerk, body: Value) -> Answer {
    clerk.backend_send(Method::POST, "/v1/users", &body).await
}

async fn change(clerk: &Clerk, body: Value) -> Answer {
    let path = clerk.user_path(OPS);
    clerk.backend_send(Method::PATCH, &path, &body).await
}

async fn act(clerk: &Clerk, action: &str) -> Answer {
    let path = format!("{}/{action}", clerk.user_path(OPS));
    read(clerk.backend(Method::POST, &path)).await
}

#[tokio::test]
async fn a_user_that_is_made_can_sign_in_and_has_a_verified_address() {
    let clerk = clerk().await;
    let made = create(
        &clerk,
        json!({
            "email_address": ["new@acme.example", "other@acme.example"],
            "password": PASSWORD,
            "first_name": "Zoe",
            "public_metadata": {"partner": 7},
            "private_metadata": {"note": "x"},
        }),
    )
    .await;
    assert_eq!(made.status, 200);
    let address = &made.body["email_addresses"][0];
    assert_eq!(address["verification"]["status"], "verified");
    assert_eq!(made.body["public_metadata"]["partner"], 7);
    assert_eq!(made.body["private_metadata"]["note"], "x");
    for address in ["new@acme.example", "other@acme.example"] {
        let answer = clerk.sign_in(address, PASSWORD).await;
        assert_eq!(answer.sign_in_status(), "complete");
    }
    let count = clerk.backend_get("/v1/users/count?query=acme").await;
    assert_eq!(count.body["total_count"], 2);
}

#[tokio::test]
async fn a_new_user_needs_a_name_nobody_has_and_a_sound_password() {
    let clerk = clerk().await;
    for (body, code) in [
        (json!({"password": PASSWORD}), "form_data_missing"),
        (json!({"username": "new"}), "form_data_missing"),
        (
            json!({"email_address": ["OPS@acme.example"], "password": PASSWORD}),
            "form_identifier_exists",
        ),
        (
            json!({"username": "new", "external_id": "ext-1", "password": PASSWORD}),
            "form_identifier_exists",
        ),
        (
            json!({"username": "new", "password": "short"}),
            "form_password_length_too_short",
        ),
        (
            json!({"username": "new", "password": "x".repeat(73)}),
            "form_password_size_in_bytes_exceeded",
        ),
        (
            json!({"email_address": ["new"], "password": PASSWORD}),
            "form_param_format_invalid",
        ),
        (
            json!({"email_address": "new@acme.example", "password": PASSWORD}),
            "form_param_type_invalid",
        ),
        (json!({"identifier": "new"}), "form_param_unknown"),
    ] {
        let refused = create(&clerk, body).await;
        assert_eq!(refused.refusal(), (422, code));
    }
    let without = json!({"username": "new", "skip_password_requirement": true});
    assert_eq!(create(&clerk, without).await.status, 200);
    assert_eq!(
        clerk.verify_password("new", PASSWORD).await.refusal(),
        (400, "no_password_set")
    );
}

#[tokio::test]
async fn a_user_is_found_by_its_new_username_and_not_by_the_old_one() {
    let clerk = clerk().await;
    for (username, old) in [("first", "second"), ("second", "first")] {
        assert_eq!(
            change(&clerk, json!({"username": username})).await.status,
            200
        );
        assert!(clerk.emulator.user_id(username).is_some());
        assert!(clerk.emulator.user_id(old).is_none());
    }
    let removed = change(&clerk, json!({"username": null, "last_name": "X"})).await;
    assert_eq!(removed.body["username"], Value::Null);
    assert_eq!(removed.body["last_name"], "X");
    assert!(clerk.emulator.user_id("second").is_none());
    let taken = change(&clerk, json!({"username": "hello"})).await;
    assert_eq!(taken.refusal(), (422, "form_identifier_exists"));
}

#[tokio::test]
async fn device_trust_lets_a_user_pass_that_was_told_to() {
    let clerk = Clerk::with_scenario(Scenario::DeviceTrust).await;
    let stopped = clerk.sign_in(OPS, PASSWORD).await;
    assert_eq!(stopped.sign_in_status(), "needs_client_trust");
    let changed = change(&clerk, json!({"bypass_client_trust": true})).await;
    assert_eq!(changed.body["bypass_client_trust"], true);
    let passed = clerk.sign_in(OPS, PASSWORD).await;
    assert_eq!(passed.sign_in_status(), "complete");
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one_and_ends_sessions_if_asked_to() {
    let clerk = clerk().await;
    clerk.sign_in(OPS, PASSWORD).await;
    for (password, signs_out, sessions) in
        [("new password 1", false, 1), ("new password 2", true, 0)]
    {
        let body = json!({"password": password, "sign_out_of_other_sessions": signs_out});
        assert_eq!(change(&clerk, body).await.status, 200);
        assert_eq!(clerk.admin().sessions_active(), sessions);
        assert_eq!(clerk.verify_password(OPS, password).await.status, 200);
        assert_eq!(clerk.verify_password(OPS, PASSWORD).await.status, 422);
    }
}

#[tokio::test]
async fn metadata_can_be_changed_in_the_older_version_only() {
    let clerk = clerk().await;
    let body = json!({"public_metadata": {"partner": 8}});
    let changed = change(&clerk, body.clone()).await;
    assert_eq!(changed.body["public_metadata"]["partner"], 8);
    let newer = clerk
        .plain(Method::PATCH, &clerk.user_path(OPS))
        .bearer_auth(clerk.emulator.secret_key())
        .header("clerk-api-version", "2026-05-12")
        .json(&body);
    assert_eq!(read(newer).await.refusal(), (422, "form_param_unknown"));
}

#[tokio::test]
async fn an_address_cannot_be_changed_in_passing() {
    let clerk = clerk().await;
    for (body, code) in [
        (
            json!({"email_address": ["x@acme.example"]}),
            "form_param_unknown",
        ),
        (
            json!({"primary_email_address_id": "idn_of_another"}),
            "form_resource_not_found",
        ),
    ] {
        assert_eq!(change(&clerk, body).await.refusal(), (422, code));
    }
}

#[tokio::test]
async fn a_user_is_changed_ten_times_in_ten_seconds_at_most() {
    let clerk = Clerk::start(EmulatorOptions {
        clock: EmulatorClock::manual(1_790_000_004_000),
        ..EmulatorOptions::with_users([
            EmulatorUser::with_email(OPS, PASSWORD),
            EmulatorUser::with_username("hello", PASSWORD),
        ])
    })
    .await;
    for _ in 0..10 {
        assert_eq!(change(&clerk, json!({})).await.status, 200);
    }
    let throttled = change(&clerk, json!({})).await;
    assert_eq!(throttled.refusal(), (429, "too_many_requests"));
    assert_eq!(throttled.header("retry-after"), Some("6"));
    let other = clerk.user_path("hello");
    let answer = clerk.backend_send(Method::PATCH, &other, &json!({})).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_lock_lasts_as_long_as_the_instance_locks_or_until_it_is_taken_off() {
    let clerk = clerk().await;
    let locked = act(&clerk, "lock").await.body;
    assert_eq!(locked["locked"], true);
    assert_eq!(locked["lockout_expires_in_seconds"], 3600);
    assert_eq!(
        clerk.sign_in(OPS, PASSWORD).await.refusal(),
        (403, "user_locked")
    );
    let open = act(&clerk, "unlock").await.body;
    assert_eq!(open["locked"], false);
    assert_eq!(clerk.sign_in(OPS, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_ban_revokes_the_sessions_and_stays_until_it_is_lifted() {
    let clerk = clerk().await;
    let signed_in = clerk.sign_in(OPS, PASSWORD).await;
    assert_eq!(act(&clerk, "ban").await.body["banned"], true);
    let path = format!("/v1/sessions/{}", signed_in.session_id());
    assert_eq!(clerk.backend_get(&path).await.body["status"], "revoked");
    assert_eq!(
        clerk.sign_in(OPS, PASSWORD).await.refusal(),
        (403, "user_banned")
    );
    assert_eq!(act(&clerk, "unban").await.body["banned"], false);
    assert_eq!(clerk.sign_in(OPS, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_its_sessions_and_memberships() {
    let clerk = clerk().await;
    clerk.sign_in(OPS, PASSWORD).await;
    let path = clerk.user_path(OPS);
    let deleted = read(clerk.backend(Method::DELETE, &path)).await;
    assert_eq!(
        (deleted.status, &deleted.body["deleted"]),
        (200, &json!(true))
    );
    assert_eq!(clerk.admin().sessions_active(), 0);
    for request in [
        clerk.backend(Method::GET, &path),
        clerk.backend(Method::DELETE, &path),
        clerk.backend(Method::POST, &format!("{path}/ban")),
        clerk.backend(Method::GET, &format!("{path}/organization_memberships")),
    ] {
        assert_eq!(read(request).await.refusal(), (404, "resource_not_found"));
    }
    let members = clerk
        .backend_get("/v1/organizations/acme/memberships")
        .await;
    assert_eq!(members.body["total_count"], 0);
    assert_eq!(
        clerk.sign_in(OPS, PASSWORD).await.refusal(),
        (422, "form_identifier_not_found")
    );
}

#[tokio::test]
async fn an_attempt_of_a_user_that_was_deleted_cannot_go_on() {
    let clerk = clerk().await;
    let form = [("identifier", OPS)];
    let begun = clerk.post("/v1/client/sign_ins", "", &form).await;
    read(clerk.backend(Method::DELETE, &clerk.user_path(OPS))).await;
    let path = format!("/v1/client/sign_ins/{}/attempt_first_factor", begun.id());
    let form = [("strategy", "password"), ("password", PASSWORD)];
    assert_eq!(
        clerk.post(&path, begun.token(), &form).await.refusal(),
        (400, "sign_in_identification_or_user_deleted")
    );
}

#[tokio::test]
async fn the_last_name_to_sign_in_with_cannot_be_taken_away() {
    let clerk = clerk().await;
    let body = json!({"username": null});
    let path = clerk.user_path("hello");
    let refused = clerk.backend_send(Method::PATCH, &path, &body).await;
    assert_eq!(refused.refusal(), (422, "form_data_missing"));
    assert!(clerk.emulator.user_id("hello").is_some());
}

#[tokio::test]
async fn a_user_can_have_a_telephone_number_alone() {
    let clerk = clerk().await;
    let number = "+12125550150";
    let body = json!({"phone_number": [number], "password": PASSWORD});
    assert_eq!(create(&clerk, body).await.status, 200);
    let answer = clerk.sign_in(number, PASSWORD).await;
    assert_eq!(answer.sign_in_status(), "complete");
}
