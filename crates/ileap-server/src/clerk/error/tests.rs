use super::*;

fn error(status: u16, code: &str) -> ClerkError {
    let body = serde_json::json!({
        "errors": [{"message": "m", "long_message": "l", "code": code}],
        "clerk_trace_id": "7f0cb5d117cb4eac112d7c46bb9e429e",
    });
    parse(status, &body, None)
}

fn parse(status: u16, body: &serde_json::Value, retry_after: Option<Duration>) -> ClerkError {
    let envelope = serde_json::from_value(body.clone()).unwrap();
    ClerkError::new(status, &envelope, retry_after)
}

/// What a row of the table says, without durations and remedies.
#[derive(Debug, Eq, PartialEq)]
enum Row {
    Reject(RejectReason),
    Busy,
    Throttled,
    Config,
    FreshClient,
    DevBrowser,
    TwoSteps,
}

impl From<AnswerClass> for Row {
    fn from(class: AnswerClass) -> Self {
        match class {
            AnswerClass::Reject(reason) => Self::Reject(reason),
            AnswerClass::Busy { .. } => Self::Busy,
            AnswerClass::Throttled { .. } => Self::Throttled,
            AnswerClass::Misconfigured { .. } => Self::Config,
            AnswerClass::FreshClient => Self::FreshClient,
            AnswerClass::DevBrowser => Self::DevBrowser,
            AnswerClass::TwoSteps => Self::TwoSteps,
        }
    }
}

