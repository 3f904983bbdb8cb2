//! Where the routes are.

use axum::routing::MethodFilter;

use super::Endpoint;

impl Endpoint {
    /// The path, with variables in braces.
    pub fn path(self) -> &'static str {
        self.route().1
    }

    pub(crate) fn methods(self) -> MethodFilter {
        self.route().0
    }

    pub(super) fn only_reads(self) -> bool {
        self.methods() == MethodFilter::GET
    }

    fn route(self) -> (MethodFilter, &'static str) {
        const DELETE: MethodFilter = MethodFilter::DELETE;
        const GET: MethodFilter = MethodFilter::GET;
        const PATCH: MethodFilter = MethodFilter::PATCH;
        const POST: MethodFilter = MethodFilter::POST;
        match self {
            Self::CreateDevBrowser => (POST, "/v1/dev_browser"),
            Self::GetEnvironment => (GET, "/v1/environment"),
            Self::GetClient => (GET, "/v1/client"),
            Self::CreateClient => (POST.or(MethodFilter::PUT), "/v1/client"),
            Self::DeleteClient => (DELETE, "/v1/client"),
            Self::CreateSignIn => (POST, "/v1/client/sign_ins"),
            Self::GetSignIn => (GET, "/v1/client/sign_ins/{sign_in_id}"),
            Self::PrepareFirstFactor => (
                POST,
                "/v1/client/sign_ins/{sign_in_id}/prepare_first_factor",
            ),
            Self::AttemptFirstFactor => (
                POST,
                "/v1/client/sign_ins/{sign_in_id}/attempt_first_factor",
            ),
            Self::PrepareSecondFactor => (
                POST,
                "/v1/client/sign_ins/{sign_in_id}/prepare_second_factor",
            ),
            Self::AttemptSecondFactor => (
                POST,
                "/v1/client/sign_ins/{sign_in_id}/attempt_second_factor",
            ),
            Self::ResetPassword => (POST, "/v1/client/sign_ins/{sign_in_id}/reset_password"),
            Self::RemoveSessions => (DELETE, "/v1/client/sessions"),
            Self::GetSession => (GET, "/v1/client/sessions/{session_id}"),
            Self::TouchSession => (POST, "/v1/client/sessions/{session_id}/touch"),
            Self::EndSession => (POST, "/v1/client/sessions/{session_id}/end"),
            Self::RemoveSession => (POST, "/v1/client/sessions/{session_id}/remove"),
            Self::CreateSessionToken => (POST, "/v1/client/sessions/{session_id}/tokens"),
            Self::CreateTemplateToken => (
                POST,
                "/v1/client/sessions/{session_id}/tokens/{template_name}",
            ),
            Self::GetMe => (GET, "/v1/me"),
            Self::ListMyMemberships => (GET, "/v1/me/organization_memberships"),
            Self::GetJwks => (GET, "/.well-known/jwks.json"),
            Self::GetOpenidConfiguration => (GET, "/.well-known/openid-configuration"),
            Self::GetAuthorizationServerMetadata => {
                (GET, "/.well-known/oauth-authorization-server")
            }
            Self::GetHealth => (GET, "/v1/health"),
            Self::BackendGetJwks => (GET, "/v1/jwks"),
            Self::BackendListUsers => (GET, "/v1/users"),
            Self::BackendCountUsers => (GET, "/v1/users/count"),
            Self::BackendCreateUser => (POST, "/v1/users"),
            Self::BackendGetUser => (GET, "/v1/users/{user_id}"),
            Self::BackendUpdateUser => (PATCH, "/v1/users/{user_id}"),
            Self::BackendDeleteUser => (DELETE, "/v1/users/{user_id}"),
            Self::BackendVerifyPassword => (POST, "/v1/users/{user_id}/verify_password"),
            Self::BackendVerifyTotp => (POST, "/v1/users/{user_id}/verify_totp"),
            Self::BackendLockUser => (POST, "/v1/users/{user_id}/lock"),
            Self::BackendUnlockUser => (POST, "/v1/users/{user_id}/unlock"),
            Self::BackendBanUser => (POST, "/v1/users/{user_id}/ban"),
            Self::BackendUnbanUser => (POST, "/v1/users/{user_id}/unban"),
            Self::BackendListUserMemberships => {
                (GET, "/v1/users/{user_id}/organization_memberships")
            }
            Self::BackendListOrganizations => (GET, "/v1/organizations"),
            Self::BackendCreateOrganization => (POST, "/v1/organizations"),
            Self::BackendGetOrganization => (GET, "/v1/organizations/{organization_id}"),
            Self::BackendUpdateOrganization => (PATCH, "/v1/organizations/{organization_id}"),
            Self::BackendDeleteOrganization => (DELETE, "/v1/organizations/{organization_id}"),
            Self::BackendListMemberships => {
                (GET, "/v1/organizations/{organization_id}/memberships")
            }
            Self::BackendCreateMembership => {
                (POST, "/v1/organizations/{organization_id}/memberships")
            }
            Self::BackendUpdateMembership => (
                PATCH,
                "/v1/organizations/{organization_id}/memberships/{user_id}",
            ),
            Self::BackendDeleteMembership => (
                DELETE,
                "/v1/organizations/{organization_id}/memberships/{user_id}",
            ),
            Self::BackendListSessions => (GET, "/v1/sessions"),
            Self::BackendCreateSession => (POST, "/v1/sessions"),
            Self::BackendGetSession => (GET, "/v1/sessions/{session_id}"),
            Self::BackendRevokeSession => (POST, "/v1/sessions/{session_id}/revoke"),
            Self::BackendCreateSessionToken => (POST, "/v1/sessions/{session_id}/tokens"),
            Self::BackendCreateTemplateToken => {
                (POST, "/v1/sessions/{session_id}/tokens/{template_name}")
            }
            Self::BackendCreateSignInToken => (POST, "/v1/sign_in_tokens"),
            Self::BackendRevokeSignInToken => {
                (POST, "/v1/sign_in_tokens/{sign_in_token_id}/revoke")
            }
        }
    }
}
