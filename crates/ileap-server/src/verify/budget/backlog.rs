//! What is written to the store behind everyone's back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::{
    store::logins::{Fate, LoginRecords, RefusedLogin, Reservation},
    verify::{AccountKey, origin::Origin},
};

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
    Refused(RefusedLogin),
    Settled {
        account: AccountKey,
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

/// Writes entries in their order. What the store does not take is lost on the side of caution: what was counted
/// stays counted. One line in the log when that begins, and one when it ends.
pub(super) async fn write(
    store: Arc<dyn LoginRecords>,
    returning: Arc<Returning>,
    mut backlog: mpsc::Receiver<Entry>,
) {
    let mut is_in_trouble = false;
    while let Some(entry) = backlog.recv().await {
        let written = match entry {
            Entry::Done(done) => {
                let _ = done.send(());
                continue;
            }
            Entry::OriginTry(account, origin) => {
                store.return_origin_try(&account, &origin.to_string()).await
            }
            Entry::Refused(refusal) => store.record_refusal(&refusal).await,
            Entry::Settled {
                account,
                reservation,
                fate,
                at,
            } => {
                if fate == Fate::Returned {
                    // Before it is written: for a moment it counts rather too long than too short.
                    returning.remove(&account);
                }
                store.settle_failure(&account, reservation, fate, at).await
            }
            Entry::Succeeded {
                account,
                reservation,
                origin,
                at,
            } => {
                let origin = origin.to_string();
                store
                    .record_success(&account, reservation, &origin, at)
                    .await
            }
        };
        match &written {
            Err(error) if !is_in_trouble => {
                tracing::warn!(cause = %error, "outcomes of logins are not recorded: failures stay counted");
            }
            Ok(()) if is_in_trouble => tracing::info!("outcomes of logins are recorded again"),
            _ => {}
        }
        is_in_trouble = written.is_err();
    }
}
