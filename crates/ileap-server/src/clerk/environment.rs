//! The instance's settings, as far as they decide whether machines can log in.

use serde::Deserialize;

use super::wire::null_is_empty;
use crate::verify::{ProbeFinding, ProbeSeverity};

/// A lockout that comes after fewer failures leaves no room between our budget and Clerk's.
const LOWEST_LOCKOUT: u64 = 10;

/// More failures than this are let through in no case.
const HIGHEST_LOCKOUT: u64 = 100;
/// What an account may be named by at a sign-in with a password.
const IDENTIFIERS: [&str; 3] = ["email_address", "phone_number", "username"];

/// The answer of `environment`. Settings that are missing are not judged.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Environment {
    #[serde(deserialize_with = "null_is_empty")]
    auth_config: AuthConfig,
    #[serde(deserialize_with = "null_is_empty")]
    display_config: DisplayConfig,
    #[serde(deserialize_with = "null_is_empty")]
    user_settings: UserSettings,
    #[serde(deserialize_with = "null_is_empty")]
    fraud_settings: FraudSettings,
    maintenance_mode: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AuthConfig {
    password: Option<String>,
    first_factors: Option<Vec<String>>,
    identification_strategies: Option<Vec<String>>,
    native_settings: Option<NativeSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NativeSettings {
    api_enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DisplayConfig {
    instance_environment_type: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UserSettings {
    #[serde(deserialize_with = "null_is_empty")]
    attributes: Attributes,
    #[serde(deserialize_with = "null_is_empty")]
    sign_in: SignInSettings,
    #[serde(deserialize_with = "null_is_empty")]
    attack_protection: AttackProtection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    password: Option<Enabled>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SignInSettings {
    second_factor: Option<SecondFactor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SecondFactor {
    required: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AttackProtection {
    user_lockout: Option<UserLockout>,
    enumeration_protection: Option<Enabled>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UserLockout {
    enabled: Option<bool>,
    max_attempts: Option<u64>,
    duration_in_minutes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Enabled {
    enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FraudSettings {
    native: Option<NativeFraudSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NativeFraudSettings {
    device_attestation_mode: Option<String>,
}

impl Environment {
    /// How many failures of one identifier may reach Clerk: half of what locks an account, shared among the
    /// kinds of identifier that an account may have, for they cannot be told to be one account's.
    pub(crate) fn allowed_failures(&self) -> u32 {
        let lockout = self.user_settings.attack_protection.user_lockout.as_ref();
        let threshold = match lockout {
            Some(lockout) if lockout.enabled == Some(false) => HIGHEST_LOCKOUT,
            lockout => lockout
                .and_then(|lockout| lockout.max_attempts)
                .unwrap_or(LOWEST_LOCKOUT)
                .min(HIGHEST_LOCKOUT),
        };
        let strategies = self.auth_config.identification_strategies.as_deref();
        let kinds = strategies
            .unwrap_or_default()
            .iter()
            .filter(|strategy| IDENTIFIERS.contains(&strategy.as_str()))
            .count();
        let share = threshold / 2 / u64::try_from(kinds.max(1)).unwrap_or(u64::MAX);
        u32::try_from(share.max(1)).unwrap_or(1)
    }

    /// What stands, or may stand, in the way of logins over the Frontend API.
    pub(crate) fn findings(&self) -> Vec<ProbeFinding> {
        [
            self.native_api(),
            self.maintenance(),
            self.attestation(),
            self.second_factor(),
            self.password(),
            self.lockout(),
            self.enumeration_protection(),
            self.instance_kind(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn native_api(&self) -> Option<ProbeFinding> {
        let settings = self.auth_config.native_settings.as_ref()?;
        (settings.api_enabled == Some(false)).then(|| {
            error(
                "the Native API is disabled",
                "enable it in the Clerk dashboard (Configure, Native applications), or use verifier.kind = \"clerk_backend\"",
            )
        })
    }

    fn maintenance(&self) -> Option<ProbeFinding> {
        (self.maintenance_mode == Some(true)).then(|| {
            error(
                "Clerk is in maintenance and accepts no logins",
                "wait until it is over (https://status.clerk.com)",
            )
        })
    }

    fn attestation(&self) -> Option<ProbeFinding> {
        let native = self.fraud_settings.native.as_ref()?;
        (native.device_attestation_mode.as_deref() == Some("enforced")).then(|| {
            error(
                "device attestation is enforced for native applications, which a server cannot give",
                "turn it off, or use verifier.kind = \"clerk_backend\"",
            )
        })
    }

    fn second_factor(&self) -> Option<ProbeFinding> {
        let second_factor = self.user_settings.sign_in.second_factor.as_ref()?;
        (second_factor.required == Some(true)).then(|| {
            error(
                "every sign-in needs a second factor, which a machine cannot give",
                "do not require multi-factor authentication on this instance, or use verifier.kind = \"clerk_backend\"",
            )
        })
    }

    fn password(&self) -> Option<ProbeFinding> {
        let attribute = &self.user_settings.attributes.password;
        let enabled = attribute.as_ref().and_then(|password| password.enabled);
        let is_first_factor = self
            .auth_config
            .first_factors
            .as_ref()
            .map(|factors| factors.iter().any(|factor| factor == "password"));
        let is_off = self.auth_config.password.as_deref() == Some("off")
            || enabled == Some(false)
            || is_first_factor == Some(false);
        if is_off {
            return Some(error(
                "signing in with a password is not enabled",
                "enable passwords in the Clerk dashboard (Configure, User & authentication)",
            ));
        }
        (self.auth_config.password.as_deref() == Some("on")).then(|| {
            info(
                "passwords are optional: an account may have none",
                "give every account that partners log in with a password",
            )
        })
    }

    fn lockout(&self) -> Option<ProbeFinding> {
        let lockout = self.user_settings.attack_protection.user_lockout.as_ref()?;
        if lockout.enabled == Some(false) {
            return Some(info(
                "accounts are never locked after failed sign-ins",
                "consider enabling the lockout in the Clerk dashboard (Configure, Attack protection)",
            ));
        }
        let attempts = lockout.max_attempts?;
        let minutes = lockout
            .duration_in_minutes
            .map_or_else(String::new, |minutes| format!(" for {minutes} minutes"));
        let finding = format!("accounts are locked{minutes} after {attempts} failed sign-ins");
        Some(if attempts < LOWEST_LOCKOUT {
            warning(
                &finding,
                "raise the threshold to 10 or more in the Clerk dashboard (Configure, Attack protection)",
            )
        } else {
            info(
                &finding,
                "nothing: failures through ileap stop at half of that",
            )
        })
    }

    fn enumeration_protection(&self) -> Option<ProbeFinding> {
        let attack_protection = &self.user_settings.attack_protection;
        let protection = attack_protection.enumeration_protection.as_ref()?;
        protection.enabled?.then(|| {
            info(
                "enumeration protection is on: unknown accounts and wrong passwords look alike in our logs too",
                "look for the account in the Clerk dashboard when a partner cannot log in",
            )
        })
    }

    fn instance_kind(&self) -> Option<ProbeFinding> {
        let kind = self.display_config.instance_environment_type.as_deref();
        (kind == Some("development")).then(|| {
            warning(
                "this is a development instance",
                "use a production instance for real partners",
            )
        })
    }
}

fn error(finding: &str, remedy: &str) -> ProbeFinding {
    found(ProbeSeverity::Error, finding, remedy)
}

fn warning(finding: &str, remedy: &str) -> ProbeFinding {
    found(ProbeSeverity::Warning, finding, remedy)
}

fn info(finding: &str, remedy: &str) -> ProbeFinding {
    found(ProbeSeverity::Info, finding, remedy)
}

fn found(severity: ProbeSeverity, finding: &str, remedy: &str) -> ProbeFinding {
    ProbeFinding {
        severity,
        finding: finding.to_owned(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests;
