//! The accounts and organizations of a run.

use std::collections::HashMap;

use crate::{
    ids::Ids,
    options::{EmulatorOptions, Lockout},
    users::{EmulatorMembership, EmulatorUser, Scenario},
};

/// An account, with the ids of this run.
pub(crate) struct Account {
    pub(crate) id: String,
    /// The id of its e-mail address, telephone number and image.
    pub(crate) identification_id: String,
    pub(crate) user: EmulatorUser,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) banned: bool,
    pub(crate) lock: Lock,
    /// Attempts that failed since the last success.
    pub(crate) failures: u32,
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

/// A membership, with its id.
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) organization_id: String,
    pub(crate) role: String,
    pub(crate) permissions: Vec<String>,
}

impl Account {
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

    /// Counts a failed attempt. The one that exhausts the allowance locks.
    pub(crate) fn fail(&mut self, lockout: Lockout, now: u64) {
        if !lockout.enabled {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= lockout.max_attempts {
            self.lock = Lock::Until(now.saturating_add(lock_ms(lockout)));
            self.failures = 0;
        }
    }

    /// The attempts left, where they are counted.
    pub(crate) fn attempts_left(&self, lockout: Lockout) -> Option<u32> {
        let left = lockout.max_attempts.saturating_sub(self.failures);
        lockout.enabled.then_some(left)
    }

    pub(crate) fn has_verified_email(&self) -> bool {
        self.user.email.is_some() && self.user.scenario != Scenario::UnverifiedEmail
    }

    pub(crate) fn has_password(&self) -> bool {
        self.user.password.is_some() && self.user.scenario != Scenario::Passwordless
    }

    pub(crate) fn set_scenario(&mut self, scenario: Scenario, lockout: Lockout, now: u64) {
        self.user.scenario = scenario;
        self.banned = scenario == Scenario::Banned;
        self.lock = match scenario {
            Scenario::Locked => Lock::Until(now.saturating_add(lock_ms(lockout))),
            Scenario::LockedForever => Lock::Forever,
            _ => Lock::Open,
        };
    }
}

fn lock_ms(lockout: Lockout) -> u64 {
    u64::from(lockout.minutes) * 60_000
}

/// All accounts, found by id or by what they sign in with.
pub(crate) struct Accounts {
    by_id: HashMap<String, Account>,
    ids_by_identifier: HashMap<String, String>,
}

impl Accounts {
    pub(crate) fn new(
        options: &EmulatorOptions,
        organizations: &Organizations,
        ids: &mut Ids,
    ) -> Self {
        let mut accounts = Self {
            by_id: HashMap::new(),
            ids_by_identifier: HashMap::new(),
        };
        let now = options.clock.now_ms();
        for user in &options.users {
            let mut account = Account {
                id: ids.object("user"),
                identification_id: ids.object("idn"),
                memberships: memberships(&user.memberships, organizations, ids),
                user: user.clone(),
                banned: false,
                lock: Lock::Open,
                failures: 0,
                last_sign_in_at: None,
                password_updated_at: now,
                created_at: now,
                updated_at: now,
            };
            account.set_scenario(user.scenario, options.lockout, now);
            accounts.add(account);
        }
        accounts
    }

    fn add(&mut self, account: Account) {
        for name in [&account.user.email, &account.user.username]
            .into_iter()
            .flatten()
        {
            self.ids_by_identifier
                .insert(name.to_lowercase(), account.id.clone());
        }
        self.by_id.insert(account.id.clone(), account);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Account> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Account> {
        self.by_id.get_mut(id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Account> {
        self.by_id.values()
    }

    /// The account with this e-mail address or username; neither knows upper and lower case.
    pub(crate) fn find(&self, identifier: &str) -> Option<&Account> {
        let id = self.ids_by_identifier.get(&identifier.to_lowercase())?;
        self.by_id.get(id)
    }

    pub(crate) fn find_mut(&mut self, identifier: &str) -> Option<&mut Account> {
        let id = self.ids_by_identifier.get(&identifier.to_lowercase())?;
        self.by_id.get_mut(id)
    }
}

fn memberships(
    wanted: &[EmulatorMembership],
    organizations: &Organizations,
    ids: &mut Ids,
) -> Vec<Membership> {
    let membership = |membership: &EmulatorMembership| {
        let organization = organizations.find(&membership.organization)?;
        Some(Membership {
            id: ids.object("orgmem"),
            organization_id: organization.id.clone(),
            role: membership.role.clone(),
            permissions: membership.permissions.clone(),
        })
    };
    wanted.iter().filter_map(membership).collect()
}

/// An organization.
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) members: usize,
    pub(crate) created_at: u64,
}

/// All organizations.
pub(crate) struct Organizations(Vec<Organization>);

impl Organizations {
    /// One for each slug among the memberships.
    pub(crate) fn of(users: &[EmulatorUser], ids: &mut Ids, now: u64) -> Self {
        let mut organizations: Vec<Organization> = Vec::new();
        for membership in users.iter().flat_map(|user| &user.memberships) {
            let slug = &membership.organization;
            match organizations.iter_mut().find(|known| known.slug == *slug) {
                Some(organization) => organization.members += 1,
                None => organizations.push(Organization {
                    id: ids.object("org"),
                    slug: slug.clone(),
                    members: 1,
                    created_at: now,
                }),
            }
        }
        Self(organizations)
    }

    /// By id or slug.
    pub(crate) fn find(&self, name: &str) -> Option<&Organization> {
        self.0
            .iter()
            .find(|organization| organization.id == name || organization.slug == name)
    }
}
