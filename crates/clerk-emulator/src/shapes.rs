//! The JSON of the Frontend API's objects. Times are milliseconds since the Unix epoch.

use serde_json::{Value, json};

use crate::{
    account::{Account, Membership},
    answer::with,
    options::Lockout,
    organization::Organization,
    session::{SESSION_ABANDON_MS, Session, SessionStatus},
    sign_in::{SignIn, SignInStatus},
    state::World,
    users::Scenario,
};
use factors::{first_factors, second_factors};

pub(crate) mod backend;
mod factors;

const IMAGE_URL: &str = "https://img.clerk.invalid/none.png";

/// The world as one moment sees it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) world: &'a World,
    pub(crate) lockout: Lockout,
    pub(crate) now: u64,
}

impl View<'_> {
    /// A client, or null when there is none.
    pub(crate) fn client(self, id: &str) -> Value {
        let Some(client) = self.world.clients.get(id) else {
            return Value::Null;
        };
        let session = |id: &String| self.world.sessions.get(id).map(|found| self.session(found));
        let sign_in = client.sign_in_id.as_ref();
        let sign_in = sign_in.and_then(|id| self.world.sign_ins.get(id));
        json!({
            "object": "client",
            "id": client.id,
            "sessions": client.session_ids.iter().filter_map(session).collect::<Vec<_>>(),
            "sign_in": sign_in.map(|found| self.sign_in(found)),
            "sign_up": null,
            "last_active_session_id": client.last_active_session_id,
            "last_authentication_strategy": client.last_strategy,
            "cookie_expires_at": null,
            "captcha_bypass": false,
            "created_at": client.created_at,
            "updated_at": client.updated_at,
        })
    }

    /// A session.
    pub(crate) fn session(self, session: &Session) -> Value {
        let minutes = |since: u64| self.now.saturating_sub(since) / 60_000;
        let second = session.second_factor_at.map(minutes);
        let account = self.world.accounts.get(&session.user_id);
        let mut shape = json!({
            "object": "session",
            "id": session.id,
            "status": session.status(self.now).as_str(),
            "expire_at": session.expire_at(),
            "abandon_at": session.created_at.saturating_add(SESSION_ABANDON_MS),
            "last_active_at": session.last_active_at,
            "last_active_organization_id": session.active_organization,
            "actor": null,
            "user": account.map(|account| self.user(account)),
            "public_user_data": account.map(public_user_data),
            "factor_verification_age": [json!(minutes(session.created_at)), second.map_or(json!(-1), Value::from)],
            "created_at": session.created_at,
            "updated_at": session.updated_at,
            "last_active_token": session.token.as_ref().map(|jwt| json!({"object": "token", "jwt": jwt})),
        });
        if let (SessionStatus::Pending, Some(task)) = (session.status(self.now), session.task) {
            shape = with(shape, "tasks", json!([{"key": task}]));
        }
        shape
    }

    /// A user, as that user sees it.
    pub(crate) fn user(self, account: &Account) -> Value {
        let memberships = account.memberships.iter();
        let has_mfa = account.has_mfa();
        let email_id = account
            .user
            .email
            .as_ref()
            .map(|_| &account.identification_id);
        let mut shape = json!({
            "object": "user",
            "id": account.id,
            "username": account.user.username,
            "first_name": account.user.first_name,
            "last_name": account.user.last_name,
            "image_url": IMAGE_URL,
            "profile_image_url": IMAGE_URL,
            "has_image": false,
            "primary_email_address_id": email_id,
            "primary_phone_number_id": account.user.phone_number.as_ref().map(|_| &account.identification_id),
            "primary_web3_wallet_id": null,
            "password_enabled": account.has_password(),
            "two_factor_enabled": has_mfa,
            "totp_enabled": has_mfa,
            "backup_code_enabled": has_mfa,
            "email_addresses": account.emails().map(|email| email_address(account, email)).collect::<Vec<_>>(),
            "phone_numbers": account.user.phone_number.iter().map(|number| phone_number(account, number)).collect::<Vec<_>>(),
            "web3_wallets": [],
            "passkeys": [],
            "external_accounts": [],
            "saml_accounts": [],
            "enterprise_accounts": [],
            "organization_memberships": memberships.map(|found| self.membership(account, found)).collect::<Vec<_>>(),
        });
        // Two halves, because one is more than the macro takes.
        if let (Some(shape), Value::Object(rest)) =
            (shape.as_object_mut(), self.user_state(account))
        {
            shape.extend(rest);
        }
        shape
    }

    fn user_state(self, account: &Account) -> Value {
        let has_mfa = account.has_mfa();
        json!({
            "password_last_updated_at": account.has_password().then_some(account.password_updated_at),
            "public_metadata": account.metadata.public,
            "unsafe_metadata": account.metadata.unsafe_,
            "external_id": account.user.external_id,
            "last_sign_in_at": account.last_sign_in_at,
            "banned": account.banned,
            "locked": account.is_locked(self.now),
            "lockout_expires_in_seconds": account.lock_seconds(self.now),
            "verification_attempts_remaining": account.attempts_left(self.lockout, self.now),
            "created_at": account.created_at,
            "updated_at": account.updated_at,
            "delete_self_enabled": true,
            "bypass_client_trust": account.user.bypass_client_trust,
            "create_organization_enabled": true,
            "create_organizations_limit": 0,
            "last_active_at": account.last_sign_in_at,
            "mfa_enabled_at": has_mfa.then_some(account.created_at),
            "mfa_disabled_at": null,
            "legal_accepted_at": null,
        })
    }

    /// A membership, with its organization.
    pub(crate) fn membership(self, account: &Account, membership: &Membership) -> Value {
        let organization = self.world.organizations.find(&membership.organization_id);
        let role = membership.role.trim_start_matches("org:");
        json!({
            "object": "organization_membership",
            "id": membership.id,
            "role": membership.role,
            "role_name": role.replace('_', " "),
            "permissions": membership.permissions,
            "public_metadata": membership.metadata.public,
            "created_at": membership.created_at,
            "updated_at": membership.updated_at,
            "organization": organization.map(organization_shape),
            "public_user_data": public_user_data(account),
        })
    }

    /// A sign-in attempt.
    pub(crate) fn sign_in(self, sign_in: &SignIn) -> Value {
        let account = sign_in.user_id.as_ref();
        let account = account.and_then(|id| self.world.accounts.get(id));
        let status = sign_in.status(self.now);
        let known = sign_in.identifier.is_some() && status != SignInStatus::Complete;
        let wants_second = matches!(
            status,
            SignInStatus::NeedsSecondFactor | SignInStatus::NeedsClientTrust
        );
        json!({
            "object": "sign_in_attempt",
            "id": sign_in.id,
            "status": status.as_str(),
            "supported_identifiers": ["email_address", "username"],
            "supported_first_factors": known.then(|| first_factors(account)),
            "supported_second_factors": account.filter(|_| wants_second).map(second_factors),
            "first_factor_verification": sign_in.first.map(|found| found.shape()),
            "second_factor_verification": sign_in.second.map(|found| found.shape()),
            "identifier": sign_in.identifier,
            "user_data": null,
            "created_session_id": sign_in.created_session_id,
            "abandon_at": sign_in.abandon_at,
            "client_trust_state": sign_in.trust.as_str(),
            "locale": null,
        })
    }
}

