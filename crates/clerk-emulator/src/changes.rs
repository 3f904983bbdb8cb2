//! What can happen to accounts, memberships and organizations. Everything that changes one comes through here.

use crate::{
    account::{Account, Membership, Metadata},
    options::Lockout,
    organization::Organization,
    session::SessionStatus,
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
        let others = account.user.other_emails.len();
        account.other_email_ids = (0..others).map(|_| self.ids.object("idn")).collect();
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
        let name = &membership.organization;
        let known = self.organizations.find(name).map(|known| known.id.clone());
        let organization_id = known.unwrap_or_else(|| {
            let organization = Organization::new(name, &mut self.ids, now);
            self.create_organization(organization)
        });
        let membership = Membership {
            id: self.ids.object("orgmem"),
            organization_id,
            role: membership.role,
            permissions: membership.permissions,
            metadata: Metadata::default(),
            created_at: now,
            updated_at: now,
        };
        let organization = self.organizations.get_mut(&membership.organization_id);
        if let (Some(account), Some(organization)) = (self.accounts.get_mut(user_id), organization)
        {
            account.memberships.push(membership);
            organization.members += 1;
        }
    }

    /// Changes anything about an account but its memberships.
    pub(crate) fn update_user(
        &mut self,
        user_id: &str,
        now: u64,
        change: impl FnOnce(&mut Account),
    ) {
        self.accounts.change(user_id, |account| {
            change(account);
            account.updated_at = now;
            account.revision += 1;
        });
    }

    /// Bans an account, which ends its sessions.
    pub(crate) fn ban_user(&mut self, user_id: &str, now: u64) {
        self.update_user(user_id, now, |account| account.banned = true);
        self.end_sessions_of_user(user_id, SessionStatus::Revoked, now);
    }

    /// Deletes an account with its memberships and sessions.
    pub(crate) fn delete_user(&mut self, user_id: &str, now: u64) {
        let memberships = self
            .accounts
            .get(user_id)
            .map(|account| &account.memberships);
        let organizations = memberships.into_iter().flatten();
        let ids: Vec<_> = organizations
            .map(|membership| membership.organization_id.clone())
            .collect();
        for organization_id in ids {
            self.delete_membership(user_id, &organization_id, now);
        }
        self.end_sessions_of_user(user_id, SessionStatus::Removed, now);
        self.accounts.remove(user_id);
    }

    /// Changes a membership. Returns whether there is one.
    pub(crate) fn update_membership(
        &mut self,
        user_id: &str,
        organization_id: &str,
        now: u64,
        change: impl FnOnce(&mut Membership),
    ) -> bool {
        let account = self.accounts.get_mut(user_id);
        let membership = account.and_then(|account| account.membership_mut(organization_id));
        let Some(membership) = membership else {
            return false;
        };
        change(membership);
        membership.updated_at = now;
        true
    }

    /// Ends a membership. Sessions in which the organization was active are in none then.
    pub(crate) fn delete_membership(&mut self, user_id: &str, organization_id: &str, now: u64) {
        let organization = self.organizations.get_mut(organization_id);
        if let (Some(account), Some(organization)) = (self.accounts.get_mut(user_id), organization)
        {
            let memberships = &mut account.memberships;
            let gone = memberships.extract_if(.., |one| one.organization_id == organization_id);
            organization.members -= gone.map(|_| 1).sum::<u64>();
        }
        for session in self.sessions.values_mut() {
            if session.user_id == user_id
                && session.active_organization.as_deref() == Some(organization_id)
            {
                session.active_organization = None;
                session.updated_at = now;
            }
        }
    }

    /// Takes in a new organization; its id.
    pub(crate) fn create_organization(&mut self, organization: Organization) -> String {
        let id = organization.id.clone();
        self.organizations.add(organization);
        id
    }

    /// Changes an organization.
    pub(crate) fn update_organization(
        &mut self,
        organization_id: &str,
        now: u64,
        change: impl FnOnce(&mut Organization),
    ) {
        if let Some(organization) = self.organizations.get_mut(organization_id) {
            change(organization);
            organization.updated_at = now;
        }
    }

    /// Deletes an organization with its memberships.
    pub(crate) fn delete_organization(&mut self, organization_id: &str, now: u64) {
        for user_id in self.members(organization_id) {
            self.delete_membership(&user_id, organization_id, now);
        }
        self.organizations.remove(organization_id);
    }

    /// The ids of the accounts that belong to an organization, the newest first.
    pub(crate) fn members(&self, organization_id: &str) -> Vec<String> {
        let accounts = self.accounts.newest_first().into_iter();
        accounts
            .filter(|account| account.membership(organization_id).is_some())
            .map(|account| account.id.clone())
            .collect()
    }
}
