//! No more than so many within any period, and a short queue for what comes too fast.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

use crate::{clock::Clock, verify::VerifyError};

/// How many wait at once; whoever comes on top is told to come back.
const QUEUE: usize = 256;

/// A limit of the kind that upstreams publish: so many calls within a period.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowOptions {
    /// How many.
    pub limit: usize,
    /// Within any stretch of this length.
    pub period: Duration,
    /// How long one that does not fit waits before it is turned away.
    pub patience: Duration,
}

/// Counts exactly: however the upstream's own windows lie, none of them holds more.
#[derive(Debug)]
pub(crate) struct Window {
    clock: Arc<dyn Clock>,
    options: WindowOptions,
    queue: Semaphore,
    times: Mutex<VecDeque<Instant>>,
}

impl Window {
    pub(crate) fn new(options: WindowOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            options,
            queue: Semaphore::new(QUEUE),
            times: Mutex::new(VecDeque::with_capacity(options.limit)),
        }
    }

    /// Waits, within patience, until one more fits, and counts it.
    pub(crate) async fn enter(&self) -> Result<(), VerifyError> {
        let Err(mut wait) = self.try_enter() else {
            return Ok(());
        };
        let throttled = |retry_after| VerifyError::Throttled { retry_after };
        let _place = self.queue.try_acquire().map_err(|_| throttled(wait))?;
        let until = tokio::time::Instant::now() + self.options.patience;
        while tokio::time::Instant::now() + wait <= until {
            tokio::time::sleep(wait).await;
            match self.try_enter() {
                Ok(()) => return Ok(()),
                Err(longer) => wait = longer,
            }
        }
        Err(throttled(wait))
    }

    /// Takes the last one back: nothing came of it.
    pub(crate) fn leave(&self) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.pop_back();
    }

    /// Counts one more, or says when it fits.
    fn try_enter(&self) -> Result<(), Duration> {
        let now = self.clock.monotonic();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = times.front().copied();
        if times.len() >= self.options.limit {
            let Some(oldest) = oldest else {
                return Err(self.options.period);
            };
            let age = now.saturating_duration_since(oldest);
            if let Some(rest) = self
                .options
                .period
                .checked_sub(age)
                .filter(|rest| !rest.is_zero())
            {
                return Err(rest.max(Duration::from_millis(1)));
            }
            times.pop_front();
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::clock::{ManualClock, SystemClock};

    const OPTIONS: WindowOptions = WindowOptions {
        limit: 4,
        period: Duration::from_secs(10),
        patience: Duration::ZERO,
    };

    #[tokio::test]
    async fn no_stretch_of_the_period_holds_more_than_the_limit() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let window = Window::new(OPTIONS, clock.clone());
        let mut entered = Vec::new();
        for tenth in 0..1000_u32 {
            if window.enter().await.is_ok() {
                entered.push(tenth);
            }
            clock.advance(Duration::from_millis(100));
        }
        // 100 seconds hold ten periods.
        assert_eq!(entered.len(), 40);
        for stretch in entered.windows(5) {
            assert!(stretch[4] - stretch[0] >= 100, "{stretch:?}");
        }
    }

    #[tokio::test]
    async fn who_is_turned_away_learns_when_to_come_back() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let window = Window::new(OPTIONS, clock.clone());
        for _ in 0..4 {
            assert!(window.enter().await.is_ok());
        }
        clock.advance(Duration::from_secs(3));
        let retry_after = Duration::from_secs(7);
        assert_eq!(
            window.enter().await,
            Err(VerifyError::Throttled { retry_after })
        );
    }

    #[tokio::test]
    async fn whoever_is_taken_back_makes_room() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let window = Window::new(OPTIONS, clock);
        for _ in 0..4 {
            assert!(window.enter().await.is_ok());
        }
        assert!(window.enter().await.is_err());
        window.leave();
        assert!(window.enter().await.is_ok());
        assert!(window.enter().await.is_err());
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_out() {
        let options = WindowOptions {
            limit: 1,
            period: Duration::from_millis(50),
            patience: Duration::from_secs(20),
        };
        let window = Window::new(options, Arc::new(SystemClock));
        for _ in 0..5 {
            assert!(window.enter().await.is_ok());
        }
    }
}
