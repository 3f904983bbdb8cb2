//! How often, and after which pause, a call to Clerk is made again.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

/// A throttled call is made again when Clerk wants no longer pause than this.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The pause before a call is made again after a fault.
pub(crate) const FAULT_PAUSE: Duration = Duration::from_millis(100);

/// Reasons for another attempt; each is good for one in a login.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Retry {
    Abandoned,
    Connect,
    DevBrowser,
    FreshClient,
    Gateway,
    Throttle,
    TwoSteps,
}

pub(crate) struct Retries {
    taken: BTreeSet<Retry>,
    deadline: Instant,
}

impl Retries {
    /// None taken yet, until `deadline`.
    pub(crate) fn new(deadline: Instant) -> Self {
        Self {
            taken: BTreeSet::new(),
            deadline,
        }
    }

    /// Whether there is one more for this reason; it is taken then.
    pub(crate) fn take(&mut self, retry: Retry) -> bool {
        self.taken.insert(retry)
    }

    /// The same for a throttled call, which is made again only when the pause is bearable.
    pub(crate) fn take_after(&mut self, pause: Duration) -> bool {
        let is_bearable = pause <= LONGEST_WAIT && Instant::now() + pause < self.deadline;
        is_bearable && self.take(Retry::Throttle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_is_made_again_once_and_only_where_the_pause_leaves_time_for_it() {
        let second = Duration::from_secs(1);
        let retries = |within| Retries::new(Instant::now() + within);
        assert!(!retries(second).take_after(second));
        assert!(!retries(second * 9).take_after(LONGEST_WAIT + Duration::from_millis(1)));
        let mut enough = retries(LONGEST_WAIT + Duration::from_millis(1));
        assert!(enough.take_after(LONGEST_WAIT));
        assert!(!enough.take_after(Duration::ZERO));
    }
}
