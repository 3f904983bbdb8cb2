//! Whatever Clerk does instead of answering: known-good partners get their tokens, others are told in time to
//! come back, nothing is held against anybody, and all is well as soon as Clerk is.

use std::time::Duration;

use clerk_emulator::{EmulatorAdmin, Endpoint, Fault};
use futures_util::StreamExt as _;

use crate::harness::{Options, TestServer, header, refusal};

/// How many servers are tried at a time.
const AT_ONCE: usize = 8;

/// Where a fault lies, for each way to check credentials.
const PLACES: [(&str, &[Endpoint]); 4] = [
    ("clerk_frontend", &[Endpoint::CreateSignIn]),
    ("clerk_backend", &[Endpoint::BackendListUsers]),
    ("clerk_backend", &[Endpoint::BackendVerifyPassword]),
    ("clerk_backend", &[Endpoint::BackendListUserMemberships]),
];

fn faults() -> Vec<(&'static str, Fault)> {
    let throttled = |retry_after| Fault::Error {
        status: 429,
        code: "too_many_requests".to_owned(),
        meta: serde_json::Map::new(),
        retry_after,
    };
    vec![
        ("30 seconds late", Fault::Latency(Duration::from_secs(30))),
        ("no answer", Fault::Hang),
        ("one byte a second", Fault::SlowDrip(Duration::from_secs(1))),
        ("throttled", throttled(None)),
        ("throttled for a second", throttled(Some(1))),
        (
            "an internal error",
            Fault::error(500, "internal_clerk_error"),
        ),
        ("a bad gateway", Fault::BadGateway),
        ("maintenance", Fault::error(503, "maintenance_mode")),
        ("an unknown status", Fault::Status(599)),
        ("an unknown refusal", Fault::Status(418)),
        ("half a body", Fault::TruncatedJson),
        ("an empty body", Fault::EmptyBody),
        ("an endless body", Fault::EndlessBody),
        ("a captive portal", Fault::HtmlPage),
        ("a gzip bomb", Fault::GzipBomb),
        ("no text", Fault::InvalidUtf8),
        ("a redirect", Fault::Redirect),
        ("a broken connection", Fault::Reset),
    ]
}

/// A server whose known-good credentials are always due again, and that gives up on Clerk after a moment.
async fn start(verifier: &'static str) -> TestServer {
    let mut options = Options::default()
        .set("ILEAP_VERIFIER__KNOWN_GOOD__FRESH_FOR", "0")
        .set("ILEAP_VERIFIER__BUDGET__ENABLED", "true")
        .set("ILEAP_VERIFIER__BUDGET__CALLS_PER_10S", "1000")
        .set("ILEAP_VERIFIER__CLERK__TIMEOUT", "1s");
    options.verifier = verifier;
    TestServer::start_with(options).await
}

async fn status(server: &TestServer, id: &str, secret: &str) -> u16 {
    let answer = server.token_request(id, secret).send().await.unwrap();
    answer.status().as_u16()
}

fn break_at(clerk: &EmulatorAdmin, places: &[Endpoint], fault: &Fault) {
    for place in places {
        clerk.fail_always(*place, fault.clone());
    }
}

#[tokio::test]
async fn no_fault_of_clerks_becomes_the_partners() {
    let runs = PLACES.iter().flat_map(|(verifier, places)| {
        let run = move |(what, fault)| survive(verifier, places, what, fault);
        faults().into_iter().map(run)
    });
    // Not all at once: a Clerk that answers too late because the machine is busy is one more fault.
    let mut runs = futures_util::stream::iter(runs).buffer_unordered(AT_ONCE);
    while runs.next().await.is_some() {}
}

async fn survive(
    verifier: &'static str,
    places: &'static [Endpoint],
    what: &'static str,
    fault: Fault,
) {
    let what = format!("{verifier}, {places:?}, {what}");
    let server = start(verifier).await;
    let clerk = server.clerk.admin().clone();
    assert_eq!(status(&server, "hello", "pathfinder").await, 200, "{what}");
    break_at(&clerk, places, &fault);

    for _ in 0..8 {
        assert_eq!(status(&server, "hello", "pathfinder").await, 200, "{what}");
    }
    let answer = server.token_request("operator", "ileap").send().await;
    let answer = answer.unwrap();
    assert!(!header(&answer, "retry-after").is_empty(), "{what}");
    let expected = (503, "temporarily_unavailable".to_owned());
    assert_eq!(refusal(answer).await, expected, "{what}");

    clerk.clear_faults();
    // The wait that Clerk has asked for, or the breaker's.
    let mut attempts = 0;
    while status(&server, "operator", "ileap").await != 200 {
        attempts += 1;
        assert!(attempts < 1200, "{what}: no login after its end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(clerk.failures("operator").unwrap(), 0, "{what}");
    assert!(!clerk.is_locked("operator").unwrap(), "{what}");
}

#[tokio::test]
async fn guesses_whose_answers_are_lost_count_all_the_same() {
    for (verifier, place) in [
        ("clerk_frontend", Endpoint::CreateSignIn),
        ("clerk_backend", Endpoint::BackendVerifyPassword),
    ] {
        let server = start(verifier).await;
        let clerk = server.clerk.admin();
        // The password is judged, the answer comes too late to be read.
        clerk.fail_always(place, Fault::SlowDrip(Duration::from_secs(1)));
        for guess in 0..12 {
            status(&server, "operator", &format!("guess-{guess}")).await;
            // The breaker lets one through now and then.
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        assert!(!clerk.is_locked("operator").unwrap(), "{verifier}");
        assert!(clerk.failures("operator").unwrap() <= 5, "{verifier}");
    }
}

#[tokio::test]
async fn an_unknown_sign_in_status_is_a_refusal_that_is_not_held_against_the_partner() {
    let server = TestServer::start_with(
        Options::default()
            .set("ILEAP_VERIFIER__BUDGET__ENABLED", "true")
            .set("ILEAP_VERIFIER__BUDGET__CALLS_PER_10S", "1000")
            .with_users(
                "[[user]]\nusername = \"odd\"\npassword = \"quartz-Lantern-4711\"\nscenario = \"unknown_status\"\n\
                 organization = \"carrier\"\nrole = \"operator\"",
            ),
    )
    .await;
    for _ in 0..8 {
        assert_eq!(status(&server, "odd", "quartz-Lantern-4711").await, 400);
    }
    let clerk = server.clerk.admin();
    clerk
        .set_scenario("odd", clerk_emulator::Scenario::Ok)
        .unwrap();
    assert_eq!(status(&server, "odd", "quartz-Lantern-4711").await, 200);
}

#[tokio::test]
async fn nothing_is_left_running_after_an_outage() {
    let server = start("clerk_backend").await;
    let clerk = server.clerk.admin();
    assert_eq!(status(&server, "operator", "ileap").await, 200);
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    clerk.fail_always(Endpoint::BackendListUsers, Fault::Hang);
    clerk.fail_always(Endpoint::BackendVerifyPassword, Fault::Hang);
    for number in 0..200 {
        status(&server, &format!("partner-{number}"), "secret").await;
        status(&server, "operator", "ileap").await;
    }
    clerk.clear_faults();
    while status(&server, "hello", "pathfinder").await != 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The connections that are kept for later belong to both ends.
    while tasks() > before + 8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
