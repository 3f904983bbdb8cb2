//! Checking passwords and codes at the Backend API.

use std::time::Duration;

use clerk_emulator::{
    EmulatorClock, EmulatorOptions, EmulatorUser, Lockout, Scenario, WrongPassword,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Clerk, PASSWORD};

const OPS: &str = "ops@acme.example";

async fn clerk(options: EmulatorOptions) -> Clerk {
    Clerk::start(EmulatorOptions {
        users: vec![EmulatorUser::with_email(OPS, PASSWORD)],
        clock: EmulatorClock::manual(1_790_000_000_000),
        limits: false,
        ..options
    })
    .await
}

async fn user(clerk: &Clerk) -> Value {
    clerk.backend_get(&clerk.user_path(OPS)).await.body
}

#[tokio::test]
async fn the_right_password_is_verified_and_leaves_no_session() {
    let clerk = clerk(EmulatorOptions::default()).await;
    let answer = clerk.verify_password(OPS, PASSWORD).await;
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({"verified": true}))
    );
    assert_eq!(clerk.admin().sessions_active(), 0);
    assert_eq!(user(&clerk).await["last_sign_in_at"], Value::Null);
}

#[tokio::test]
async fn a_wrong_password_has_the_documented_code_or_the_observed_one() {
    for (wrong_password, code) in [
        (WrongPassword::Documented, "incorrect_password"),
        (WrongPassword::Observed, "form_password_incorrect"),
    ] {
        let clerk = clerk(EmulatorOptions {
            wrong_password,
            ..EmulatorOptions::default()
        })
        .await;
        assert_eq!(
            clerk.verify_password(OPS, "wrong").await.refusal(),
            (422, code)
        );
    }
}

#[tokio::test]
async fn a_user_without_a_password_and_no_user_at_all_are_told_apart() {
    let clerk = Clerk::with_scenario(Scenario::Passwordless).await;
    assert_eq!(
        clerk.verify_password(OPS, PASSWORD).await.refusal(),
        (400, "no_password_set")
    );
    let body = json!({"password": PASSWORD});
    let path = "/v1/users/user_none/verify_password";
    let nobody = clerk.backend_send(Method::POST, path, &body).await;
    assert_eq!(nobody.refusal(), (404, "resource_not_found"));
}

#[tokio::test]
async fn neither_a_ban_nor_a_second_factor_nor_device_trust_shows() {
    for scenario in [
        Scenario::Banned,
        Scenario::Mfa,
        Scenario::DeviceTrust,
        Scenario::Pwned,
        Scenario::UnverifiedEmail,
    ] {
        let clerk = Clerk::with_scenario(scenario).await;
        assert_eq!(
            clerk.verify_password(OPS, PASSWORD).await.status,
            200,
            "{scenario:?}"
        );
    }
}

#[tokio::test]
async fn wrong_passwords_use_up_the_attempts_and_a_right_one_restores_them() {
    let clerk = clerk(EmulatorOptions::default()).await;
    for left in [9, 8, 7] {
        clerk.verify_password(OPS, "wrong").await;
        assert_eq!(user(&clerk).await["verification_attempts_remaining"], left);
    }
    clerk.verify_password(OPS, PASSWORD).await;
    assert_eq!(user(&clerk).await["verification_attempts_remaining"], 10);
}

#[tokio::test]
async fn both_apis_count_into_one_lock() {
    let clerk = clerk(EmulatorOptions {
        lockout: Lockout {
            max_attempts: 4,
            ..Lockout::default()
        },
        ..EmulatorOptions::default()
    })
    .await;
    for _ in 0..2 {
        clerk.verify_password(OPS, "wrong").await;
        clerk.sign_in(OPS, "wrong").await;
    }
    let locked = user(&clerk).await;
    assert_eq!(locked["locked"], true);
    assert_eq!(locked["lockout_expires_in_seconds"], 3600);
    assert_eq!(locked["verification_attempts_remaining"], 0);
    assert_eq!(
        clerk.sign_in(OPS, PASSWORD).await.refusal(),
        (403, "user_locked")
    );
}

#[tokio::test]
async fn a_locked_users_password_is_still_answered_and_the_lock_ends_with_its_time() {
    let clerk = clerk(EmulatorOptions::default()).await;
    for _ in 0..12 {
        let refused = clerk.verify_password(OPS, "wrong").await;
        assert_eq!(refused.refusal(), (422, "incorrect_password"));
    }
    assert_eq!(clerk.verify_password(OPS, PASSWORD).await.status, 200);
    assert_eq!(user(&clerk).await["locked"], true);
    clerk
        .admin()
        .advance_clock(Duration::from_secs(3600))
        .unwrap();
    let open = user(&clerk).await;
    assert_eq!(open["locked"], false);
    assert_eq!(open["lockout_expires_in_seconds"], Value::Null);
    assert_eq!(open["verification_attempts_remaining"], 10);
}

#[tokio::test]
async fn an_instance_can_leave_the_lock_to_sign_ins() {
    let clerk = clerk(EmulatorOptions {
        verify_password_counts: false,
        ..EmulatorOptions::default()
    })
    .await;
    clerk.sign_in(OPS, "wrong").await;
    for password in ["wrong", PASSWORD] {
        clerk.verify_password(OPS, password).await;
        assert_eq!(user(&clerk).await["verification_attempts_remaining"], 9);
    }
}

#[tokio::test]
async fn an_authenticators_code_is_right_always_and_a_backup_code_once() {
    let clerk = Clerk::with_scenario(Scenario::Mfa).await;
    let path = format!("{}/verify_totp", clerk.user_path(OPS));
    let verify = |code: &str| {
        let body = json!({"code": code});
        let (clerk, path) = (&clerk, &path);
        async move { clerk.backend_send(Method::POST, path, &body).await }
    };
    for _ in 0..2 {
        let answer = verify("424242").await.body;
        assert_eq!(answer, json!({"verified": true, "code_type": "totp"}));
    }
    let backup = verify("clerktest1").await.body;
    assert_eq!(
        backup,
        json!({"verified": true, "code_type": "backup_code"})
    );
    assert_eq!(
        verify("clerktest1").await.refusal(),
        (422, "totp_invalid_length")
    );
    assert_eq!(
        verify("000000").await.refusal(),
        (422, "totp_incorrect_code")
    );
}

#[tokio::test]
async fn a_wrong_code_counts_and_a_user_without_an_authenticator_has_none() {
    let clerk = clerk(EmulatorOptions::default()).await;
    let path = format!("{}/verify_totp", clerk.user_path(OPS));
    let body = json!({"code": "000000"});
    let without = clerk.backend_send(Method::POST, &path, &body).await;
    assert_eq!(without.refusal(), (400, "totp_disabled"));
    assert_eq!(user(&clerk).await["verification_attempts_remaining"], 10);
    clerk.admin().set_scenario(OPS, Scenario::Mfa).unwrap();
    clerk.backend_send(Method::POST, &path, &body).await;
    assert_eq!(user(&clerk).await["verification_attempts_remaining"], 9);
}
