//! The routes, by name.

use axum::routing::MethodFilter;
use serde::{Deserialize, Serialize};

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
    /// `GET /v1/jwks` of the Backend API
    BackendGetJwks,
}

/// The parameters that name a second factor or a way to a first one.
const PREPARE_PARAMS: &[&str] = &[
    "strategy",
    "email_address_id",
    "phone_number_id",
    "web3_wallet_id",
    "passkey_id",
    "redirect_url",
    "action_complete_redirect_url",
    "oidc_login_hint",
    "oidc_prompt",
];

impl Endpoint {
    /// Every route.
    pub const ALL: [Self; 26] = [
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
    ];

    /// The path, with variables in braces.
    pub fn path(self) -> &'static str {
        match self {
            Self::CreateDevBrowser => "/v1/dev_browser",
            Self::GetEnvironment => "/v1/environment",
            Self::GetClient | Self::CreateClient | Self::DeleteClient => "/v1/client",
            Self::CreateSignIn => "/v1/client/sign_ins",
            Self::GetSignIn => "/v1/client/sign_ins/{sign_in_id}",
            Self::PrepareFirstFactor => "/v1/client/sign_ins/{sign_in_id}/prepare_first_factor",
            Self::AttemptFirstFactor => "/v1/client/sign_ins/{sign_in_id}/attempt_first_factor",
            Self::PrepareSecondFactor => "/v1/client/sign_ins/{sign_in_id}/prepare_second_factor",
            Self::AttemptSecondFactor => "/v1/client/sign_ins/{sign_in_id}/attempt_second_factor",
            Self::ResetPassword => "/v1/client/sign_ins/{sign_in_id}/reset_password",
            Self::RemoveSessions => "/v1/client/sessions",
            Self::GetSession => "/v1/client/sessions/{session_id}",
            Self::TouchSession => "/v1/client/sessions/{session_id}/touch",
            Self::EndSession => "/v1/client/sessions/{session_id}/end",
            Self::RemoveSession => "/v1/client/sessions/{session_id}/remove",
            Self::CreateSessionToken => "/v1/client/sessions/{session_id}/tokens",
            Self::CreateTemplateToken => "/v1/client/sessions/{session_id}/tokens/{template_name}",
            Self::GetMe => "/v1/me",
            Self::ListMyMemberships => "/v1/me/organization_memberships",
            Self::GetJwks => "/.well-known/jwks.json",
            Self::GetOpenidConfiguration => "/.well-known/openid-configuration",
            Self::GetAuthorizationServerMetadata => "/.well-known/oauth-authorization-server",
            Self::GetHealth => "/v1/health",
            Self::BackendGetJwks => "/v1/jwks",
        }
    }

    pub(crate) fn methods(self) -> MethodFilter {
        match self {
            Self::GetEnvironment
            | Self::GetClient
            | Self::GetSignIn
            | Self::GetSession
            | Self::GetMe
            | Self::ListMyMemberships
            | Self::GetJwks
            | Self::GetOpenidConfiguration
            | Self::GetAuthorizationServerMetadata
            | Self::GetHealth
            | Self::BackendGetJwks => MethodFilter::GET,
            Self::CreateClient => MethodFilter::POST.or(MethodFilter::PUT),
            Self::DeleteClient | Self::RemoveSessions => MethodFilter::DELETE,
            _ => MethodFilter::POST,
        }
    }

    /// Whether the caller has to say which client it is: public documents are for everybody.
    pub(crate) fn identifies_client(self) -> bool {
        !matches!(
            self,
            Self::CreateDevBrowser
                | Self::GetJwks
                | Self::GetOpenidConfiguration
                | Self::GetAuthorizationServerMetadata
                | Self::GetHealth
                | Self::BackendGetJwks
        )
    }

    pub(crate) fn is_backend(self) -> bool {
        matches!(self, Self::BackendGetJwks)
    }

    /// Whether it goes on during maintenance. In production the sessions that exist live on.
    pub(crate) fn survives_maintenance(self) -> bool {
        matches!(
            self,
            Self::GetEnvironment
                | Self::TouchSession
                | Self::CreateSessionToken
                | Self::CreateTemplateToken
                | Self::GetJwks
                | Self::GetOpenidConfiguration
                | Self::GetAuthorizationServerMetadata
                | Self::GetHealth
                | Self::BackendGetJwks
        )
    }

    /// How many calls one address may make in ten seconds, where that is published.
    pub(crate) fn limit(self) -> Option<u32> {
        match self {
            Self::CreateSignIn => Some(5),
            Self::AttemptFirstFactor | Self::AttemptSecondFactor => Some(3),
            _ => None,
        }
    }

    /// The form parameters it knows, in every version of the API.
    pub(crate) fn params(self) -> &'static [&'static str] {
        match self {
            Self::CreateSignIn => &[
                "strategy",
                "identifier",
                "password",
                "ticket",
                "redirect_url",
                "action_complete_redirect_url",
                "transfer",
                "code",
                "token",
                "oidc_login_hint",
                "oidc_prompt",
            ],
            Self::PrepareFirstFactor => PREPARE_PARAMS,
            Self::AttemptFirstFactor => &[
                "strategy",
                "code",
                "password",
                "signature",
                "token",
                "ticket",
                "public_key_credential",
            ],
            Self::PrepareSecondFactor => &[
                "strategy",
                "phone_number_id",
                "email_address_id",
                "redirect_url",
            ],
            Self::AttemptSecondFactor => &["strategy", "code"],
            Self::ResetPassword => &["password", "sign_out_of_other_sessions"],
            Self::TouchSession => &["active_organization_id"],
            Self::CreateSessionToken => &["organization_id"],
            _ => &[],
        }
    }

    /// The form parameters that came with the API version of 2026-05-12.
    pub(crate) fn params_of_2026(self) -> &'static [&'static str] {
        match self {
            Self::CreateSignIn | Self::PrepareFirstFactor => &["proof_token", "trusted_device_id"],
            Self::AttemptFirstFactor => &["trusted_device_id", "client_data", "algorithm"],
            Self::PrepareSecondFactor => &["proof_token"],
            Self::TouchSession => &["intent"],
            _ => &[],
        }
    }
}
