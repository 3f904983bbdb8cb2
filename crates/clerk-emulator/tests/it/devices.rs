//! Codes: Device Trust, second factors, passwords that have to be replaced.

use clerk_emulator::{EmulatorClock, EmulatorOptions, EmulatorUser, Scenario};
use serde_json::Value;
use std::time::Duration;

use crate::harness::{Answer, Clerk, PASSWORD};

const TESTER: &str = "ops+clerk_test@acme.example";

fn tester() -> EmulatorUser {
    EmulatorUser::with_email(TESTER, PASSWORD)
}

async fn distrustful(user: EmulatorUser) -> Clerk {
    Clerk::start(EmulatorOptions {
        device_trust: true,
        ..EmulatorOptions::with_users([user]).without_limits()
    })
    .await
}

async fn step(clerk: &Clerk, from: &Answer, step: &str, form: &[(&str, &str)]) -> Answer {
    let path = format!("/v1/client/sign_ins/{}/{step}", from.id());
    clerk.post(&path, from.token(), form).await
}

#[tokio::test]
async fn an_unknown_device_needs_a_code_and_is_known_afterwards() {
    let clerk = distrustful(tester()).await;
    let stopped = clerk.sign_in(TESTER, PASSWORD).await;
    assert_eq!(stopped.sign_in_status(), "needs_client_trust");
    assert_eq!(stopped.body["response"]["client_trust_state"], "new");
    let factor = &stopped.body["response"]["supported_second_factors"][0];
    assert_eq!(factor["strategy"], "email_code");
    assert_eq!(clerk.admin().sessions_active(), 0);

    let id = factor["email_address_id"].as_str().unwrap();
    let form = [("strategy", "email_code"), ("email_address_id", id)];
    let prepared = step(&clerk, &stopped, "prepare_second_factor", &form).await;
    assert_eq!(prepared.sign_in_status(), "needs_client_trust");
    let form = [("strategy", "email_code"), ("code", "424242")];
    let done = step(&clerk, &stopped, "attempt_second_factor", &form).await;
    assert_eq!(done.sign_in_status(), "complete");

    let token = done.token();
    clerk.delete("/v1/client/sessions", token).await;
    let again = clerk.sign_in_as(token, TESTER, PASSWORD).await;
    assert_eq!(again.sign_in_status(), "complete");
    assert_eq!(again.body["response"]["client_trust_state"], "known");
}

#[tokio::test]
async fn device_trust_lets_pass_who_bypasses_it_and_who_has_no_mailbox() {
    for user in [
        tester().trusted_everywhere(),
        EmulatorUser::with_username("hello", PASSWORD),
    ] {
        let name = user.email.clone().or(user.username.clone()).unwrap();
        let clerk = distrustful(user).await;
        assert_eq!(
            clerk.sign_in(&name, PASSWORD).await.sign_in_status(),
            "complete"
        );
    }
}

#[tokio::test]
async fn older_instances_call_device_trust_a_second_factor() {
    let clerk = Clerk::start(EmulatorOptions {
        device_trust: true,
        legacy_status: true,
        ..EmulatorOptions::with_users([tester()])
    })
    .await;
    let answer = clerk.sign_in(TESTER, PASSWORD).await;
    assert_eq!(answer.sign_in_status(), "needs_second_factor");
    assert_eq!(answer.body["response"]["client_trust_state"], "new");
}

#[tokio::test]
async fn a_second_factor_completes_the_sign_in() {
    let clerk = Clerk::with_scenario(Scenario::Mfa).await;
    let stopped = clerk.sign_in("ops@acme.example", PASSWORD).await;
    let form = [("strategy", "totp"), ("code", "424242")];
    let done = step(&clerk, &stopped, "attempt_second_factor", &form).await;
    assert_eq!(done.sign_in_status(), "complete");
    assert_eq!(
        done.body["client"]["sessions"][0]["factor_verification_age"],
        serde_json::json!([0, 0])
    );
}

