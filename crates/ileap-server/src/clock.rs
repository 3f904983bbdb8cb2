//! Time as a parameter.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

/// Where the present moment comes from. Handlers and domain code ask this, never the system.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Wall-clock time, for what leaves the process (`iat`, `exp`, log entries).
    fn now(&self) -> Timestamp;

    /// Monotonic time, for what is measured inside the process (deadlines, cache ages): it does not
    /// follow corrections of the wall clock.
    fn monotonic(&self) -> Instant;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves only when told to, for tests and rehearsals.
#[derive(Debug)]
pub struct ManualClock {
    wall_offset_ms: AtomicI64,
    start: Timestamp,
    monotonic: Mutex<Instant>,
}

impl ManualClock {
    /// A clock that stands still at `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            wall_offset_ms: AtomicI64::new(0),
            start,
            monotonic: Mutex::new(Instant::now()),
        }
    }

    /// Moves both wall and monotonic time forward (whole milliseconds).
    pub fn advance(&self, by: Duration) {
        self.step_wall(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        let mut monotonic = self
            .monotonic
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *monotonic += by;
    }

    /// Corrects the wall clock alone, as NTP does; negative values go back.
    pub fn step_wall(&self, milliseconds: i64) {
        self.wall_offset_ms
            .fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.wall_offset_ms.load(Ordering::SeqCst));
        self.start.saturating_add(offset).unwrap_or(self.start)
    }

    fn monotonic(&self) -> Instant {
        *self
            .monotonic
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let began = clock.monotonic();
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
        assert_eq!(clock.monotonic() - began, Duration::from_secs(90));
    }

    #[test]
    fn a_corrected_wall_clock_leaves_monotonic_time_alone() {
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let began = clock.monotonic();
        clock.step_wall(-3_600_000);
        assert_eq!(clock.now().as_second(), -3_600);
        assert_eq!(clock.monotonic(), began);
    }
}
