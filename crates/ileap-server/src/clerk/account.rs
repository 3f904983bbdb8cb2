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
    /// Id (`org_...`) or slug of the organization that an account must belong to and act for.
    pub(crate) required: Option<&'a str>,
    /// Slug of the organization that the client asks to act for.
    pub(crate) chosen: Option<&'a str>,
    /// The roles that organization roles open, by Clerk's role key.
    pub(crate) role_keys: &'a BTreeMap<String, Role>,
}

impl MembershipRules<'_> {
    /// The membership that counts. Memberships are never merged: with none named, there must be at most one.
    pub(crate) fn choose(
        &self,
        memberships: &[wire::OrganizationMembership],
    ) -> Result<Membership, RejectReason> {
        let is_named = |membership: &&wire::OrganizationMembership| {
            self.required
                .is_none_or(|id_or_slug| is_of(membership, id_or_slug))
                && self.chosen.is_none_or(|slug| has_slug(membership, slug))
        };
        let is_any_named = self.required.is_some() || self.chosen.is_some();
        let chosen = match memberships {
            _ if is_any_named => memberships.iter().find(is_named),
            [] => {
                return Ok(Membership {
                    organization: None,
                    roles: BTreeSet::new(),
                });
            }
            [only] => Some(only),
            _ => None,
        };
        chosen
            .and_then(|membership| self.resolve(membership))
            .ok_or(RejectReason::NoOrganization)
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
fn is_of(membership: &wire::OrganizationMembership, id_or_slug: &str) -> bool {
    if !id_or_slug.starts_with("org_") {
        return has_slug(membership, id_or_slug);
    }
    let organization = membership.organization.as_ref();
    organization.is_some_and(|organization| organization.id.as_deref() == Some(id_or_slug))
}

fn has_slug(membership: &wire::OrganizationMembership, slug: &str) -> bool {
    let organization = membership.organization.as_ref();
    organization.is_some_and(|organization| organization.slug.as_deref() == Some(slug))
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
