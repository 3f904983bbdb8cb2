//! Clerk throttles, fails or vanishes: partners are told to come back, never that they are wrong.

use std::time::Duration;

use clerk_emulator::{EmulatorClock, EmulatorOptions, Endpoint, Fault};

use crate::harness::{Options, TestServer, header, refusal};

const BUSY: (u16, &str) = (503, "temporarily_unavailable");

/// What a client gets that has not logged in before.
async fn expect_busy(server: &TestServer, what: &str) {
    let answer = server
        .token_request("no_rule", "ileap")
        .send()
        .await
        .unwrap();
    let retry_after = header(&answer, "retry-after");
    assert!(
        retry_after.parse::<u64>().is_ok_and(|seconds| seconds >= 1),
        "{what}: {retry_after:?}"
    );
    let (status, code) = refusal(answer).await;
    assert_eq!((status, code.as_str()), BUSY, "{what}");
}

#[tokio::test]
async fn whatever_is_wrong_with_clerk_is_not_the_partners_fault() {
    for (what, fault) in [
        ("a 500", Fault::error(500, "internal_clerk_error")),
        ("maintenance", Fault::error(503, "maintenance_mode")),
        ("a wrong host", Fault::error(400, "host_invalid")),
        ("native API off", Fault::error(400, "native_api_disabled")),
        (
            "an unknown error of the server's class",
            Fault::error(400, "invented_tomorrow"),
        ),
        ("a page of HTML", Fault::HtmlPage),
        ("half a body", Fault::TruncatedJson),
        ("a reset", Fault::Reset),
        ("a redirect", Fault::Redirect),
        ("an endless body", Fault::EndlessBody),
        ("bytes that are no text", Fault::InvalidUtf8),
    ] {
        let server = TestServer::start().await;
        let clerk = server.clerk.admin();
        clerk.fail_always(Endpoint::CreateSignIn, fault);
        expect_busy(&server, what).await;
        clerk.clear_faults();
        until_logged_in(&server, "hello", "pathfinder").await;
    }
}

/// Comes back until Clerk is seen to be there again.
async fn until_logged_in(server: &TestServer, id: &str, secret: &str) {
    while server
        .token_request(id, secret)
        .send()
        .await
        .unwrap()
        .status()
        != 200
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_clerk_that_never_answers_is_given_up_on() {
    let options = Options::default().set("ILEAP_VERIFIER__CLERK__TIMEOUT", "300ms");
    let server = TestServer::start_with(options).await;
    server
        .clerk
        .admin()
        .fail_always(Endpoint::CreateSignIn, Fault::Hang);
    expect_busy(&server, "a hang").await;
}

#[tokio::test]
async fn a_clerk_that_stops_mid_flight_is_an_outage_and_tokens_stay_good() {
    let mut server = TestServer::start().await;
    let token = server.as_client("hello").await.token;
    server.clerk.stop().await;
    expect_busy(&server, "a stopped Clerk").await;
    server.as_client("hello").await;
    assert_eq!(
        server
            .with_token(&token)
            .get("/2/footprints")
            .await
            .status(),
        200
    );
    server.stop();
}

#[tokio::test]
async fn clerks_own_limit_is_passed_on_with_its_wait() {
    // On a clock that stands still no window ends between the logins.
    let clerk = EmulatorOptions {
        clock: EmulatorClock::manual(1_790_000_000_000),
        ..EmulatorOptions::default()
    };
    let server = TestServer::start_with(Options {
        clerk,
        ..Options::default()
    })
    .await;
    for client in [
        "hello",
        "ileap-demo@way.cloud",
        "transport_service_user",
        "transport_service_organizer",
        "operator",
    ] {
        server.as_client(client).await;
    }
    expect_busy(&server, "the sixth login in ten seconds").await;
}

#[tokio::test]
async fn a_refusal_is_held_back_and_a_login_is_not() {
    let options = Options {
        refusal_floor: Duration::from_millis(300),
        ..Options::default()
    };
    let server = TestServer::start_with(options).await;
    // A lower bound holds however busy the machine is.
    let began = std::time::Instant::now();
    let answer = server
        .token_request("nobody", "wrong")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert!(began.elapsed() >= Duration::from_millis(300));
}
