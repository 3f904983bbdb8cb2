//! What must not be relied on any longer, told to everything in this process that remembers, and to every
//! other instance through the store.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    clock::Clock,
    store::{
        Store, StoreError,
        logins::{Invalidation, InvalidationMark, News},
        tokens::{Revocation, RevocationRoom},
    },
    token::{RevokedToken, TokenCutoffs},
    verify::CredentialVerifier,
};

/// How often the store is asked what others have invalidated.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// How far a cut-off reaches into the future: tokens that others issue before they have heard of it do not
/// count either, with room for clocks that are a second apart.
const REACH: Duration = Duration::from_secs(2);
/// How often old records are deleted, counted in questions: the more of them there are, the longer others wait that have
/// something to write.
const PRUNE_EVERY: u32 = 600;
/// Records are needed for as long as tokens live, with room for clocks that disagree.
const KEPT_FOR: Duration = Duration::from_hours(25);
/// Who revokes more tokens than this while they live has all of them cut off: one client can neither fill the list nor
/// cut off anybody else.
const ROOM: RevocationRoom = RevocationRoom {
    per_subject: 100,
    in_all: 100_000,
};

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

    /// Revokes one token here and, through the store, everywhere; all of its subject's where too many were revoked.
    /// What the store did not take has no effect.
    pub async fn revoke(&self, token: &RevokedToken) -> Result<Revocation, StoreError> {
        let now = self.clock.now();
        let at = self.cutoffs.next(&token.subject, now + REACH);
        let revocation = self.store.revoke_token(token, ROOM, at).await?;
        match &revocation {
            Revocation::OfSubject(cutoff) => {
                self.cutoffs.cut_off(&cutoff.name, cutoff.at);
                let subject = Invalidation::Subject(cutoff.name.clone());
                self.verifier.forget(&subject);
            }
            Revocation::OfToken => self.cutoffs.revoke(token, now),
        }
        Ok(revocation)
    }

    /// Waits until every other instance has had the time to hear of what was published before.
    pub async fn told_to_all(&self) {
        if self.store.is_shared() {
            tokio::time::sleep(REACH).await;
        }
    }

    /// Takes over what has been cut off before this process began, and says from where to follow. To be done
    /// before requests are answered.
    pub async fn catch_up(&self) -> Result<InvalidationMark, StoreError> {
        // In this order: what is invalidated in between is seen twice, not never.
        let (_, mark) = self.store.invalidations(None).await?;
        self.take_all().await?;
        Ok(mark)
    }

    async fn take_all(&self) -> Result<(), StoreError> {
        take_all(&self.cutoffs, &*self.store, self.clock.now()).await
    }

    /// Follows what other instances, and commands beside them, invalidate, until it is dropped. Without a mark,
    /// whatever was invalidated before the store could first be read counts as news.
    pub async fn follow(&self, mut mark: Option<InvalidationMark>) {
        let mut is_in_trouble = mark.is_none();
        for turn in 1_u32.. {
            let turned = self.take_news(&mut mark).await;
            match &turned {
                Err(error) if !is_in_trouble => {
                    tracing::warn!(
                        cause = error.with_cause(),
                        "invalidations of other instances are not seen"
                    );
                }
                Ok(()) if is_in_trouble => {
                    tracing::info!("invalidations of other instances are seen again");
                }
                _ => {}
            }
            is_in_trouble = turned.is_err();
            if turn % PRUNE_EVERY == 0 {
                self.prune().await;
            }
            tokio::time::sleep(FOLLOW_EVERY).await;
        }
    }

    async fn prune(&self) {
        let before = self.clock.now() - KEPT_FOR;
        if let Err(error) = self.store.prune_logins(before).await {
            tracing::warn!(
                cause = error.with_cause(),
                "old records of logins are not deleted"
            );
        }
    }

    /// Takes in all that is new, however much it is.
    async fn take_news(&self, mark: &mut Option<InvalidationMark>) -> Result<(), StoreError> {
        let mut after = mark.unwrap_or(InvalidationMark(0));
        if mark.is_none() {
            self.take_all().await?;
        }
        loop {
            let (news, next) = self.store.invalidations(Some(after)).await?;
            self.take(&news).await?;
            *mark = Some(next);
            if next == after {
                return Ok(());
            }
            after = next;
        }
    }

    async fn take(&self, news: &[News]) -> Result<(), StoreError> {
        if news.iter().any(|one| matches!(one, News::Invalidated(_))) {
            take_cutoffs(&self.cutoffs, &*self.store, self.clock.now()).await?;
        }
        for one in news {
            match one {
                News::Invalidated(invalidation) => self.verifier.forget(invalidation),
                News::Revoked(token) => self.cutoffs.revoke(token, self.clock.now()),
            }
        }
        Ok(())
    }
}

async fn take_all(
    cutoffs: &TokenCutoffs,
    store: &dyn Store,
    now: Timestamp,
) -> Result<(), StoreError> {
    take_cutoffs(cutoffs, store, now).await?;
    for token in store.revoked_tokens(now).await? {
        cutoffs.revoke(&token, now);
    }
    Ok(())
}

async fn take_cutoffs(
    cutoffs: &TokenCutoffs,
    store: &dyn Store,
    now: Timestamp,
) -> Result<(), StoreError> {
    for cutoff in store.token_cutoffs(now - KEPT_FOR).await? {
        cutoffs.cut_off(&cutoff.name, cutoff.at);
    }
    Ok(())
}

/// What the servers on `store` cut off, looked up from beside them.
pub(crate) async fn cutoffs(store: &dyn Store, now: Timestamp) -> Result<TokenCutoffs, StoreError> {
    let cutoffs = TokenCutoffs::default();
    take_all(&cutoffs, store, now).await?;
    Ok(cutoffs)
}

/// Revokes one token for the servers on `store`, from beside them: they follow within two seconds.
pub async fn leave_revocation(
    store: &dyn Store,
    token: &RevokedToken,
    now: Timestamp,
) -> Result<Revocation, StoreError> {
    store.revoke_token(token, ROOM, now + REACH).await
}

/// Cuts off a subject's tokens for the servers on `store`, from beside them.
pub async fn leave_cut_off(
    store: &dyn Store,
    subject: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let subject = Invalidation::Subject(subject.to_owned());
    store.invalidate(&subject, now + REACH).await
}

#[cfg(test)]
pub(crate) mod tests;
