//! Hashing outside the threads that serve requests, within bounds of processors and memory.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use argon2::Block;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{
    locked,
    secret_hash::{MOST_MEMORY_KIB, SecretHash},
};
use crate::{identity::ClientSecret, verify::VerifyError};

/// All the memory that hashes under way take together, in KiB: room for two of the costliest.
const MEMORY_KIB: u32 = 2 * MOST_MEMORY_KIB;
/// How long a request waits for its turn. Whoever has to wait longer is better told to come back.
const PATIENCE: Duration = Duration::from_secs(2);
/// Less than what the size of a hash's memory is rounded down by, at most: four blocks of a KiB for each lane.
const SLACK_KIB: usize = 32;
/// When a request that did not get its turn may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where secrets are hashed: no more at once than there are processors, and none that memory is short for.
pub(super) struct Hashing {
    /// Memory not in use, in KiB. A hash takes as much as it needs, and at least one processor's share.
    memory: Arc<Semaphore>,
    share: u32,
    patience: Duration,
    idle: Arc<Idle>,
}

/// Memory of hashes that are done, kept for the next ones. Freed, it would not go back to the system: allocators keep
/// it for every thread, many times what all hashes need.
#[derive(Default)]
struct Idle(Mutex<Vec<Vec<Block>>>);

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
            idle: Arc::default(),
        }
    }

    /// Whether `hash` is of `secret`.
    pub(super) async fn is_of(
        &self,
        hash: SecretHash,
        secret: ClientSecret,
    ) -> Result<bool, VerifyError> {
        let kib = hash.costs().memory;
        let (all, idle) = (Arc::clone(&self.memory), Arc::clone(&self.idle));
        let work = move || {
            let mut memory = idle.take(kib as usize, all.available_permits());
            let judged = hash.is_of(&secret, &mut memory);
            idle.put(memory);
            judged
        };
        let judged = self.run(kib, work).await?;
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

impl Idle {
    /// Memory of about this size, or an empty one; keeps no more of the rest than there is room for.
    fn take(&self, kib: usize, room: usize) -> Vec<Block> {
        let mut idle = locked(&self.0);
        let found = idle
            .iter()
            .position(|memory| memory.len() <= kib && kib - memory.len() < SLACK_KIB);
        let found = found.map(|index| idle.swap_remove(index));
        let mut left = room;
        idle.retain(|memory| {
            let fits = memory.len() <= left;
            if fits {
                left -= memory.len();
            }
            fits
        });
        found.unwrap_or_default()
    }

    fn put(&self, memory: Vec<Block>) {
        locked(&self.0).push(memory);
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
            idle: Arc::default(),
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
    use crate::verify::static_users::secret_hash::Costs;

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

    fn hash(memory: u32, lanes: u32) -> SecretHash {
        SecretHash::decoy(Costs {
            memory,
            passes: 2,
            lanes,
        })
    }

    fn idle_kib(hashing: &Hashing) -> Vec<usize> {
        locked(&hashing.idle.0).iter().map(Vec::len).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn memory_is_used_again_and_no_more_is_kept_than_ran_at_once() {
        let hashing = Arc::new(Hashing::with(2, LONG));
        let secret = ClientSecret::new("x").unwrap();
        let all: Vec<_> = (0..12)
            .map(|_| {
                let (hashing, secret) = (hashing.clone(), secret.clone());
                tokio::spawn(async move { hashing.is_of(hash(19_457, 8), secret).await })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap(), Ok(false));
        }
        let kept = idle_kib(&hashing);
        assert!(!kept.is_empty() && kept.len() <= 2, "{kept:?}");
    }

    #[test]
    fn memory_of_another_size_goes_when_there_is_no_room_for_it() {
        let idle = Idle::default();
        for kib in [100, 200, 300] {
            idle.put(vec![Block::new(); kib]);
        }
        assert_eq!(idle.take(210, 400).len(), 200);
        assert_eq!(idle.take(1_000, 400).len(), 0);
        assert_eq!(locked(&idle.0).len(), 2);
        assert_eq!(idle.take(1_000, 399).len(), 0);
        assert_eq!(locked(&idle.0).len(), 1);
        assert_eq!(idle.take(1_000, 0).len(), 0);
        assert_eq!(locked(&idle.0).len(), 0);
        idle.put(vec![Block::new(); 100]);
        assert_eq!(idle.take(100 + SLACK_KIB, 400).len(), 0);
        assert_eq!(idle.take(99 + SLACK_KIB, 400).len(), 100);
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
            idle: Arc::default(),
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
