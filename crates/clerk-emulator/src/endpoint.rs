//! The routes, by name.

use serde::{Deserialize, Serialize};

mod form;
mod paths;

// The order says what is what: first the Frontend API, then the Backend API, there with all that is about
// organizations in a row.
/// A route of the emulated APIs. In JSON it is written in snake case: `create_sign_in`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST /v1/dev_browser`
    CreateDevBrowser,
    /// `GET /v1/environment`
    GetEnvironment,
    /// `GET /v1/client`
    GetClient,
    /// `POST /v1/client` and `PUT /v1/client`
    CreateClient,
    /// `DELETE /v1/client`
    DeleteClient,
    /// `POST /v1/client/sign_ins`
    CreateSignIn,
    /// `GET /v1/client/sign_ins/{sign_in_id}`
    GetSignIn,
    /// `POST /v1/client/sign_ins/{sign_in_id}/prepare_first_factor`
    PrepareFirstFactor,
    /// `POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor`
    AttemptFirstFactor,
    /// `POST /v1/client/sign_ins/{sign_in_id}/prepare_second_factor`
    PrepareSecondFactor,
    /// `POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor`
    AttemptSecondFactor,
    /// `POST /v1/client/sign_ins/{sign_in_id}/reset_password`
    ResetPassword,
    /// `DELETE /v1/client/sessions`
    RemoveSessions,
    /// `GET /v1/client/sessions/{session_id}`
    GetSession,
    /// `POST /v1/client/sessions/{session_id}/touch`
    TouchSession,
    /// `POST /v1/client/sessions/{session_id}/end`
    EndSession,
    /// `POST /v1/client/sessions/{session_id}/remove`
    RemoveSession,
    /// `POST /v1/client/sessions/{session_id}/tokens`
    CreateSessionToken,
    /// `POST /v1/client/sessions/{session_id}/tokens/{template_name}`
    CreateTemplateToken,
    /// `GET /v1/me`
    GetMe,
    /// `GET /v1/me/organization_memberships`
    ListMyMemberships,
    /// `GET /.well-known/jwks.json`
    GetJwks,
    /// `GET /.well-known/openid-configuration`
    GetOpenidConfiguration,
    /// `GET /.well-known/oauth-authorization-server`
    GetAuthorizationServerMetadata,
    /// `GET /v1/health`
    GetHealth,
    /// `GET /v1/jwks`, like all that follow of the Backend API
    BackendGetJwks,
    /// `GET /v1/users`
    BackendListUsers,
    /// `GET /v1/users/count`
    BackendCountUsers,
    /// `POST /v1/users`
    BackendCreateUser,
    /// `GET /v1/users/{user_id}`
    BackendGetUser,
    /// `PATCH /v1/users/{user_id}`
    BackendUpdateUser,
    /// `DELETE /v1/users/{user_id}`
    BackendDeleteUser,
    /// `POST /v1/users/{user_id}/verify_password`
    BackendVerifyPassword,
    /// `POST /v1/users/{user_id}/verify_totp`
    BackendVerifyTotp,
    /// `POST /v1/users/{user_id}/lock`
    BackendLockUser,
    /// `POST /v1/users/{user_id}/unlock`
    BackendUnlockUser,
    /// `POST /v1/users/{user_id}/ban`
    BackendBanUser,
    /// `POST /v1/users/{user_id}/unban`
    BackendUnbanUser,
    /// `GET /v1/users/{user_id}/organization_memberships`
    BackendListUserMemberships,
    /// `GET /v1/organizations`
    BackendListOrganizations,
    /// `POST /v1/organizations`
    BackendCreateOrganization,
    /// `GET /v1/organizations/{organization_id}`
    BackendGetOrganization,
    /// `PATCH /v1/organizations/{organization_id}`
    BackendUpdateOrganization,
    /// `DELETE /v1/organizations/{organization_id}`
    BackendDeleteOrganization,
    /// `GET /v1/organizations/{organization_id}/memberships`
    BackendListMemberships,
    /// `POST /v1/organizations/{organization_id}/memberships`
    BackendCreateMembership,
    /// `PATCH /v1/organizations/{organization_id}/memberships/{user_id}`
    BackendUpdateMembership,
    /// `DELETE /v1/organizations/{organization_id}/memberships/{user_id}`
    BackendDeleteMembership,
    /// `GET /v1/sessions`
    BackendListSessions,
    /// `POST /v1/sessions`
    BackendCreateSession,
    /// `GET /v1/sessions/{session_id}`
    BackendGetSession,
    /// `POST /v1/sessions/{session_id}/revoke`
    BackendRevokeSession,
    /// `POST /v1/sessions/{session_id}/tokens`
    BackendCreateSessionToken,
    /// `POST /v1/sessions/{session_id}/tokens/{template_name}`
    BackendCreateTemplateToken,
    /// `POST /v1/sign_in_tokens`
    BackendCreateSignInToken,
    /// `POST /v1/sign_in_tokens/{sign_in_token_id}/revoke`
    BackendRevokeSignInToken,
}

