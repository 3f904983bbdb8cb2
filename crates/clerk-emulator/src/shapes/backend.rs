//! The JSON of the Backend API's objects, where it differs from what users see.

use serde_json::{Value, json};

use super::{View, organization_shape};
use crate::{
    account::{Account, Membership},
    answer::with,
    organization::Organization,
    session::Session,
};

impl View<'_> {
    /// A user, as the instance's owner sees it. Memberships have a route of their own.
    pub(crate) fn backend_user(self, account: &Account) -> Value {
        let mut shape = self.user(account);
        if let Some(shape) = shape.as_object_mut() {
            shape.remove("organization_memberships");
        }
        with(shape, "private_metadata", json!(account.metadata.private))
    }

    /// A membership, with its organization.
    pub(crate) fn backend_membership(self, account: &Account, membership: &Membership) -> Value {
        let organization = self.world.organizations.find(&membership.organization_id);
        let organization = organization.map(backend_organization);
        let shape = self.membership(account, membership);
        let shape = with(shape, "organization", json!(organization));
        with(
            shape,
            "private_metadata",
            json!(membership.metadata.private),
        )
    }

    /// A session, without its user.
    pub(crate) fn backend_session(self, session: &Session) -> Value {
        let mut shape = self.session(session);
        if let Some(shape) = shape.as_object_mut() {
            for name in [
                "user",
                "public_user_data",
                "factor_verification_age",
                "last_active_token",
            ] {
                shape.remove(name);
            }
        }
        let shape = with(shape, "user_id", json!(session.user_id));
        with(shape, "client_id", json!(session.client_id))
    }
}

/// An organization.
pub(crate) fn backend_organization(organization: &Organization) -> Value {
    let mut shape = organization_shape(organization);
    if let Some(creator) = &organization.created_by {
        shape = with(shape, "created_by", json!(creator));
    }
    let private = json!(organization.metadata.private);
    with(shape, "private_metadata", private)
}
