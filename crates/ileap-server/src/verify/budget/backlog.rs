//! What is written to the store behind everyone's back.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    store::{
        StoreError,
        logins::{Fate, LoginRecords, RefusedLogin, Reservation},
    },
    verify::{AccountKey, origin::Origin},
};

/// How many outcomes wait for a store that is away.
const OWED: usize = 1024;
/// When nothing else is to be written, they are tried again after this long.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Failures that did not happen and that the store does not know of yet, by account.
#[derive(Default)]
pub(super) struct Returning(Mutex<HashMap<AccountKey, u32>>);

impl Returning {
    pub(super) fn of(&self, account: &AccountKey) -> u32 {
        self.all().get(account).copied().unwrap_or(0)
    }

    pub(super) fn add(&self, account: &AccountKey) {
        *self.all().entry(account.clone()).or_default() += 1;
    }

    pub(super) fn remove(&self, account: &AccountKey) {
        let mut all = self.all();
        if let Some(count) = all.get_mut(account) {
            *count -= 1;
            if *count == 0 {
                all.remove(account);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<AccountKey, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be written.
pub(super) enum Entry {
    Done(oneshot::Sender<()>),
    OriginTry(AccountKey, Origin),
    Outcome(Outcome),
    Refused(RefusedLogin),
}

/// How a login ended. What the store does not take is written when it is back.
#[derive(Debug)]
pub(super) enum Outcome {
    Settled {
        account: AccountKey,
        /// None where it was let through without the store.
        reservation: Option<Reservation>,
        fate: Fate,
        at: Timestamp,
    },
    Succeeded {
        account: AccountKey,
        reservation: Option<Reservation>,
        origin: Origin,
        at: Timestamp,
    },
}

impl Outcome {
    /// Whether a success of `account` makes it pointless: a failure before it.
    fn is_forgotten_by_success_of(&self, account: &AccountKey) -> bool {
        match self {
            Self::Settled {
                account: own, fate, ..
            } => own == account && *fate != Fate::Returned,
            Self::Succeeded { .. } => false,
        }
    }

    async fn write(&mut self, store: &dyn LoginRecords) -> Result<(), StoreError> {
        match self {
            Self::Settled {
                account,
                reservation,
                fate,
                at,
            } => {
                if reservation.is_none() {
                    *reservation = store.reserve_failure(account, u32::MAX, *at).await?;
                }
                match *reservation {
                    Some(reservation) => {
                        store.settle_failure(account, reservation, *fate, *at).await
                    }
                    None => Ok(()),
                }
            }
            Self::Succeeded {
                account,
                reservation,
                origin,
                at,
            } => {
                let origin = origin.to_string();
                store
                    .record_success(account, *reservation, &origin, *at)
                    .await
            }
        }
    }
}

/// Writes entries in their order, and outcomes that the store did not take when it takes others again. What finds no
/// room meanwhile is lost: what was counted in the store counts for an hour. One line in the log when that begins,
/// and one when it ends.
pub(super) async fn write(
    store: Arc<dyn LoginRecords>,
    returning: Arc<Returning>,
    mut backlog: mpsc::Receiver<Entry>,
) {
    let mut owed = VecDeque::new();
    let mut is_in_trouble = false;
    loop {
        let next = if owed.is_empty() {
            Ok(backlog.recv().await)
        } else {
            timeout(AGAIN_AFTER, backlog.recv()).await
        };
        let written = match next {
            Ok(None) => return,
            Ok(Some(Entry::Done(done))) => {
                let written = write_owed(&*store, &mut owed).await;
                if written.is_ok() {
                    let _ = done.send(());
                }
                written
            }
            Ok(Some(entry)) => match write_one(&*store, &returning, &mut owed, entry).await {
                Ok(()) => write_owed(&*store, &mut owed).await,
                Err(error) => Err(error),
            },
            // Nothing else comes.
            Err(_) => write_owed(&*store, &mut owed).await,
        };
        match &written {
            Err(error) if !is_in_trouble => {
                tracing::warn!(
                    cause = error.with_cause(),
                    "outcomes of logins are not recorded: failures stay counted"
                );
            }
            Ok(()) if is_in_trouble => tracing::info!("outcomes of logins are recorded again"),
            _ => {}
        }
        is_in_trouble = written.is_err();
    }
}

async fn write_one(
    store: &dyn LoginRecords,
    returning: &Returning,
    owed: &mut VecDeque<Outcome>,
    entry: Entry,
) -> Result<(), StoreError> {
    let mut outcome = match entry {
        Entry::Done(_) => return Ok(()),
        Entry::OriginTry(account, origin) => {
            return store.return_origin_try(&account, &origin.to_string()).await;
        }
        Entry::Refused(refusal) => return store.record_refusal(&refusal).await,
        Entry::Outcome(outcome) => outcome,
    };
    match &outcome {
        Outcome::Settled {
            account,
            fate: Fate::Returned,
            ..
        } => {
            // Before it is written: for a moment it counts rather too long than too short.
            returning.remove(account);
        }
        Outcome::Settled { .. } => {}
        Outcome::Succeeded { account, .. } => {
            owed.retain(|before| !before.is_forgotten_by_success_of(account));
        }
    }
    let written = outcome.write(store).await;
    if written.is_err() && owed.len() < OWED {
        owed.push_back(outcome);
    }
    written
}

async fn write_owed(
    store: &dyn LoginRecords,
    owed: &mut VecDeque<Outcome>,
) -> Result<(), StoreError> {
    while let Some(outcome) = owed.front_mut() {
        outcome.write(store).await?;
        owed.pop_front();
    }
    Ok(())
}
