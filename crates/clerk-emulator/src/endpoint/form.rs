//! The form parameters of the Frontend API's routes.

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

impl Endpoint {
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
            Self::BackendVerifyPassword => &["password"],
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
