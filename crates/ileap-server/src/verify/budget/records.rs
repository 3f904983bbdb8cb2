//! The failures counted in the store: asked when a login begins, written behind everyone's back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::backlog::{self, Entry, Outcome, Returning};
use crate::{
    clock::Clock,
    store::logins::{Fate, LoginRecords, RefusedLogin, Reservation, UNSETTLED_FOR},
    verify::{AccountKey, RejectReason, VerifyError, origin::Origin, unavailable},
};

/// How long a login waits for the store; then it goes on with what this process knows.
const PATIENCE: Duration = Duration::from_millis(250);
/// Entries waiting to be written. What finds no room is lost: what was counted in the store counts for an hour.
const BACKLOG: usize = 8 * 1024;
/// Strangers' questions to the store at once, so that what is to be written gets its turn.
const QUESTIONS: usize = 8;
/// How many accounts' failures are counted here while the store does not answer.
const HERE: usize = 16 * 1024;

/// Failures of accounts, kept in the store.
pub(super) struct Records {
    clock: Arc<dyn Clock>,
    entries: mpsc::Sender<Entry>,
    here: Mutex<HashMap<AccountKey, Here>>,
    questions: Semaphore,
    returning: Arc<Returning>,
    store: Arc<dyn LoginRecords>,
}

/// What this process knows of an account, for when the store does not answer; until a success.
#[derive(Clone, Copy, Debug, Default)]
struct Here {
    /// Let through without the store.
    granted: u32,
    /// The store has said that there is no more.
    is_spent: bool,
}

/// A failure counted in advance: in the store, or, while it does not answer, in this process alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reserved {
    Here,
    There(Reservation),
}

impl Records {
    /// Records in `store`. Spawns the task that writes; it ends with the last entry after this is dropped.
    pub(super) fn new(store: Arc<dyn LoginRecords>, clock: Arc<dyn Clock>) -> Self {
        let (entries, backlog) = mpsc::channel(BACKLOG);
        let returning = Arc::<Returning>::default();
        tokio::spawn(backlog::write(store.clone(), returning.clone(), backlog));
        Self {
            clock,
            entries,
            here: Mutex::default(),
            questions: Semaphore::new(QUESTIONS),
            returning,
            store,
        }
    }

    /// Counts a failure of a stranger in advance; `None` when there are `limit` already.
    pub(super) async fn reserve(
        &self,
        account: &AccountKey,
        limit: u32,
    ) -> Result<Option<Reserved>, VerifyError> {
        let Ok(Ok(_question)) = timeout(PATIENCE, self.questions.acquire()).await else {
            return Err(unavailable("busy"));
        };
        // What is about to be given back does not count any longer.
        let limit_there = limit.saturating_add(self.returning.of(account));
        let asked = self
            .store
            .reserve_failure(account, limit_there, self.clock.now());
        match timeout(PATIENCE, asked).await {
            Ok(Ok(reservation)) => {
                self.learn(account, reservation);
                Ok(reservation.map(Reserved::There))
            }
            Ok(Err(error)) => Ok(self.reserve_here(account, limit, &error.to_string())),
            Err(_) => Ok(self.reserve_here(account, limit, "no answer in time")),
        }
    }

    /// The same for credentials known to be good, which pass every limit.
    pub(super) async fn reserve_known_good(&self, account: &AccountKey) -> Reserved {
        let asked = self
            .store
            .reserve_failure(account, u32::MAX, self.clock.now());
        match timeout(PATIENCE, asked).await {
            Ok(Ok(Some(reservation))) => Reserved::There(reservation),
            _ => Reserved::Here,
        }
    }

    fn learn(&self, account: &AccountKey, reservation: Option<Reservation>) {
        let mut here = self.here();
        match reservation {
            Some(_) => {
                if let Some(known) = here.get_mut(account) {
                    known.is_spent = false;
                }
            }
            None if here.len() < HERE || here.contains_key(account) => {
                here.entry(account.clone()).or_default().is_spent = true;
            }
            None => {}
        }
    }

