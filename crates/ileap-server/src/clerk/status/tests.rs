use serde_json::{Value, json};

use super::*;

fn read_json(body: Value) -> Result<SignInStatus, CallError> {
    let body = serde_json::from_value(body).unwrap();
    read(Answer {
        body,
        client_token: None,
    })
}

fn refusal(response: &Value) -> RejectReason {
    match read_json(json!({"response": response, "client": {"sessions": []}})).unwrap() {
        SignInStatus::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn complete(sessions: &Value) -> Result<SignInStatus, CallError> {
    read_json(json!({
        "response": {"status": "complete", "created_session_id": "sess_2"},
        "client": {"sessions": sessions},
    }))
}

#[test]
fn the_session_is_chosen_by_its_id() {
    let sessions = json!([
        {"id": "sess_1", "user": {"id": "user_other"}},
        {"id": "sess_2", "user": {"id": "user_ours"}},
    ]);
    let SignInStatus::Complete(login) = complete(&sessions).unwrap() else {
        panic!("not complete");
    };
    assert_eq!(login.user_id, "user_ours");
    assert_eq!(login.session_id, "sess_2");
}

#[test]
fn complete_without_its_session_or_user_is_no_answer() {
    for sessions in [
        json!([]),
        json!(null),
        json!([{"id": "sess_1", "user": {"id": "user_other"}}]),
        json!([{"id": "sess_2"}]),
        json!([{"id": "sess_2", "user": {}}]),
        json!([{"id": "sess_2", "user": {"id": ""}}]),
        json!([{"id": "sess_2", "user": {"id": "../user"}}]),
    ] {
        let answer = complete(&sessions);
        assert!(matches!(answer, Err(CallError::Malformed)), "{sessions}");
    }
}

#[test]
fn complete_without_a_session_id_is_no_answer() {
    let answer = read_json(json!({"response": {"status": "complete"},
        "client": {"sessions": [{"user": {"id": "user_1"}}]}}));
    assert!(matches!(answer, Err(CallError::Malformed)));
}

#[test]
fn each_status_has_its_reason() {
    for (status, reason) in [
        ("needs_client_trust", RejectReason::DeviceTrust),
        ("needs_second_factor", RejectReason::MfaRequired),
        ("needs_new_password", RejectReason::NewPasswordRequired),
        ("needs_protect_check", RejectReason::ProtectCheck),
        ("needs_first_factor", RejectReason::NoPassword),
        ("needs_something_new", RejectReason::UnknownStatus),
        ("", RejectReason::UnknownStatus),
        ("Complete", RejectReason::UnknownStatus),
    ] {
        assert_eq!(refusal(&json!({"status": status})), reason, "{status}");
    }
}

#[test]
fn device_trust_in_the_clothes_of_a_second_factor_is_recognised() {
    let second_factor = |state: &str, strategies: &[&str]| {
        let factors = strategies.iter().map(|name| json!({"strategy": name}));
        refusal(&json!({
            "status": "needs_second_factor",
            "client_trust_state": state,
            "supported_second_factors": factors.collect::<Vec<_>>(),
        }))
    };
    assert_eq!(
        second_factor("new", &["email_code"]),
        RejectReason::DeviceTrust
    );
    assert_eq!(
        second_factor("new", &["totp", "phone_code"]),
        RejectReason::MfaRequired
    );
    assert_eq!(
        second_factor("known", &["email_code"]),
        RejectReason::MfaRequired
    );
}

#[test]
fn a_password_is_wanted_only_where_one_is_taken() {
    let body = json!({"response": {"id": "sia_1", "status": "needs_first_factor",
        "supported_first_factors": [{"strategy": "email_code"}, {"strategy": "password"}]}});
    assert!(matches!(
        read_json(body).unwrap(),
        SignInStatus::PasswordWanted { sign_in_id: Some(id) } if id == "sia_1"
    ));
}

#[test]
fn an_attempt_outside_of_the_envelope_is_read_too() {
    let flat = json!({"status": "needs_new_password", "client": null});
    assert!(matches!(
        read_json(flat).unwrap(),
        SignInStatus::Refused(RejectReason::NewPasswordRequired)
    ));
}

#[test]
fn no_status_is_no_answer() {
    for body in [
        json!({}),
        json!({"response": {}}),
        json!({"response": null, "client": {}}),
    ] {
        assert!(matches!(read_json(body), Err(CallError::Malformed)));
    }
}
