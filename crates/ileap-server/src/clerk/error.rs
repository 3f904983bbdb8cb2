//! From Clerk's error codes to what they mean here: one table.

mod backend;

pub(crate) use self::backend::BackendTarget;

use std::{fmt, time::Duration};

use super::wire::{self, ErrorEnvelope};
use crate::verify::RejectReason;

/// When to come back after a throttled call that does not say: the length of Clerk's rate windows.
const THROTTLE_WINDOW: Duration = Duration::from_secs(10);
/// When to come back after a fault at Clerk's that does not say.
const FAULT_PAUSE: Duration = Duration::from_secs(5);
/// When to come back during maintenance that does not say.
const MAINTENANCE_PAUSE: Duration = Duration::from_mins(1);
/// No answer of Clerk's makes us wait longer than this.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// A refusal in Clerk's words: HTTP status and the first error's code. Messages are never kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ClerkError {
    status: u16,
    code: Option<String>,
    param_name: Option<String>,
    lockout: Option<Duration>,
    retry_after: Option<Duration>,
    target: Target,
}

/// What a refused call was about; the same code means different things.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Target {
    /// The Backend API.
    Backend(BackendTarget),
    /// Something that an earlier call of the same login created.
    Existing,
    /// Anything else.
    New,
}

/// What an error means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum AnswerClass {
    /// The credentials are refused.
    Reject(RejectReason),
    /// Clerk is down, or refuses our address for a while.
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// Clerk limits us.
    Throttled {
        /// When to come back.
        retry_after: Duration,
    },
    /// The deployment is wrong.
    Misconfigured {
        /// What the operator can do.
        remedy: &'static str,
    },
    /// The client or attempt the call rode on is stale: once more on a fresh one, else busy.
    FreshClient,
    /// A development instance wants a dev browser: once more with a new one, else misconfigured.
    DevBrowser,
    /// The instance takes no password in the first step: once in two steps, else misconfigured.
    TwoSteps,
}

/// What to do when a development browser did not help.
pub(crate) const DEV_BROWSER: &str = "Clerk keeps asking for a development browser: check that the publishable key or verifier.clerk.frontend_api_url names this development instance";
/// What to do when the two-step sign-in is refused as well.
pub(crate) const REQUEST: &str = "Clerk does not understand the request: update ileap, and check that nothing between ileap and Clerk rewrites it";
const ADDRESS: &str = "Clerk does not accept this host or mode: check the publishable key or verifier.clerk.frontend_api_url";
const ATTESTATION: &str = "Clerk enforces device attestation, which a server cannot give: turn it off for native applications, or use verifier.kind = \"clerk_backend\"";
const CAPTCHA: &str = "Clerk demands a CAPTCHA: enable the Native API and relax attack protection for it, or use verifier.kind = \"clerk_backend\"";
const INSTANCE: &str =
    "correct the instance's user and authentication settings in the Clerk dashboard";
const NATIVE_API: &str =
    "enable the Native API in the Clerk dashboard (Configure, Native applications)";
const PROXY: &str = "check the proxy between ileap and Clerk: it must send the instance's secret key in Clerk-Secret-Key";
const REDIRECT: &str = "Clerk's address answers with a redirect: set verifier.clerk.frontend_api_url to the address it leads to";
const SECRET_KEY: &str = "check CLERK_SECRET_KEY: Clerk does not accept it";
const UNKNOWN: &str = "this version does not know Clerk's answer: check verifier.clerk.frontend_api_url, look the code up in Clerk's list of errors, and update ileap";

impl ClerkError {
    /// A refusal with `status`, told in `envelope`; `retry_after` as the header says.
    pub(crate) fn new(
        status: u16,
        envelope: &ErrorEnvelope,
        retry_after: Option<Duration>,
    ) -> Self {
        let first = envelope.errors.first();
        let meta = first.map(|error| &error.meta);
        Self {
            status,
            code: wire::word(first.and_then(|error| error.code.as_deref())),
            param_name: wire::word(meta.and_then(|meta| meta.param_name.as_deref())),
            lockout: meta
                .and_then(|meta| meta.lockout_expires_in_seconds)
                .map(Duration::from_secs),
            retry_after: retry_after.map(|pause| pause.min(LONGEST_PAUSE)),
            target: Target::New,
        }
    }

