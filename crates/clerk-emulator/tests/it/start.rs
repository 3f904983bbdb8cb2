//! Starting, refusing to start, stopping, and what differs between two runs.

use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser, StartError};
use reqwest::Method;

use crate::harness::{Clerk, PASSWORD, raw, read};

#[tokio::test]
async fn a_loopback_address_and_a_test_key_are_required() {
    let options = EmulatorOptions {
        bind: "0.0.0.0:0".parse().unwrap(),
        ..EmulatorOptions::default()
    };
    let refused = ClerkEmulator::start(options).await.unwrap_err();
    assert!(matches!(refused, StartError::NotLoopback(_)));

    let options = EmulatorOptions {
        secret_key: Some("sk_live_abc".to_owned()),
        ..EmulatorOptions::default()
    };
    let refused = ClerkEmulator::start(options).await.unwrap_err();
    assert!(matches!(refused, StartError::LiveKey));
    assert!(!format!("{refused} {refused:?}").contains("abc"));

    let user = || EmulatorUser::with_username("hello", PASSWORD);
    let refused = ClerkEmulator::start(EmulatorOptions::with_users([user(), user()])).await;
    assert!(matches!(
        refused,
        Err(StartError::DuplicateUser {
            index: 1,
            key: "username"
        })
    ));
}

#[tokio::test]
async fn two_runs_have_nothing_in_common() {
    let user = || EmulatorUser::with_username("hello", PASSWORD).member_of("acme", "all");
    let one = Clerk::start(EmulatorOptions::with_users([user()])).await;
    let other = Clerk::start(EmulatorOptions::with_users([user()])).await;
    let facts = |clerk: &Clerk| {
        let emulator = &clerk.emulator;
        [
            emulator.instance_id().to_owned(),
            emulator.secret_key().to_owned(),
            emulator.publishable_key().to_owned(),
            emulator.user_id("hello").unwrap(),
            emulator.organization_id("acme").unwrap(),
        ]
    };
    for (one, other) in facts(&one).iter().zip(facts(&other)) {
        assert_ne!(*one, other);
    }
}

#[tokio::test]
async fn the_publishable_key_names_host_and_port() {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let clerk = Clerk::start(EmulatorOptions::default()).await;
    let encoded = clerk
        .emulator
        .publishable_key()
        .strip_prefix("pk_test_")
        .unwrap();
    let decoded = String::from_utf8(STANDARD_NO_PAD.decode(encoded).unwrap()).unwrap();
    assert_eq!(
        format!("http://{decoded}"),
        format!("{}$", clerk.emulator.frontend_api_url())
    );
}

#[tokio::test]
async fn the_backend_api_wants_the_secret_key() {
    let clerk = Clerk::start(EmulatorOptions::default()).await;
    let get = || clerk.plain(Method::GET, "/v1/jwks");
    assert_eq!(
        read(get()).await.refusal(),
        (401, "could_not_authenticate_request")
    );
    let basic = get().header("authorization", "Basic x");
    assert_eq!(
        read(basic).await.refusal(),
        (401, "authorization_header_format_invalid")
    );
    assert_eq!(
        read(get().bearer_auth("sk_test_x")).await.refusal(),
        (401, "clerk_key_invalid")
    );
    let keys = read(get().bearer_auth(clerk.emulator.secret_key())).await;
    assert_eq!(
        keys.body,
        clerk.get("/.well-known/jwks.json", "").await.body
    );
}

#[tokio::test]
async fn a_stopped_or_dropped_emulator_accepts_nobody() {
    let clerk = Clerk::start(EmulatorOptions::default()).await;
    clerk.emulator.stop().await;
    assert!(raw(clerk.plain(Method::GET, "/v1/health")).await.is_err());

    let other = Clerk::start(EmulatorOptions::default()).await;
    let request = other.plain(Method::GET, "/v1/health");
    let address = other.emulator.frontend_api_url().replace("http://", "");
    drop(other);
    // The task that listens ends at its next turn.
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(raw(request).await.is_err());
}

#[tokio::test]
async fn nothing_that_prints_shows_a_secret() {
    let options = EmulatorOptions {
        secret_key: Some("sk_test_visible".to_owned()),
        ..EmulatorOptions::with_users([EmulatorUser::with_username("hello", PASSWORD)])
    };
    assert!(!format!("{options:?}").contains("sk_test_visible"));
    let emulator = ClerkEmulator::start(options).await.unwrap();
    let printed = format!("{emulator:?} {:?}", emulator.admin());
    assert!(!printed.contains(PASSWORD) && !printed.contains("sk_test_"));
}
