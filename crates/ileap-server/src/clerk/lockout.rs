//! After how many failures an instance locks an account, guessed from what its users have left.

use crate::verify::DEFAULT_ALLOWED_FAILURES;

/// The most failures that are let through, whatever Clerk allows.
const MOST_FAILURES: u32 = 50;

/// The highest number of remaining attempts seen: what a counter holds that nothing has been taken from.
#[derive(Debug, Default)]
pub(crate) struct Lockout {
    highest: u32,
    /// On whom it was seen.
    user_id: String,
    is_seen_twice: bool,
}

impl Lockout {
    /// Takes in what a user has left.
    pub(crate) fn see(&mut self, user_id: &str, remaining: u32) {
        if remaining > self.highest {
            *self = Self {
                highest: remaining,
                user_id: user_id.to_owned(),
                is_seen_twice: false,
            };
        } else if remaining == self.highest && user_id != self.user_id {
            self.is_seen_twice = true;
        }
    }

    /// Whether anything has been learned.
    pub(crate) fn has_seen_any(&self) -> bool {
        self.highest > 0
    }

    /// How many failures may reach Clerk: half of the highest number seen. A low one is the instance's only when
    /// two users show it; one user's may be what is left of a higher one.
    pub(crate) fn allowed_failures(&self) -> u32 {
        let half = (self.highest / 2).min(MOST_FAILURES);
        if half >= DEFAULT_ALLOWED_FAILURES || self.is_seen_twice {
            half
        } else {
            DEFAULT_ALLOWED_FAILURES
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(seen: &[(&str, u32)]) -> u32 {
        let mut lockout = Lockout::default();
        for (user_id, remaining) in seen {
            lockout.see(user_id, *remaining);
        }
        lockout.allowed_failures()
    }

    #[test]
    fn half_of_the_highest_counter_may_fail_and_fifty_at_most() {
        assert_eq!(allowed(&[]), 5);
        assert_eq!(allowed(&[("a", 20)]), 10);
        assert_eq!(allowed(&[("a", 3), ("b", 20), ("c", 7)]), 10);
        assert_eq!(allowed(&[("a", 1000)]), 50);
    }

    #[test]
    fn a_low_counter_is_believed_when_two_users_have_it() {
        assert_eq!(allowed(&[("a", 6)]), 5);
        assert_eq!(allowed(&[("a", 6), ("a", 6)]), 5);
        assert_eq!(allowed(&[("a", 6), ("b", 6)]), 3);
        assert_eq!(allowed(&[("a", 6), ("b", 6), ("c", 10)]), 5);
    }

    #[test]
    fn a_user_with_nothing_left_teaches_nothing() {
        let mut lockout = Lockout::default();
        lockout.see("a", 0);
        assert!(!lockout.has_seen_any());
        lockout.see("a", 1);
        assert!(lockout.has_seen_any());
    }
}
