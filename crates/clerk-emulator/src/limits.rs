//! Fixed windows of ten seconds, per address and endpoint.

use std::{collections::HashMap, net::IpAddr};

use crate::endpoint::Endpoint;

const WINDOW_MS: u64 = 10_000;
/// More callers than a loopback address can have; beyond it the table starts afresh.
const CALLERS: usize = 4_096;

#[derive(Default)]
pub(crate) struct Limits {
    window: u64,
    counts: HashMap<(IpAddr, Endpoint), u32>,
}

impl Limits {
    /// Counts one call. `Err` holds the whole seconds, at least one, until the next window.
    pub(crate) fn pass(&mut self, caller: IpAddr, endpoint: Endpoint, now: u64) -> Result<(), u64> {
        let Some(limit) = endpoint.limit() else {
            return Ok(());
        };
        let window = now / WINDOW_MS;
        if window != self.window || self.counts.len() >= CALLERS {
            self.window = window;
            self.counts.clear();
        }
        let count = self.counts.entry((caller, endpoint)).or_default();
        *count = count.saturating_add(1);
        if *count <= limit {
            return Ok(());
        }
        Err((WINDOW_MS - now % WINDOW_MS).div_ceil(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_sixth_sign_in_waits_for_the_next_window() {
        let mut limits = Limits::default();
        for _ in 0..5 {
            assert_eq!(limits.pass(CALLER, Endpoint::CreateSignIn, 13_500), Ok(()));
        }
        assert_eq!(limits.pass(CALLER, Endpoint::CreateSignIn, 13_500), Err(7));
        assert_eq!(limits.pass(CALLER, Endpoint::CreateSignIn, 19_999), Err(1));
        assert_eq!(limits.pass(CALLER, Endpoint::CreateSignIn, 20_000), Ok(()));
    }

    #[test]
    fn each_endpoint_has_its_own_window() {
        let mut limits = Limits::default();
        for _ in 0..3 {
            assert_eq!(limits.pass(CALLER, Endpoint::AttemptFirstFactor, 0), Ok(()));
        }
        assert!(
            limits
                .pass(CALLER, Endpoint::AttemptFirstFactor, 0)
                .is_err()
        );
        assert_eq!(limits.pass(CALLER, Endpoint::CreateSignIn, 0), Ok(()));
        assert_eq!(limits.pass(CALLER, Endpoint::GetClient, 0), Ok(()));
    }
}