    /// The same refusal, of a call about something that an earlier call of the same login created.
    pub(crate) fn about_existing(self) -> Self {
        Self {
            target: Target::Existing,
            ..self
        }
    }

    /// The same refusal, of a call of the Backend API.
    pub(crate) fn of_backend(self, target: BackendTarget) -> Self {
        Self {
            target: Target::Backend(target),
            ..self
        }
    }

    /// Whether the instance has no organizations at all.
    pub(crate) fn is_without_organizations(&self) -> bool {
        self.status == 403 && self.code.as_deref() == Some("organization_not_enabled_in_instance")
    }

    /// Clerk's code, else `http_` and the status.
    pub(crate) fn code(&self) -> String {
        self.code
            .clone()
            .unwrap_or_else(|| format!("http_{}", self.status))
    }

    /// Whether the code is Clerk's own.
    pub(crate) fn has_own_code(&self) -> bool {
        self.code.is_some()
    }

    /// Whether a gateway before Clerk failed; such a call is made once more.
    pub(crate) fn is_gateway_fault(&self) -> bool {
        matches!(self.status, 502..=504) && self.code.as_deref() != Some("maintenance_mode")
    }

    /// What the error means.
    pub(crate) fn class(&self) -> AnswerClass {
        if let Target::Backend(target) = self.target
            && let Some(class) = self.backend_class(target)
        {
            return class;
        }
        match (self.status, self.code.as_deref()) {
            (300..=399, _) => AnswerClass::Misconfigured { remedy: REDIRECT },
            (429, Some("verification_code_too_many_requests")) => {
                AnswerClass::Reject(RejectReason::UnknownStatus)
            }
            (429, _) => AnswerClass::Throttled {
                retry_after: self.retry_after.unwrap_or(THROTTLE_WINDOW),
            },
            (503, Some("maintenance_mode")) => self.busy(MAINTENANCE_PAUSE),
            (500.., _) => self.busy(FAULT_PAUSE),
            (_, Some(code)) => self
                .refusal(code)
                .or_else(|| self.retry(code))
                .or_else(|| Self::misconfiguration(code))
                .unwrap_or_else(|| self.unknown()),
            (_, None) => self.unknown(),
        }
    }

    /// Codes that are about the account or its secret.
    fn refusal(&self, code: &str) -> Option<AnswerClass> {
        let reason = match code {
            "form_identifier_not_found"
            | "form_param_format_invalid"
            | "form_resource_not_found"
            | "identification_claimed"
            | "primary_identification_not_found"
            | "sign_in_identification_or_user_deleted"
            | "sign_in_no_identification_for_user" => RejectReason::UnknownClient,
            "form_password_pwned" | "form_password_compromised" => RejectReason::SecretCompromised,
            "form_param_nil" | "incorrect_password" => RejectReason::WrongSecret,
            "no_password_set" | "strategy_for_user_invalid" => RejectReason::NoPassword,
            "user_locked" => RejectReason::Locked {
                expires_in: self.lockout,
            },
            "user_banned" | "user_deactivated" | "deprovisioned" => RejectReason::Banned,
            "not_allowed_access" => RejectReason::NotAllowed,
            // Answers of second steps, which are never taken.
            "no_second_factors"
            | "form_code_incorrect"
            | "verification_expired"
            | "verification_failed"
            | "verification_missing"
            | "verification_not_sent"
            | "verification_strategy_invalid" => RejectReason::UnknownStatus,
            "form_param_unknown" => return None,
            _ if code.starts_with("form_param_") => return self.parameter_refusal(),
            _ if code.starts_with("form_password_") => RejectReason::WrongSecret,
            _ if code.starts_with("saml_") || code.starts_with("enterprise_") => {
                RejectReason::NoPassword
            }
            _ => return None,
        };
        Some(AnswerClass::Reject(reason))
    }