#[tokio::test]
async fn codes_fail_in_all_their_ways() {
    let clock = EmulatorClock::manual(1_790_000_000_000);
    let clerk = Clerk::start(EmulatorOptions {
        clock: clock.clone(),
        device_trust: true,
        limits: false,
        ..EmulatorOptions::with_users([tester()])
    })
    .await;
    let stopped = clerk.sign_in(TESTER, PASSWORD).await;
    let attempt =
        |form: &'static [(&str, &str)]| step(&clerk, &stopped, "attempt_second_factor", form);
    let prepare = || {
        step(
            &clerk,
            &stopped,
            "prepare_second_factor",
            &[("strategy", "email_code")],
        )
    };
    let right: &[(&str, &str)] = &[("strategy", "email_code"), ("code", "424242")];
    let wrong: &[(&str, &str)] = &[("strategy", "email_code"), ("code", "1")];
    let other: &[(&str, &str)] = &[("strategy", "phone_code"), ("code", "424242")];
    let totp: &[(&str, &str)] = &[("strategy", "totp"), ("code", "424242")];

    assert_eq!(
        attempt(right).await.refusal(),
        (400, "verification_missing")
    );
    assert_eq!(attempt(totp).await.refusal(), (400, "no_second_factors"));
    prepare().await;
    assert_eq!(
        attempt(other).await.refusal(),
        (400, "verification_strategy_invalid")
    );
    for _ in 0..3 {
        assert_eq!(attempt(wrong).await.refusal(), (422, "form_code_incorrect"));
    }
    assert_eq!(attempt(right).await.refusal(), (400, "verification_failed"));
    prepare().await;
    clock.advance(Duration::from_secs(601));
    assert_eq!(
        attempt(right).await.refusal(),
        (400, "verification_expired")
    );
    prepare().await;
    let done = attempt(right).await;
    assert_eq!(done.sign_in_status(), "complete");
    let path = format!("/v1/client/sign_ins/{}/attempt_second_factor", done.id());
    let late = clerk.post(&path, done.token(), right).await;
    assert_eq!(late.refusal(), (400, "client_state_invalid"));
}

#[tokio::test]
async fn a_new_password_completes_the_sign_in_and_is_the_password_from_then_on() {
    let clerk = Clerk::with_scenario(Scenario::NeedsNewPassword).await;
    let stopped = clerk.sign_in("ops@acme.example", PASSWORD).await;
    let short = step(&clerk, &stopped, "reset_password", &[("password", "short")]).await;
    assert_eq!(short.refusal(), (422, "form_password_length_too_short"));
    let done = step(
        &clerk,
        &stopped,
        "reset_password",
        &[("password", "long enough")],
    )
    .await;
    assert_eq!(done.sign_in_status(), "complete");
    let old = clerk.sign_in("ops@acme.example", PASSWORD).await;
    assert_eq!(old.code(), "form_password_incorrect");
    let new = clerk.sign_in("ops@acme.example", "long enough").await;
    assert_eq!(new.sign_in_status(), "complete");
}

#[tokio::test]
async fn a_code_to_a_test_address_is_a_first_factor_too() {
    let clerk = Clerk::start(EmulatorOptions::with_users([tester()])).await;
    let begun = clerk
        .post("/v1/client/sign_ins", "", &[("identifier", TESTER)])
        .await;
    step(
        &clerk,
        &begun,
        "prepare_first_factor",
        &[("strategy", "email_code")],
    )
    .await;
    let form = [("strategy", "email_code"), ("code", "424242")];
    let done = step(&clerk, &begun, "attempt_first_factor", &form).await;
    assert_eq!(done.sign_in_status(), "complete");
}

#[tokio::test]
async fn an_attempt_is_abandoned_after_a_day() {
    let clock = EmulatorClock::manual(1_790_000_000_000);
    let clerk = Clerk::start(EmulatorOptions {
        clock: clock.clone(),
        ..EmulatorOptions::with_users([tester()])
    })
    .await;
    let begun = clerk
        .post("/v1/client/sign_ins", "", &[("identifier", TESTER)])
        .await;
    clock.advance(Duration::from_hours(24));
    let form = [("strategy", "password"), ("password", PASSWORD)];
    let late = step(&clerk, &begun, "attempt_first_factor", &form).await;
    assert_eq!((late.status, late.sign_in_status()), (200, "abandoned"));
    let path = format!("/v1/client/sign_ins/{}", begun.id());
    assert_eq!(
        clerk.get(&path, begun.token()).await.refusal(),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn an_attempt_belongs_to_its_client_and_gives_way_to_the_next() {
    let clerk = Clerk::start(EmulatorOptions::with_users([tester()])).await;
    let first = clerk
        .post("/v1/client/sign_ins", "", &[("identifier", TESTER)])
        .await;
    let path = format!("/v1/client/sign_ins/{}", first.id());
    assert_eq!(clerk.get(&path, first.token()).await.status, 200);
    assert_eq!(
        clerk.get(&path, "").await.refusal(),
        (400, "client_not_found")
    );
    let stranger = clerk.post("/v1/client/sign_ins", "", &[]).await;
    assert_eq!(
        clerk.get(&path, stranger.token()).await.refusal(),
        (404, "resource_not_found")
    );
    clerk
        .post(
            "/v1/client/sign_ins",
            first.token(),
            &[("identifier", TESTER)],
        )
        .await;
    let older = clerk.get(&path, first.token()).await;
    assert_eq!(older.refusal(), (403, "resource_forbidden"));
    assert_eq!(
        older.body["meta"]["client"]["object"],
        Value::from("client")
    );
}
