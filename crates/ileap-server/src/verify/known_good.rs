//! Credentials that have been judged, remembered: asked once, answered many times, and for a while without
//! the upstream.

mod memory;
mod single_flight;

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use self::{
    memory::{Good, Memory, Recollection, Tag},
    single_flight::SingleFlight,
};
use super::{
    Account, Attempt, CredentialVerifier, ProbeFinding, ProbeSeverity, Standing, Verdict,
    VerifyError,
};
use crate::{
    clock::Clock,
    identity::ClientCredentials,
    store::logins::Invalidation,
    telemetry::{KnownGoodAnswer, Metrics},
};

/// How long credentials that are overdue wait for the upstream before they are answered from memory.
const PATIENCE: Duration = Duration::from_secs(1);
/// Without a login for this long, the upstream is asked whether it is there.
const SILENCE: Duration = Duration::from_mins(1);
/// The upstream's settings are read again after this long.
const PROBE_EVERY: Duration = Duration::from_mins(10);

/// How long answers are remembered.
#[derive(Clone, Copy, Debug)]
pub struct KnownGoodOptions {
    /// How long right credentials are accepted without asking.
    pub fresh_for: Duration,
    /// How long after the upstream's last sign of life they are still accepted; zero turns that off.
    pub stale_for: Duration,
}

/// Remembers the verdicts of another verifier.
///
/// Right credentials are answered from memory while they are fresh. After that they are verified again, and
/// accepted without a verdict only while the upstream gives none. Wrong ones are answered from memory for a
/// minute. Concurrent requests with the same credentials share one verification, which outlives the request
/// that began it. Secrets are kept as HMACs under a key that is drawn anew for each process.
pub struct KnownGood {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    inner: Arc<dyn CredentialVerifier>,
    memory: Memory,
    metrics: Arc<Metrics>,
    under_way: SingleFlight,
}

impl KnownGood {
    /// Remembers nothing yet. `None` when the system gives no randomness for the key.
    pub fn new(
        inner: Arc<dyn CredentialVerifier>,
        options: KnownGoodOptions,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Option<Self> {
        Some(Self {
            shared: Arc::new(Shared {
                memory: Memory::new(options, clock.monotonic())?,
                clock,
                inner,
                metrics,
                under_way: SingleFlight::new(),
            }),
        })
    }

    /// Accepts overdue credentials without a verdict, if that is still allowed.
    fn stale(&self, tag: &Tag, good: &Good, error: VerifyError) -> Result<Verdict, VerifyError> {
        let now = self.shared.clock.monotonic();
        let memory = &self.shared.memory;
        let is_forgotten = matches!(
            memory.recall(tag, now),
            Recollection::Nothing | Recollection::Wrong(_)
        );
        if is_forgotten || !memory.may_go_on(good, now) {
            return Err(error);
        }
        self.shared.metrics.known_good(KnownGoodAnswer::Stale);
        tracing::debug!(
            cause = %error,
            client.id = ?good.client.client_id.as_str(),
            "accepted from memory: the credentials were right when they could be verified last"
        );
        Ok(Verdict::Accept(good.client.clone()))
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for KnownGood {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        self.shared.inner.account(attempt).await
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let shared = &self.shared;
        let tag = shared.memory.tag(attempt.credentials);
        match shared.memory.recall(&tag, shared.clock.monotonic()) {
            Recollection::Fresh(good) => {
                shared.metrics.known_good(KnownGoodAnswer::Fresh);
                Ok(Verdict::Accept(good.client.clone()))
            }
            Recollection::Wrong(reason) => {
                shared.metrics.known_good(KnownGoodAnswer::Wrong);
                Ok(Verdict::Reject(reason))
            }
            Recollection::Overdue(good) => {
                let answer = Shared::ask(shared, tag, attempt, Standing::KnownGood);
                match timeout(PATIENCE, answer).await {
                    Ok(Ok(verdict)) => Ok(verdict),
                    Ok(Err(error)) => self.stale(&tag, &good, error),
                    // The verification goes on; whoever may not go on without it waits on.
                    Err(_) => match self.stale(&tag, &good, super::unavailable("slow")) {
                        Err(_) => {
                            let standing = shared.standing(&tag);
                            Shared::ask(shared, tag, attempt, standing).await
                        }
                        verdict => verdict,
                    },
                }
            }
            Recollection::Nothing => Shared::ask(shared, tag, attempt, Standing::Unknown).await,
        }
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        self.shared.probe().await
    }

    /// Asks a silent upstream for signs of life, so that it is known since when it has been gone.
    async fn tend(&self) {
        let inner = self.shared.inner.tend();
        let watch = async {
            let mut probed = self.shared.clock.monotonic();
            loop {
                tokio::time::sleep(SILENCE / 2).await;
                let now = self.shared.clock.monotonic();
                let silence = self.shared.memory.silence(now);
                if silence >= SILENCE || now.saturating_duration_since(probed) >= PROBE_EVERY {
                    probed = now;
                    self.shared.probe().await;
                }
            }
        };
        tokio::join!(inner, watch);
    }

    fn forget(&self, invalidation: &Invalidation) {
        let now = self.shared.clock.monotonic();
        self.shared.memory.forget(invalidation, now);
        self.shared.under_way.part();
        self.shared.inner.forget(invalidation);
    }

    async fn drain(&self, longest: Duration) -> bool {
        self.shared.inner.drain(longest).await
    }

    fn remembered(&self) -> Vec<(&'static str, usize)> {
        let mut caches = self.shared.inner.remembered();
        caches.extend(self.shared.memory.sizes());
        caches
    }

    fn kind(&self) -> &'static str {
        self.shared.inner.kind()
    }
}

impl Shared {
    /// Whether the credentials are still known to be good; an invalidation may have come.
    fn standing(&self, tag: &Tag) -> Standing {
        match self.memory.recall(tag, self.clock.monotonic()) {
            Recollection::Fresh(_) | Recollection::Overdue(_) => Standing::KnownGood,
            Recollection::Nothing | Recollection::Wrong(_) => Standing::Unknown,
        }
    }