    /// Without the store a quarter of the failures is let through, once between two successes: what it has
    /// counted is not known here. Nothing for accounts that it has called spent. It is told when it is back; a
    /// process that ends before then takes it along, and the next one begins only when the store is there.
    fn reserve_here(&self, account: &AccountKey, limit: u32, cause: &str) -> Option<Reserved> {
        tracing::debug!(
            cause,
            "a failed login is counted in this process alone: the store does not answer"
        );
        let mut here = self.here();
        if here.len() >= HERE && !here.contains_key(account) {
            return None;
        }
        let known = here.entry(account.clone()).or_default();
        if known.is_spent || known.granted >= limit.div_ceil(4) {
            return None;
        }
        known.granted += 1;
        Some(Reserved::Here)
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

    /// That try came to nothing.
    pub(super) fn return_origin_try(&self, account: &AccountKey, origin: Origin) {
        self.enqueue(Entry::OriginTry(account.clone(), origin));
    }

    /// The account has logged in.
    pub(super) fn succeeded(
        &self,
        account: &AccountKey,
        reserved: Option<Reserved>,
        origin: Origin,
    ) {
        self.forget(account);
        let at = self.clock.now();
        self.enqueue(Entry::Outcome(Outcome::Succeeded {
            account: account.clone(),
            reservation: reserved.and_then(Reserved::there),
            origin,
            at,
        }));
    }

    /// What was counted in advance has happened.
    pub(super) fn failed(&self, account: &AccountKey, reserved: Reserved) {
        self.settle(account, reserved, Fate::Happened);
    }

    /// A failure counted in advance did not happen.
    pub(super) fn give_back(&self, account: &AccountKey, reserved: Reserved) {
        match reserved {
            Reserved::Here => {
                if let Some(known) = self.here().get_mut(account) {
                    known.granted = known.granted.saturating_sub(1);
                }
            }
            Reserved::There(_) => self.settle(account, reserved, Fate::Returned),
        }
    }

    /// Nobody knows whether a failure counted in advance has happened.
    pub(super) fn unclear(&self, account: &AccountKey, reserved: Reserved) {
        // It may have been one; counted for longer an outage would keep those out that tried to log in meanwhile.
        let until = self.clock.now() + UNSETTLED_FOR;
        self.settle(account, reserved, Fate::Unclear(until));
    }

    fn settle(&self, account: &AccountKey, reserved: Reserved, fate: Fate) {
        if fate == Fate::Returned {
            self.returning.add(account);
        }
        let is_enqueued = self.enqueue(Entry::Outcome(Outcome::Settled {
            account: account.clone(),
            reservation: reserved.there(),
            fate,
            at: self.clock.now(),
        }));
        if fate == Fate::Returned && !is_enqueued {
            self.returning.remove(account);
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

    /// Forgets what this process has counted of an account.
    pub(super) fn forget(&self, account: &AccountKey) {
        self.here().remove(account);
    }

    /// Waits until everything so far is written; says whether it is.
    pub(super) async fn drain(&self, longest: Duration) -> bool {
        let (done, is_done) = oneshot::channel();
        let written =
            async { self.entries.send(Entry::Done(done)).await.is_ok() && is_done.await.is_ok() };
        timeout(longest, written).await.unwrap_or(false)
    }

    fn enqueue(&self, entry: Entry) -> bool {
        let is_enqueued = self.entries.try_send(entry).is_ok();
        if !is_enqueued {
            tracing::debug!("a login's outcome is not recorded: too many wait for the store");
        }
        is_enqueued
    }

    fn here(&self) -> std::sync::MutexGuard<'_, HashMap<AccountKey, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reserved {
    fn there(self) -> Option<Reservation> {
        match self {
            Self::Here => None,
            Self::There(reservation) => Some(reservation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, store::sql::SqlStore};

    #[tokio::test]
    async fn without_a_store_accounts_that_find_no_room_are_held_back_and_the_others_are_not() {
        let store = Arc::new(SqlStore::open("sqlite::memory:").await.unwrap());
        store.set_login_counting(false).await;
        let records = Records::new(store, Arc::new(SystemClock));
        let account = |number: usize| AccountKey::of_identifier(&number.to_string());
        let all = (0..HERE).map(|number| (account(number), Here::default()));
        records.here().extend(all);
        // The store has said this of one that there is no room for, and of one that is here.
        records.learn(&account(HERE), None);
        assert_eq!(records.here().len(), HERE);
        records.learn(&account(0), None);
        let reserve = async |number| records.reserve(&account(number), 4).await.unwrap();
        assert_eq!(reserve(HERE).await, None);
        assert_eq!(reserve(0).await, None);
        assert_eq!(reserve(1).await, Some(Reserved::Here));
        records.forget(&account(2));
        assert_eq!(reserve(HERE).await, Some(Reserved::Here));
    }
}
