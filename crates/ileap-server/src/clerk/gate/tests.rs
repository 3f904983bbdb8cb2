use jiff::Timestamp;

use super::*;
use crate::{
    clerk::{error::ClerkError, wire::ErrorEnvelope},
    clock::ManualClock,
    outbound::OutboundError,
};

struct Premises {
    clock: Arc<ManualClock>,
    gate: Gate,
}

impl Premises {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        Self {
            gate: Gate::new(None, None, clock.clone()),
            clock,
        }
    }

    async fn call(&self, answer: Result<(), CallError>) -> Result<(), CallError> {
        self.gate.pass(Limit::Calls, async { answer }).await
    }

    async fn fail(&self, times: u32) {
        for _ in 0..times {
            let _ = self.call(Err(lost())).await;
        }
    }

    async fn is_held(&self) -> bool {
        matches!(self.call(Ok(())).await, Err(CallError::Held(_)))
    }
}

fn lost() -> CallError {
    CallError::Outbound(OutboundError::Reset)
}

fn refused(status: u16, retry_after: Option<Duration>) -> CallError {
    CallError::Refused(ClerkError::new(
        status,
        &ErrorEnvelope::default(),
        retry_after,
    ))
}

#[tokio::test]
async fn five_calls_without_an_answer_hold_back_the_next() {
    let premises = Premises::new();
    premises.fail(4).await;
    assert!(!premises.is_held().await, "an answer starts the count anew");
    premises.fail(5).await;
    assert!(premises.is_held().await);
    assert!(premises.gate.is_troubled());
}

#[tokio::test]
async fn refusals_are_answers() {
    let premises = Premises::new();
    for _ in 0..20 {
        let _ = premises.call(Err(refused(422, None))).await;
        let _ = premises.call(Err(refused(401, None))).await;
    }
    assert!(!premises.is_held().await);
}

#[tokio::test]
async fn one_call_tries_whether_clerk_is_back_and_the_others_wait_for_it() {
    let premises = Premises::new();
    premises.fail(5).await;
    premises.clock.advance(Duration::from_secs(2));
    let trial = premises.gate.pass(Limit::Calls, async {
        assert!(premises.is_held().await, "the trial is under way");
        Ok(())
    });
    trial.await.unwrap();
    assert!(!premises.is_held().await);
    assert!(!premises.gate.is_troubled());
}

#[tokio::test]
async fn a_trial_without_an_answer_holds_back_again() {
    let premises = Premises::new();
    premises.fail(5).await;
    premises.clock.advance(Duration::from_secs(2));
    premises.fail(1).await;
    assert!(premises.is_held().await);
    premises.clock.advance(Duration::from_secs(2));
    assert!(!premises.is_held().await);
}

#[tokio::test]
async fn a_call_cut_off_at_its_deadline_has_had_no_answer() {
    let premises = Premises::new();
    for _ in 0..5 {
        let hangs = std::future::pending::<Result<(), CallError>>();
        let call = premises.gate.pass(Limit::Calls, hangs);
        assert!(
            tokio::time::timeout(Duration::from_millis(1), call)
                .await
                .is_err()
        );
    }
    assert!(premises.is_held().await);
}

#[tokio::test]
async fn a_throttle_holds_back_for_as_long_as_clerk_says() {
    let premises = Premises::new();
    let wait = Duration::from_secs(7);
    let _ = premises.call(Err(refused(429, Some(wait)))).await;
    premises.clock.advance(Duration::from_secs(3));
    let held = premises.call(Ok(())).await;
    let retry_after = Duration::from_secs(4);
    assert!(
        matches!(held, Err(CallError::Held(VerifyError::Throttled { retry_after: rest })) if rest == retry_after),
        "{held:?}"
    );
    premises.clock.advance(Duration::from_secs(4));
    assert!(!premises.is_held().await);
}

#[tokio::test]
async fn a_late_answer_does_not_end_the_pause_that_clerk_asked_for() {
    let premises = Premises::new();
    let (told, late) = tokio::sync::oneshot::channel::<()>();
    let answer = premises.gate.pass(Limit::Calls, async {
        let _ = late.await;
        Ok(())
    });
    let throttled = async {
        let wait = Some(Duration::from_secs(30));
        let _ = premises.call(Err(refused(429, wait))).await;
        let _ = told.send(());
    };
    let (answer, ()) = tokio::join!(answer, throttled);
    assert!(answer.is_ok());
    assert!(premises.is_held().await);
    premises.clock.advance(Duration::from_secs(30));
    assert!(!premises.is_held().await);
}

#[tokio::test]
async fn calls_that_the_breaker_holds_take_no_place_in_the_window() {
    let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
    let window = WindowOptions {
        limit: 6,
        period: Duration::from_secs(10),
        patience: Duration::ZERO,
    };
    let premises = Premises {
        gate: Gate::new(Some(window), None, clock.clone()),
        clock,
    };
    premises.fail(5).await;
    for _ in 0..100 {
        assert!(premises.is_held().await);
    }
    premises.clock.advance(Duration::from_secs(3));
    assert!(!premises.is_held().await, "there is room for the trial");
}

#[tokio::test]
async fn an_answer_that_comes_when_the_pause_is_over_ends_it() {
    let premises = Premises::new();
    let wait = Duration::from_secs(30);
    let answer = premises.gate.pass(Limit::Calls, async {
        let _ = premises.call(Err(refused(429, Some(wait)))).await;
        assert!(premises.gate.is_troubled());
        premises.clock.advance(wait);
        Ok(())
    });
    answer.await.unwrap();
    assert!(!premises.gate.is_troubled());
}

#[test]
fn a_pause_is_never_shorter_than_it_should_be_and_longer_by_half_at_most() {
    for _ in 0..100 {
        let pause = with_jitter(PAUSE);
        assert!((PAUSE..PAUSE + PAUSE / 2).contains(&pause), "{pause:?}");
    }
}
