//! The worker: takes tasks that are due, several at a time, and settles them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::task::{self, JoinHandle, JoinSet};
use uuid::Uuid;

use super::{
    Delivery,
    schedule::{self, Failure, History},
};
use crate::store::outbox::{Lease, LeasedTask, Settlement};

/// How many tasks one process works on at a time.
const AT_ONCE: usize = 16;
/// How long a task is one worker's alone, unless it asks for more time; then others take it for dead.
const LEASE: Duration = Duration::from_secs(15);
/// How often a worker asks for more time.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// How long one attempt may take: with every footprint of a Published event to fetch.
const ATTEMPT: Duration = Duration::from_secs(5 * 60);
/// How often to look for tasks that other processes have kept, or left behind.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often to forget what is settled, and to count what is not.
const TIDY_EVERY: Duration = Duration::from_secs(30);
const KEEP_DONE: SignedDuration = SignedDuration::from_hours(7 * 24);
const KEEP_DEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A task that ends with whoever holds this.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is being worked on.
#[derive(Default)]
struct UnderWay {
    running: JoinSet<()>,
    tasks: HashMap<task::Id, LeasedTask>,
}

type Ended = Result<(task::Id, ()), task::JoinError>;

impl Delivery {
    /// Works on tasks until [`Delivery::stop`]. What is under way when the process ends is taken up again by
    /// whoever comes.
    pub async fn run(self: Arc<Self>) {
        let mut under_way = UnderWay::default();
        // By itself: it waits for imports.
        let publishing = AbortOnDrop(tokio::spawn(self.clone().follow_changes()));
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        let mut tidying = tokio::time::interval(TIDY_EVERY);
        loop {
            let free = AT_ONCE.saturating_sub(under_way.running.len());
            if free > 0 && self.begin(free, &mut under_way).await {
                continue;
            }
            let pause = self.until_next_due().await;
            tokio::select! {
                ended = under_way.running.join_next_with_id(), if !under_way.running.is_empty() => {
                    self.ended(ended, &mut under_way).await;
                }
                () = self.wake.notified(), if free > 0 => {}
                () = tokio::time::sleep(pause), if free > 0 => {}
                _ = heartbeat.tick() => self.keep_leases(&under_way).await,
                _ = tidying.tick() => self.tidy().await,
                () = self.stopping.notified() => break,
            }
        }
        drop(publishing);
        while !under_way.running.is_empty() {
            let ended = under_way.running.join_next_with_id().await;
            self.ended(ended, &mut under_way).await;
        }
    }

    /// Makes tasks of new and changed footprints.
    async fn follow_changes(self: Arc<Self>) {
        loop {
            match self.store.publish_changes(self.clock.now()).await {
                Ok(true) => {
                    self.wake();
                    continue;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(
                        cause = error.with_cause(),
                        "partners are told of changed footprints later"
                    );
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Lets `running` finish what is under way, for so long.
    pub async fn stop(&self, mut running: JoinHandle<()>, patience: Duration) {
        self.stopping.notify_one();
        if tokio::time::timeout(patience, &mut running).await.is_err() {
            running.abort();
        }
    }

    /// How long to wait for the next task. One that is due and was not begun belongs to a host that somebody is
    /// busy with.
    async fn until_next_due(&self) -> Duration {
        let due = self.store.next_due().await.unwrap_or_default();
        let pause = due.map(|due| due.duration_since(self.clock.now()));
        let pause = pause.filter(SignedDuration::is_positive);
        let pause = pause.and_then(|pause| Duration::try_from(pause).ok());
        pause.map_or(LOOK_EVERY, |pause| pause.min(LOOK_EVERY))
    }

    /// Begins tasks that are due; says whether there were any.
    async fn begin(self: &Arc<Self>, limit: usize, under_way: &mut UnderWay) -> bool {
        let tasks = self.lease(limit).await;
        let has_some = !tasks.is_empty();
        for task in tasks {
            let (delivery, copy) = (self.clone(), task.clone());
            let running = under_way
                .running
                .spawn(async move { delivery.work(task).await });
            under_way.tasks.insert(running.id(), copy);
        }
        has_some
    }

    /// A task that panicked is tried again later like one that failed.
    async fn ended(&self, ended: Option<Ended>, under_way: &mut UnderWay) {
        let (id, is_over) = match ended {
            Some(Ok((id, ()))) => (id, true),
            Some(Err(error)) => (error.id(), false),
            None => return,
        };
        if let Some(task) = under_way.tasks.remove(&id)
            && !is_over
        {
            self.settle(&task, Err(Failure::refusal("internal_error")))
                .await;
        }
    }

    /// Of what is under way alone: what could not be settled has to be taken up again.
    async fn keep_leases(&self, under_way: &UnderWay) {
        let until = self
            .clock
            .now()
            .checked_add(LEASE)
            .unwrap_or(Timestamp::MAX);
        let tasks: Vec<Uuid> = under_way
            .tasks
            .values()
            .map(|leased| leased.task.id)
            .collect();
        if let Err(error) = self.store.extend(&self.worker, &tasks, until).await {
            tracing::error!(
                cause = error.with_cause(),
                "the lease of tasks cannot be extended"
            );
        }
    }

    async fn lease(&self, limit: usize) -> Vec<LeasedTask> {
        let lease = Lease {
            worker: self.worker.clone(),
            now: self.clock.now(),
            lasts: LEASE,
            limit,
        };
        let tasks = self.store.lease(&lease).await;
        tasks.unwrap_or_else(|error| {
            tracing::error!(cause = error.with_cause(), "tasks for partners wait");
            Vec::new()
        })
    }

    async fn work(&self, task: LeasedTask) {
        let outcome = tokio::time::timeout(ATTEMPT, self.attempt(&task)).await;
        let outcome = outcome.unwrap_or(Err(Failure::for_now("timeout")));
        self.settle(&task, outcome).await;
    }

    async fn settle(&self, leased: &LeasedTask, outcome: Result<(), Failure>) {
        let now = self.clock.now();
        let attempts = leased.attempts.saturating_add(1);
        let settlement = match outcome {
            Ok(()) => Settlement::Done,
            Err(failure) => {
                let history = History {
                    created_at: leased.created_at,
                    attempts: leased.attempts,
                    refusals: leased.refusals,
                };
                let chance = Uuid::new_v4().as_bytes()[0];
                schedule::after_failure(failure, history, now, (self.options.first_pause, chance))
            }
        };
        self.report(leased, settlement, attempts);
        let settled = self
            .store
            .settle(&self.worker, leased.task.id, settlement, now)
            .await;
        if let Err(error) = settled {
            tracing::error!(
                cause = error.with_cause(),
                task.id = %leased.task.id,
                "what became of a task cannot be kept: it will be tried again"
            );
        }
    }

    fn report(&self, leased: &LeasedTask, settlement: Settlement, attempts: u32) {
        let task = &leased.task;
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

    async fn tidy(&self) {
        let now = self.clock.now();
        let before = |age| now.checked_sub(age).unwrap_or(Timestamp::MIN);
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
}
