//! What must not be relied on any longer, told to everything in this process that remembers, and to every
//! other instance through the store.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    store::{
        Store, StoreError,
        logins::{Invalidation, InvalidationMark},
    },
    token::TokenCutoffs,
    verify::CredentialVerifier,
};

/// How often the store is asked what others have invalidated.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);
/// How often old records are deleted, counted in questions.
const PRUNE_EVERY: u32 = 1800;
/// Records are needed for as long as tokens live, with room for clocks that disagree.
const KEPT_FOR: Duration = Duration::from_hours(25);

/// Takes in invalidations, and follows those of others.
pub struct Invalidations {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where tokens are cut off.
    pub cutoffs: Arc<TokenCutoffs>,
    /// Where all instances read and write.
    pub store: Arc<dyn Store>,
    /// What remembers credentials.
    pub verifier: Arc<dyn CredentialVerifier>,
}

impl Invalidations {
    /// Invalidates here and, through the store, everywhere. What the store did not take has no effect, so
    /// that whoever told us tells us again.
    pub async fn publish(&self, invalidation: &Invalidation) -> Result<(), StoreError> {
        let now = self.clock.now();
        match invalidation {
            Invalidation::Account(_) => self.store.invalidate(invalidation, now).await?,
            Invalidation::Organization(name) | Invalidation::Subject(name) => {
                let at = self.cutoffs.next(name, now);
                self.store.invalidate(invalidation, at).await?;
                self.cutoffs.cut_off(name, at);
            }
        }
        self.verifier.forget(invalidation);
        Ok(())
    }

    /// Takes over what has been cut off before this process began. To be done before requests are answered.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let since = self.clock.now() - KEPT_FOR;
        for cutoff in self.store.token_cutoffs(since).await? {
            self.cutoffs.cut_off(&cutoff.name, cutoff.at);
        }
        Ok(())
    }

    /// Follows what other instances, and commands beside them, invalidate, until it is dropped.
    pub async fn follow(&self) {
        let mut mark = None;
        let mut is_in_trouble = false;
        for turn in 1_u32.. {
            let turned = self.take_news(&mut mark).await;
            match &turned {
                Err(error) if !is_in_trouble => {
                    tracing::warn!(cause = %error, "invalidations of other instances are not seen");
                }
                Ok(()) if is_in_trouble => {
                    tracing::info!("invalidations of other instances are seen again");
                }
                _ => {}
            }
            is_in_trouble = turned.is_err();
            if turn % PRUNE_EVERY == 0 {
                let before = self.clock.now() - KEPT_FOR;
                if let Err(error) = self.store.prune_logins(before).await {
                    tracing::warn!(cause = %error, "old records of logins are not deleted");
                }
            }
            tokio::time::sleep(FOLLOW_EVERY).await;
        }
    }

    async fn take_news(&self, mark: &mut Option<InvalidationMark>) -> Result<(), StoreError> {
        let is_first = mark.is_none();
        let (news, next) = self.store.invalidations(*mark).await?;
        if is_first || !news.is_empty() {
            self.catch_up().await?;
        }
        for invalidation in &news {
            self.verifier.forget(invalidation);
        }
        *mark = Some(next);
        Ok(())
    }
}
