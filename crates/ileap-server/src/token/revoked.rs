//! Tokens that were revoked one by one.

use std::collections::HashMap;

use jiff::Timestamp;

use super::VerifiedToken;

/// The fewest entries among which it is worth looking for those that have expired.
const WORTH_SWEEPING: usize = 1024;

/// A token that does not count any longer, whatever else it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedToken {
    /// Its `jti`.
    pub id: String,
    /// Its `sub`.
    pub subject: String,
    /// From when on it counted: the later of `iat` and `nbf`.
    pub not_before: Timestamp,
    /// When it would have expired, and need not be remembered any longer.
    pub expires_at: Timestamp,
}

impl From<&VerifiedToken> for RevokedToken {
    fn from(token: &VerifiedToken) -> Self {
        // A verified token's times are on the calendar.
        let moment = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        Self {
            id: token.id.as_ref().to_owned(),
            subject: token.principal.subject.clone(),
            not_before: moment(token.not_before),
            expires_at: moment(token.expires_at),
        }
    }
}

/// The ids of revoked tokens, each until its token has expired.
#[derive(Debug, Default)]
pub(super) struct RevokedTokens {
    expiries: HashMap<Box<str>, i64>,
    sweep_at: usize,
}

impl RevokedTokens {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.expiries.contains_key(id)
    }

    pub(super) fn len(&self) -> usize {
        self.expiries.len()
    }

    /// Remembers a token, unless `limit` others are remembered that had not expired at `oldest`; says whether it is
    /// remembered.
    pub(super) fn add(&mut self, token: &RevokedToken, oldest: Timestamp, limit: usize) -> bool {
        if self.contains(&token.id) {
            return true;
        }
        let sweep_at = self.sweep_at.max(WORTH_SWEEPING);
        if self.len() >= sweep_at.min(limit) {
            let oldest = oldest.as_second();
            self.expiries.retain(|_, expiry| *expiry > oldest);
            self.sweep_at = 2 * self.len();
        }
        if self.len() >= limit {
            return false;
        }
        let expiry = token.expires_at.as_second();
        self.expiries.insert(token.id.as_str().into(), expiry);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn token(number: usize, expires_at: i64) -> RevokedToken {
        RevokedToken {
            id: format!("token {number}"),
            subject: "clerk|user_1".to_owned(),
            not_before: at(0),
            expires_at: at(expires_at),
        }
    }

    #[test]
    fn those_that_have_expired_make_room() {
        let mut revoked = RevokedTokens::default();
        for number in 0..3 {
            assert!(revoked.add(&token(number, 100), at(50), 3));
        }
        assert!(!revoked.add(&token(3, 200), at(99), 3), "no room");
        assert!(revoked.add(&token(2, 100), at(99), 3), "there already");
        assert!(revoked.add(&token(3, 200), at(100), 3));
        assert!(revoked.contains("token 3") && !revoked.contains("token 0"));
    }

    #[test]
    fn a_long_life_does_not_gather_what_has_expired() {
        let mut revoked = RevokedTokens::default();
        for number in 0..100_000 {
            let second = i64::try_from(number).unwrap();
            assert!(revoked.add(&token(number, second + 100), at(second), usize::MAX));
            assert!(revoked.len() <= WORTH_SWEEPING);
        }
    }
}
