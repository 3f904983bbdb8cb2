//! What has changed between two looks at the world, as Clerk's events tell it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    answer::with,
    session::SessionStatus,
    shapes::{View, backend::backend_organization},
    state::Shared,
};

/// What changes on a user without being news: it moves with every sign-in.
const VOLATILE: [&str; 5] = [
    "last_active_at",
    "last_sign_in_at",
    "lockout_expires_in_seconds",
    "updated_at",
    "verification_attempts_remaining",
];

/// Which change of a user this is; not told.
const REVISION: &str = "#revision";

/// Everything that events are about, by id, as the Backend API shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Snapshot {
    users: BTreeMap<String, Value>,
    organizations: BTreeMap<String, Value>,
    memberships: BTreeMap<String, Value>,
    sessions: BTreeMap<String, (&'static str, Value)>,
}

impl Snapshot {
    pub(super) fn of(shared: &Shared) -> Self {
        let world = shared.world();
        let now = shared.clock().now_ms();
        let view = View {
            world: &world,
            lockout: shared.options.lockout,
            now,
        };
        let mut snapshot = Self::default();
        for account in world.accounts.newest_first() {
            let user = view.backend_user(account);
            let user = with(user, REVISION, json!(account.revision));
            snapshot.users.insert(account.id.clone(), user);
            for membership in &account.memberships {
                let shape = view.backend_membership(account, membership);
                snapshot.memberships.insert(membership.id.clone(), shape);
            }
        }
        for organization in world.organizations.values() {
            let shape = backend_organization(organization);
            snapshot
                .organizations
                .insert(organization.id.clone(), shape);
        }
        for session in world.sessions.values() {
            let ending = match session.status(now) {
                SessionStatus::Active | SessionStatus::Pending => "created",
                SessionStatus::Ended | SessionStatus::Expired => "ended",
                SessionStatus::Removed => "removed",
                SessionStatus::Revoked => "revoked",
            };
            let shape = view.backend_session(session);
            snapshot
                .sessions
                .insert(session.id.clone(), (ending, shape));
        }
        snapshot
    }

    /// Type and `data` of the events that lead from here to `now`: organizations before their members, users
    /// before both, departures last.
    pub(super) fn changes_to(&self, now: &Self) -> Vec<(String, Value)> {
        let mut news = Vec::new();
        appeared_or_changed("user", &self.users, &now.users, &mut news);
        appeared_or_changed(
            "organization",
            &self.organizations,
            &now.organizations,
            &mut news,
        );
        appeared_or_changed(
            "organizationMembership",
            &self.memberships,
            &now.memberships,
            &mut news,
        );
        for (id, (state, session)) in &now.sessions {
            if self.sessions.get(id).map(|(state, _)| state) != Some(state) {
                news.push((format!("session.{state}"), session.clone()));
            }
        }
        // A membership that is gone is told in full, the rest by id.
        let gone = self
            .memberships
            .iter()
            .filter(|(id, _)| !now.memberships.contains_key(*id));
        for (_, membership) in gone {
            news.push((
                "organizationMembership.deleted".to_owned(),
                membership.clone(),
            ));
        }
        gone_by_id(
            "organization",
            &self.organizations,
            &now.organizations,
            &mut news,
        );
        gone_by_id("user", &self.users, &now.users, &mut news);
        news
    }
}

fn appeared_or_changed(
    object: &str,
    before: &BTreeMap<String, Value>,
    now: &BTreeMap<String, Value>,
    news: &mut Vec<(String, Value)>,
) {
    for (id, shape) in now {
        let change = match before.get(id) {
            None => "created",
            Some(earlier) if steady(earlier) != steady(shape) => "updated",
            Some(_) => continue,
        };
        let mut data = shape.clone();
        if let Some(members) = data.as_object_mut() {
            members.remove(REVISION);
        }
        news.push((format!("{object}.{change}"), data));
    }
}

fn gone_by_id(
    object: &str,
    before: &BTreeMap<String, Value>,
    now: &BTreeMap<String, Value>,
    news: &mut Vec<(String, Value)>,
) {
    for id in before.keys().filter(|id| !now.contains_key(*id)) {
        let data = json!({"id": id, "object": object, "deleted": true});
        news.push((format!("{object}.deleted"), data));
    }
}

/// A shape without what moves by itself, and without its organization: that has events of its own.
fn steady(shape: &Value) -> Value {
    let mut shape = shape.clone();
    if let Some(members) = shape.as_object_mut() {
        for name in VOLATILE {
            members.remove(name);
        }
        for name in ["organization", "members_count", "pending_invitations_count"] {
            members.remove(name);
        }
    }
    shape
}
