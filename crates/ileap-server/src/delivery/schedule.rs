//! When a task that failed is tried again, and when it is given up; and how long its host is left alone.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::store::outbox::{HostState, Settlement};

/// How long a task is tried (PACT v2.3 "Action Events": at least three days).
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(72);
/// The part of it, at its end, that is kept for telling the partner that there is no answer.
const LAST_HOURS: SignedDuration = SignedDuration::from_hours(6);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The longest pause a partner may ask for.
const LONGEST_REQUESTED_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// Whom a failure is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    /// The event or its answer: the host refuses it, and answers.
    Event,
    /// The host: it does not answer, or not now, whatever it is asked.
    Host,
    /// Our account at the host: every try may bring it nearer to being locked.
    Login,
    /// The task as it stands: nothing was asked.
    Task,
    /// Ourselves.
    Us,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// The word for logs and records.
    pub why: &'static str,
    /// Whom it is about.
    pub about: About,
    /// Whether no attempt can help.
    pub is_final: bool,
    /// Whether no byte of the event has left.
    pub has_not_left: bool,
    /// How long the partner wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub(super) const fn new(about: About, why: &'static str) -> Self {
        Self {
            why,
            about,
            is_final: false,
            has_not_left: false,
            retry_after: None,
        }
    }

    /// Whether trying again soon is of no use: somebody has to mend something first.
    fn is_refusal(self) -> bool {
        matches!(self.about, About::Event | About::Login | About::Task)
    }
}

/// What there was before a failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    /// When the task was kept.
    pub created_at: Timestamp,
    /// How many attempts failed before.
    pub attempts: u32,
    /// How many of the last ones in a row were refusals.
    pub refusals: u32,
    /// How often the host has failed since it answered last.
    pub host_failures: u32,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    /// After a first failure; it doubles.
    pub first: Duration,
    /// After one refusal, two and so on in a row.
    pub after_refusal: [Duration; 4],
    /// From 0 to 255: spreads the attempts of many tasks over the second half of a pause.
    pub chance: u8,
}

impl Pauses {
    fn doubled(&self, times: u32) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(times.min(20)));
        self.spread(doubled.min(LONGEST_PAUSE))
    }

    /// `None` when there were more refusals than pauses for them.
    fn refused(&self, times: u32) -> Option<Duration> {
        let before = usize::try_from(times).ok()?.checked_sub(1)?;
        self.after_refusal
            .get(before)
            .map(|pause| self.spread(*pause))
    }

    fn spread(&self, pause: Duration) -> Duration {
        pause / 2 + (pause / 2) * u32::from(self.chance) / 255
    }
}

/// Whether a task will soon be given up, and just has the time to be done in another way.
pub(super) fn is_ending(created_at: Timestamp, now: Timestamp) -> bool {
    now >= later(created_at, GIVEN_UP_AFTER - LAST_HOURS)
}

/// What follows from a failed attempt for its task. The last try comes at the end of the time for it.
pub(super) fn after_failure(
    failure: Failure,
    history: History,
    now: Timestamp,
    pauses: &Pauses,
) -> Settlement {
    let Failure { why, .. } = failure;
    let refusals = if failure.is_refusal() {
        history.refusals.saturating_add(1)
    } else {
        0
    };
    let pause = if failure.is_refusal() {
        pauses.refused(refusals)
    } else {
        Some(pauses.doubled(history.attempts))
    };
    let end = later(history.created_at, GIVEN_UP_AFTER);
    match pause {
        Some(pause) if !failure.is_final && now < end => Settlement::Retry {
            due_at: due(now, pause.max(requested(failure))).min(end),
            refusals,
            why,
        },
        _ => Settlement::Dead { why },
    }
}

/// What follows from it for the host.
pub(super) fn host_after_failure(
    failure: Failure,
    history: History,
    now: Timestamp,
    pauses: &Pauses,
) -> HostState {
    let failures = history.host_failures.saturating_add(1);
    let pause = match failure.about {
        About::Event => return HostState::Answers,
        About::Task | About::Us => return HostState::Unknown,
        About::Host => pauses.doubled(history.host_failures),
        About::Login => {
            let longest = u32::try_from(pauses.after_refusal.len()).unwrap_or(u32::MAX);
            pauses
                .refused(failures.min(longest))
                .unwrap_or(LONGEST_PAUSE)
        }
    };
    HostState::Rests {
        failures,
        until: due(now, pause.max(requested(failure))),
        given_up_before: later(now, -GIVEN_UP_AFTER),
    }
}

fn requested(failure: Failure) -> Duration {
    let requested = failure.retry_after.unwrap_or_default();
    requested.min(LONGEST_REQUESTED_PAUSE)
}

fn due(now: Timestamp, pause: Duration) -> Timestamp {
    SignedDuration::try_from(pause).map_or(now, |pause| later(now, pause))
}

fn later(moment: Timestamp, by: SignedDuration) -> Timestamp {
    moment.checked_add(by).unwrap_or(moment)
}

#[cfg(test)]
mod tests;