    /// Identifier and password are the caller's text: when Clerk finds one too long or blank, that is no
    /// mistake of ours, and nobody outside may raise an alarm with it.
    fn parameter_refusal(&self) -> Option<AnswerClass> {
        match self.param_name.as_deref() {
            Some("identifier") => Some(AnswerClass::Reject(RejectReason::UnknownClient)),
            Some("password") => Some(AnswerClass::Reject(RejectReason::WrongSecret)),
            _ => None,
        }
    }

    /// Codes after which the login may still work out.
    fn retry(&self, code: &str) -> Option<AnswerClass> {
        let class = match code {
            "action_blocked" | "device_blocked" | "captcha_invalid" => self.busy(FAULT_PAUSE),
            "dev_browser_unauthenticated" => AnswerClass::DevBrowser,
            "form_param_unknown" if self.param_name.as_deref() == Some("password") => {
                AnswerClass::TwoSteps
            }
            // The same user being signed in already proves nothing about this password.
            "session_exists"
            | "identifier_already_signed_in"
            | "client_state_invalid"
            | "client_not_found"
            | "resource_forbidden"
            | "authentication_invalid"
            | "authorization_invalid"
            | "signed_out"
            | "action_for_session_not_authorized" => AnswerClass::FreshClient,
            "resource_not_found" if self.target == Target::Existing => AnswerClass::FreshClient,
            _ => return None,
        };
        Some(class)
    }

    /// Codes that only the operator can do something about.
    fn misconfiguration(code: &str) -> Option<AnswerClass> {
        let remedy = match code {
            "native_api_disabled" => NATIVE_API,
            "host_invalid"
            | "origin_invalid"
            | "origin_missing"
            | "request_header_missing"
            | "origin_authorization_headers_conflict"
            | "request_invalid_for_environment"
            | "instance_type_invalid"
            | "invalid_query_parameter_value"
            | "url_based_session_syncing_disabled" => ADDRESS,
            "requires_captcha" | "captcha_missing_token" | "captcha_not_enabled" => CAPTCHA,
            "requires_device_attestation" | "requires_assertion" => ATTESTATION,
            "proxy_request_invalid_secret_key" | "proxy_request_missing_secret_key" => PROXY,
            "request_body_invalid"
            | "malformed_request_parameters"
            | "bad_request"
            | "unsupported_content_type"
            | "form_param_missing"
            | "form_param_type_invalid"
            | "form_param_duplicate"
            | "form_param_max_length_exceeded"
            | "form_param_value_invalid"
            | "form_param_unknown" => REQUEST,
            "user_settings_invalid" | "session_creation_not_allowed" => INSTANCE,
            "clerk_key_invalid"
            | "authorization_header_format_invalid"
            | "could_not_authenticate_request" => SECRET_KEY,
            _ if code.starts_with("device_attestation_") => ATTESTATION,
            _ if code.starts_with("form_conditional_param_") => REQUEST,
            _ => return None,
        };
        Some(AnswerClass::Misconfigured { remedy })
    }

    /// Codes not in the table, by status. A refusal that cannot be told apart counts as a wrong secret:
    /// if it is one, Clerk counts it too and locks the account in the end.
    fn unknown(&self) -> AnswerClass {
        if self.status == 422 {
            AnswerClass::Reject(RejectReason::WrongSecret)
        } else {
            AnswerClass::Misconfigured { remedy: UNKNOWN }
        }
    }

    fn busy(&self, pause: Duration) -> AnswerClass {
        AnswerClass::Busy {
            retry_after: self.retry_after.unwrap_or(pause),
        }
    }
}

impl fmt::Display for ClerkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {} ({})", self.status, self.code())
    }
}

#[cfg(test)]
mod tests;
