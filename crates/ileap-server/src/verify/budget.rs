//! Limits on failed logins: nobody may lock an account at the upstream through us, nor keep others from
//! logging in.

mod rate;
mod records;
mod window;

pub(crate) use self::window::Window;
pub use self::{rate::Rate, window::WindowOptions};

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use self::{
    rate::Level,
    records::{Records, Turn},
};
use super::{
    Account, AccountKey, Attempt, CredentialVerifier, ProbeFinding, Standing, Verdict, VerifyError,
    origin::Origin,
};
use crate::{
    clock::Clock,
    store::logins::{Invalidation, LoginRecords},
};

/// How many addresses' rates are kept. An address whose failures are forgotten begins anew; what protects
/// accounts is kept elsewhere.
const ADDRESSES: usize = 64 * 1024;
/// How many accounts are remembered as spent.
const SPENT: usize = 16 * 1024;
/// How long an account is taken for spent before the records are asked again: others may have cleared it.
const SPENT_FOR: Duration = Duration::from_secs(2);
/// Credentials known to be good are verified this often at most while their account is spent.
const KNOWN_GOOD_EVERY: Duration = Duration::from_mins(1);

/// How many failures are let through.
#[derive(Clone, Copy, Debug)]
pub struct BudgetOptions {
    /// Failures from one address, or one /64 network of IPv6.
    pub failures_per_address: Rate,
    /// Failures altogether.
    pub failures_in_all: Rate,
    /// How many logins of credentials of which nothing is known are begun; `None` for no limit.
    pub logins: Option<WindowOptions>,
    /// How often a spent account may be tried from an address that it has logged in from before.
    pub origin_window: Duration,
}

impl Default for BudgetOptions {
    /// 30 failures a minute from an address, 600 altogether, one try an hour from a known address.
    fn default() -> Self {
        let in_a_minute = |burst| Rate {
            burst,
            period: Duration::from_mins(1),
        };
        Self {
            failures_per_address: in_a_minute(30),
            failures_in_all: in_a_minute(600),
            logins: None,
            origin_window: Duration::from_hours(1),
        }
    }
}

/// Lets an attempt through to another verifier only while there is budget for its failure.
///
/// Failures of an account are counted since its last success, before they happen, and by all instances on one
/// store together. Credentials known to be good pass all of it.
pub struct Budgeted {
    addresses: Cache<Origin, Arc<Mutex<Level>>>,
    all: Mutex<Level>,
    bypassed: Cache<AccountKey, Instant>,
    clock: Arc<dyn Clock>,
    inner: Arc<dyn CredentialVerifier>,
    logins: Option<Window>,
    options: BudgetOptions,
    records: Records,
    spent: Cache<AccountKey, Instant>,
}

/// What was done so that an attempt may fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Leave {
    /// Its failure is counted already.
    Reserved(Turn),
    /// Nothing is counted: failures lock nothing, or the credentials are known to be good.
    Free,
}

impl Budgeted {
    /// Budgets in front of `inner`, counted in `records`. Spawns the task that writes to them.
    pub fn new(
        inner: Arc<dyn CredentialVerifier>,
        options: BudgetOptions,
        records: Arc<dyn LoginRecords>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = clock.monotonic();
        Self {
            addresses: Cache::new(ADDRESSES),
            all: Mutex::new(Level::whole(now)),
            bypassed: Cache::new(SPENT),
            inner,
            logins: options
                .logins
                .map(|window| Window::new(window, clock.clone())),
            options,
            records: Records::new(records, clock.clone()),
            spent: Cache::new(SPENT),
            clock,
        }
    }

    /// Before anything is asked: address, total, and accounts known to be spent. Free of charge.
    fn check(&self, origin: Origin, attempt: &Attempt<'_>) -> Result<(), VerifyError> {
        let now = self.clock.monotonic();
        let over = |budget, retry_after| {
            Err(VerifyError::OverBudget {
                budget,
                retry_after,
            })
        };
        let level = self.addresses.get(&origin);
        let of_address =
            level.and_then(|level| lock(&level).wait(self.options.failures_per_address, now));
        if let Some(wait) = of_address {
            return over("address", wait);
        }
        if let Some(wait) = lock(&self.all).wait(self.options.failures_in_all, now) {
            return over("all", wait);
        }
        if self.is_spent(&by_identifier(attempt), now) {
            return Err(self.account_is_spent());
        }
        Ok(())
    }

    /// Counts the failure that `attempt` may become.
    async fn leave(
        &self,
        origin: Origin,
        attempt: &Attempt<'_>,
        account: &Account,
    ) -> Result<Leave, VerifyError> {
        let Some(limit) = account.allowed_failures else {
            return Ok(Leave::Free);
        };
        let now = self.clock.monotonic();
        let is_spent = self.is_spent(&account.key, now);
        if attempt.standing == Standing::KnownGood {
            return if is_spent && !self.may_bypass(&account.key, now) {
                Err(VerifyError::OverBudget {
                    budget: "account",
                    retry_after: KNOWN_GOOD_EVERY,
                })
            } else {
                Ok(Leave::Free)
            };
        }
        if is_spent {
            return Err(self.account_is_spent());
        }
        if let Some(turn) = self.records.reserve(&account.key, limit).await {
            return Ok(Leave::Reserved(turn));
        }
        // One try from where the account has logged in before, short of what would lock it.
        let all_but_one = limit.saturating_mul(2).saturating_sub(1);
        let window = self.options.origin_window;
        if self
            .records
            .take_origin_try(&account.key, origin, window)
            .await
            && let Some(turn) = self.records.reserve(&account.key, all_but_one).await
        {
            return Ok(Leave::Reserved(turn));
        }
        for key in [account.key.clone(), by_identifier(attempt)] {
            self.spent.insert(key, now);
        }
        Err(self.account_is_spent())
    }

