//! The controls of accounts.

use super::{AdminError, EmulatorAdmin};
use crate::{
    account::{Account, Lock},
    state::World,
    users::{EmulatorMembership, EmulatorUser, Password, Scenario},
};

impl EmulatorAdmin {
    /// A new account; its id. Organizations it belongs to are made if they do not exist.
    pub fn create_user(&self, user: EmulatorUser) -> Result<String, AdminError> {
        let now = self.shared.clock().now_ms();
        let mut world = self.shared.world();
        let taken = user
            .names()
            .find(|(_, name)| world.accounts.find(name).is_some());
        if let Some((key, _)) = taken {
            return Err(AdminError::Taken { key });
        }
        Ok(world.create_user(user, self.shared.options.lockout, now))
    }

    /// Deletes an account with its memberships and sessions.
    pub fn delete_user(&self, identifier: &str) -> Result<(), AdminError> {
        self.with(identifier, World::delete_user)
    }

    /// Makes an account a member of an organization, or changes its role and permissions there.
    pub fn set_membership(
        &self,
        identifier: &str,
        membership: EmulatorMembership,
    ) -> Result<(), AdminError> {
        self.with(identifier, |world, id, now| {
            let organization = world.organizations.find(&membership.organization);
            let organization = organization
                .map(|found| found.id.clone())
                .unwrap_or_default();
            let account = world.accounts.get(id);
            if account.is_some_and(|account| account.membership(&organization).is_none()) {
                world.create_membership(id, membership, now);
                return;
            }
            world.update_membership(id, &organization, now, |own| {
                own.role = membership.role;
                own.permissions = membership.permissions;
            });
        })
    }

    /// Ends a membership in the organization of this slug or id.
    pub fn remove_membership(
        &self,
        identifier: &str,
        organization: &str,
    ) -> Result<(), AdminError> {
        self.with(identifier, |world, id, now| {
            let organization = world.organizations.find(organization);
            let organization = organization
                .ok_or(AdminError::UnknownMembership)?
                .id
                .clone();
            let account = world.accounts.get(id);
            if account.is_some_and(|account| account.membership(&organization).is_none()) {
                return Err(AdminError::UnknownMembership);
            }
            world.delete_membership(id, &organization, now);
            Ok(())
        })?
    }

    /// Attempts of an account that failed since the last success, at both APIs.
    pub fn failures(&self, identifier: &str) -> Result<u32, AdminError> {
        self.read(identifier, Account::failures)
    }

    /// The attempts an account has left before it is locked; `None` where they are not counted.
    pub fn attempts_remaining(&self, identifier: &str) -> Result<Option<u32>, AdminError> {
        let lockout = self.shared.options.lockout;
        self.read(identifier, |account, now| {
            account.attempts_left(lockout, now)
        })
    }

    /// Whether an account is locked.
    pub fn is_locked(&self, identifier: &str) -> Result<bool, AdminError> {
        self.read(identifier, Account::is_locked)
    }

    /// Makes the e-mail address of an account a verified one.
    pub fn verify_email(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.email_verified = true)
    }

    /// Makes the e-mail address of an account one that was never verified.
    pub fn unverify_email(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.email_verified = false)
    }

    /// Sets up a second factor for an account, with the backup codes `clerktest1` and `clerktest2`.
    pub fn set_up_mfa(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.set_up_mfa())
    }

    /// Takes the second factor of an account away.
    pub fn remove_mfa(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.mfa = None)
    }

    /// The sessions that live, of one account.
    pub fn sessions_active_of(&self, identifier: &str) -> Result<usize, AdminError> {
        let now = self.shared.clock().now_ms();
        let world = self.shared.world();
        let account = world.accounts.find(identifier);
        let account = account.ok_or(AdminError::UnknownUser)?;
        Ok(world.live_sessions(Some(account), now))
    }

    /// Gives an account another password. Its sessions stay.
    pub fn set_password(&self, identifier: &str, password: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, now| {
            account.user.password = Some(Password::new(password));
            account.password_updated_at = now;
        })
    }

    /// Puts an account into another scenario, with the ban or lock that belongs to it.
    pub fn set_scenario(&self, identifier: &str, scenario: Scenario) -> Result<(), AdminError> {
        let lockout = self.shared.options.lockout;
        self.change(identifier, |account, now| {
            account.set_scenario(scenario, lockout, now);
        })
    }

    /// Makes Device Trust let an account pass everywhere.
    pub fn trust_everywhere(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| {
            account.user.bypass_client_trust = true;
        })
    }

    /// Makes Device Trust ask an account for a code on unknown clients.
    pub fn distrust(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| {
            account.user.bypass_client_trust = false;
        })
    }

    /// Bans an account, which ends its sessions.
    pub fn ban(&self, identifier: &str) -> Result<(), AdminError> {
        self.with(identifier, World::ban_user)
    }

    /// Lifts a ban.
    pub fn unban(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.banned = false)
    }

    /// Locks an account without an end.
    pub fn lock(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| account.lock = Lock::Forever)
    }

    /// Opens an account again and forgets its failed attempts.
    pub fn unlock(&self, identifier: &str) -> Result<(), AdminError> {
        self.change(identifier, |account, _| {
            account.unlock();
        })
    }

    fn change(
        &self,
        identifier: &str,
        change: impl FnOnce(&mut Account, u64),
    ) -> Result<(), AdminError> {
        self.with(identifier, |world, id, now| {
            world.update_user(id, now, |account| change(account, now));
        })
    }

    fn read<T>(
        &self,
        identifier: &str,
        read: impl FnOnce(&Account, u64) -> T,
    ) -> Result<T, AdminError> {
        let now = self.shared.clock().now_ms();
        let world = self.shared.world();
        let account = world.accounts.find(identifier);
        Ok(read(account.ok_or(AdminError::UnknownUser)?, now))
    }

    fn with<T>(
        &self,
        identifier: &str,
        work: impl FnOnce(&mut World, &str, u64) -> T,
    ) -> Result<T, AdminError> {
        let now = self.shared.clock().now_ms();
        let mut world = self.shared.world();
        let account = world.accounts.find(identifier);
        let id = account.ok_or(AdminError::UnknownUser)?.id.clone();
        Ok(work(&mut world, &id, now))
    }
}
