//! A store that all instances share, in memory, and the way to it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;

use super::world::{World, lock};
use crate::{
    store::{
        StoreError,
        logins::{
            Fate, Invalidation, InvalidationMark, Likeness, LoginRecord, LoginRecords, News,
            RefusedLogin, Reservation, TokenCutoff, UNSETTLED_FOR,
        },
    },
    verify::AccountKey,
};

/// Whatever was under way so long ago has ended.
const LONG_AGO: Duration = Duration::from_mins(1);
/// The addresses kept of an account.
const ORIGINS: usize = 32;

/// How the store is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Health {
    #[default]
    Fair,
    /// It refuses.
    Down,
    /// What is asked of it happens, and the answer is lost.
    Forgetful,
    /// Answers take up to half a second, before or after what is asked for has happened.
    Slow,
}

/// What is kept.
#[derive(Default)]
pub(super) struct Shelf {
    health: Mutex<Health>,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    failures: BTreeMap<i64, Failure>,
    invalidations: Vec<Invalidation>,
    newest: i64,
    /// When an account logged in from an address, and when that address was last given a try.
    origins: HashMap<(AccountKey, String), (Timestamp, Option<Timestamp>)>,
}

struct Failure {
    account: AccountKey,
    at: Timestamp,
    counts_until: Option<Timestamp>,
    is_settled: bool,
}

impl Shelf {
    pub(super) fn set_health(&self, health: Health) {
        *lock(&self.health) = health;
    }

    /// Whether a server can begin: it opens its store first.
    pub(super) fn is_there(&self) -> bool {
        *lock(&self.health) != Health::Down
    }
}

impl Rows {
    fn insert(&mut self, failure: Failure) -> i64 {
        self.newest += 1;
        self.failures.insert(self.newest, failure);
        self.newest
    }

    fn reserve(&mut self, account: &AccountKey, limit: u32, now: Timestamp) -> Option<Reservation> {
        let counts = |failure: &&Failure| {
            failure.account == *account
                && failure.counts_until.is_none_or(|until| until > now)
                && (failure.is_settled || failure.at > now - UNSETTLED_FOR)
        };
        let counted = self.failures.values().filter(counts).count();
        let fits = u32::try_from(counted).unwrap() < limit;
        fits.then(|| {
            Reservation(self.insert(Failure {
                account: account.clone(),
                at: now,
                counts_until: None,
                is_settled: false,
            }))
        })
    }

    fn settle(
        &mut self,
        account: &AccountKey,
        Reservation(id): Reservation,
        fate: Fate,
        now: Timestamp,
    ) {
        let is_its_own = |failure: &Failure| failure.account == *account;
        if !self.failures.get(&id).is_some_and(is_its_own) {
            return;
        }
        self.failures.remove(&id);
        let counts_until = match fate {
            Fate::Happened => None,
            Fate::Returned => return,
            Fate::Unclear(until) => Some(until),
        };
        self.insert(Failure {
            account: account.clone(),
            at: now,
            counts_until,
            is_settled: true,
        });
    }

    fn succeed(
        &mut self,
        account: &AccountKey,
        row: Option<Reservation>,
        origin: &str,
        now: Timestamp,
    ) {
        let own = row.map_or(i64::MIN, |Reservation(id)| id);
        self.failures.retain(|id, failure| {
            failure.account != *account
                || !(*id == own
                    || (*id < own && failure.is_settled)
                    || failure.at <= now - LONG_AGO)
        });
        self.origins
            .insert((account.clone(), origin.to_owned()), (now, None));
        let mut known: Vec<_> = self
            .origins
            .iter()
            .filter(|((of, _), _)| of == account)
            .collect();
        known.sort_by_key(|(_, (at, _))| std::cmp::Reverse(*at));
        let oldest: Vec<_> = known
            .into_iter()
            .skip(ORIGINS)
            .map(|(key, _)| key.clone())
            .collect();
        for key in oldest {
            self.origins.remove(&key);
        }
    }

    fn take_try(
        &mut self,
        account: &AccountKey,
        origin: &str,
        now: Timestamp,
        window: Duration,
    ) -> bool {
        let Some((_, tried)) = self.origins.get_mut(&(account.clone(), origin.to_owned())) else {
            return false;
        };
        let is_due = tried.is_none_or(|tried| tried <= now - window || tried > now);
        if is_due {
            *tried = Some(now);
        }
        is_due
    }
}

/// One life of an instance, at the store.
pub(super) struct Access {
    pub(super) life: u64,
    pub(super) number: usize,
    pub(super) world: Arc<World>,
}

impl Access {
    /// Reads the rows; without taking time where all is well, for it is done all the time.
    async fn glance<T>(&self, act: impl FnOnce(&mut Rows) -> T) -> Result<T, StoreError> {
        let kept = &self.world.shelf;
        if *lock(&kept.health) == Health::Fair && self.world.links[self.number].is_alive(self.life)
        {
            return Ok(act(&mut lock(&kept.rows)));
        }
        self.reach(act).await
    }