impl Endpoint {
    /// Every route.
    pub const ALL: [Self; 56] = [
        Self::CreateDevBrowser,
        Self::GetEnvironment,
        Self::GetClient,
        Self::CreateClient,
        Self::DeleteClient,
        Self::CreateSignIn,
        Self::GetSignIn,
        Self::PrepareFirstFactor,
        Self::AttemptFirstFactor,
        Self::PrepareSecondFactor,
        Self::AttemptSecondFactor,
        Self::ResetPassword,
        Self::RemoveSessions,
        Self::GetSession,
        Self::TouchSession,
        Self::EndSession,
        Self::RemoveSession,
        Self::CreateSessionToken,
        Self::CreateTemplateToken,
        Self::GetMe,
        Self::ListMyMemberships,
        Self::GetJwks,
        Self::GetOpenidConfiguration,
        Self::GetAuthorizationServerMetadata,
        Self::GetHealth,
        Self::BackendGetJwks,
        Self::BackendListUsers,
        Self::BackendCountUsers,
        Self::BackendCreateUser,
        Self::BackendGetUser,
        Self::BackendUpdateUser,
        Self::BackendDeleteUser,
        Self::BackendVerifyPassword,
        Self::BackendVerifyTotp,
        Self::BackendLockUser,
        Self::BackendUnlockUser,
        Self::BackendBanUser,
        Self::BackendUnbanUser,
        Self::BackendListUserMemberships,
        Self::BackendListOrganizations,
        Self::BackendCreateOrganization,
        Self::BackendGetOrganization,
        Self::BackendUpdateOrganization,
        Self::BackendDeleteOrganization,
        Self::BackendListMemberships,
        Self::BackendCreateMembership,
        Self::BackendUpdateMembership,
        Self::BackendDeleteMembership,
        Self::BackendListSessions,
        Self::BackendCreateSession,
        Self::BackendGetSession,
        Self::BackendRevokeSession,
        Self::BackendCreateSessionToken,
        Self::BackendCreateTemplateToken,
        Self::BackendCreateSignInToken,
        Self::BackendRevokeSignInToken,
    ];

    /// Whether the caller has to say which client it is: public documents are for everybody, and the Backend
    /// API has a key instead.
    pub(crate) fn identifies_client(self) -> bool {
        !matches!(
            self,
            Self::CreateDevBrowser
                | Self::GetJwks
                | Self::GetOpenidConfiguration
                | Self::GetAuthorizationServerMetadata
                | Self::GetHealth
        ) && !self.is_backend()
    }

    /// Whether it is a route of the Backend API.
    pub fn is_backend(self) -> bool {
        self >= Self::BackendGetJwks
    }

    /// Whether it is about organizations, which an instance may not have.
    pub(crate) fn needs_organizations(self) -> bool {
        (Self::BackendListUserMemberships..=Self::BackendDeleteMembership).contains(&self)
    }

    /// Whether it goes on during maintenance.
    pub(crate) fn survives_maintenance(self) -> bool {
        matches!(
            self,
            Self::GetEnvironment
                | Self::GetJwks
                | Self::GetOpenidConfiguration
                | Self::GetAuthorizationServerMetadata
                | Self::GetHealth
                | Self::BackendGetJwks
        )
    }

    /// Whether it goes on during the maintenance of a production instance: the sessions that exist live on,
    /// and what only reads can be read.
    pub(crate) fn survives_maintenance_in_production(self) -> bool {
        let is_session_call = matches!(
            self,
            Self::TouchSession | Self::CreateSessionToken | Self::CreateTemplateToken
        );
        is_session_call || (self.is_backend() && self.only_reads())
    }

    /// How many calls one address may make in ten seconds, where that is published.
    pub(crate) fn limit(self) -> Option<u32> {
        match self {
            Self::CreateSignIn => Some(5),
            Self::AttemptFirstFactor | Self::AttemptSecondFactor => Some(3),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_stands_once_and_in_order() {
        assert!(Endpoint::ALL.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn the_order_tells_the_apis_and_organizations_apart() {
        for endpoint in Endpoint::ALL {
            let is_named_so = format!("{endpoint:?}").starts_with("Backend");
            assert_eq!(endpoint.is_backend(), is_named_so, "{endpoint:?}");
            let is_about = is_named_so && endpoint.path().contains("organization");
            assert_eq!(endpoint.needs_organizations(), is_about, "{endpoint:?}");
        }
    }
}