    /// Settles what was counted in advance with what has happened.
    fn settle(
        &self,
        origin: Origin,
        account: &Account,
        leave: Leave,
        answer: &Result<Verdict, VerifyError>,
    ) {
        let key = &account.key;
        match answer {
            Ok(Verdict::Accept(_)) => {
                self.clear(key);
                self.records.succeeded(key, origin);
            }
            Ok(Verdict::Reject(reason)) if reason.is_failure() => {
                self.charge(origin);
                self.records.refused(key, origin, reason);
                match leave {
                    Leave::Reserved(turn) => self.records.failed(key, turn),
                    Leave::Free if account.allowed_failures.is_some() => self.records.add(key),
                    Leave::Free => {}
                }
            }
            Ok(Verdict::Reject(reason)) => {
                self.records.refused(key, origin, reason);
                self.give_back(key, leave);
            }
            Err(error) if error.may_have_counted() => {
                if leave != Leave::Free {
                    self.records.unclear(key);
                }
            }
            Err(_) => self.give_back(key, leave),
        }
    }

    fn give_back(&self, account: &AccountKey, leave: Leave) {
        if leave != Leave::Free {
            self.records.give_back(account);
        }
    }

    /// One failure more from this address, and altogether.
    fn charge(&self, origin: Origin) {
        let now = self.clock.monotonic();
        let whole = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Level::whole(now))));
        let Ok(level) = self.addresses.get_or_insert_with(&origin, whole);
        lock(&level).charge(self.options.failures_per_address, now);
        lock(&self.all).charge(self.options.failures_in_all, now);
    }

    fn clear(&self, account: &AccountKey) {
        self.spent.remove(account);
        self.bypassed.remove(account);
    }

    fn is_spent(&self, account: &AccountKey, now: Instant) -> bool {
        let since = self.spent.get(account);
        since.is_some_and(|since| now.saturating_duration_since(since) < SPENT_FOR)
    }

    fn may_bypass(&self, account: &AccountKey, now: Instant) -> bool {
        let last = self.bypassed.get(account);
        let is_due =
            last.is_none_or(|last| now.saturating_duration_since(last) >= KNOWN_GOOD_EVERY);
        if is_due {
            self.bypassed.insert(account.clone(), now);
        }
        is_due
    }

    fn account_is_spent(&self) -> VerifyError {
        VerifyError::OverBudget {
            budget: "account",
            retry_after: self.options.origin_window,
        }
    }
}

#[async_trait::async_trait]
impl CredentialVerifier for Budgeted {
    async fn account(&self, attempt: &Attempt<'_>) -> Result<Account, VerifyError> {
        self.inner.account(attempt).await
    }

    async fn verify(&self, attempt: &Attempt<'_>) -> Result<Verdict, VerifyError> {
        let origin = Origin::from(attempt.source);
        if attempt.standing == Standing::Unknown {
            self.check(origin, attempt)
                .inspect_err(|_| self.charge(origin))?;
        }
        let account = self.inner.account(attempt).await?;
        let leave = self.leave(origin, attempt, &account).await;
        let leave = leave.inspect_err(|_| self.charge(origin))?;
        // After the budgets: what they hold back takes nobody's place.
        let answer = match &self.logins {
            Some(logins) if attempt.standing == Standing::Unknown => match logins.enter().await {
                Ok(()) => self.inner.verify(attempt).await,
                Err(throttled) => Err(throttled),
            },
            _ => self.inner.verify(attempt).await,
        };
        self.settle(origin, &account, leave, &answer);
        if answer.is_ok() {
            self.spent.remove(&by_identifier(attempt));
        }
        answer
    }

    async fn probe(&self) -> Vec<ProbeFinding> {
        self.inner.probe().await
    }

    async fn tend(&self) {
        self.inner.tend().await;
    }

    fn forget(&self, invalidation: &Invalidation) {
        if let Invalidation::Account(account) = invalidation {
            self.clear(account);
        }
        self.inner.forget(invalidation);
    }

    async fn drain(&self, longest: Duration) -> bool {
        let end = tokio::time::Instant::now() + longest;
        let is_written = self.records.drain(longest).await;
        let rest = end.saturating_duration_since(tokio::time::Instant::now());
        self.inner.drain(rest).await && is_written
    }

    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
}

fn by_identifier(attempt: &Attempt<'_>) -> AccountKey {
    let client_id = &attempt.credentials.client_id;
    AccountKey::of_identifier(client_id.identifier_and_organization().0)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
