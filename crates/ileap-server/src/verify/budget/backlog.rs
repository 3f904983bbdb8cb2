//! What is written to the store behind everyone's back.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::{
    store::logins::{Fate, LoginRecords, RefusedLogin, Reservation},
    verify::{AccountKey, origin::Origin},
};

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
pub(super) async fn write(store: Arc<dyn LoginRecords>, mut backlog: mpsc::Receiver<Entry>) {
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
            } => store.settle_failure(&account, reservation, fate, at).await,
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
