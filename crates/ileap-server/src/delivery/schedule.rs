//! When a task that failed is tried again, and when it is given up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::store::outbox::Settlement;

/// How long a task is tried (PACT v2.3 "Action Events": at least three days).
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(72);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The longest pause a partner may ask for.
const LONGEST_REQUESTED_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// How many refusals end a task: the partner may mend what led to them.
const REFUSALS: u32 = 5;

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// The word for logs and records.
    pub why: &'static str,
    /// Whether trying again is likely to help.
    pub is_refusal: bool,
    /// How long the partner wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn for_now(why: &'static str) -> Self {
        Self {
            why,
            is_refusal: false,
            retry_after: None,
        }
    }

    pub(super) fn refusal(why: &'static str) -> Self {
        Self {
            is_refusal: true,
            ..Self::for_now(why)
        }
    }
}

/// What there was before a failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    /// When the task was kept.
    pub created_at: Timestamp,
    /// How many attempts failed before.
    pub attempts: u32,
    /// How many of them were refusals.
    pub refusals: u32,
}

/// What follows from a failed attempt. The pause doubles from `first_pause`; `chance`, from 0 to 255, spreads
/// the attempts of many tasks over half of it.
pub(super) fn after_failure(
    failure: Failure,
    history: History,
    now: Timestamp,
    (first_pause, chance): (Duration, u8),
) -> Settlement {
    let Failure {
        why, is_refusal, ..
    } = failure;
    if is_refusal && history.refusals + 1 >= REFUSALS {
        return Settlement::Dead { why };
    }
    let doubled = first_pause.saturating_mul(2_u32.saturating_pow(history.attempts.min(20)));
    let pause = doubled.min(LONGEST_PAUSE);
    let pause = pause / 2 + (pause / 2) * u32::from(chance) / 255;
    let requested = failure.retry_after.unwrap_or_default();
    let pause = pause.max(requested.min(LONGEST_REQUESTED_PAUSE));
    let due_at = SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| now.checked_add(pause).ok())
        .unwrap_or(now);
    if due_at.duration_since(history.created_at) > GIVEN_UP_AFTER {
        return Settlement::Dead { why };
    }
    Settlement::Retry {
        due_at,
        is_refusal,
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(2);

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn history(attempts: u32, refusals: u32) -> History {
        History {
            created_at: at(0),
            attempts,
            refusals,
        }
    }

    fn pause(failure: Failure, attempts: u32, chance: u8) -> Option<i64> {
        match after_failure(failure, history(attempts, 0), at(1), (FIRST, chance)) {
            Settlement::Retry { due_at, .. } => Some(due_at.duration_since(at(1)).as_secs()),
            _ => None,
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_are_spread_over_their_second_half() {
        let failure = Failure::for_now("timeout");
        let latest: Vec<_> = (0..=12)
            .map(|attempt| pause(failure, attempt, 255).unwrap())
            .collect();
        assert_eq!(
            latest,
            [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
        );
        assert_eq!(pause(failure, 2, 0), Some(4));
        assert_eq!(pause(failure, u32::MAX, 255), Some(3600));
    }

    #[test]
    fn a_partner_may_ask_for_a_longer_pause_of_up_to_a_day() {
        let asked = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Failure::for_now("busy")
        };
        assert_eq!(pause(asked(600), 0, 0), Some(600));
        assert_eq!(pause(asked(1), 4, 255), Some(32));
        assert_eq!(pause(asked(u64::MAX), 1, 0), Some(24 * 3600));
    }

    #[test]
    fn a_task_is_given_up_after_three_days_and_sooner_when_it_is_refused() {
        let failure = Failure::for_now("timeout");
        let tried = |hours| after_failure(failure, history(100, 0), at(hours), (FIRST, 255));
        assert!(matches!(tried(70), Settlement::Retry { .. }));
        assert_eq!(tried(72), Settlement::Dead { why: "timeout" });
        let refused = |before| {
            let refusal = Failure::refusal("rejected");
            after_failure(refusal, history(30, before), at(1), (FIRST, 0))
        };
        assert!(matches!(
            refused(3),
            Settlement::Retry {
                is_refusal: true,
                ..
            }
        ));
        assert_eq!(refused(4), Settlement::Dead { why: "rejected" });
        let late = after_failure(failure, history(30, 4), at(1), (FIRST, 0));
        assert!(matches!(
            late,
            Settlement::Retry {
                is_refusal: false,
                ..
            }
        ));
    }
}
