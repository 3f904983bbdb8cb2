//! The settings that are read, in Clerk's form.

use serde::Deserialize;

use crate::clerk::wire::null_is_empty;

/// The answer of `environment`. Settings that are missing are not judged.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Environment {
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) auth_config: AuthConfig,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) display_config: DisplayConfig,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) user_settings: UserSettings,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) fraud_settings: FraudSettings,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) organization_settings: Enabled,
    pub(super) maintenance_mode: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthConfig {
    pub(super) password: Option<String>,
    pub(super) first_factors: Option<Vec<String>>,
    pub(super) identification_strategies: Option<Vec<String>>,
    pub(super) native_settings: Option<NativeSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NativeSettings {
    pub(super) api_enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DisplayConfig {
    pub(super) instance_environment_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserSettings {
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) attributes: Attributes,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) sign_in: SignInSettings,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) sign_up: SignUpSettings,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) attack_protection: AttackProtection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attributes {
    pub(super) password: Option<Enabled>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SignInSettings {
    pub(super) second_factor: Option<SecondFactor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SignUpSettings {
    pub(super) mode: Option<String>,
    pub(super) captcha_enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SecondFactor {
    pub(super) required: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AttackProtection {
    pub(super) user_lockout: Option<UserLockout>,
    pub(super) enumeration_protection: Option<Enabled>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserLockout {
    pub(super) enabled: Option<bool>,
    pub(super) max_attempts: Option<u64>,
    pub(super) duration_in_minutes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Enabled {
    pub(super) enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FraudSettings {
    pub(super) native: Option<NativeFraudSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NativeFraudSettings {
    pub(super) device_attestation_mode: Option<String>,
}
