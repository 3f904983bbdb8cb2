//! Clerk's error codes and the envelope they come in.

use serde_json::{Map, Value, json};

use crate::answer::with;

/// Code and usual HTTP status.
///
/// Where the public error index and recorded traffic name several statuses for a code, the first is here.
const ERRORS: &[(&str, u16)] = &[
    ("action_blocked", 403),
    ("action_for_session_not_authorized", 401),
    ("already_a_member_in_organization", 400),
    ("authentication_invalid", 401),
    ("authorization_header_format_invalid", 401),
    ("authorization_invalid", 403),
    ("bad_request", 400),
    ("captcha_invalid", 400),
    ("captcha_missing_token", 400),
    ("captcha_not_enabled", 400),
    ("captcha_unavailable", 400),
    ("clerk_key_invalid", 401),
    ("client_not_found", 400),
    ("client_state_invalid", 400),
    ("could_not_authenticate_request", 401),
    ("deprovisioned", 401),
    ("dev_browser_unauthenticated", 401),
    ("device_attestation_invalid", 401),
    ("device_blocked", 403),
    ("enterprise_connection_not_found", 404),
    ("form_code_incorrect", 422),
    ("form_conditional_param_missing", 422),
    ("form_conditional_param_value_disallowed", 422),
    ("form_data_missing", 422),
    ("form_identifier_exists", 422),
    ("form_identifier_not_found", 422),
    ("form_param_duplicate", 422),
    ("form_param_format_invalid", 422),
    ("form_param_max_length_exceeded", 422),
    ("form_param_missing", 422),
    ("form_param_nil", 422),
    ("form_param_type_invalid", 422),
    ("form_param_unknown", 422),
    ("form_param_value_invalid", 422),
    ("form_password_compromised", 422),
    ("form_password_incorrect", 422),
    ("form_password_length_too_long", 422),
    ("form_password_length_too_short", 422),
    ("form_password_or_identifier_incorrect", 422),
    ("form_password_pwned", 422),
    ("form_password_size_in_bytes_exceeded", 422),
    ("form_password_validation_failed", 422),
    ("form_resource_not_found", 422),
    ("host_invalid", 400),
    ("identification_claimed", 400),
    ("identifier_already_signed_in", 400),
    ("incorrect_password", 422),
    ("instance_type_invalid", 400),
    ("internal_clerk_error", 500),
    ("invalid_query_parameter_value", 400),
    ("maintenance_mode", 503),
    ("malformed_request_parameters", 400),
    ("method_not_allowed", 405),
    ("multiple_authorization_header_values_forbidden", 400),
    ("multiple_origin_header_values_forbidden", 400),
    ("native_api_disabled", 400),
    ("no_password_set", 400),
    ("no_second_factors", 400),
    ("not_a_member_in_organization", 403),
    ("not_allowed_access", 403),
    ("organization_membership_quota_exceeded", 403),
    ("organization_not_enabled_in_instance", 403),
    ("organization_not_found_or_unauthorized", 404),
    ("origin_authorization_headers_conflict", 400),
    ("origin_invalid", 400),
    ("origin_missing", 400),
    ("primary_identification_not_found", 404),
    ("proxy_request_invalid_secret_key", 401),
    ("proxy_request_missing_secret_key", 400),
    ("request_body_invalid", 400),
    ("request_header_missing", 400),
    ("request_invalid_for_environment", 400),
    ("requires_assertion", 401),
    ("requires_captcha", 401),
    ("requires_device_attestation", 401),
    ("resource_forbidden", 403),
    ("resource_not_found", 404),
    ("saml_connection_not_found", 404),
    ("session_creation_not_allowed", 409),
    ("session_exists", 400),
    ("sign_in_identification_or_user_deleted", 400),
    ("sign_in_no_identification_for_user", 404),
    ("sign_in_token_already_used_code", 400),
    ("sign_in_token_revoked_code", 400),
    ("signed_out", 401),
    ("strategy_for_user_invalid", 400),
    ("ticket_expired_code", 400),
    ("ticket_invalid_code", 400),
    ("too_many_requests", 429),
    ("totp_disabled", 400),
    ("totp_incorrect_code", 422),
    ("totp_invalid_length", 422),
    ("unsupported_content_type", 415),
    ("url_based_session_syncing_disabled", 400),
    ("user_banned", 403),
    ("user_deactivated", 403),
    ("user_locked", 403),
    ("user_settings_invalid", 409),
    ("verification_code_too_many_requests", 429),
    ("verification_expired", 400),
    ("verification_failed", 400),
    ("verification_missing", 400),
    ("verification_not_sent", 400),
    ("verification_strategy_invalid", 400),
];

/// Every error code the emulator knows, with its usual HTTP status: what tests can script, by
/// [`Fault::refusal`](crate::Fault::refusal).
pub fn known_errors() -> impl Iterator<Item = (&'static str, u16)> {
    ERRORS.iter().copied()
}

/// The usual HTTP status of a code.
pub(crate) fn usual_status(code: &str) -> Option<u16> {
    known_errors().find_map(|(known, status)| (known == code).then_some(status))
}

/// A call that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    code: String,
    meta: Map<String, Value>,
}

impl Refusal {
    /// With the code's usual status.
    pub(crate) fn new(code: &str) -> Self {
        Self::with_status(usual_status(code).unwrap_or(500), code)
    }

    pub(crate) fn with_status(status: u16, code: &str) -> Self {
        Self {
            status,
            retry_after: None,
            code: code.to_owned(),
            meta: Map::new(),
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new("internal_clerk_error")
    }

    /// About one parameter.
    pub(crate) fn param(self, name: &str) -> Self {
        self.meta("param_name", json!(name))
    }

    pub(crate) fn meta(mut self, key: &str, value: Value) -> Self {
        self.meta.insert(key.to_owned(), value);
        self
    }

    pub(crate) fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// The body. `client` is the caller's, where it is known.
    pub(crate) fn body(&self, trace_id: &str, client: Option<Value>) -> Value {
        // Ours: clients must not depend on the text.
        let text = self.code.replace('_', " ");
        let error = json!({
            "message": text,
            "long_message": format!("The request was refused: {text}."),
            "code": self.code,
        });
        let error = if self.meta.is_empty() {
            error
        } else {
            with(error, "meta", Value::Object(self.meta.clone()))
        };
        let body = json!({"errors": [error], "clerk_trace_id": trace_id});
        match client {
            Some(client) => with(body, "meta", json!({"client": client})),
            None => body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_once_and_in_order() {
        let codes: Vec<_> = known_errors().map(|(code, _)| code).collect();
        assert!(codes.is_sorted_by(|one, next| one < next));
    }
}
