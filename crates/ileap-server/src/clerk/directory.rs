//! Whom the Backend API found under which identifier, remembered for a while.

mod sighting;

pub(crate) use self::sighting::Sighting;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use quick_cache::sync::Cache;
use tokio::{sync::oneshot, time::timeout_at};
use tracing::Instrument as _;

use super::{
    backend::BackendApi,
    failure::{failed, refusal},
    lockout::Lockout,
    login_name::LoginName,
    user_record::UserRecord,
    wire,
};
use crate::{
    clock::Clock,
    store::logins::Invalidation,
    verify::{AccountKey, VerifyError, unavailable},
};

/// How long a finding is remembered.
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// How many users are remembered, and how many identifiers that nobody has: inventions never push out users.
const REMEMBERED: usize = 10_000;
/// Lookups under way at once.
const UNDER_WAY: usize = 4096;
/// The users of one instance by identifier.
#[derive(Clone)]
pub(crate) struct Directory {
    shared: Arc<Inner>,
}

/// A lookup under way. It ends, and is remembered, whether or not anybody waits for it.
pub(crate) type Lookup = Shared<BoxFuture<'static, Result<Arc<Sighting>, VerifyError>>>;

/// Lookups by identifier. The number tells one from a later one of the same.
type UnderWay = HashMap<String, (u64, Lookup)>;

struct Inner {
    api: BackendApi,
    clock: Arc<dyn Clock>,
    begun: AtomicU64,
    /// Moves on with everything that is forgotten: a lookup that began before is not remembered.
    epoch: AtomicU64,
    lockout: Mutex<Lockout>,
    nobody: Cache<String, Arc<Sighting>>,
    timeout: Duration,
    under_way: Mutex<UnderWay>,
    users: Cache<String, Arc<Sighting>>,
}

impl Directory {
    pub(crate) fn new(api: BackendApi, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            shared: Arc::new(Inner {
                api,
                clock,
                begun: AtomicU64::new(0),
                epoch: AtomicU64::new(0),
                lockout: Mutex::default(),
                nobody: Cache::new(REMEMBERED),
                timeout,
                under_way: Mutex::default(),
                users: Cache::new(REMEMBERED),
            }),
        }
    }

    /// How many entries each of its caches has.
    pub(crate) fn remembered(&self) -> [(&'static str, usize); 2] {
        [
            ("users", self.shared.users.len()),
            ("unknown_users", self.shared.nobody.len()),
        ]
    }

    /// What is remembered of the identifier, else what a lookup finds.
    pub(crate) async fn find(&self, identifier: &str) -> Result<Arc<Sighting>, VerifyError> {
        match self.shared.recall(identifier) {
            Some(sighting) => Ok(sighting),
            None => self.look_up(identifier).await,
        }
    }

    /// A lookup, whatever is remembered; the one under way, if there is one.
    pub(crate) fn look_up(&self, identifier: &str) -> Lookup {
        let mut under_way = self.shared.under_way();
        if let Some((_, lookup)) = under_way.get(identifier) {
            return lookup.clone();
        }
        if under_way.len() >= UNDER_WAY {
            return std::future::ready(Err(unavailable("busy")))
                .boxed()
                .shared();
        }
        let (sender, receiver) = oneshot::channel();
        let lookup = receiver
            .map(|answer| answer.unwrap_or_else(|_| Err(unavailable("lost"))))
            .boxed()
            .shared();
        let number = self.shared.begun.fetch_add(1, Ordering::Relaxed);
        under_way.insert(identifier.to_owned(), (number, lookup.clone()));
        // A runtime that is ending drops the task at once, and the landing in it needs the lock.
        drop(under_way);
        let landing = Landing {
            inner: Arc::clone(&self.shared),
            identifier: identifier.to_owned(),
            number,
        };
        let task = async move {
            let answer = landing.inner.look_up(&landing.identifier).await;
            drop(landing);
            let _ = sender.send(answer);
        };
        tokio::spawn(task.in_current_span());
        lookup
    }

    /// Reads the record of a user that was found before once more; no user any longer where it has gone.
    pub(crate) async fn read_again(
        &self,
        identifier: &str,
        id: &str,
        deadline: tokio::time::Instant,
    ) -> Result<Arc<Sighting>, VerifyError> {
        let inner = &self.shared;
        let began = inner.begin();
        let user = match inner.api.user(id, deadline).await {
            Ok(user) => user,
            Err(error) if refusal(&error).is_some() => {
                self.drop_user(id);
                return Ok(Sighting::new(None, began.at));
            }
            Err(error) => return Err(failed(&error)),
        };
        let record = UserRecord::read(&LoginName::of(identifier), &user)
            .filter(|record| record.id == id)
            .ok_or_else(|| unavailable("malformed"))?;
        let sighting = inner.remember(identifier, Some(record), &began);
        sighting.take();
        Ok(sighting)
    }

    /// How long ago it was looked up.
    pub(crate) fn age(&self, sighting: &Sighting) -> Duration {
        self.shared.age(sighting)
    }

    /// How many failures may reach Clerk: half of what locks an account there, as far as that is known, and never
    /// the last that it has left: others may have used up some.
    pub(crate) fn allowed_failures(&self, sighting: &Sighting) -> u32 {
        let allowed = self.shared.lockout().allowed_failures();
        match sighting.attempts_remaining() {
            Some(left) => allowed.min(left.saturating_sub(1)),
            None => allowed,
        }
    }

    /// Looks at some users to learn when accounts are locked. Without an answer nothing is learned.
    pub(crate) async fn learn_lockout(&self, deadline: tokio::time::Instant) {
        let users = self.shared.api.some_users(deadline).await;
        // Anew: the operator may have lowered it.
        let mut lockout = Lockout::default();
        for user in users.unwrap_or_default() {
            if let (Some(id), Some(remaining)) = (&user.id, user.verification_attempts_remaining) {
                lockout.see(id, remaining);
            }
        }
        if lockout.has_seen_any() {
            *self.shared.lockout() = lockout;
        }
    }

    /// Forgets what the identifier stands for.
    pub(crate) fn drop_name(&self, identifier: &str) {
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        self.shared.users.remove(identifier);
        self.shared.nobody.remove(identifier);
    }

    /// Forgets a user under all names.
    pub(crate) fn drop_user(&self, id: &str) {
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        let is_other =
            |sighting: &Sighting| sighting.user.as_ref().is_none_or(|user| user.id != id);
        self.shared.users.retain(|_, sighting| is_other(sighting));
    }

    /// Forgets what an invalidation is about.
    pub(crate) fn forget(&self, invalidation: &Invalidation) {
        let name = match invalidation {
            Invalidation::Account(key) => key.as_str(),
            Invalidation::Organization(_) => return,
            Invalidation::Subject(subject) => subject,
        };
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        // Nobody joins a lookup that began before.
        self.shared.under_way().clear();
        // A user that was made or renamed may have any of the identifiers that nobody had.
        self.shared.nobody.clear();
        if let Some(id) = name.strip_prefix("clerk|") {
            return self.drop_user(id);
        }
        let is_other = |identifier: &String| AccountKey::of_identifier(identifier).as_str() != name;
        self.shared
            .users
            .retain(|identifier, _| is_other(identifier));
    }
}

