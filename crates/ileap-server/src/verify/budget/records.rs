//! The failures counted in the store: asked when a stranger's login begins, written behind everyone's back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use quick_cache::sync::Cache;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    clock::Clock,
    store::{
        StoreError,
        logins::{LoginRecords, RefusedLogin, Reservation},
    },
    verify::{AccountKey, RejectReason, origin::Origin},
};

/// How long a login waits for the store; then it goes on with what this process knows.
const PATIENCE: Duration = Duration::from_millis(250);
/// Entries waiting to be written. Beyond that, refusals are not kept and failures stay counted.
const BACKLOG: usize = 8 * 1024;
/// How many accounts' failures are counted here while the store does not answer.
const UNRECORDED: usize = 16 * 1024;
/// An attempt without an answer counts as a failure for this long: it may have been one.
const UNCLEAR_FOR: Duration = Duration::from_hours(24);
/// How many attempts without an answer are given back later; those beyond stay counted.
const UNCLEAR: usize = 8 * 1024;

/// Failures of accounts, kept in the store.
pub(super) struct Records {
    clock: Arc<dyn Clock>,
    entries: mpsc::Sender<Entry>,
    store: Arc<dyn LoginRecords>,
    /// The last success of accounts: a failure that was under way then comes after it.
    succeeded: Cache<AccountKey, Turn>,
    turns: AtomicU64,
    unclear: Mutex<VecDeque<(Instant, AccountKey)>>,
    unrecorded: Cache<AccountKey, u32>,
}

/// The place of an event in the order in which this process saw them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Turn(u64);

enum Entry {
    Add(AccountKey),
    Done(oneshot::Sender<()>),
    GiveBack(AccountKey),
    Refused(RefusedLogin),
    Succeeded(AccountKey, Origin, Timestamp),
}

impl Records {
    /// Records in `store`. Spawns the task that writes; it ends with the last entry after this is dropped.
    pub(super) fn new(store: Arc<dyn LoginRecords>, clock: Arc<dyn Clock>) -> Self {
        let (entries, backlog) = mpsc::channel(BACKLOG);
        tokio::spawn(write(store.clone(), clock.clone(), backlog));
        Self {
            clock,
            entries,
            store,
            succeeded: Cache::new(UNRECORDED),
            turns: AtomicU64::new(0),
            unclear: Mutex::default(),
            unrecorded: Cache::new(UNRECORDED),
        }
    }

    /// Counts a failure in advance; `None` when there are `limit` already. While the store does not answer,
    /// half as many are let through: what it has counted before is not known here.
    pub(super) async fn reserve(&self, account: &AccountKey, limit: u32) -> Option<Turn> {
        let turn = self.next_turn();
        let reservation = self.count(account, limit).await;
        (reservation == Reservation::Granted).then_some(turn)
    }

    async fn count(&self, account: &AccountKey, limit: u32) -> Reservation {
        self.give_back_what_is_due();
        let unrecorded = self.unrecorded.get(account).unwrap_or(0);
        let limit_there = limit.saturating_sub(unrecorded);
        let now = self.clock.now();
        let asked = self.store.reserve_failure(account, limit_there, now);
        match timeout(PATIENCE, asked).await {
            Ok(Ok(reservation)) => {
                self.catch_up(account, unrecorded);
                reservation
            }
            Ok(Err(error)) => self.reserve_here(account, limit, Some(&error)),
            Err(_) => self.reserve_here(account, limit, None),
        }
    }

    fn reserve_here(
        &self,
        account: &AccountKey,
        limit: u32,
        error: Option<&StoreError>,
    ) -> Reservation {
        let cause = error.map_or_else(|| "no answer in time".to_owned(), ToString::to_string);
        tracing::warn!(
            cause,
            "failed logins are counted in this process alone: the store does not answer"
        );
        let counted = self.unrecorded.get(account).unwrap_or(0);
        if counted >= limit / 2 {
            return Reservation::Spent;
        }
        self.unrecorded.insert(account.clone(), counted + 1);
        Reservation::Granted
    }

    /// The store answers again: what was counted here goes there.
    fn catch_up(&self, account: &AccountKey, unrecorded: u32) {
        if unrecorded > 0 && self.unrecorded.remove(account).is_some() {
            for _ in 0..unrecorded {
                self.enqueue(Entry::Add(account.clone()));
            }
        }
    }