fn assert_rows(rows: impl IntoIterator<Item = (u16, &'static str, Row)>) {
    for (status, code, expected) in rows {
        assert_eq!(
            Row::from(error(status, code).class()),
            expected,
            "{status} {code}"
        );
    }
}

fn assert_all(status: u16, codes: &[&'static str], expected: impl Fn() -> Row) {
    assert_rows(codes.iter().map(|&code| (status, code, expected())));
}

#[test]
fn a_wrong_secret_is_a_wrong_secret() {
    assert_all(
        422,
        &[
            "form_password_incorrect",
            "form_password_or_identifier_incorrect",
            "form_password_validation_failed",
            "form_password_size_in_bytes_exceeded",
            "form_password_length_too_long",
            "form_password_length_too_short",
            "form_password_not_strong_enough",
            "form_param_nil",
            "incorrect_password",
        ],
        || Row::Reject(RejectReason::WrongSecret),
    );
}

#[test]
fn an_account_that_is_not_there_is_unknown() {
    let unknown = || Row::Reject(RejectReason::UnknownClient);
    assert_all(
        422,
        &[
            "form_identifier_not_found",
            "form_param_format_invalid",
            "form_resource_not_found",
        ],
        unknown,
    );
    assert_all(
        400,
        &[
            "identification_claimed",
            "sign_in_identification_or_user_deleted",
        ],
        unknown,
    );
    assert_all(
        404,
        &[
            "sign_in_no_identification_for_user",
            "primary_identification_not_found",
        ],
        unknown,
    );
}

#[test]
fn a_breached_password_is_told_apart() {
    assert_all(
        422,
        &["form_password_pwned", "form_password_compromised"],
        || Row::Reject(RejectReason::SecretCompromised),
    );
}

#[test]
fn accounts_without_a_password_are_told_apart() {
    assert_rows([
        (
            400,
            "strategy_for_user_invalid",
            Row::Reject(RejectReason::NoPassword),
        ),
        (
            400,
            "no_password_set",
            Row::Reject(RejectReason::NoPassword),
        ),
        (
            404,
            "saml_connection_not_found",
            Row::Reject(RejectReason::NoPassword),
        ),
        (
            422,
            "saml_user_attribute_missing",
            Row::Reject(RejectReason::NoPassword),
        ),
        (
            422,
            "enterprise_sso_required",
            Row::Reject(RejectReason::NoPassword),
        ),
    ]);
}

#[test]
fn a_locked_account_says_for_how_long() {
    let locked = |meta: serde_json::Value| {
        let body = serde_json::json!({"errors": [{"code": "user_locked", "meta": meta}]});
        parse(403, &body, None).class()
    };
    let expected = |expires_in| AnswerClass::Reject(RejectReason::Locked { expires_in });
    assert_eq!(
        locked(serde_json::json!({"lockout_expires_in_seconds": 3541})),
        expected(Some(Duration::from_secs(3541)))
    );
    for no_end in [
        serde_json::json!({"lockout_expires_in_seconds": null}),
        serde_json::json!({"lockout_expires_in_seconds": "soon"}),
        serde_json::json!({}),
        serde_json::Value::Null,
    ] {
        assert_eq!(locked(no_end), expected(None));
    }
}

#[test]
fn barred_accounts_are_told_apart() {
    assert_rows([
        (403, "user_banned", Row::Reject(RejectReason::Banned)),
        (403, "user_deactivated", Row::Reject(RejectReason::Banned)),
        (401, "deprovisioned", Row::Reject(RejectReason::Banned)),
        (400, "deprovisioned", Row::Reject(RejectReason::Banned)),
        (
            403,
            "not_allowed_access",
            Row::Reject(RejectReason::NotAllowed),
        ),
    ]);
}

#[test]
fn a_suspicious_address_is_busy() {
    assert_rows([
        (403, "action_blocked", Row::Busy),
        (403, "device_blocked", Row::Busy),
        (400, "captcha_invalid", Row::Busy),
    ]);
}

#[test]
fn answers_to_second_steps_refuse_without_blaming_the_secret() {
    let refused = || Row::Reject(RejectReason::UnknownStatus);
    assert_all(
        400,
        &[
            "no_second_factors",
            "verification_failed",
            "verification_expired",
            "verification_missing",
            "verification_not_sent",
            "verification_strategy_invalid",
        ],
        refused,
    );
    assert_all(422, &["form_code_incorrect"], refused);
    assert_all(429, &["verification_code_too_many_requests"], refused);
}

#[test]
fn stale_clients_and_sessions_ask_for_a_fresh_client() {
    assert_all(
        400,
        &[
            "session_exists",
            "identifier_already_signed_in",
            "client_state_invalid",
            "client_not_found",
        ],
        || Row::FreshClient,
    );
    assert_rows([
        (403, "resource_forbidden", Row::FreshClient),
        (401, "authentication_invalid", Row::FreshClient),
        (401, "signed_out", Row::FreshClient),
        (401, "action_for_session_not_authorized", Row::FreshClient),
        (403, "authorization_invalid", Row::FreshClient),
    ]);
}

#[test]
fn a_missing_resource_is_stale_only_where_there_was_one() {
    let missing = error(404, "resource_not_found");
    assert_eq!(Row::from(missing.class()), Row::Config);
    assert_eq!(
        Row::from(missing.about_existing().class()),
        Row::FreshClient
    );
}

#[test]
fn a_throttle_carries_its_pause() {
    let body = serde_json::json!({"errors": [{"code": "too_many_requests"}]});
    let pause = Duration::from_secs(7);
    assert_eq!(
        parse(429, &body, Some(pause)).class(),
        AnswerClass::Throttled { retry_after: pause }
    );
    assert_eq!(
        parse(429, &body, None).class(),
        AnswerClass::Throttled {
            retry_after: THROTTLE_WINDOW
        }
    );
    assert_eq!(
        parse(429, &body, Some(Duration::from_secs(u64::MAX))).class(),
        AnswerClass::Throttled {
            retry_after: LONGEST_PAUSE
        }
    );
}

#[test]
fn a_development_instance_may_ask_for_its_browser() {
    assert_rows([(401, "dev_browser_unauthenticated", Row::DevBrowser)]);
}

#[test]
fn an_unwelcome_password_parameter_asks_for_two_steps_any_other_is_our_mistake() {
    let unknown = |name: &str| {
        let meta = serde_json::json!({"param_name": name});
        let body = serde_json::json!({"errors": [{"code": "form_param_unknown", "meta": meta}]});
        Row::from(parse(422, &body, None).class())
    };
    assert_eq!(unknown("password"), Row::TwoSteps);
    assert_eq!(unknown("strategy"), Row::Config);
}

#[test]
fn what_the_caller_wrote_is_no_mistake_of_ours() {
    let about = |code: &str, name: &str| {
        let meta = serde_json::json!({"param_name": name});
        let body = serde_json::json!({"errors": [{"code": code, "meta": meta}]});
        Row::from(parse(422, &body, None).class())
    };
    for code in [
        "form_param_max_length_exceeded",
        "form_param_missing",
        "form_param_value_invalid",
    ] {
        assert_eq!(
            about(code, "identifier"),
            Row::Reject(RejectReason::UnknownClient)
        );
        assert_eq!(
            about(code, "password"),
            Row::Reject(RejectReason::WrongSecret)
        );
        assert_eq!(about(code, "strategy"), Row::Config);
    }
}

#[test]
fn wrong_settings_are_the_operators() {
    let config = || Row::Config;
    assert_all(
        422,
        &[
            "form_param_missing",
            "form_param_type_invalid",
            "form_param_duplicate",
            "form_param_max_length_exceeded",
            "form_param_value_invalid",
            "form_conditional_param_missing",
            "form_conditional_param_disallowed",
        ],
        config,
    );
    assert_all(
        401,
        &[
            "requires_captcha",
            "requires_device_attestation",
            "requires_assertion",
            "device_attestation_failed",
            "proxy_request_invalid_secret_key",
            "clerk_key_invalid",
            "authorization_header_format_invalid",
            "could_not_authenticate_request",
        ],
        config,
    );
    assert_all(
        400,
        &[
            "captcha_missing_token",
            "captcha_not_enabled",
            "host_invalid",
            "origin_invalid",
            "origin_missing",
            "request_header_missing",
            "origin_authorization_headers_conflict",
            "native_api_disabled",
            "request_invalid_for_environment",
            "instance_type_invalid",
            "invalid_query_parameter_value",
            "url_based_session_syncing_disabled",
            "proxy_request_missing_secret_key",
            "request_body_invalid",
            "malformed_request_parameters",
            "bad_request",
        ],
        config,
    );
    assert_rows([
        (415, "unsupported_content_type", Row::Config),
        (409, "user_settings_invalid", Row::Config),
        (409, "session_creation_not_allowed", Row::Config),
    ]);
}

#[test]
fn each_wrong_setting_has_its_own_remedy() {
    let remedy = |status, code| match error(status, code).class() {
        AnswerClass::Misconfigured { remedy } => remedy,
        other => panic!("{code}: {other:?}"),
    };
    assert_eq!(remedy(400, "native_api_disabled"), NATIVE_API);
    assert_eq!(remedy(400, "host_invalid"), ADDRESS);
    assert_eq!(remedy(401, "requires_captcha"), CAPTCHA);
    assert_eq!(remedy(401, "device_attestation_failed"), ATTESTATION);
    assert_eq!(remedy(400, "proxy_request_missing_secret_key"), PROXY);
    assert_eq!(remedy(422, "form_param_missing"), REQUEST);
    assert_eq!(remedy(409, "user_settings_invalid"), INSTANCE);
    assert_eq!(remedy(401, "clerk_key_invalid"), SECRET_KEY);
    assert_eq!(remedy(307, ""), REDIRECT);
    assert_eq!(remedy(403, "something_new"), UNKNOWN);
}

#[test]
fn faults_at_clerk_are_busy_whatever_the_code() {
    for status in [500, 502, 503, 504, 520, 599] {
        assert_rows([
            (status, "internal_clerk_error", Row::Busy),
            (status, "form_password_incorrect", Row::Busy),
        ]);
    }
}

#[test]
fn maintenance_is_a_minute_and_no_gateway_fault() {
    let maintenance = error(503, "maintenance_mode");
    assert_eq!(
        maintenance.class(),
        AnswerClass::Busy {
            retry_after: Duration::from_mins(1)
        }
    );
    assert!(!maintenance.is_gateway_fault());
    assert!(!error(500, "internal_clerk_error").is_gateway_fault());
    for status in [502, 503, 504] {
        assert!(error(status, "").is_gateway_fault());
    }
}

#[test]
fn a_redirect_is_a_wrong_setting() {
    assert_rows([(307, "", Row::Config), (301, "", Row::Config)]);
}

#[test]
fn unknown_codes_go_by_their_status() {
    for status in [400, 401, 403, 404, 409, 415, 418] {
        assert_rows([
            (status, "something_new", Row::Config),
            (status, "", Row::Config),
        ]);
    }
    assert_rows([
        (422, "something_new", Row::Reject(RejectReason::WrongSecret)),
        (429, "something_new", Row::Throttled),
        (500, "something_new", Row::Busy),
    ]);
}

#[test]
fn a_code_that_is_no_plain_word_is_not_repeated() {
    for odd in ["a b", "x\u{1b}[2J", "\u{e4}", &"x".repeat(129)] {
        let body = serde_json::json!({"errors": [{"code": odd}]});
        let error = parse(403, &body, None);
        assert_eq!(error.code(), "http_403");
        assert!(!error.has_own_code());
    }
}

#[test]
fn an_odd_envelope_still_gives_its_code() {
    let body = serde_json::json!({
        "errors": [{"code": "user_banned", "meta": "none", "message": 4}, {}],
        "clerk_trace_id": 7, "meta": {"client": {"sessions": "x"}},
    });
    assert_eq!(parse(403, &body, None).code(), "user_banned");
}

#[test]
fn a_wrong_secret_is_one_whatever_status_comes_with_it() {
    let codes = [
        "form_param_nil",
        "incorrect_password",
        "form_password_incorrect",
        "form_password_something_new",
    ];
    for status in [400, 401, 403, 422] {
        assert_all(status, &codes, || Row::Reject(RejectReason::WrongSecret));
    }
}

#[test]
fn attestation_is_an_operators_matter_with_a_remedy_of_its_own() {
    for code in [
        "requires_device_attestation",
        "requires_assertion",
        "device_attestation_failed",
    ] {
        let expected = AnswerClass::Misconfigured {
            remedy: ATTESTATION,
        };
        assert_eq!(error(400, code).class(), expected, "{code}");
    }
}

#[test]
fn only_one_answer_says_that_there_are_no_organizations() {
    let code = "organization_not_enabled_in_instance";
    assert!(error(403, code).is_without_organizations());
    assert!(!error(404, code).is_without_organizations());
    assert!(!error(403, "not_allowed_access").is_without_organizations());
}

#[test]
fn an_error_prints_as_its_status_and_code() {
    assert_eq!(
        error(403, "user_locked").to_string(),
        "status 403 (user_locked)"
    );
}