/// When a call that is to be remembered began.
struct Beginning {
    at: Instant,
    epoch: u64,
}

impl Inner {
    fn begin(&self) -> Beginning {
        Beginning {
            at: self.clock.monotonic(),
            epoch: self.epoch.load(Ordering::SeqCst),
        }
    }

    fn recall(&self, identifier: &str) -> Option<Arc<Sighting>> {
        let sighting = self
            .users
            .get(identifier)
            .or_else(|| self.nobody.get(identifier))?;
        (self.age(&sighting) < REMEMBERED_FOR).then_some(sighting)
    }

    fn age(&self, sighting: &Sighting) -> Duration {
        sighting.age(self.clock.monotonic())
    }

    async fn look_up(&self, identifier: &str) -> Result<Arc<Sighting>, VerifyError> {
        let began = self.begin();
        let deadline = tokio::time::Instant::now() + self.timeout;
        let name = LoginName::of(identifier);
        let answer = timeout_at(deadline, self.api.users_by(&name, deadline)).await;
        let user = match answer.map_err(|_| unavailable("timeout"))? {
            Ok(users) => only(&name, &users)?,
            Err(error) if refusal(&error).is_some() => None,
            Err(error) => return Err(failed(&error)),
        };
        Ok(self.remember(identifier, user, &began))
    }

    fn remember(
        &self,
        identifier: &str,
        user: Option<UserRecord>,
        began: &Beginning,
    ) -> Arc<Sighting> {
        if let Some(user) = &user
            && let Some(remaining) = user.attempts_remaining
        {
            self.lockout().see(&user.id, remaining);
        }
        let sighting = Sighting::new(user, began.at);
        let (now, before) = if sighting.user.is_some() {
            (&self.users, &self.nobody)
        } else {
            (&self.nobody, &self.users)
        };
        before.remove(identifier);
        now.insert(identifier.to_owned(), Arc::clone(&sighting));
        // In this order: what is forgotten from now on finds the entry, what was before is seen here.
        if self.epoch.load(Ordering::SeqCst) != began.epoch {
            now.remove(identifier);
        }
        sighting
    }

    fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user that a name stands for, if exactly one has it.
fn only(
    name: &LoginName<'_>,
    users: &[wire::DirectoryUser],
) -> Result<Option<UserRecord>, VerifyError> {
    match users {
        // It was asked for all the same, so that it takes as long as any other name.
        _ if name.is_id() => Ok(None),
        [] => Ok(None),
        [user] => {
            let record = UserRecord::read(name, user);
            record.map(Some).ok_or_else(|| unavailable("malformed"))
        }
        several => {
            let ids = several
                .iter()
                .filter_map(|user| wire::word(user.id.as_deref()));
            tracing::error!(
                users = ?ids.collect::<Vec<_>>(),
                remedy = "give each of these users an e-mail address, phone number or user name of its own in Clerk",
                "several users have the same identifier: none of them can log in with it"
            );
            Ok(None)
        }
    }
}

/// Takes a lookup off the list when it ends, however it does.
struct Landing {
    inner: Arc<Inner>,
    identifier: String,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut under_way = self.inner.under_way();
        let own = under_way.get(&self.identifier);
        if own.is_some_and(|(number, _)| *number == self.number) {
            under_way.remove(&self.identifier);
        }
    }
}
