use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crate::clerk::user_record::UserRecord;

/// What a lookup found.
#[derive(Debug)]
pub(crate) struct Sighting {
    /// `None` where nobody has the identifier.
    pub(crate) user: Option<UserRecord>,
    at: Instant,
    /// Wrong passwords since.
    failures: AtomicU32,
    is_taken: AtomicBool,
}

impl Sighting {
    pub(super) fn new(user: Option<UserRecord>, at: Instant) -> Arc<Self> {
        Arc::new(Self {
            user,
            at,
            failures: AtomicU32::new(0),
            is_taken: AtomicBool::new(false),
        })
    }

    /// Whether no login has relied on it so far. The first one may take the lookup for its own.
    pub(crate) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }

    /// A password was wrong.
    pub(crate) fn fail(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How many failures Clerk still allows; `None` where it never locks.
    pub(crate) fn attempts_remaining(&self) -> Option<u32> {
        let then = self.user.as_ref()?.attempts_remaining?;
        Some(then.saturating_sub(self.failures.load(Ordering::Relaxed)))
    }

    /// How long ago the lookup began.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.at)
    }
}
