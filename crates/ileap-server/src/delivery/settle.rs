//! What is kept of an attempt, and what is forgotten in the end.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use uuid::Uuid;

use super::{
    Delivery,
    schedule::{self, Failure, History, Pauses},
    worker::LOOK_EVERY,
};
use crate::store::outbox::{Ending, HostState, LeasedTask, Settlement, TaskKind};

/// The first pause after an outcome could not be kept; it doubles, up to [`LOOK_EVERY`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// How often to forget what is settled, and to count what is not.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// Every how many times old events are forgotten, too.
const FORGET_EVENTS_EVERY: u32 = 120;
const KEEP_DONE: SignedDuration = SignedDuration::from_hours(7 * 24);
const KEEP_DEAD: SignedDuration = SignedDuration::from_hours(30 * 24);
const KEEP_EVENT_BODIES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// An event that comes again after so long is taken for a new one.
const KEEP_EVENTS: SignedDuration = SignedDuration::from_hours(365 * 24);

impl Delivery {
    /// Keeps what became of an attempt, however long the database is away: an acknowledged event that is forgotten
    /// is sent again.
    pub(super) async fn settle(&self, leased: &LeasedTask, outcome: Result<(), Failure>) {
        let ending = self.ending(leased, outcome);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.store.settle(leased.held(), &ending).await {
                Ok(true) => return self.report(leased, ending.settlement),
                Ok(false) => {
                    tracing::warn!(
                        task.id = %leased.task.id,
                        "what became of a task for a partner counts no longer: another worker has it, or it is removed"
                    );
                    return;
                }
                Err(error) => tracing::error!(
                    cause = error.with_cause(),
                    task.id = %leased.task.id,
                    "what became of a task for a partner cannot be kept yet"
                ),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_EVERY);
        }
    }

    fn ending(&self, leased: &LeasedTask, outcome: Result<(), Failure>) -> Ending {
        let at = self.clock.now();
        let history = History {
            created_at: leased.created_at,
            attempts: leased.attempts,
            refusals: leased.refusals,
            host_failures: leased.host_failures,
        };
        let pauses = Pauses {
            first: self.options.first_pause,
            after_refusal: self.options.pauses_after_refusal,
            chance: Uuid::new_v4().as_bytes()[0],
        };
        let (settlement, host, has_left) = match outcome {
            Ok(()) if leased.task.kind == TaskKind::Keep => {
                (Settlement::Done, HostState::Unknown, false)
            }
            Ok(()) => (Settlement::Done, HostState::Answers, true),
            Err(failure) => (
                schedule::after_failure(failure, history, at, &pauses),
                schedule::host_after_failure(failure, history, at, &pauses),
                self.is_sending(leased.task.id) && !failure.has_not_left,
            ),
        };
        Ending {
            settlement,
            host,
            is_unsure: leased.is_unsure || has_left,
            at,
        }
    }

    fn report(&self, leased: &LeasedTask, settlement: Settlement) {
        let task = &leased.task;
        let attempts = leased.attempts.saturating_add(1);
        let (kind, id) = (task.kind.as_str(), task.id);
        let (outcome, why) = match settlement {
            Settlement::Done => ("done", ""),
            Settlement::Retry { why, .. } => ("retry", why),
            Settlement::Dead { why } => ("dead", why),
        };
        self.metrics.delivered(kind, outcome);
        if settlement == Settlement::Done {
            tracing::info!(task.id = %id, task.kind = kind, recipient = task.recipient, partner.base_url = task.base_url, attempts, "delivered");
        } else {
            tracing::warn!(task.id = %id, task.kind = kind, recipient = task.recipient, partner.base_url = task.base_url, attempts, outcome, why, "not delivered");
        }
    }

    pub(super) async fn keep_tidy(self: Arc<Self>) {
        for round in (0..FORGET_EVENTS_EVERY).cycle() {
            self.tidy().await;
            if round == 0 {
                self.forget_events().await;
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    }

    async fn tidy(&self) {
        let now = self.clock.now();
        let before = |age| now.checked_sub(age).unwrap_or(now);
        let pruned = self.store.prune(before(KEEP_DONE), before(KEEP_DEAD)).await;
        let depth = match pruned {
            Ok(()) => self.store.depth().await,
            Err(error) => Err(error),
        };
        match depth {
            Ok(depth) => {
                let age = depth.oldest.map(|oldest| now.duration_since(oldest));
                self.metrics.outbox(&depth, age.unwrap_or_default());
            }
            Err(error) => {
                tracing::error!(
                    cause = error.with_cause(),
                    "tasks for partners cannot be counted"
                );
            }
        }
    }

    async fn forget_events(&self) {
        let now = self.clock.now();
        let before = |age| now.checked_sub(age).unwrap_or(now);
        let (bodies, all) = (before(KEEP_EVENT_BODIES), before(KEEP_EVENTS));
        if let Err(error) = self.store.prune_events(bodies, all).await {
            tracing::warn!(cause = error.with_cause(), "old events are forgotten later");
        }
    }
}
