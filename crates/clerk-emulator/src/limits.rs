//! Fixed windows of ten seconds.

use std::{collections::HashMap, net::IpAddr};

use crate::endpoint::Endpoint;

const WINDOW_MS: u64 = 10_000;
/// More callers than a loopback address can have; beyond it the table starts afresh.
const CALLERS: usize = 4_096;

/// Whose calls are counted together.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) enum Bucket {
    /// Those of an address to one route.
    Address(IpAddr, Endpoint),
    /// Those with the secret key.
    SecretKey,
    /// Those that change one user.
    User(String),
}

#[derive(Default)]
pub(crate) struct Limits {
    window: u64,
    counts: HashMap<Bucket, u32>,
}

impl Limits {
    /// Counts one call. `Err` holds the whole seconds, at least one, until the next window.
    pub(crate) fn pass(&mut self, bucket: Bucket, most: u32, now: u64) -> Result<(), u64> {
        let window = now / WINDOW_MS;
        if window != self.window || self.counts.len() >= CALLERS {
            self.window = window;
            self.counts.clear();
        }
        let count = self.counts.entry(bucket).or_default();
        *count = count.saturating_add(1);
        if *count <= most {
            return Ok(());
        }
        Err((WINDOW_MS - now % WINDOW_MS).div_ceil(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn sign_ins() -> Bucket {
        Bucket::Address(CALLER, Endpoint::CreateSignIn)
    }

    #[test]
    fn the_sixth_call_waits_for_the_next_window() {
        let mut limits = Limits::default();
        for _ in 0..5 {
            assert_eq!(limits.pass(sign_ins(), 5, 13_500), Ok(()));
        }
        assert_eq!(limits.pass(sign_ins(), 5, 13_500), Err(7));
        assert_eq!(limits.pass(sign_ins(), 5, 19_999), Err(1));
        assert_eq!(limits.pass(sign_ins(), 5, 20_000), Ok(()));
    }

    #[test]
    fn each_bucket_has_its_own_window() {
        let mut limits = Limits::default();
        assert_eq!(limits.pass(sign_ins(), 1, 0), Ok(()));
        assert!(limits.pass(sign_ins(), 1, 0).is_err());
        assert_eq!(limits.pass(Bucket::SecretKey, 1, 0), Ok(()));
        assert_eq!(limits.pass(Bucket::User("user_1".to_owned()), 1, 0), Ok(()));
    }
}
