//! What Clerk's record of a user says about logging in.

use std::time::Duration;

use super::{login_name::LoginName, wire};
use crate::verify::RejectReason;

/// A user, as far as a login depends on it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct UserRecord {
    /// `user_...`
    pub(crate) id: String,
    /// How many failures Clerk still allows; `None` where it never locks.
    pub(crate) attempts_remaining: Option<u32>,
    has_second_factor: bool,
    is_banned: bool,
    /// Whether the name it was found by is proved to be its own.
    is_named: bool,
    lock: Option<Lock>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Lock {
    expires_in: Option<Duration>,
}

/// What becomes of users who ask for a second factor: a machine cannot give one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SecondFactor {
    /// They are refused.
    Required,
    /// The password is enough for them, too.
    Waived,
}

impl UserRecord {
    /// The record of the user found by `name`; `None` when it has no usable id.
    pub(crate) fn read(name: &LoginName<'_>, user: &wire::DirectoryUser) -> Option<Self> {
        Some(Self {
            id: wire::word(user.id.as_deref())?,
            attempts_remaining: user.verification_attempts_remaining,
            has_second_factor: user.two_factor_enabled,
            is_banned: user.banned,
            is_named: name.belongs_to(user),
            lock: user.locked.then(|| Lock {
                expires_in: user.lockout_expires_in_seconds.map(Duration::from_secs),
            }),
        })
    }

    /// Whether it shows a ban or a lock, which may have ended since.
    pub(crate) fn is_kept_out(&self) -> bool {
        self.is_banned || self.lock.is_some()
    }

    /// Whether it is banned.
    pub(crate) fn is_banned(&self) -> bool {
        self.is_banned
    }

    /// The lock it is under.
    pub(crate) fn locked(&self) -> Option<RejectReason> {
        let expires_in = self.lock?.expires_in;
        Some(RejectReason::Locked { expires_in })
    }

    /// Why the user may not log in though the password is right; the gravest reason.
    pub(crate) fn obstacle(&self, second_factor: SecondFactor) -> Option<RejectReason> {
        if self.is_banned {
            return Some(RejectReason::Banned);
        }
        if let Some(lock) = self.locked() {
            return Some(lock);
        }
        if !self.is_named {
            return Some(RejectReason::NotAllowed);
        }
        (self.has_second_factor && second_factor == SecondFactor::Required)
            .then_some(RejectReason::MfaRequired)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(user: Value) -> UserRecord {
        let user = serde_json::from_value(user).unwrap();
        UserRecord::read(&LoginName::of("ops"), &user).unwrap()
    }

    fn obstacle(mut user: Value) -> Option<RejectReason> {
        user["id"] = json!("user_1");
        user["username"] = json!("ops");
        record(user).obstacle(SecondFactor::Required)
    }

    #[test]
    fn a_user_without_flags_may_log_in_and_so_may_one_of_whom_clerk_says_nothing() {
        let flags = json!({"banned": false, "locked": false, "two_factor_enabled": false});
        assert_eq!(obstacle(flags), None);
        let nulls = json!({"banned": null, "locked": null, "two_factor_enabled": null});
        assert_eq!(obstacle(nulls), None);
        assert_eq!(obstacle(json!({})), None);
    }

    #[test]
    fn a_ban_goes_before_a_lock_a_lock_before_the_name_and_the_name_before_a_second_factor() {
        let mut user = json!({"id": "user_1", "username": "other", "banned": true, "locked": true,
            "lockout_expires_in_seconds": 60, "two_factor_enabled": true});
        let mut next = |flag: &str, value: Value| {
            let obstacle = record(user.clone()).obstacle(SecondFactor::Required);
            user[flag] = value;
            obstacle
        };
        let expires_in = Some(Duration::from_mins(1));
        assert_eq!(next("banned", json!(false)), Some(RejectReason::Banned));
        assert_eq!(
            next("locked", json!(false)),
            Some(RejectReason::Locked { expires_in })
        );
        assert_eq!(
            next("username", json!("ops")),
            Some(RejectReason::NotAllowed)
        );
        assert_eq!(
            next("two_factor_enabled", json!(false)),
            Some(RejectReason::MfaRequired)
        );
        assert_eq!(next("id", json!("user_1")), None);
    }

    #[test]
    fn a_record_tells_a_ban_from_what_else_keeps_out() {
        assert!(record(json!({"id": "user_1", "banned": true})).is_banned());
        let locked = record(json!({"id": "user_1", "locked": true}));
        assert!(locked.is_kept_out() && !locked.is_banned());
    }

    #[test]
    fn what_keeps_out_does_so_in_any_form() {
        assert_eq!(
            obstacle(json!({"banned": "yes"})),
            Some(RejectReason::Banned)
        );
        assert_eq!(
            obstacle(json!({"locked": 1, "lockout_expires_in_seconds": "soon"})),
            Some(RejectReason::Locked { expires_in: None })
        );
        assert_eq!(
            obstacle(json!({"two_factor_enabled": {}})),
            Some(RejectReason::MfaRequired)
        );
    }

    #[test]
    fn a_second_factor_can_be_waived_and_nothing_else() {
        let waived = |user| record(user).obstacle(SecondFactor::Waived);
        let user = json!({"id": "user_1", "username": "ops", "two_factor_enabled": true});
        assert_eq!(waived(user), None);
        let user = json!({"id": "user_1", "username": "ops", "banned": true});
        assert_eq!(waived(user), Some(RejectReason::Banned));
    }

    #[test]
    fn an_id_that_does_not_fit_into_a_path_is_no_id() {
        for id in [
            json!(null),
            json!(7),
            json!(""),
            json!("user_1/../x"),
            json!("x".repeat(200)),
        ] {
            let user = serde_json::from_value(json!({"id": id})).unwrap();
            assert_eq!(UserRecord::read(&LoginName::of("ops"), &user), None, "{id}");
        }
    }

    #[test]
    fn no_value_of_any_field_makes_the_rest_unreadable() {
        for field in [
            "banned",
            "email_addresses",
            "locked",
            "lockout_expires_in_seconds",
            "phone_numbers",
            "two_factor_enabled",
            "unsafe_metadata",
            "verification_attempts_remaining",
        ] {
            for value in [
                json!(null),
                json!(-1),
                json!("x"),
                json!([7]),
                json!([{"verification": 7}]),
                json!({}),
            ] {
                let mut user = json!({"id": "user_1"});
                user[field] = value;
                assert_eq!(record(user).id, "user_1");
            }
        }
    }
}
