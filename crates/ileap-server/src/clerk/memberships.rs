//! The organizations that users belong to, remembered for a moment.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use super::{backend::BackendApi, call::CallError, wire::OrganizationMembership};
use crate::clock::Clock;

/// How long a user's memberships are remembered.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// Of how many users.
const REMEMBERED: usize = 10_000;
/// How long it is remembered that the instance has no organizations.
const NONE_FOR: Duration = Duration::from_mins(10);

/// Memberships by user id.
pub(crate) struct Memberships {
    api: BackendApi,
    clock: Arc<dyn Clock>,
    /// Moves on with everything that is forgotten: what was asked for before is not remembered.
    epoch: AtomicU64,
    /// Until when the instance is taken to have no organizations.
    none_until: Mutex<Option<Instant>>,
    remembered: Cache<String, (Instant, Arc<[OrganizationMembership]>)>,
}

/// Whether an instance has organizations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Organizations {
    Disabled,
    Enabled,
}

impl Memberships {
    pub(crate) fn new(api: BackendApi, clock: Arc<dyn Clock>) -> Self {
        Self {
            api,
            clock,
            epoch: AtomicU64::new(0),
            none_until: Mutex::new(None),
            remembered: Cache::new(REMEMBERED),
        }
    }

    /// Those of a user; none where the instance has no organizations.
    pub(crate) async fn of(
        &self,
        id: &str,
        deadline: tokio::time::Instant,
    ) -> Result<Arc<[OrganizationMembership]>, CallError> {
        let now = self.clock.monotonic();
        if self.none_until().is_some_and(|until| now < until) {
            return Ok(Arc::default());
        }
        if let Some((at, memberships)) = self.remembered.get(id)
            && now.saturating_duration_since(at) < REMEMBERED_FOR
        {
            return Ok(memberships);
        }
        let epoch = self.epoch.load(Ordering::SeqCst);
        match self.api.organization_memberships(id, deadline).await {
            Ok(memberships) => {
                let memberships: Arc<[_]> = memberships.into();
                self.remembered
                    .insert(id.to_owned(), (now, Arc::clone(&memberships)));
                // In this order: what is forgotten from now on finds the entry, what was before is seen here.
                if self.epoch.load(Ordering::SeqCst) != epoch {
                    self.remembered.remove(id);
                }
                Ok(memberships)
            }
            Err(error) if is_without_organizations(&error) => {
                self.set(Organizations::Disabled);
                Ok(Arc::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks whether the instance has organizations, and remembers that it has none.
    pub(crate) async fn probe(
        &self,
        deadline: tokio::time::Instant,
    ) -> Result<Organizations, CallError> {
        let organizations = match self.api.organizations(deadline).await {
            Ok(()) => Organizations::Enabled,
            Err(error) if is_without_organizations(&error) => Organizations::Disabled,
            Err(error) => return Err(error),
        };
        self.set(organizations);
        Ok(organizations)
    }

    /// Forgets those of a user.
    pub(crate) fn forget(&self, id: &str) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.remembered.remove(id);
        // Where somebody has become a member there are organizations.
        self.set_none_until(None);
    }

    /// Forgets everyone's.
    pub(crate) fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.remembered.clear();
        self.set_none_until(None);
    }

    fn set(&self, organizations: Organizations) {
        self.set_none_until(match organizations {
            Organizations::Disabled => Some(self.clock.monotonic() + NONE_FOR),
            Organizations::Enabled => None,
        });
    }

    fn set_none_until(&self, until: Option<Instant>) {
        *self
            .none_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn none_until(&self) -> Option<Instant> {
        *self
            .none_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_without_organizations(error: &CallError) -> bool {
    matches!(error, CallError::Refused(refused) if refused.is_without_organizations())
}
