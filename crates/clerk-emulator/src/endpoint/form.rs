//! The parameters of bodies: of forms at the Frontend API, of JSON at the Backend API.

use super::Endpoint;

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

/// What can be said of a user, when it is made and later. Not all of it has an effect here.
const USER: &[&str] = &[
    "external_id",
    "first_name",
    "last_name",
    "locale",
    "username",
    "password",
    "password_digest",
    "password_hasher",
    "skip_password_checks",
    "totp_secret",
    "backup_codes",
    "public_metadata",
    "private_metadata",
    "unsafe_metadata",
    "delete_self_enabled",
    "legal_accepted_at",
    "skip_legal_checks",
    "create_organization_enabled",
    "create_organizations_limit",
    "created_at",
    "bypass_client_trust",
];

impl Endpoint {
    /// The parameters it knows, in every version of the API.
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
            Self::BackendCreateUser | Self::BackendUpdateUser => USER,
            Self::BackendVerifyPassword => &["password"],
            Self::BackendVerifyTotp => &["code"],
            Self::BackendCreateOrganization | Self::BackendUpdateOrganization => &[
                "name",
                "slug",
                "max_allowed_memberships",
                "public_metadata",
                "private_metadata",
                "created_at",
            ],
            Self::BackendCreateMembership => {
                &["user_id", "role", "public_metadata", "private_metadata"]
            }
            Self::BackendUpdateMembership => &["role"],
            Self::BackendCreateSession => &["user_id", "active_organization_id"],
            Self::BackendCreateSessionToken | Self::BackendCreateTemplateToken => {
                &["expires_in_seconds"]
            }
            Self::BackendCreateSignInToken => &["user_id", "expires_in_seconds"],
            _ => &[],
        }
    }

    /// The parameters that of two routes with much in common only this one knows.
    pub(crate) fn own_params(self) -> &'static [&'static str] {
        match self {
            Self::BackendCreateUser => &[
                "email_address",
                "phone_number",
                "web3_wallet",
                "skip_password_requirement",
                "skip_user_requirement",
            ],
            Self::BackendUpdateUser => &[
                "primary_email_address_id",
                "primary_phone_number_id",
                "primary_web3_wallet_id",
                "notify_primary_email_address_changed",
                "profile_image_id",
                "sign_out_of_other_sessions",
            ],
            Self::BackendCreateOrganization => &["created_by"],
            Self::BackendUpdateOrganization => &["admin_delete_enabled"],
            _ => &[],
        }
    }

    /// The parameters that went with the API version of 2026-05-12: metadata has routes of its own since.
    pub(crate) fn params_until_2026(self) -> &'static [&'static str] {
        match self {
            Self::BackendUpdateUser => &["public_metadata", "private_metadata", "unsafe_metadata"],
            Self::BackendUpdateOrganization => &["public_metadata", "private_metadata"],
            _ => &[],
        }
    }

    /// The parameters that came with the API version of 2026-05-12.
    pub(crate) fn params_of_2026(self) -> &'static [&'static str] {
        match self {
            Self::CreateSignIn | Self::PrepareFirstFactor => &["proof_token", "trusted_device_id"],
            Self::AttemptFirstFactor => &["trusted_device_id", "client_data", "algorithm"],
            Self::PrepareSecondFactor => &["proof_token"],
            Self::TouchSession => &["intent"],
            Self::BackendCreateSignInToken => &["org_id"],
            _ => &[],
        }
    }
}