fn email_address(account: &Account, (id, address, verified): (&str, &str, bool)) -> Value {
    json!({
        "object": "email_address",
        "id": id,
        "email_address": address,
        "reserved": false,
        "verification": verified.then(verified_by_admin),
        "linked_to": [],
        "matches_sso_connection": account.user.scenario == Scenario::SsoOnly,
        "created_at": account.created_at,
        "updated_at": account.created_at,
    })
}

fn phone_number(account: &Account, number: &str) -> Value {
    json!({
        "object": "phone_number",
        "id": account.identification_id,
        "phone_number": number,
        "reserved_for_second_factor": account.has_mfa(),
        "default_second_factor": account.has_mfa(),
        "reserved": false,
        "verification": verified_by_admin(),
        "linked_to": [],
        "backup_codes": null,
        "created_at": account.created_at,
        "updated_at": account.created_at,
    })
}

fn verified_by_admin() -> Value {
    json!({"object": "verification_admin", "status": "verified", "strategy": "admin",
        "attempts": null, "expire_at": null})
}

fn public_user_data(account: &Account) -> Value {
    json!({
        "user_id": account.id,
        "identifier": account.identifier(),
        "username": account.user.username,
        "first_name": account.user.first_name,
        "last_name": account.user.last_name,
        "image_url": IMAGE_URL,
        "profile_image_url": IMAGE_URL,
        "has_image": false,
    })
}

fn organization_shape(organization: &Organization) -> Value {
    json!({
        "object": "organization",
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "image_url": IMAGE_URL,
        "has_image": false,
        "members_count": organization.members,
        "pending_invitations_count": 0,
        "max_allowed_memberships": organization.max_memberships,
        "admin_delete_enabled": true,
        "public_metadata": organization.metadata.public,
        "created_at": organization.created_at,
        "updated_at": organization.updated_at,
    })
}
