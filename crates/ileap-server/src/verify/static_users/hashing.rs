//! Hashing outside the threads that serve requests, within bounds of processors and memory.

use std::{sync::Arc, thread, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::secret_hash::{MOST_MEMORY_KIB, SecretHash};
use crate::{identity::ClientSecret, verify::VerifyError};

/// All the memory that hashes under way take together, in KiB: room for two of the costliest.
const MEMORY_KIB: u32 = 2 * MOST_MEMORY_KIB;
/// How long a request waits for its turn. Whoever has to wait longer is better told to come back.
const PATIENCE: Duration = Duration::from_secs(2);
/// When a request that did not get its turn may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where secrets are hashed: no more at once than there are processors, and none that memory is short for.
#[derive(Debug)]
pub(super) struct Hashing {
    /// Memory not in use, in KiB. A hash takes as much as it needs, and at least one processor's share.
    memory: Arc<Semaphore>,
    share: u32,
    patience: Duration,
}

impl Hashing {
    /// For the processors this machine lets us have.
    pub(super) fn new() -> Self {
        Self::with(
            thread::available_parallelism().map_or(1, usize::from),
            PATIENCE,
        )
    }

    /// For so many at once.
    pub(super) fn with(processors: usize, patience: Duration) -> Self {
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        let processors = processors.clamp(1, MEMORY_KIB);
        let share = MEMORY_KIB / processors;
        // Rounding loses less than half of it: room for one of the costliest is left.
        let memory = share * processors;
        Self {
            memory: Arc::new(Semaphore::new(memory as usize)),
            share,
            patience,
        }
    }

    /// Whether `hash` is of `secret`.
    pub(super) async fn is_of(
        &self,
        hash: SecretHash,
        secret: ClientSecret,
    ) -> Result<bool, VerifyError> {
        let memory = hash.costs().memory;
        let judged = self.run(memory, move || hash.is_of(&secret)).await?;
        judged.map_err(|_| unavailable("hashing_failed"))
    }

    /// Does work that takes `memory` KiB when it is its turn.
    async fn run<T: Send + 'static>(
        &self,
        memory: u32,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, VerifyError> {
        let waiting = Arc::clone(&self.memory).acquire_many_owned(memory.max(self.share));
        let Ok(Ok(permit)) = timeout(self.patience, waiting).await else {
            return Err(unavailable("hashing_busy"));
        };
        // The permit goes along: a caller that hangs up does not free memory still in use.
        let done = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(|_| unavailable("hashing_failed"))
    }
}

#[cfg(test)]
impl Hashing {
    /// Without room for anybody.
    pub(super) fn closed() -> Self {
        Self {
            memory: Arc::new(Semaphore::new(0)),
            share: 1,
            patience: Duration::from_millis(1),
        }
    }
}

fn unavailable(cause: &str) -> VerifyError {
    VerifyError::Unavailable {
        retry_after: RETRY_AFTER,
        cause: cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Counts how much runs at once.
    #[derive(Default)]
    struct Gauge {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Gauge {
        fn work(&self, amount: usize) {
            let now = self.now.fetch_add(amount, Ordering::SeqCst) + amount;
            self.most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            self.now.fetch_sub(amount, Ordering::SeqCst);
        }
    }

    async fn most_at_once(processors: usize, memory: u32, amount: usize) -> usize {
        let hashing = Arc::new(Hashing::with(processors, LONG));
        let gauge = Arc::new(Gauge::default());
        let all: Vec<_> = (0..60)
            .map(|_| {
                let (hashing, gauge) = (hashing.clone(), gauge.clone());
                tokio::spawn(async move { hashing.run(memory, move || gauge.work(amount)).await })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap(), Ok(()));
        }
        gauge.most.load(Ordering::SeqCst)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_hashes_run_at_once_than_there_are_processors() {
        for processors in [1, 2, 3, 7] {
            let most = most_at_once(processors, 19 * 1024, 1).await;
            assert!(most <= processors, "{most} of {processors}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hashes_never_take_more_memory_together_than_there_is_for_them() {
        for memory in [MOST_MEMORY_KIB, MOST_MEMORY_KIB - 1, 100_000] {
            let most = most_at_once(64, memory, memory as usize).await;
            assert!(most <= MEMORY_KIB as usize, "{most}");
        }
    }

    #[tokio::test]
    async fn the_costliest_hash_gets_its_turn_on_any_machine() {
        for processors in [0, 1, 3, 1_000, usize::MAX] {
            let hashing = Hashing::with(processors, Duration::from_millis(50));
            assert_eq!(
                hashing.run(MOST_MEMORY_KIB, || 1).await,
                Ok(1),
                "{processors}"
            );
        }
    }

    #[tokio::test]
    async fn a_caller_that_hangs_up_frees_nothing_that_is_still_at_work() {
        let hashing = Arc::new(Hashing::with(1, Duration::from_millis(20)));
        let (started, start) = tokio::sync::oneshot::channel();
        let (finish, finished) = mpsc::channel::<()>();
        let caller = tokio::spawn({
            let hashing = hashing.clone();
            async move {
                let work = move || {
                    started.send(()).unwrap();
                    finished.recv()
                };
                hashing.run(1, work).await
            }
        });
        start.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(
            hashing.run(1, || ()).await,
            Err(unavailable("hashing_busy"))
        );
        finish.send(()).unwrap();
        let patient = Hashing {
            memory: hashing.memory.clone(),
            share: hashing.share,
            patience: LONG,
        };
        assert_eq!(patient.run(1, || ()).await, Ok(()));
    }

    #[tokio::test]
    async fn work_that_panics_is_no_verdict_and_gives_its_place_back() {
        let hashing = Hashing::with(1, LONG);
        let failed = hashing.run(1, || -> bool { panic!("expected") }).await;
        assert_eq!(failed, Err(unavailable("hashing_failed")));
        assert_eq!(hashing.run(1, || true).await, Ok(true));
    }
}
