//! What stands in front of every call that counts: Clerk's limits, kept from this side, and a circuit breaker.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::rand;
use tracing::Instrument as _;

use super::{call::CallError, error::AnswerClass};
use crate::{
    clock::Clock,
    telemetry::{ClerkCallOutcome, Metrics, traces},
    verify::{
        VerifyError,
        budget::{Window, WindowOptions},
    },
};

/// So many calls without an answer, one after the other, and no more are made for a while.
const PATIENCE: u32 = 5;
/// How long none is made; then one tries whether Clerk is back.
const PAUSE: Duration = Duration::from_secs(1);
/// A throttle that asks for more is tried again after this long.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// When callers of a tripped breaker should come back.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Lets calls to one of Clerk's APIs through.
#[derive(Debug)]
pub struct Gate {
    breaker: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
    counted: Option<Counted>,
    /// For the second step of a sign-in, which Clerk limits by itself.
    factors: Option<Window>,
    calls: Option<Window>,
}

/// Where calls are counted, and as whose.
#[derive(Debug)]
struct Counted {
    api: &'static str,
    metrics: Arc<Metrics>,
}

/// Which of Clerk's limits a call counts against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Limit {
    /// That of logins, or of the whole API.
    Calls,
    /// That of attempts at a factor.
    Factors,
    /// None.
    Unlimited,
}

#[derive(Debug)]
enum Breaker {
    /// Calls are made.
    Closed { failures: u32 },
    /// None is made until then.
    Open {
        since: Instant,
        until: Instant,
        is_throttled: bool,
    },
    /// One is under way.
    Trial { since: Instant },
}

impl Gate {
    /// A gate that keeps to these limits, as far as there are any.
    pub fn new(
        calls: Option<WindowOptions>,
        factors: Option<WindowOptions>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let window = |options| Window::new(options, clock.clone());
        Self {
            breaker: Mutex::new(Breaker::Closed { failures: 0 }),
            calls: calls.map(window),
            counted: None,
            factors: factors.map(window),
            clock,
        }
    }

    /// The same, with calls counted as those of `api`.
    #[must_use]
    pub fn counted(mut self, api: &'static str, metrics: Arc<Metrics>) -> Self {
        metrics.clerk_breaker(api, false);
        self.counted = Some(Counted { api, metrics });
        self
    }

    /// Whether Clerk gave no answer lately: a call that changes nothing had better go first.
    pub(crate) fn is_troubled(&self) -> bool {
        !matches!(*self.breaker(), Breaker::Closed { failures: 0 })
    }

    /// Makes a call, when it may be made.
    pub(crate) async fn pass<T>(
        &self,
        limit: Limit,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let api = self.counted.as_ref().map_or("", |counted| counted.api);
        let span = traces::clerk_call(api);
        let mut began = None;
        let call = async {
            began = Some(self.clock.monotonic());
            call.await
        };
        // Boxed: it holds the whole call, and so do the futures around it.
        let answer = Box::pin(self.pass_uncounted(limit, call));
        let answer = answer.instrument(span.clone()).await;
        let outcome = outcome(&answer);
        traces::called(&span, outcome);
        if let Some(Counted { api, metrics }) = &self.counted {
            let now = self.clock.monotonic();
            let elapsed = began.map(|began| now.saturating_duration_since(began));
            metrics.called_clerk(api, outcome, elapsed);
        }
        answer
    }

    async fn pass_uncounted<T>(
        &self,
        limit: Limit,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let window = match limit {
            Limit::Calls => &self.calls,
            Limit::Factors => &self.factors,
            Limit::Unlimited => &None,
        };
        // First without a trial, so that what is held anyway takes no place; then once more, so that a trial
        // does not wait in a queue.
        self.is_open()?;
        if let Some(window) = window {
            window.enter().await.map_err(CallError::Held)?;
        }
        self.admit()?;
        // A call that is cut off at its deadline has had no answer.
        let unanswered = Unanswered { gate: Some(self) };
        let answer = call.await;
        unanswered.disarm();
        match &answer {
            Err(error) => self.failed(error),
            Ok(_) => self.answered(),
        }
        answer
    }

    /// Takes the trial, if it is time for one.
    fn admit(&self) -> Result<(), CallError> {
        self.is_open()?;
        let mut breaker = self.breaker();
        match *breaker {
            Breaker::Open { since, until, .. } if self.clock.monotonic() >= until => {
                self.turn(&mut breaker, Breaker::Trial { since });
                Ok(())
            }
            Breaker::Trial { .. } => Err(circuit_open()),
            Breaker::Closed { .. } | Breaker::Open { .. } => Ok(()),
        }
    }

