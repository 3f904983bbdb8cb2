//! The accounts of a run.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    options::Lockout,
    users::{EmulatorUser, Scenario},
};

/// Where the test authenticator's backup codes come from: each is good once.
const BACKUP_CODES: [&str; 2] = ["clerktest1", "clerktest2"];

/// An account, with the ids of this run.
pub(crate) struct Account {
    pub(crate) id: String,
    /// Its place in the order in which accounts were made.
    pub(crate) number: u64,
    /// The id of its e-mail address, telephone number and image.
    pub(crate) identification_id: String,
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

    pub(crate) fn has_password(&self) -> bool {
        self.user.password.is_some() && self.user.scenario != Scenario::Passwordless
    }

    /// Whether `text` is its password.
    pub(crate) fn is_password(&self, text: &str) -> bool {
        self.has_password() && self.user.password.as_ref().is_some_and(|own| own.is(text))
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

    /// What it can be found by besides its id.
    fn names(&self) -> impl Iterator<Item = String> {
        let user = &self.user;
        [&user.email, &user.username, &user.phone_number]
            .into_iter()
            .flatten()
            .map(|name| name.to_lowercase())
    }
}

/// All accounts, found by id or by what they sign in with.
#[derive(Default)]
pub(crate) struct Accounts {
    by_id: HashMap<String, Account>,
    ids_by_name: HashMap<String, String>,
    made: u64,
}

impl Accounts {
    /// Takes in an account, as the newest.
    pub(crate) fn add(&mut self, mut account: Account) {
        self.made += 1;
        account.number = self.made;
        for name in account.names() {
            self.ids_by_name.insert(name, account.id.clone());
        }
        self.by_id.insert(account.id.clone(), account);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Account> {
        self.by_id.get(id)
    }

    /// To change anything but what it is found by.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Account> {
        self.by_id.get_mut(id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Account> {
        self.by_id.values()
    }

    /// The newest first.
    pub(crate) fn newest_first(&self) -> Vec<&Account> {
        let mut accounts: Vec<_> = self.values().collect();
        accounts.sort_by_key(|account| std::cmp::Reverse(account.number));
        accounts
    }

    /// The account with this e-mail address, username or telephone number, in upper or lower case.
    pub(crate) fn find(&self, identifier: &str) -> Option<&Account> {
        let id = self.ids_by_name.get(&identifier.to_lowercase())?;
        self.by_id.get(id)
    }
}
