//! Request limits, locks and maintenance, on a clock that stands still.

use clerk_emulator::{EmulatorClock, EmulatorOptions, EmulatorUser, InstanceKind};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

use crate::harness::{Clerk, PASSWORD, read};

async fn standing_still(options: EmulatorOptions) -> (Clerk, EmulatorClock) {
    let clock = EmulatorClock::manual(1_790_000_004_000);
    let clerk = Clerk::start(EmulatorOptions {
        users: vec![EmulatorUser::with_username("hello", PASSWORD)],
        clock: clock.clone(),
        ..options
    })
    .await;
    (clerk, clock)
}

#[tokio::test]
async fn the_sixth_sign_in_in_ten_seconds_is_throttled_until_the_window_ends() {
    let (clerk, clock) = standing_still(EmulatorOptions::default()).await;
    for _ in 0..5 {
        assert_eq!(clerk.sign_in("hello", PASSWORD).await.status, 200);
    }
    let throttled = clerk.sign_in("hello", PASSWORD).await;
    assert_eq!(throttled.refusal(), (429, "too_many_requests"));
    assert_eq!(throttled.header("retry-after"), Some("6"));
    clock.advance(Duration::from_secs(6));
    assert_eq!(clerk.sign_in("hello", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn calls_that_are_refused_later_count_towards_the_limit() {
    let (clerk, _) = standing_still(EmulatorOptions::default()).await;
    for _ in 0..5 {
        let json = clerk
            .native(Method::POST, "/v1/client/sign_ins", "")
            .json(&json!({}));
        assert_eq!(
            read(json).await.refusal(),
            (415, "unsupported_content_type")
        );
    }
    assert_eq!(
        clerk.sign_in("hello", PASSWORD).await.refusal(),
        (429, "too_many_requests")
    );
}

#[tokio::test]
async fn the_fourth_factor_attempt_in_ten_seconds_is_throttled() {
    let (clerk, _) = standing_still(EmulatorOptions::default()).await;
    let path = "/v1/client/sign_ins/sia_none/attempt_first_factor";
    for _ in 0..3 {
        assert_eq!(
            clerk.post(path, "", &[]).await.refusal(),
            (400, "client_not_found")
        );
    }
    assert_eq!(
        clerk.post(path, "", &[]).await.refusal(),
        (429, "too_many_requests")
    );
}

#[tokio::test]
async fn a_lock_ends_with_its_time() {
    let (clerk, clock) = standing_still(EmulatorOptions {
        limits: false,
        ..EmulatorOptions::default()
    })
    .await;
    for _ in 0..10 {
        clerk.sign_in("hello", "wrong").await;
    }
    let locked = clerk.sign_in("hello", PASSWORD).await;
    assert_eq!(
        locked.body["errors"][0]["meta"]["lockout_expires_in_seconds"],
        3600
    );
    clock.advance(Duration::from_secs(3599));
    assert_eq!(
        clerk.sign_in("hello", PASSWORD).await.refusal(),
        (403, "user_locked")
    );
    clock.advance(Duration::from_secs(1));
    assert_eq!(clerk.sign_in("hello", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_clock_can_be_moved_over_http() {
    let (clerk, clock) = standing_still(EmulatorOptions::default()).await;
    let answer = clerk
        .control(Method::POST, "clock", &json!({"advance_seconds": 5}))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(clock.now_ms(), 1_790_000_009_000);

    let real = Clerk::start(EmulatorOptions::default()).await;
    let answer = real
        .control(Method::POST, "clock", &json!({"advance_seconds": 5}))
        .await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn maintenance_stops_sign_ins_and_in_production_nothing_else() {
    for (kind, token_status) in [
        (InstanceKind::Production, 200),
        (InstanceKind::Development, 503),
    ] {
        let (clerk, _) = standing_still(EmulatorOptions {
            instance_kind: kind,
            ..EmulatorOptions::default()
        })
        .await;
        let answer = clerk.sign_in("hello", PASSWORD).await;
        clerk.admin().begin_maintenance();
        let refused = clerk.sign_in("hello", PASSWORD).await;
        assert_eq!(refused.refusal(), (503, "maintenance_mode"));
        assert_eq!(refused.header("retry-after"), Some("60"));
        let tokens = format!("/v1/client/sessions/{}/tokens", answer.session_id());
        assert_eq!(
            clerk.post(&tokens, answer.token(), &[]).await.status,
            token_status,
            "{kind:?}"
        );
        assert_eq!(
            clerk.get("/v1/environment", "").await.body["maintenance_mode"],
            true
        );
        assert_eq!(clerk.get("/v1/health", "").await.status, 503);
        clerk.admin().end_maintenance();
        assert_eq!(clerk.sign_in("hello", PASSWORD).await.status, 200);
    }
}