    /// Whether the account may be tried once more from where it has logged in before.
    pub(super) async fn take_origin_try(
        &self,
        account: &AccountKey,
        origin: Origin,
        window: Duration,
    ) -> bool {
        let (origin, now) = (origin.to_string(), self.clock.now());
        let asked = self.store.take_origin_try(account, &origin, now, window);
        matches!(timeout(PATIENCE, asked).await, Ok(Ok(true)))
    }

    /// The account has logged in.
    pub(super) fn succeeded(&self, account: &AccountKey, origin: Origin) {
        self.unrecorded.remove(account);
        self.succeeded.insert(account.clone(), self.next_turn());
        let now = self.clock.now();
        self.enqueue(Entry::Succeeded(account.clone(), origin, now));
    }

    /// A failure counted in advance has happened. A success meanwhile has wiped it out here, but came before
    /// it at the upstream: it is counted again.
    pub(super) fn failed(&self, account: &AccountKey, reserved: Turn) {
        let succeeded = self.succeeded.get(account);
        if succeeded.is_some_and(|success| success > reserved) {
            self.add(account);
        }
    }

    /// A failure that was not counted in advance.
    pub(super) fn add(&self, account: &AccountKey) {
        self.enqueue(Entry::Add(account.clone()));
    }

    /// A failure counted in advance did not happen.
    pub(super) fn give_back(&self, account: &AccountKey) {
        if let Some(counted) = self.unrecorded.get(account) {
            self.unrecorded
                .insert(account.clone(), counted.saturating_sub(1));
            return;
        }
        self.enqueue(Entry::GiveBack(account.clone()));
    }

    /// Nobody knows whether a failure counted in advance has happened.
    pub(super) fn unclear(&self, account: &AccountKey) {
        let due = self.clock.monotonic() + UNCLEAR_FOR;
        let mut unclear = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
        if unclear.len() < UNCLEAR {
            unclear.push_back((due, account.clone()));
        }
    }

    fn give_back_what_is_due(&self) {
        let now = self.clock.monotonic();
        let mut unclear = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((due, account)) = unclear.front() {
            if *due > now {
                break;
            }
            let entry = Entry::GiveBack(account.clone());
            unclear.pop_front();
            self.enqueue(entry);
        }
    }

    /// For the operator.
    pub(super) fn refused(&self, account: &AccountKey, origin: Origin, reason: &RejectReason) {
        self.enqueue(Entry::Refused(RefusedLogin {
            account: account.clone(),
            origin: origin.to_string(),
            reason: reason.as_str().to_owned(),
            at: self.clock.now(),
        }));
    }

    /// Waits until everything so far is written; says whether it is.
    pub(super) async fn drain(&self, longest: Duration) -> bool {
        let (done, is_done) = oneshot::channel();
        let written =
            async { self.entries.send(Entry::Done(done)).await.is_ok() && is_done.await.is_ok() };
        timeout(longest, written).await.unwrap_or(false)
    }

    fn next_turn(&self) -> Turn {
        Turn(self.turns.fetch_add(1, Ordering::Relaxed))
    }

    fn enqueue(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            tracing::warn!("a login's outcome is not recorded: too many wait for the store");
        }
    }
}

/// Writes entries in their order. What the store does not take is lost, on the side of caution: a failure
/// that did not happen stays counted.
async fn write(
    store: Arc<dyn LoginRecords>,
    clock: Arc<dyn Clock>,
    mut backlog: mpsc::Receiver<Entry>,
) {
    while let Some(entry) = backlog.recv().await {
        let written = match entry {
            Entry::Add(account) => store
                .reserve_failure(&account, u32::MAX, clock.now())
                .await
                .map(|_| ()),
            Entry::Done(done) => {
                let _ = done.send(());
                Ok(())
            }
            Entry::GiveBack(account) => store.return_failure(&account).await,
            Entry::Refused(refusal) => store.record_refusal(&refusal).await,
            Entry::Succeeded(account, origin, at) => {
                store
                    .record_success(&account, &origin.to_string(), at)
                    .await
            }
        };
        if let Err(error) = written {
            tracing::warn!(cause = %error, "a login's outcome is not recorded");
        }
    }
}
