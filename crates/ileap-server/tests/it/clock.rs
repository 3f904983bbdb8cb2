//! Clocks that are wrong, and are put right under a running server.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ileap_server::clock::{Clock as _, ManualClock, SystemClock};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    effort::rounds,
    harness::{Options, TestServer},
};

const LIFETIME: Duration = Duration::from_hours(1);
/// How far ahead the issuer's clock may be.
const LEEWAY: Duration = Duration::from_secs(30);
/// In seconds: corrections, daylight saving, and the edges of life and leeway.
const JUMPS: [i64; 9] = [3600, -3600, 7200, -7200, 3599, -31, 30, -1, 1];

fn stopped_clock() -> Arc<ManualClock> {
    let now = Timestamp::from_second(SystemClock.now().as_second()).unwrap();
    Arc::new(ManualClock::starting_at(now))
}

async fn status(server: &TestServer, client: &str, secret: &str) -> u16 {
    let answer = server.token_request(client, secret).send().await.unwrap();
    answer.status().as_u16()
}

fn issued(token: &str) -> Timestamp {
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    Timestamp::from_second(claims["iat"].as_i64().unwrap()).unwrap()
}

#[tokio::test]
async fn however_the_clock_jumps_a_token_counts_from_its_issue_to_its_end_and_every_login_yields_one_that_does()
 {
    let clock = stopped_clock();
    // It stands still between jumps, and no rate would ever be given back.
    let mut options = Options::default().set("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "0");
    options.clock = clock.clone();
    let server = TestServer::start_with(options).await;
    let mut tokens: Vec<(String, Timestamp)> = Vec::new();
    let mut dice = 1_usize;
    for round in rounds(40) {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        clock.step_wall(JUMPS[(dice >> 40) % JUMPS.len()] * 1000);
        let now = clock.now();
        for (token, issued) in &tokens {
            let counts = *issued <= now + LEEWAY && now < *issued + LIFETIME;
            let answer = server.with_token(token).get("/2/footprints?limit=1").await;
            assert_eq!(
                answer.status() == 200,
                counts,
                "round {round}: of {issued} at {now}"
            );
        }
        let caller = server.as_client("hello").await;
        caller.data("/2/footprints?limit=1").await;
        assert_eq!(status(&server, "nobody", "sesame").await, 400);
        let issued = issued(&caller.token);
        if tokens.iter().all(|(token, _)| *token != caller.token) {
            tokens.push((caller.token, issued));
        }
        tokens.drain(..tokens.len().saturating_sub(12));
    }
    assert!(tokens.len() > 1);
}

#[tokio::test]
async fn what_is_remembered_of_good_and_bad_logins_ages_with_time_and_not_with_the_clock() {
    let clock = stopped_clock();
    let mut options = Options::default()
        .set("ILEAP_VERIFIER__BUDGET__ENABLED", "true")
        .set("ILEAP_VERIFIER__BUDGET__FAILURES_PER_ADDRESS", "2");
    options.clock = clock.clone();
    let server = TestServer::start_with(options).await;
    let asked = || server.clerk.admin().calls().sign_in_creates;
    server.as_client("hello").await;
    for guess in ["one", "two"] {
        assert_eq!(status(&server, guess, "sesame").await, 400);
    }
    let before = asked();
    for hours in [1, -2, 1] {
        clock.step_wall(hours * 3_600_000);
        server.as_client("hello").await;
        assert_eq!(status(&server, "three", "sesame").await, 429);
    }
    assert_eq!(asked(), before);
    clock.advance(Duration::from_mins(6));
    server.as_client("hello").await;
    assert_eq!(status(&server, "three", "sesame").await, 400);
    assert_eq!(asked(), before + 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_brings_no_token_back_that_was_cut_off_and_concerns_nobody_else() {
    let clock = stopped_clock();
    let clerk = TestServer::start().await.clerk;
    let options = Options {
        clock: clock.clone(),
        ..Options::default()
    };
    let secret = clerk.webhook_signing_secret();
    let options = options
        .over_backend()
        .set("CLERK_WEBHOOK_SIGNING_SECRET", secret);
    let server = TestServer::start_beside(options, clerk.clone()).await;
    let url = format!("{}/webhooks/clerk", server.base);
    clerk.admin().set_webhook_url(Some(&url)).unwrap();
    let before = server.as_client("operator").await;
    clerk.admin().set_password("operator", "ileap").unwrap();
    clerk.admin().webhooks_told().await;
    let reads = async || before.get("/2/footprints?limit=1").await.status().as_u16();
    assert_eq!(reads().await, 401);
    clock.step_wall(-3_600_000);
    // A token of now would be older than the cut-off: its partner waits until the clock has caught up.
    assert_eq!(status(&server, "operator", "ileap").await, 503);
    let other = server.as_client("hello").await;
    other.data("/2/footprints?limit=1").await;
    for _ in 0..4 {
        clock.step_wall(900_000);
        assert_eq!(reads().await, 401);
    }
    let after = server.as_client("operator").await;
    after.data("/2/footprints?limit=1").await;
}
