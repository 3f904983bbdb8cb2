//! What a signed-in account may do here: its flags, its open tasks, its organization and roles.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::wire;
use crate::{
    identity::{Organization, Role},
    verify::RejectReason,
};

/// A session task that is done here instead: the organization is chosen from the memberships.
const CHOOSE_ORGANIZATION: &str = "choose-organization";

/// For whom an account acts, and as what.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Membership {
    pub(crate) organization: Option<Organization>,
    pub(crate) roles: BTreeSet<Role>,
}

/// How memberships become an organization and roles.
#[derive(Debug)]
pub(crate) struct MembershipRules<'a> {
    /// Id (`org_...`) or slug of the organization that an account must belong to.
    pub(crate) organization: Option<&'a str>,
    /// The roles that organization roles open, by Clerk's role key.
    pub(crate) role_keys: &'a BTreeMap<String, Role>,
}

impl MembershipRules<'_> {
    /// The membership that counts. Memberships are never merged: with none named, there must be at most one.
    fn choose(
        &self,
        memberships: &[wire::OrganizationMembership],
    ) -> Result<Membership, RejectReason> {
        let chosen = match (self.organization, memberships) {
            (Some(named), _) => memberships
                .iter()
                .find(|membership| is_of(membership, named))
                .ok_or(RejectReason::NoOrganization)?,
            (None, []) => {
                return Ok(Membership {
                    organization: None,
                    roles: BTreeSet::new(),
                });
            }
            (None, [only]) => only,
            (None, _) => return Err(RejectReason::NoOrganization),
        };
        self.resolve(chosen).ok_or(RejectReason::NoOrganization)
    }

    fn resolve(&self, membership: &wire::OrganizationMembership) -> Option<Membership> {
        let organization = membership.organization.as_ref()?;
        let role = membership
            .role
            .as_ref()
            .and_then(|key| self.role_keys.get(key));
        Some(Membership {
            organization: Some(Organization {
                id: wire::word(organization.id.as_deref())?,
                slug: wire::word(organization.slug.as_deref()),
            }),
            roles: role.copied().into_iter().collect(),
        })
    }
}

/// An id never matches a slug: users may choose slugs.
fn is_of(membership: &wire::OrganizationMembership, named: &str) -> bool {
    let Some(organization) = &membership.organization else {
        return false;
    };
    let name = if named.starts_with("org_") {
        &organization.id
    } else {
        &organization.slug
    };
    name.as_deref() == Some(named)
}

/// Whether a session with a proven password may be used, and as what.
pub(crate) fn admit(
    session: &wire::Session,
    rules: &MembershipRules<'_>,
) -> Result<Membership, RejectReason> {
    let user = session.user.as_ref();
    let memberships = user.map_or(&[][..], |user| &user.organization_memberships);
    let membership = rules.choose(memberships);
    match obstacle(session, membership.as_ref().ok()) {
        Some(reason) => Err(reason),
        None => membership,
    }
}

/// What stands in the way apart from a missing membership; the graver things first.
fn obstacle(session: &wire::Session, membership: Option<&Membership>) -> Option<RejectReason> {
    if let Some(reason) = session.user.as_ref().and_then(flag_obstacle) {
        return Some(reason);
    }
    if session.actor.is_some() {
        return Some(RejectReason::NotAllowed);
    }
    match session.status.as_deref() {
        Some("active") => {}
        // What it waits for is among its tasks; a session that does not say is not understood.
        Some("pending") if !session.tasks.is_empty() => {}
        Some("pending") => return Some(RejectReason::SessionTask),
        _ => return Some(RejectReason::UnknownStatus),
    }
    let has_organization = membership.is_some_and(|found| found.organization.is_some());
    let obstacle = |task: &wire::SessionTask| match task.key.as_deref() {
        Some(CHOOSE_ORGANIZATION) if has_organization => None,
        Some(CHOOSE_ORGANIZATION) => Some(RejectReason::NoOrganization),
        _ => Some(RejectReason::SessionTask),
    };
    session.tasks.iter().find_map(obstacle)
}

/// What keeps a user from logging in, whatever the password.
fn flag_obstacle(user: &wire::User) -> Option<RejectReason> {
    if user.banned {
        return Some(RejectReason::Banned);
    }
    user.locked.then(|| RejectReason::Locked {
        expires_in: user.lockout_expires_in_seconds.map(Duration::from_secs),
    })
}

#[cfg(test)]
mod tests;