    /// Verifies, together with everyone who asks the same at the same time.
    async fn ask(
        shared: &Arc<Self>,
        tag: Tag,
        attempt: &Attempt<'_>,
        standing: Standing,
    ) -> Result<Verdict, VerifyError> {
        let begin = || {
            let shared = Arc::clone(shared);
            let credentials: ClientCredentials = attempt.credentials.clone();
            let source = attempt.source;
            async move {
                let attempt = Attempt {
                    credentials: &credentials,
                    source,
                    standing,
                };
                shared.verify_and_remember(tag, &attempt).await
            }
        };
        shared.under_way.join(tag, begin).await
    }

    async fn verify_and_remember(
        &self,
        tag: Tag,
        attempt: &Attempt<'_>,
    ) -> Result<Verdict, VerifyError> {
        // What is learned counts from when it was asked for: what is forgotten meanwhile stays forgotten.
        let asked_at = self.clock.monotonic();
        // Another verification may have ended between the caller's look and now.
        match self.memory.recall(&tag, asked_at) {
            Recollection::Fresh(good) => return Ok(Verdict::Accept(good.client.clone())),
            Recollection::Wrong(reason) => return Ok(Verdict::Reject(reason)),
            Recollection::Nothing | Recollection::Overdue(_) => {}
        }
        self.metrics.known_good(KnownGoodAnswer::Asked);
        let verdict = self.inner.verify(attempt).await?;
        self.memory.answered(self.clock.monotonic());
        match &verdict {
            Verdict::Accept(client) => self.memory.remember_good(tag, client, asked_at),
            Verdict::Reject(reason) => self.memory.remember_refused(tag, reason, asked_at),
        }
        Ok(verdict)
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        let findings = self.inner.probe().await;
        let is_there = findings
            .iter()
            .all(|finding| finding.severity != ProbeSeverity::Error);
        if is_there {
            self.memory.answered(self.clock.monotonic());
        }
        findings
    }
}

#[cfg(test)]
mod tests;
