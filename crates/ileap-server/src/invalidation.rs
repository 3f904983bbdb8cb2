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
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// How far a cut-off reaches into the future: tokens that others issue before they have heard of it do not
/// count either, with room for clocks that are a second apart.
const REACH: Duration = Duration::from_secs(2);
/// How often old records are deleted, counted in questions.
const PRUNE_EVERY: u32 = 3600;
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
                let at = self.cutoffs.next(name, now + REACH);
                self.store.invalidate(invalidation, at).await?;
                self.cutoffs.cut_off(name, at);
            }
        }
        self.verifier.forget(invalidation);
        Ok(())
    }

    /// Takes over what has been cut off before this process began, and says from where to follow. To be done
    /// before requests are answered.
    pub async fn catch_up(&self) -> Result<InvalidationMark, StoreError> {
        // In this order: what is invalidated in between is seen twice, not never.
        let (_, mark) = self.store.invalidations(None).await?;
        self.take_cutoffs().await?;
        Ok(mark)
    }

    async fn take_cutoffs(&self) -> Result<(), StoreError> {
        let since = self.clock.now() - KEPT_FOR;
        for cutoff in self.store.token_cutoffs(since).await? {
            self.cutoffs.cut_off(&cutoff.name, cutoff.at);
        }
        Ok(())
    }

    /// Follows what other instances, and commands beside them, invalidate, until it is dropped. Without a mark,
    /// whatever was invalidated before the store could first be read counts as news.
    pub async fn follow(&self, mut mark: Option<InvalidationMark>) {
        let mut is_in_trouble = mark.is_none();
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
        let after = mark.unwrap_or(InvalidationMark(0));
        let (news, next) = self.store.invalidations(Some(after)).await?;
        if mark.is_none() || !news.is_empty() {
            self.take_cutoffs().await?;
        }
        for invalidation in &news {
            self.verifier.forget(invalidation);
        }
        *mark = Some(next);
        Ok(())
    }
}
