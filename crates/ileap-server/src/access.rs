//! Who may see what: from a principal and the stored access rules to a [`Visibility`].

mod rule;

pub use self::rule::{AccessRule, Opened, Period, RuleReach};

use std::collections::BTreeSet;

use crate::{
    identity::{Principal, Role, Scopes},
    store::{Store, StoreError},
    verify::VerifiedClient,
};

/// What one principal may see. Every query takes one, so that none can be made without a decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visibility {
    reach: Reach,
}

/// The outer bounds of a visibility.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Everything stored, of any kind.
    Everything,
    /// All objects of the kinds these roles open.
    Kinds(BTreeSet<Role>),
    /// Of the kinds these roles open, the objects that the rules of this recipient name.
    Named {
        /// Whose rules.
        recipient: String,
        /// What it is.
        roles: BTreeSet<Role>,
    },
    /// Nothing.
    Nothing,
}

impl Visibility {
    /// Resolves what `principal` may see: its roles say which kinds, the access rules say which objects.
    pub async fn of(principal: &Principal, store: &dyn Store) -> Result<Self, StoreError> {
        if principal.roles.contains(&Role::All) {
            return Ok(Self {
                reach: Reach::Everything,
            });
        }
        let recipient = principal.recipient();
        let reach = store.rule_reach(recipient).await?;
        Ok(Self::resolve(principal.roles.clone(), recipient, reach))
    }

    /// What roles open within the reach of a recipient's rules.
    pub(crate) fn resolve(roles: BTreeSet<Role>, recipient: &str, reach: RuleReach) -> Self {
        let reach = match reach {
            _ if roles.contains(&Role::All) => Reach::Everything,
            _ if roles.is_empty() => Reach::Nothing,
            RuleReach::Everything => Reach::Kinds(roles),
            RuleReach::Nothing => Reach::Nothing,
            RuleReach::Objects => Reach::Named {
                recipient: recipient.to_owned(),
                roles,
            },
        };
        Self { reach }
    }

    /// Sees everything: for the data owner, and for tests.
    #[cfg(test)]
    pub(crate) fn everything() -> Self {
        Self {
            reach: Reach::Everything,
        }
    }

    /// The bounds, for the store to turn into a query.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }
}

/// Who of the verified may come in, and as what.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// The role of a client that holds none; `None` keeps such clients out.
    pub default_role: Option<Role>,
    /// The client ids the default role is for; empty means all.
    pub allowed_clients: BTreeSet<String>,
    /// The client ids of services that may introspect and revoke anybody's tokens.
    pub resource_servers: BTreeSet<String>,
}

impl Admission {
    /// Whether a verified client may introspect and revoke anybody's tokens. It needs no role.
    pub fn is_resource_server(&self, client: &VerifiedClient) -> bool {
        self.resource_servers.contains(client.client_id.as_str())
    }

    /// The principal a verified client acts as; `None` when it holds no role and gets none by default.
    pub fn admit(&self, verified: VerifiedClient, scopes: Scopes) -> Option<Principal> {
        let mut roles = verified.roles;
        if roles.is_empty() {
            let client_id = verified.client_id.as_str();
            let applies =
                self.allowed_clients.is_empty() || self.allowed_clients.contains(client_id);
            roles.insert(self.default_role.filter(|_| applies)?);
        }
        Some(Principal {
            subject: verified.subject,
            client_id: verified.client_id,
            organization: verified.organization,
            roles,
            scopes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ClientId;

    fn verified(roles: &[Role]) -> VerifiedClient {
        VerifiedClient {
            subject: "clerk|user_1".to_owned(),
            client_id: ClientId::new("ops@acme.example").unwrap(),
            organization: None,
            roles: roles.iter().copied().collect(),
        }
    }

    #[test]
    fn a_client_without_a_role_stays_out_unless_there_is_a_default() {
        let closed = Admission::default();
        assert!(closed.admit(verified(&[]), Scopes::all()).is_none());
        let open = Admission {
            default_role: Some(Role::User),
            ..Admission::default()
        };
        let principal = open.admit(verified(&[]), Scopes::all()).unwrap();
        assert_eq!(principal.roles, BTreeSet::from([Role::User]));
    }

    #[test]
    fn the_default_role_is_narrowed_to_the_allowed_clients() {
        let allowed = |id: &str| Admission {
            default_role: Some(Role::User),
            allowed_clients: BTreeSet::from([id.to_owned()]),
            ..Admission::default()
        };
        assert!(
            allowed("ops@acme.example")
                .admit(verified(&[]), Scopes::all())
                .is_some()
        );
        assert!(
            allowed("someone@else.example")
                .admit(verified(&[]), Scopes::all())
                .is_none()
        );
    }

    #[test]
    fn a_role_of_its_own_is_neither_widened_nor_narrowed() {
        let admission = Admission {
            default_role: Some(Role::All),
            allowed_clients: BTreeSet::from(["x".to_owned()]),
            ..Admission::default()
        };
        let principal = admission
            .admit(verified(&[Role::Organizer]), Scopes::all())
            .unwrap();
        assert_eq!(principal.roles, BTreeSet::from([Role::Organizer]));
    }
}