    /// Does something to the rows, as far as the store is there.
    async fn reach<T>(&self, act: impl FnOnce(&mut Rows) -> T) -> Result<T, StoreError> {
        let kept = &self.world.shelf;
        let away = || StoreError::Unavailable {
            attempted: "reaching the simulated store",
            source: "it is away".into(),
        };
        let health = *lock(&kept.health);
        if health != Health::Fair {
            self.world.links[self.number].let_down();
        }
        let pause = match health {
            Health::Slow => self.world.up_to(500),
            Health::Fair | Health::Down | Health::Forgetful => self.world.up_to(4),
        };
        let acts_late = self.world.chance(50);
        if acts_late {
            tokio::time::sleep(pause).await;
        }
        if !self.world.links[self.number].is_alive(self.life) {
            return std::future::pending().await;
        }
        if health == Health::Down {
            return Err(away());
        }
        let answer = act(&mut lock(&kept.rows));
        if !acts_late {
            tokio::time::sleep(pause).await;
        }
        if health == Health::Forgetful && self.world.chance(60) {
            return Err(away());
        }
        Ok(answer)
    }
}

#[async_trait::async_trait]
impl LoginRecords for Access {
    async fn reserve_failure(
        &self,
        account: &AccountKey,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<Reservation>, StoreError> {
        let reserved = self.reach(|rows| rows.reserve(account, limit, now)).await;
        self.world.tell(format_args!(
            "instance {} counts a failure of {} in advance, one of {limit} at most: {reserved:?}",
            self.number,
            account.as_str()
        ));
        reserved
    }

    async fn settle_failure(
        &self,
        account: &AccountKey,
        reservation: Reservation,
        fate: Fate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let settled = self.reach(|rows| rows.settle(account, reservation, fate, now));
        let settled = settled.await;
        self.world.tell(format_args!(
            "instance {} tells what became of {reservation:?} of {}: {fate:?}, {settled:?}",
            self.number,
            account.as_str()
        ));
        settled
    }

    async fn record_success(
        &self,
        account: &AccountKey,
        reservation: Option<Reservation>,
        origin: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.reach(|rows| {
            rows.succeed(account, reservation, origin, now);
            // Without a reservation the failures of the last minute stay.
            if reservation.is_some() {
                self.world.clerk.note_success(account.as_str());
            }
        })
        .await
    }

    async fn take_origin_try(
        &self,
        account: &AccountKey,
        origin: &str,
        now: Timestamp,
        window: Duration,
    ) -> Result<bool, StoreError> {
        self.reach(|rows| rows.take_try(account, origin, now, window))
            .await
    }

    async fn return_origin_try(
        &self,
        account: &AccountKey,
        origin: &str,
    ) -> Result<(), StoreError> {
        let key = (account.clone(), origin.to_owned());
        self.reach(|rows| {
            if let Some((_, tried)) = rows.origins.get_mut(&key) {
                *tried = None;
            }
        })
        .await
    }

    async fn record_refusal(&self, _refusal: &RefusedLogin) -> Result<(), StoreError> {
        self.reach(|_| ()).await
    }

    async fn login_record(&self, account: &AccountKey) -> Result<LoginRecord, StoreError> {
        self.reach(|rows| {
            let failures = rows
                .failures
                .values()
                .filter(|failure| failure.account == *account);
            let verified = rows.origins.iter().filter(|((of, _), _)| of == account);
            let verified = verified.max_by_key(|(_, (at, _))| *at);
            LoginRecord {
                failures: u32::try_from(failures.clone().count()).unwrap(),
                failed_at: failures.map(|failure| failure.at).max(),
                verified: verified.map(|((_, origin), (at, _))| (*at, origin.clone())),
                refusals: Vec::new(),
            }
        })
        .await
    }

    async fn invalidate(
        &self,
        invalidation: &Invalidation,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        self.reach(|rows| rows.invalidations.push(invalidation.clone()))
            .await
    }

    async fn invalidations(
        &self,
        after: Option<InvalidationMark>,
    ) -> Result<(Vec<News>, InvalidationMark), StoreError> {
        self.glance(|rows| {
            let all = rows.invalidations.len();
            let seen = after.map_or(all, |InvalidationMark(mark)| usize::try_from(mark).unwrap());
            let news = rows.invalidations[seen..]
                .iter()
                .cloned()
                .map(News::Invalidated);
            (
                news.collect(),
                InvalidationMark(i64::try_from(all).unwrap()),
            )
        })
        .await
    }

    async fn token_cutoffs(&self, _since: Timestamp) -> Result<Vec<TokenCutoff>, StoreError> {
        Ok(Vec::new())
    }

    async fn knows_webhook(&self, _id: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn likeness(&self, _subject: &str) -> Result<Option<Likeness>, StoreError> {
        Ok(None)
    }

    async fn record_webhook(
        &self,
        _id: &str,
        _about: Option<(&str, Option<Likeness>)>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn prune_logins(&self, _before: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
