//! What can happen to accounts, memberships and organizations. Everything that changes one comes through here.

use crate::{
    account::{Account, Membership, Metadata},
    options::Lockout,
    state::World,
    users::{EmulatorMembership, EmulatorUser},
};

impl World {
    /// A new account, with its memberships; its id. Organizations that do not exist are made.
    pub(crate) fn create_user(&mut self, user: EmulatorUser, lockout: Lockout, now: u64) -> String {
        let ids = (self.ids.object("user"), self.ids.object("idn"));
        let id = ids.0.clone();
        let (scenario, memberships) = (user.scenario, user.memberships.clone());
        let mut account = Account::new(ids, user, now);
        account.set_scenario(scenario, lockout, now);
        self.accounts.add(account);
        for membership in memberships {
            self.create_membership(&id, membership, now);
        }
        id
    }

    /// Makes the account a member, of an organization that is made if it does not exist.
    pub(crate) fn create_membership(
        &mut self,
        user_id: &str,
        membership: EmulatorMembership,
        now: u64,
    ) {
        let slug = &membership.organization;
        let organization_id = self.organizations.obtain(slug, &mut self.ids, now);
        let membership = Membership {
            id: self.ids.object("orgmem"),
            organization_id,
            role: membership.role,
            permissions: membership.permissions,
            metadata: Metadata::default(),
            created_at: now,
            updated_at: now,
        };
        if let Some(account) = self.accounts.get_mut(user_id) {
            account.memberships.push(membership);
        }
    }

    /// Changes anything about an account but what it is found by.
    pub(crate) fn update_user(
        &mut self,
        user_id: &str,
        now: u64,
        change: impl FnOnce(&mut Account),
    ) {
        if let Some(account) = self.accounts.get_mut(user_id) {
            change(account);
            account.updated_at = now;
        }
    }
}
