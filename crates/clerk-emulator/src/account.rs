//! An account.

use serde_json::{Map, Value};

use crate::{
    options::Lockout,
    users::{EmulatorUser, Password, Scenario},
};

/// The backup codes of a fresh second factor; each is good once.
const BACKUP_CODES: [&str; 2] = ["clerktest1", "clerktest2"];

/// An account, with the ids of this run.
pub(crate) struct Account {
    pub(crate) id: String,
    /// Its place in the order in which accounts were made.
    pub(crate) number: u64,
    /// The id of its e-mail address, telephone number and image.
    pub(crate) identification_id: String,
    /// The ids of its other e-mail addresses.
    pub(crate) other_email_ids: Vec<String>,
    pub(crate) user: EmulatorUser,
    pub(crate) metadata: Metadata,
    pub(crate) memberships: Vec<Membership>,
    /// Whether the e-mail address was proved to be the account's.
    pub(crate) email_verified: bool,
    /// Whether a second factor is set up, and the backup codes that are left.
    pub(crate) mfa: Option<Vec<String>>,
    pub(crate) banned: bool,
    pub(crate) lock: Lock,
    /// Attempts that failed since the last success.
    failures: u32,
    pub(crate) last_sign_in_at: Option<u64>,
    pub(crate) password_updated_at: u64,
    /// Moves on with every change; on a clock that stands still nothing else may.
    pub(crate) revision: u64,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

/// Whether an account is locked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lock {
    Open,
    /// Until this time.
    Until(u64),
    Forever,
}

/// What the instance's owner notes about something.
#[derive(Clone, Default)]
pub(crate) struct Metadata {
    pub(crate) public: Map<String, Value>,
    /// For the Backend API only.
    pub(crate) private: Map<String, Value>,
    /// What users may change themselves.
    pub(crate) unsafe_: Map<String, Value>,
}

impl Metadata {
    /// Replaces those that are given: public, private, unsafe.
    pub(crate) fn replace(&mut self, [public, private, unsafe_]: [Option<Map<String, Value>>; 3]) {
        for (own, new) in [
            (&mut self.public, public),
            (&mut self.private, private),
            (&mut self.unsafe_, unsafe_),
        ] {
            if let Some(new) = new {
                *own = new;
            }
        }
    }
}

/// A membership, with its id.
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) organization_id: String,
    pub(crate) role: String,
    pub(crate) permissions: Vec<String>,
    pub(crate) metadata: Metadata,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
}

