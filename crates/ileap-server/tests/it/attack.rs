//! Someone guesses a partner's password through us: the account is never locked, the partner's job goes on.

use std::{sync::Arc, time::Duration};

use clerk_emulator::{EmulatorClock, EmulatorOptions};
use ileap_server::clock::ManualClock;
use jiff::Timestamp;

use crate::harness::{Options, TestServer, header};

const START_MS: i64 = 1_790_000_000_000;
const PARTNER: &str = "198.51.100.7";
const ATTACKER: &str = "203.0.113.66";

/// A server with all its limits and a Clerk with all of its own, on one clock that is moved by hand.
struct Scene {
    server: TestServer,
    clock: Arc<ManualClock>,
    clerk_clock: EmulatorClock,
}

impl Scene {
    /// The same over either of Clerk's APIs.
    async fn over_both() -> [Self; 2] {
        [
            Self::set(Options::default()).await,
            Self::set(Options::default().over_backend()).await,
        ]
    }

    async fn set(options: Options) -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_millisecond(START_MS).unwrap());
        let clock = Arc::new(clock);
        let clerk_clock = EmulatorClock::manual(START_MS.unsigned_abs());
        let options = Options {
            clerk: EmulatorOptions {
                clock: clerk_clock.clone(),
                ..EmulatorOptions::default()
            },
            clock: clock.clone(),
            ..options
        }
        .set("ILEAP_VERIFIER__BUDGET__ENABLED", "true")
        // On a clock that stands still nobody's turn comes by waiting.
        .set("ILEAP_VERIFIER__BUDGET__QUEUE_FOR", "0s")
        .set("ILEAP_LISTENER__TRUSTED_PROXIES", "127.0.0.0/8");
        Self {
            server: TestServer::start_with(options).await,
            clock,
            clerk_clock,
        }
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.clerk_clock.advance(by);
    }

    async fn log_in(&self, from: &str, secret: &str) -> u16 {
        let request = self.server.token_request("operator", secret);
        let answer = request
            .header("x-forwarded-for", from)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        if status == 429 || status == 503 {
            let wait: u64 = header(&answer, "retry-after").parse().unwrap();
            assert!(wait >= 1, "when to come back");
        }
        status
    }

    /// The partner's job gets its token.
    async fn job(&self) {
        assert_eq!(
            self.log_in(PARTNER, "ileap").await,
            200,
            "the partner's job"
        );
    }

    /// Neither locked nor near it: the right password still logs in at Clerk itself.
    async fn is_unlocked_at_clerk(&self) -> bool {
        let url = format!(
            "{}/v1/client/sign_ins?_is_native=1",
            self.server.clerk.frontend_api_url()
        );
        let form = [("identifier", "operator"), ("password", "ileap")];
        let answer = self.server.http.post(url).form(&form).send().await;
        answer.unwrap().status() == 200
    }
}

#[tokio::test]
async fn ten_thousand_guesses_in_a_minute_lock_nobody_and_the_job_gets_every_token() {
    for scene in Scene::over_both().await {
        scene.job().await;
        let mut refused = 0;
        for guess in 0..10_000 {
            let status = scene.log_in(ATTACKER, &format!("guess-{guess}")).await;
            assert!([400, 429, 503].contains(&status), "{status}");
            refused += u32::from(status == 400);
            if guess % 500 == 0 {
                scene.job().await;
            }
            scene.advance(Duration::from_millis(6));
        }
        scene.job().await;
        assert!(refused <= 5, "{refused} guesses reached Clerk");
        scene.advance(Duration::from_mins(10));
        scene.job().await;
        assert!(scene.is_unlocked_at_clerk().await);
    }
}

#[tokio::test]
async fn five_guesses_an_hour_for_a_day_with_a_restart_lock_nobody_and_the_job_gets_every_token() {
    for mut scene in Scene::over_both().await {
        scene.job().await;
        for hour in 0..24 {
            for guess in 0..5 {
                scene.advance(Duration::from_mins(10));
                let status = scene.log_in(ATTACKER, &format!("{hour}-{guess}")).await;
                assert!([400, 429].contains(&status), "{status}");
            }
            if hour == 12 {
                scene.server = scene.server.restarted().await;
            }
            scene.advance(Duration::from_mins(10));
            scene.job().await;
        }
        assert!(scene.is_unlocked_at_clerk().await);
    }
}

#[tokio::test]
async fn guesses_for_days_with_nobody_logging_in_do_not_lock_the_account_either() {
    for mut scene in Scene::over_both().await {
        for hour in 0..48 {
            for guess in 0..6 {
                scene.advance(Duration::from_mins(10));
                scene.log_in(ATTACKER, &format!("{hour}-{guess}")).await;
            }
            if hour % 10 == 9 {
                scene.server = scene.server.restarted().await;
            }
        }
        assert!(scene.is_unlocked_at_clerk().await);
    }
}

#[tokio::test]
async fn the_job_goes_on_without_clerk_for_the_configured_time_and_no_longer() {
    for scene in Scene::over_both().await {
        scene.job().await;
        scene.server.clerk.stop().await;
        for _ in 0..12 {
            scene.advance(Duration::from_mins(5));
            scene.job().await;
        }
        scene.advance(Duration::from_secs(1));
        assert_eq!(scene.log_in(PARTNER, "ileap").await, 503);
        assert_eq!(scene.log_in(ATTACKER, "guess").await, 503);
    }
}
