//! The instance's settings, as far as they decide whether machines can log in.

mod settings;

pub(crate) use self::settings::Environment;
use crate::verify::{ProbeFinding, ProbeSeverity};

/// A lockout that comes after fewer failures leaves no room between our budget and Clerk's.
const LOWEST_LOCKOUT: u64 = 10;

/// More failures than this are let through in no case.
const HIGHEST_LOCKOUT: u64 = 100;
/// What an account may be named by at a sign-in with a password.
const IDENTIFIERS: [&str; 3] = ["email_address", "phone_number", "username"];

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
            self.bot_protection(),
            self.instance_kind(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether Clerk takes no logins for now.
    pub(crate) fn is_in_maintenance(&self) -> bool {
        self.maintenance_mode == Some(true)
    }

    /// Whether anybody may make an account.
    pub(crate) fn has_open_sign_up(&self) -> bool {
        self.user_settings.sign_up.mode.as_deref() == Some("public")
    }

    /// Whether the instance has organizations, where that is said.
    pub(crate) fn has_organizations(&self) -> Option<bool> {
        self.organization_settings.enabled
    }

    /// Whether it is an instance for tests, where that is said.
    pub(crate) fn is_development(&self) -> Option<bool> {
        let kind = self.display_config.instance_environment_type.as_deref()?;
        Some(kind == "development")
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
        self.is_in_maintenance().then(|| {
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

    fn bot_protection(&self) -> Option<ProbeFinding> {
        (self.user_settings.sign_up.captcha_enabled == Some(true)).then(|| {
            info(
                "bot protection is on: Clerk may demand a CAPTCHA, which a server cannot solve",
                "nothing, as long as no login is refused with a captcha_... code; else turn it off (Configure, Attack \
                 protection), or use verifier.kind = \"clerk_backend\"",
            )
        })
    }

    fn instance_kind(&self) -> Option<ProbeFinding> {
        (self.is_development() == Some(true)).then(|| {
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
