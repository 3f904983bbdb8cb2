//! A rate that is asked first and charged later: a login is let in before it is known to fail.

use std::time::{Duration, Instant};

/// So many within a period, evenly refilled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// In which time all of them are refilled.
    pub period: Duration,
}

/// What is left of a rate, as the moment at which it will be whole again (GCRA's theoretical arrival time).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    whole_at: Instant,
}

impl Level {
    /// Nothing used.
    pub(crate) fn whole(now: Instant) -> Self {
        Self { whole_at: now }
    }

    /// How long to wait until one more fits; `None` when it fits now.
    pub(crate) fn wait(&self, rate: Rate, now: Instant) -> Option<Duration> {
        let used = self.whole_at.saturating_duration_since(now);
        let room = rate.period.saturating_sub(rate.interval());
        used.checked_sub(room).filter(|wait| !wait.is_zero())
    }

    /// Uses one, even where none is left: it has happened. No debt beyond one period is kept.
    pub(crate) fn charge(&mut self, rate: Rate, now: Instant) {
        let from = self.whole_at.max(now);
        self.whole_at = (from + rate.interval()).min(now + rate.period);
    }
}

impl Rate {
    fn interval(self) -> Duration {
        self.period / self.burst.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 3,
        period: Duration::from_secs(30),
    };

    #[test]
    fn a_burst_fits_and_what_follows_waits_for_the_refill() {
        let now = Instant::now();
        let mut level = Level::whole(now);
        for _ in 0..3 {
            assert_eq!(level.wait(RATE, now), None);
            level.charge(RATE, now);
        }
        assert_eq!(level.wait(RATE, now), Some(Duration::from_secs(10)));
        let later = now + Duration::from_secs(10);
        assert_eq!(level.wait(RATE, later), None);
        level.charge(RATE, later);
        assert!(level.wait(RATE, later).is_some());
    }

    #[test]
    fn what_happens_beyond_the_rate_costs_no_more_than_a_period() {
        let now = Instant::now();
        let mut level = Level::whole(now);
        for _ in 0..1000 {
            level.charge(RATE, now);
        }
        assert_eq!(level.wait(RATE, now), Some(Duration::from_secs(10)));
    }

    #[test]
    fn asking_costs_nothing() {
        let now = Instant::now();
        let level = Level::whole(now);
        for _ in 0..1000 {
            assert_eq!(level.wait(RATE, now), None);
        }
    }
}
