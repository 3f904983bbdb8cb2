//! Limits on failed logins: nobody may lock an account at the upstream through us, nor keep others from
//! logging in.

mod backlog;
pub(crate) mod rate;
mod records;
mod window;

pub(crate) use self::window::Window;
pub use self::{rate::Rate, window::WindowOptions};

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use self::{
    rate::Level,
    records::{Records, Reserved},
};
use super::{
    Account, AccountKey, Attempt, CredentialVerifier, DEFAULT_ALLOWED_FAILURES, ProbeFinding,
    Standing, Verdict, VerifyError, origin::Origin,
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
/// How many accounts' last successes are remembered.
const VERIFIED: usize = 32 * 1024;
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
    bypassed: Mutex<HashMap<AccountKey, Instant>>,
    clock: Arc<dyn Clock>,
    inner: Arc<dyn CredentialVerifier>,
    logins: Option<Window>,
    options: BudgetOptions,
    records: Records,
    spent: Cache<AccountKey, Instant>,
    verified: Cache<AccountKey, Instant>,
}

/// What was done so that an attempt may fail; nothing where failures lock nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Leave {
    /// Its failure is counted already.
    reserved: Option<Reserved>,
    /// The hour's try of a known address was taken for it.
    is_origin_try: bool,
}

/// How many failures from anywhere may reach the upstream, of all that may: one or two are kept for addresses that
/// the account has logged in from, where there are enough.
pub(crate) fn strangers_share(allowed_failures: u32) -> u32 {
    match allowed_failures {
        0..=2 => allowed_failures,
        3..=4 => allowed_failures - 1,
        _ => allowed_failures - 2,
    }
}

