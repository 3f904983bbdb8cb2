use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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
    is_taken: AtomicBool,
}

impl Sighting {
    pub(super) fn new(user: Option<UserRecord>, at: Instant) -> Arc<Self> {
        Arc::new(Self {
            user,
            at,
            is_taken: AtomicBool::new(false),
        })
    }

    /// Whether no login has relied on it so far. The first one may take the lookup for its own.
    pub(crate) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }

    /// How long ago the lookup began.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.at)
    }
}
