use serde_json::{Value, json};

use super::*;

fn findings(environment: Value) -> Vec<(ProbeSeverity, String)> {
    let environment: Environment = serde_json::from_value(environment).unwrap();
    let findings = environment.findings().into_iter();
    findings
        .map(|found| (found.severity, found.finding))
        .collect()
}

fn only(environment: Value) -> (ProbeSeverity, String) {
    let mut found = findings(environment);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn an_instance_that_says_nothing_gives_no_findings() {
    assert!(findings(json!({})).is_empty());
    assert!(findings(json!({"auth_config": null, "user_settings": {"sign_in": null}})).is_empty());
}

#[test]
fn a_healthy_instance_gives_no_findings() {
    assert!(
        findings(json!({
            "auth_config": {"password": "required", "first_factors": ["password", "email_code"],
                "native_settings": {"api_enabled": true}},
            "display_config": {"instance_environment_type": "production"},
            "user_settings": {"attributes": {"password": {"enabled": true}},
                "sign_in": {"second_factor": {"required": false}},
                "attack_protection": {"enumeration_protection": {"enabled": false}}},
            "fraud_settings": {"native": {"device_attestation_mode": "disabled"}},
            "maintenance_mode": false,
        }))
        .is_empty()
    );
}

#[test]
fn settings_under_which_no_login_can_work_are_errors() {
    for (environment, finding) in [
        (
            json!({"auth_config": {"native_settings": {"api_enabled": false}}}),
            "Native API",
        ),
        (json!({"maintenance_mode": true}), "maintenance"),
        (
            json!({"fraud_settings": {"native": {"device_attestation_mode": "enforced"}}}),
            "attestation",
        ),
        (
            json!({"user_settings": {"sign_in": {"second_factor": {"required": true}}}}),
            "second factor",
        ),
        (json!({"auth_config": {"password": "off"}}), "password"),
        (
            json!({"auth_config": {"first_factors": ["email_code"]}}),
            "password",
        ),
        (
            json!({"user_settings": {"attributes": {"password": {"enabled": false}}}}),
            "password",
        ),
    ] {
        let (severity, found) = only(environment);
        assert_eq!(severity, ProbeSeverity::Error);
        assert!(found.contains(finding), "{found}");
    }
}

#[test]
fn a_low_lockout_threshold_is_a_warning_and_a_usual_one_is_told() {
    let lockout = |attempts| {
        only(
            json!({"user_settings": {"attack_protection": {"user_lockout":
            {"enabled": true, "max_attempts": attempts, "duration_in_minutes": 60}}}}),
        )
    };
    let (severity, finding) = lockout(5);
    assert_eq!(severity, ProbeSeverity::Warning);
    assert_eq!(
        finding,
        "accounts are locked for 60 minutes after 5 failed sign-ins"
    );
    assert_eq!(lockout(10).0, ProbeSeverity::Info);
}

#[test]
fn optional_passwords_and_enumeration_protection_are_told() {
    assert_eq!(
        only(json!({"auth_config": {"password": "on"}})).0,
        ProbeSeverity::Info
    );
    let protection = json!({"enumeration_protection": {"enabled": true}});
    assert_eq!(
        only(json!({"user_settings": {"attack_protection": protection}})).0,
        ProbeSeverity::Info
    );
}

#[test]
fn a_development_instance_is_a_warning() {
    let (severity, finding) =
        only(json!({"display_config": {"instance_environment_type": "development"}}));
    assert_eq!(severity, ProbeSeverity::Warning);
    assert!(finding.contains("development"));
}

#[test]
fn half_of_what_locks_an_account_is_let_through_shared_among_the_kinds_of_identifier() {
    let allowed = |lockout: Value, kinds: Value| {
        let environment: Environment = serde_json::from_value(json!({
            "auth_config": {"identification_strategies": kinds},
            "user_settings": {"attack_protection": {"user_lockout": lockout}},
        }))
        .unwrap();
        environment.allowed_failures()
    };
    let ten = || json!({"enabled": true, "max_attempts": 10});
    assert_eq!(allowed(ten(), json!(["email_address"])), 5);
    assert_eq!(allowed(ten(), json!(["email_address", "username"])), 2);
    assert_eq!(allowed(ten(), json!(["email_address", "oauth_google"])), 5);
    assert_eq!(allowed(ten(), Value::Null), 5);
    assert_eq!(allowed(Value::Null, Value::Null), 5);
    assert_eq!(allowed(json!({"max_attempts": 100}), Value::Null), 50);
    assert_eq!(allowed(json!({"max_attempts": 5}), json!(["username"])), 2);
    assert_eq!(allowed(json!({"max_attempts": 1}), json!(["username"])), 1);
    assert_eq!(
        allowed(json!({"max_attempts": 9_000_000_000_u64}), Value::Null),
        50
    );
    assert_eq!(
        allowed(json!({"enabled": false, "max_attempts": 10}), Value::Null),
        50
    );
}

#[test]
fn open_sign_up_organizations_and_kind_are_read_where_they_are_said() {
    let environment = |text: Value| serde_json::from_value::<Environment>(text).unwrap();
    let silent = environment(json!({"organization_settings": null}));
    assert!(!silent.has_open_sign_up() && !silent.is_in_maintenance());
    assert_eq!(
        (silent.has_organizations(), silent.is_development()),
        (None, None)
    );
    let open = environment(json!({
        "user_settings": {"sign_up": {"mode": "public"}},
        "organization_settings": {"enabled": false},
        "display_config": {"instance_environment_type": "production"},
    }));
    assert!(open.has_open_sign_up());
    assert_eq!(
        (open.has_organizations(), open.is_development()),
        (Some(false), Some(false))
    );
}

#[test]
fn bot_protection_is_good_to_know() {
    let (severity, finding) =
        only(json!({"user_settings": {"sign_up": {"captcha_enabled": true}}}));
    assert_eq!(severity, ProbeSeverity::Info);
    assert!(finding.contains("bot protection"), "{finding}");
}