/// How many may from there: one more than strangers in any case. Where accounts are thought to be locked early, as
/// many as usual, short of the last: what is seen of other accounts may be what guesses have left of more.
fn share_of_origins(allowed_failures: u32, failures_left: Option<u32>) -> u32 {
    let left = failures_left.map_or(0, |left| left.saturating_sub(1));
    match allowed_failures {
        0 => 0,
        _ => allowed_failures
            .max(strangers_share(allowed_failures) + 1)
            .max(left.min(DEFAULT_ALLOWED_FAILURES)),
    }
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
            bypassed: Mutex::default(),
            inner,
            logins: options
                .logins
                .map(|window| Window::new(window, clock.clone())),
            options,
            records: Records::new(records, clock.clone()),
            spent: Cache::new(SPENT),
            verified: Cache::new(VERIFIED),
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
            return Ok(Leave::default());
        };
        let (key, records) = (&account.key, &self.records);
        let now = self.clock.monotonic();
        let is_spent = self.is_spent(key, now);
        if attempt.standing == Standing::KnownGood {
            if is_spent && !self.may_bypass(key, now) {
                return Err(VerifyError::OverBudget {
                    budget: "account",
                    retry_after: KNOWN_GOOD_EVERY,
                });
            }
            return Ok(Leave {
                reserved: Some(records.reserve_known_good(key).await),
                is_origin_try: false,
            });
        }
        if is_spent {
            return Err(self.account_is_spent());
        }
        let reserved = records.reserve(key, strangers_share(limit)).await?;
        if reserved.is_some() {
            return Ok(Leave {
                reserved,
                is_origin_try: false,
            });
        }
        let window = self.options.origin_window;
        if !self.is_at_work(key, now) && records.take_origin_try(key, origin, window).await {
            let share = share_of_origins(limit, account.failures_left);
            let reserved = records.reserve(key, share).await;
            if !matches!(reserved, Ok(Some(_))) {
                records.return_origin_try(key, origin);
            }
            let reserved = reserved?;
            if reserved.is_some() {
                return Ok(Leave {
                    reserved,
                    is_origin_try: true,
                });
            }
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
        let (key, records) = (&account.key, &self.records);
        match answer {
            Ok(Verdict::Accept(_)) => {
                self.clear(key);
                self.verified.insert(key.clone(), self.clock.monotonic());
                records.succeeded(key, leave.reserved, origin);
            }
            Ok(Verdict::Reject(reason)) => {
                self.charge_address(origin);
                records.refused(key, origin, reason);
                if !reason.is_failure() {
                    self.give_back(key, leave);
                    return;
                }
                self.charge_all();
                if let Some(reserved) = leave.reserved {
                    records.failed(key, reserved);
                }
            }
            Err(error) if error.may_have_counted() => {
                self.charge_address(origin);
                if let Some(reserved) = leave.reserved {
                    records.unclear(key, reserved);
                }
            }
            Err(_) => {
                self.give_back(key, leave);
                if leave.is_origin_try {
                    records.return_origin_try(key, origin);
                }
            }
        }
    }

    fn give_back(&self, account: &AccountKey, leave: Leave) {
        if let Some(reserved) = leave.reserved {
            self.records.give_back(account, reserved);
        }
    }

    /// Once more a login from this address that did not succeed.
    fn charge_address(&self, origin: Origin) {
        let now = self.clock.monotonic();
        let whole = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(Level::whole(now))));
        let Ok(level) = self.addresses.get_or_insert_with(&origin, whole);
        lock(&level).charge(self.options.failures_per_address, now);
    }

    /// One failure more that has reached the upstream. What is held back here is charged to nobody: one address
    /// could use up what all have, and those behind one address what each other has.
    fn charge_all(&self) {
        let now = self.clock.monotonic();
        lock(&self.all).charge(self.options.failures_in_all, now);
    }

    fn clear(&self, account: &AccountKey) {
        self.spent.remove(account);
        lock(&self.bypassed).remove(account);
    }

    fn is_spent(&self, account: &AccountKey, now: Instant) -> bool {
        let since = self.spent.get(account);
        since.is_some_and(|since| now.saturating_duration_since(since) < SPENT_FOR)
    }

    /// Whether its own job has logged in lately, and does so on: its secret is known to be good here, so any other
    /// one is somebody else's, and the try of its address is kept for after a restart.
    fn is_at_work(&self, account: &AccountKey, now: Instant) -> bool {
        let last = self.verified.get(account);
        last.is_some_and(|last| now.saturating_duration_since(last) < self.options.origin_window)
    }

    fn may_bypass(&self, account: &AccountKey, now: Instant) -> bool {
        let mut bypassed = lock(&self.bypassed);
        let is_due = |last: &Instant| now.saturating_duration_since(*last) >= KNOWN_GOOD_EVERY;
        if bypassed.get(account).is_some_and(|last| !is_due(last)) {
            return false;
        }
        if bypassed.len() >= SPENT {
            bypassed.retain(|_, last| !is_due(last));
        }
        bypassed.insert(account.clone(), now);
        true
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
        let is_stranger = attempt.standing == Standing::Unknown;
        if is_stranger {
            self.check(origin, attempt)?;
        }
        let account = self.inner.account(attempt).await?;
        // Before the store is asked: whoever has to wait costs nothing.
        let logins = self.logins.as_ref().filter(|_| is_stranger);
        if let Some(logins) = logins {
            logins.enter().await?;
        }
        let leave = self.leave(origin, attempt, &account).await;
        let leave = leave.inspect_err(|_| {
            // What is held back takes nobody's place.
            if let Some(logins) = logins {
                logins.leave();
            }
        })?;
        let answer = self.inner.verify(attempt).await;
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
        match invalidation {
            Invalidation::Account(account) => {
                self.clear(account);
                self.verified.remove(account);
                self.records.forget(account);
            }
            // Its secret may be another one now.
            Invalidation::Subject(subject) => {
                self.verified.remove(&AccountKey::of_subject(subject));
            }
            Invalidation::Organization(_) => {}
        }
        self.inner.forget(invalidation);
    }

    async fn drain(&self, longest: Duration) -> bool {
        let end = tokio::time::Instant::now() + longest;
        let is_written = self.records.drain(longest).await;
        let rest = end.saturating_duration_since(tokio::time::Instant::now());
        self.inner.drain(rest).await && is_written
    }

    fn remembered(&self) -> Vec<(&'static str, usize)> {
        let mut caches = self.inner.remembered();
        caches.push(("addresses", self.addresses.len()));
        caches.push(("spent_accounts", self.spent.len()));
        caches
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