    /// Whether a call may be made now.
    fn is_open(&self) -> Result<(), CallError> {
        let now = self.clock.monotonic();
        match *self.breaker() {
            Breaker::Closed { .. } => Ok(()),
            Breaker::Open { until, .. } if now >= until => Ok(()),
            Breaker::Open {
                until,
                is_throttled: true,
                ..
            } => Err(CallError::Held(VerifyError::Throttled {
                retry_after: until - now,
            })),
            Breaker::Open { .. } | Breaker::Trial { .. } => Err(circuit_open()),
        }
    }

    fn failed(&self, error: &CallError) {
        let class = match error {
            CallError::Refused(refused) => refused.class(),
            CallError::Held(_) => return,
            CallError::Malformed | CallError::Outbound(_) => return self.unanswered(),
        };
        match class {
            AnswerClass::Throttled { retry_after } => self.throttled(retry_after),
            AnswerClass::Busy { .. } => self.unanswered(),
            // Clerk is there, and says no.
            _ => self.answered(),
        }
    }

    fn answered(&self) {
        let now = self.clock.monotonic();
        let mut breaker = self.breaker();
        // Of a call that began before Clerk asked for a pause.
        if let Breaker::Open {
            until,
            is_throttled: true,
            ..
        } = *breaker
            && now < until
        {
            return;
        }
        if let Breaker::Trial { since } | Breaker::Open { since, .. } = *breaker {
            let seconds = now.saturating_duration_since(since).as_secs();
            tracing::info!(outage.seconds = seconds, "Clerk answers again");
        }
        self.turn(&mut breaker, Breaker::Closed { failures: 0 });
    }

    fn unanswered(&self) {
        let now = self.clock.monotonic();
        let mut breaker = self.breaker();
        let since = match &mut *breaker {
            Breaker::Closed { failures } if *failures + 1 < PATIENCE => {
                *failures += 1;
                return;
            }
            Breaker::Closed { .. } => {
                tracing::warn!(
                    remedy = "see https://status.clerk.com and this machine's network",
                    "Clerk gives no answer: partners that logged in lately go on from memory, others are told to \
                     come back"
                );
                now
            }
            Breaker::Trial { since } => *since,
            // Of a call that began before it opened.
            Breaker::Open { .. } => return,
        };
        let open = Breaker::Open {
            since,
            until: now + with_jitter(PAUSE),
            is_throttled: false,
        };
        self.turn(&mut breaker, open);
    }

    fn throttled(&self, retry_after: Duration) {
        let now = self.clock.monotonic();
        let mut breaker = self.breaker();
        let since = match *breaker {
            Breaker::Closed { .. } => {
                tracing::warn!(
                    retry_after.seconds = retry_after.as_secs(),
                    remedy = "the Backend API allows far more logins than the Frontend API; see whether something \
                              else uses this address or key",
                    "Clerk throttles logins: partners that logged in lately go on from memory"
                );
                now
            }
            Breaker::Open { since, .. } | Breaker::Trial { since } => since,
        };
        let open = Breaker::Open {
            since,
            until: now + retry_after.min(LONGEST_PAUSE),
            is_throttled: true,
        };
        self.turn(&mut breaker, open);
    }

    fn turn(&self, breaker: &mut Breaker, to: Breaker) {
        *breaker = to;
        if let Some(Counted { api, metrics }) = &self.counted {
            metrics.clerk_breaker(api, !matches!(breaker, Breaker::Closed { .. }));
        }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of a call, as metrics and traces call it.
fn outcome<T>(answer: &Result<T, CallError>) -> ClerkCallOutcome {
    match answer {
        Ok(_) => ClerkCallOutcome::Answered,
        Err(CallError::Held(_)) => ClerkCallOutcome::Held,
        Err(CallError::Malformed | CallError::Outbound(_)) => ClerkCallOutcome::Unanswered,
        Err(CallError::Refused(refused)) => match refused.class() {
            AnswerClass::Throttled { .. } => ClerkCallOutcome::Throttled,
            AnswerClass::Busy { .. } => ClerkCallOutcome::Unanswered,
            _ => ClerkCallOutcome::Refused,
        },
    }
}

fn circuit_open() -> CallError {
    CallError::Held(VerifyError::Unavailable {
        retry_after: RETRY_AFTER,
        cause: "circuit_open".to_owned(),
    })
}

/// Reports a call that ends without an answer because nobody waits for it any longer.
struct Unanswered<'a> {
    gate: Option<&'a Gate>,
}

impl Unanswered<'_> {
    fn disarm(mut self) {
        self.gate = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.gate {
            gate.unanswered();
        }
    }
}

/// Up to half as much again, so that instances do not come back all at once.
fn with_jitter(pause: Duration) -> Duration {
    // The same in every run.
    #[cfg(test)]
    if crate::outbound::simulated::is_laid() {
        return pause + pause / 4;
    }
    let mut random = [0_u8; 1];
    if rand::fill(&mut random).is_err() {
        return pause;
    }
    pause + pause.mul_f32(f32::from(random[0]) / 512.0)
}

#[cfg(test)]
mod tests;
