//! The worker: takes tasks that are due, several at a time, and settles them.

use std::{
    collections::HashMap,
    future::pending,
    panic::AssertUnwindSafe,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::{
    Delivery,
    schedule::{About, Failure},
};
use crate::store::{
    StoreError,
    outbox::{Held, Lease, LeasedTask},
};

/// How many tasks one process works on at a time.
const AT_ONCE: usize = 16;
/// How long a task is one worker's alone, unless it asks for more time; then others take it for dead. A call to a
/// partner, which begins with a new lease, ends sooner.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often a worker asks for more time.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5 * 60);
/// How often to look for tasks that other processes have kept, or left behind.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A task that ends with whoever holds this.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A task that this process is at.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    held: Held,
    /// Whether its event is on its way: then it must not be broken off.
    is_sending: bool,
}

/// Has the task count as under way until it is dropped.
struct InHand(Arc<Delivery>, Uuid);

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.under_way().remove(&self.1);
    }
}

impl Delivery {
    /// Works on tasks until [`Delivery::stop`]. What is under way when the process ends is taken up again by
    /// whoever comes. A part that panics is begun anew.
    pub async fn run(self: Arc<Self>) {
        // By themselves: they wait for imports, and for whole tables.
        let aside = [
            tokio::spawn(self.clone().kept_up("publisher", Self::follow_changes)),
            tokio::spawn(self.clone().kept_up("leases", Self::keep_leases)),
            tokio::spawn(self.clone().kept_up("tidying", Self::keep_tidy)),
        ]
        .map(AbortOnDrop);
        self.kept_up("worker", Self::work_on_tasks).await;
        drop(aside);
    }

    async fn kept_up<F>(self: Arc<Self>, part: &'static str, begin: fn(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send,
    {
        while let Err(_panic) = AssertUnwindSafe(begin(self.clone())).catch_unwind().await {
            self.metrics.delivered(part, "restarted");
            tracing::error!(
                part,
                "a part of the delivery to partners has panicked and is begun anew"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn work_on_tasks(self: Arc<Self>) {
        let mut running = JoinSet::new();
        let mut stopping = self.stopping.subscribe();
        while !*stopping.borrow_and_update() {
            let free = AT_ONCE.saturating_sub(running.len());
            if free > 0 && self.begin(free, &mut running).await {
                continue;
            }
            let pause = self.until_next_due().await;
            tokio::select! {
                _ = running.join_next(), if !running.is_empty() => {}
                () = self.wake.notified(), if free > 0 => {}
                () = tokio::time::sleep(pause), if free > 0 => {}
                _ = stopping.changed() => {}
            }
        }
        while running.join_next().await.is_some() {}
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

    /// Lets `running` finish what is being sent, for so long, and gives back what it leaves.
    pub async fn stop(&self, mut running: JoinHandle<()>, patience: Duration) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(patience, &mut running).await.is_ok() {
            return;
        }
        let left = self.held();
        running.abort();
        let _ = running.await;
        self.give_back(&left).await;
    }

    /// How long to wait for the next task. One that is due and was not begun belongs to a host that somebody is
    /// busy with.
    async fn until_next_due(&self) -> Duration {
        let due = self.store.next_due().await.unwrap_or_default();
        let pause = due.map(|due| due.duration_since(self.lease_now()));
        let pause = pause.filter(SignedDuration::is_positive);
        let pause = pause.and_then(|pause| Duration::try_from(pause).ok());
        pause.map_or(LOOK_EVERY, |pause| pause.min(LOOK_EVERY))
    }

    /// Begins tasks that are due; says whether there were any.
    async fn begin(self: &Arc<Self>, limit: usize, running: &mut JoinSet<()>) -> bool {
        let tasks = self.lease(limit).await.unwrap_or_else(|error| {
            tracing::error!(cause = error.with_cause(), "tasks for partners wait");
            Vec::new()
        });
        let has_some = !tasks.is_empty();
        for task in tasks {
            let (id, delivery) = (task.task.id, self.clone());
            let entry = UnderWay {
                held: task.held(),
                is_sending: false,
            };
            self.under_way().insert(id, entry);
            let in_hand = InHand(delivery.clone(), id);
            running.spawn(async move {
                delivery.work(task).await;
                drop(in_hand);
            });
        }
        has_some
    }

    async fn lease(&self, limit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        let ours = self.clock.now();
        let now = self.store.lease_time(ours).await?;
        let ahead = now.duration_since(ours).as_nanos();
        let ahead = i64::try_from(ahead).unwrap_or_default();
        self.lease_clock_ahead.store(ahead, Ordering::Relaxed);
        let lease = Lease {
            id: Uuid::new_v4(),
            now,
            lasts: LEASE.unsigned_abs(),
            limit,
            except: self.under_way().keys().copied().collect(),
        };
        self.store.lease(&lease).await
    }

    /// Also while the rest of the worker is busy, or waits for the database.
    async fn keep_leases(self: Arc<Self>) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if let Err(error) = self.store.extend(&self.held(), self.lease_end()).await {
                tracing::error!(
                    cause = error.with_cause(),
                    "the lease of tasks cannot be extended"
                );
            }
        }
    }

    /// Attempts a task, and settles it. When the server stops, what is not being sent is given back.
    async fn work(&self, task: LeasedTask) {
        let attempt = tokio::time::timeout(ATTEMPT, self.attempt(&task));
        let ended = tokio::select! {
            biased;
            ended = AssertUnwindSafe(attempt).catch_unwind() => ended,
            () = self.is_to_stop(task.task.id) => return self.give_back(&[task.held()]).await,
        };
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::new(About::Host, "timeout")),
            Err(_panic) => Err(Failure::new(About::Us, "internal_error")),
        };
        self.settle(&task, outcome).await;
    }

    async fn is_to_stop(&self, task: Uuid) {
        let _ = self.stopping.subscribe().wait_for(|is_so| *is_so).await;
        if self.is_sending(task) {
            pending::<()>().await;
        }
    }

    async fn give_back(&self, held: &[Held]) {
        if let Err(error) = self.store.release(held).await {
            tracing::warn!(
                cause = error.with_cause(),
                "tasks for partners are not given back: others take them up when their lease ends"
            );
        }
    }

    /// Notes that the task's event is being sent.
    pub(super) fn is_now_sending(&self, task: Uuid) {
        if let Some(entry) = self.under_way().get_mut(&task) {
            entry.is_sending = true;
        }
    }

    pub(super) fn is_sending(&self, task: Uuid) -> bool {
        let under_way = self.under_way();
        under_way.get(&task).is_some_and(|entry| entry.is_sending)
    }

    /// When a lease ends that begins now.
    pub(super) fn lease_end(&self) -> Timestamp {
        let now = self.lease_now();
        now.checked_add(LEASE).unwrap_or(Timestamp::MAX)
    }

    fn lease_now(&self) -> Timestamp {
        let ahead = SignedDuration::from_nanos(self.lease_clock_ahead.load(Ordering::Relaxed));
        let ours = self.clock.now();
        ours.checked_add(ahead).unwrap_or(ours)
    }

    fn held(&self) -> Vec<Held> {
        self.under_way().values().map(|entry| entry.held).collect()
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Uuid, UnderWay>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
