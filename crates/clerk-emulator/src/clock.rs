//! Where the emulator takes the time from.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

/// A source of time. Clones of a manual clock share one time.
#[derive(Clone, Debug, Default)]
pub struct EmulatorClock {
    /// Milliseconds since the Unix epoch, or `None` for the machine's time.
    manual: Option<Arc<AtomicU64>>,
}

impl EmulatorClock {
    /// The machine's time.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start_ms` (milliseconds since the Unix epoch) until it is advanced.
    pub fn manual(start_ms: u64) -> Self {
        Self {
            manual: Some(Arc::new(AtomicU64::new(start_ms))),
        }
    }

    /// Moves a manual clock forward. Returns whether this is one: the machine's time is not ours to move.
    pub fn advance(&self, by: Duration) -> bool {
        let Some(time) = &self.manual else {
            return false;
        };
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let _ = time.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(now.saturating_add(by))
        });
        true
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        match &self.manual {
            Some(time) => time.load(Ordering::SeqCst),
            None => machine_time_ms(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else here asks"
)]
fn machine_time_ms() -> u64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