impl Account {
    /// An account of these ids, without memberships.
    pub(crate) fn new(ids: (String, String), user: EmulatorUser, now: u64) -> Self {
        Self {
            id: ids.0,
            number: 0,
            identification_id: ids.1,
            other_email_ids: Vec::new(),
            user,
            metadata: Metadata::default(),
            memberships: Vec::new(),
            email_verified: true,
            mfa: None,
            banned: false,
            lock: Lock::Open,
            failures: 0,
            last_sign_in_at: None,
            password_updated_at: now,
            revision: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// What names it towards people.
    pub(crate) fn identifier(&self) -> &str {
        self.user.identifier()
    }

    pub(crate) fn is_locked(&self, now: u64) -> bool {
        match self.lock {
            Lock::Open => false,
            Lock::Until(end) => now < end,
            Lock::Forever => true,
        }
    }

    /// The whole seconds until it is open again; `None` without a lock and without an end.
    pub(crate) fn lock_seconds(&self, now: u64) -> Option<u64> {
        match self.lock {
            Lock::Until(end) if now < end => Some((end - now).div_ceil(1_000)),
            _ => None,
        }
    }

    /// Attempts that failed since the last success. A lock that has ended forgives them.
    pub(crate) fn failures(&self, now: u64) -> u32 {
        match self.lock {
            Lock::Until(end) if now >= end => 0,
            _ => self.failures,
        }
    }

    /// Counts a failed attempt. The one that exhausts the allowance locks; behind a lock none counts.
    pub(crate) fn fail(&mut self, lockout: Lockout, now: u64) {
        if !lockout.enabled || self.is_locked(now) {
            return;
        }
        self.failures = self.failures(now).saturating_add(1);
        self.lock = Lock::Open;
        if self.failures >= lockout.max_attempts {
            self.lock_for(lockout, now);
        }
    }

    /// Forgets the failed attempts. A lock stays.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Locks for as long as the instance locks.
    pub(crate) fn lock_for(&mut self, lockout: Lockout, now: u64) {
        self.lock = Lock::Until(now.saturating_add(u64::from(lockout.minutes) * 60_000));
    }

    /// Opens again and forgets the failed attempts.
    pub(crate) fn unlock(&mut self) {
        self.lock = Lock::Open;
        self.failures = 0;
    }

    /// The attempts left, where they are counted.
    pub(crate) fn attempts_left(&self, lockout: Lockout, now: u64) -> Option<u32> {
        let left = lockout.max_attempts.saturating_sub(self.failures(now));
        lockout.enabled.then_some(left)
    }

    pub(crate) fn has_verified_email(&self) -> bool {
        self.user.email.is_some() && self.email_verified
    }

    /// Whether it can sign in with this: not with an e-mail address that was never verified.
    pub(crate) fn signs_in_with(&self, identifier: &str) -> bool {
        let identifier = identifier.to_lowercase();
        let is_primary = self.user.email.as_ref();
        let is_primary = is_primary.is_some_and(|email| email.to_lowercase() == identifier);
        !is_primary || self.email_verified
    }

    /// Its e-mail addresses: id, address, whether it is verified. The primary one is the last, because
    /// nothing promises it to be the first.
    pub(crate) fn emails(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        let others = self.other_email_ids.iter().zip(&self.user.other_emails);
        let others =
            others.map(|(id, email)| (id.as_str(), email.address.as_str(), email.verified));
        let primary = self.user.email.iter();
        let id = self.identification_id.as_str();
        others.chain(primary.map(move |email| (id, email.as_str(), self.email_verified)))
    }

    pub(crate) fn has_password(&self) -> bool {
        self.user.password.is_some() && self.user.scenario != Scenario::Passwordless
    }

    /// Whether `text` is its password.
    pub(crate) fn is_password(&self, text: &str) -> bool {
        self.has_password() && self.user.password.as_ref().is_some_and(|own| own.is(text))
    }

    /// Gives it another password. What was wrong with the one before is over.
    pub(crate) fn replace_password(&mut self, password: Password, now: u64) {
        self.user.password = Some(password);
        self.password_updated_at = now;
        if matches!(
            self.user.scenario,
            Scenario::NeedsNewPassword | Scenario::Pwned | Scenario::Passwordless
        ) {
            self.user.scenario = Scenario::Ok;
        }
    }

    pub(crate) fn has_mfa(&self) -> bool {
        self.mfa.is_some()
    }

    /// Sets up a second factor, with fresh backup codes.
    pub(crate) fn set_up_mfa(&mut self) {
        self.mfa = Some(BACKUP_CODES.map(str::to_owned).to_vec());
    }

    pub(crate) fn set_scenario(&mut self, scenario: Scenario, lockout: Lockout, now: u64) {
        self.user.scenario = scenario;
        self.banned = scenario == Scenario::Banned;
        self.email_verified = scenario != Scenario::UnverifiedEmail;
        self.mfa = None;
        self.lock = Lock::Open;
        match scenario {
            Scenario::Mfa => self.set_up_mfa(),
            Scenario::Locked => self.lock_for(lockout, now),
            Scenario::LockedForever => self.lock = Lock::Forever,
            _ => {}
        }
    }

    pub(crate) fn membership(&self, organization_id: &str) -> Option<&Membership> {
        let mut memberships = self.memberships.iter();
        memberships.find(|membership| membership.organization_id == organization_id)
    }

    pub(crate) fn membership_mut(&mut self, organization_id: &str) -> Option<&mut Membership> {
        let mut memberships = self.memberships.iter_mut();
        memberships.find(|membership| membership.organization_id == organization_id)
    }

    /// Its e-mail addresses, verified or not, username and telephone number.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        let emails = self.emails().map(|(_, address, _)| address);
        let others = [&self.user.username, &self.user.phone_number];
        emails.chain(others.into_iter().flatten().map(String::as_str))
    }

    /// What it can sign in with, besides its id.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.user.names().map(|(_, name)| name.to_lowercase())
    }
}
