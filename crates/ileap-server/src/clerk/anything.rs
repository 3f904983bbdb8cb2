//! For the fuzzer: everything that Clerk may answer, and what comes of it.

use serde_json::Value;

use super::{
    call, environment, error, login_name,
    status::{self, SignInStatus},
    user_record, wire,
};
use crate::verify::RejectReason;

/// A login is complete where Clerk says so in as many words; what keeps a user out does however it is written; what goes
/// into paths and logs is a short word; the budget stays below every lockout.
pub(crate) fn read_anything(data: &[u8]) {
    // Null where a member that nobody reads is none: there, what was read cannot be held against it.
    let said = String::from_utf8_lossy(data);
    let said: Value = serde_json::from_str(&said).unwrap_or_default();
    sign_in(data, &said);
    user(data, &said);
    refusal(data);
    if let Ok(environment) = serde_json::from_slice::<environment::Environment>(data) {
        assert!((1..=50).contains(&environment.allowed_failures()));
        environment.findings();
    }
    if let Ok(page) = serde_json::from_slice::<wire::MembershipPage>(data) {
        let names = page
            .data
            .iter()
            .map(wire::OrganizationMembership::organization_name);
        assert!(names.flatten().all(|name| is_word(&name)));
    }
    if let Ok(answer) = serde_json::from_slice::<wire::PasswordAnswer>(data) {
        let says_so = said.get("verified") == Some(&Value::Bool(true));
        assert!(answer.verified != Some(true) || says_so || !said.is_object());
    }
}

fn sign_in(data: &[u8], said: &Value) {
    let Ok(body) = serde_json::from_slice(data) else {
        return;
    };
    let answer = call::Answer {
        body,
        client_token: None,
    };
    if let Ok(SignInStatus::Complete(complete)) = status::read(answer) {
        assert!(is_word(&complete.session_id) && is_word(&complete.user_id));
        assert!(said.is_null() || said.to_string().contains("\"complete\""));
    }
}

fn user(data: &[u8], said: &Value) {
    let Ok(user) = serde_json::from_slice(data) else {
        return;
    };
    let name = login_name::LoginName::of("ops@acme.example");
    let Some(record) = user_record::UserRecord::read(&name, &user) else {
        return;
    };
    let is_set = |flag: &str| {
        !matches!(
            said.get(flag),
            None | Some(Value::Null | Value::Bool(false))
        )
    };
    let obstacle = record.obstacle(user_record::SecondFactor::Required);
    if said.is_object() && is_set("banned") {
        assert_eq!(obstacle, Some(RejectReason::Banned));
    } else if said.is_object() && is_set("locked") {
        assert!(matches!(obstacle, Some(RejectReason::Locked { .. })));
    } else if said.is_object() && is_set("two_factor_enabled") {
        assert!(obstacle.is_some());
    }
}

fn refusal(data: &[u8]) {
    let Ok(envelope) = serde_json::from_slice::<wire::ErrorEnvelope>(data) else {
        return;
    };
    assert!(envelope.trace_id().is_none_or(|id| is_word(&id)));
    for status in [400, 401, 403, 404, 409, 422, 423, 429, 500, 503] {
        let error = error::ClerkError::new(status, &envelope, None);
        error.class();
        assert!(error.code().len() <= 128, "what is logged is a short word");
    }
}

fn is_word(text: &str) -> bool {
    wire::word(Some(text)).is_some()
}
