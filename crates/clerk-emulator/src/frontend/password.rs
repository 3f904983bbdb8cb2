//! Passwords: checking them and replacing them.

use serde_json::Value;

use super::{
    Call,
    completion::{next_status, settle},
    sign_ins::{account, own, shown},
};
use crate::{
    errors::Refusal,
    options::EnumerationProtection,
    session::SessionStatus,
    sign_in::SignInStatus,
    users::{Password, Scenario},
};

/// Checks a first factor. A wrong one counts towards the lock.
pub(crate) fn verify(call: &mut Call<'_>, user_id: &str, password: &str) -> Result<(), Refusal> {
    let is_strict = call.shared.options.enumeration_protection == EnumerationProtection::Strict;
    let account = account(call, user_id)?;
    if account.user.scenario == Scenario::SsoOnly {
        return Err(Refusal::new("saml_connection_not_found"));
    }
    if !account.has_password() {
        return Err(Refusal::new(if is_strict {
            "form_password_or_identifier_incorrect"
        } else {
            "strategy_for_user_invalid"
        }));
    }
    if password.len() > Password::MOST_BYTES {
        return Err(Refusal::new("form_password_size_in_bytes_exceeded").param("password"));
    }
    if !account.is_password(password) {
        fail(call, user_id);
        return Err(if is_strict {
            Refusal::new("form_password_or_identifier_incorrect")
        } else {
            Refusal::new("form_password_incorrect").param("password")
        });
    }
    if account.user.scenario == Scenario::Pwned {
        return Err(Refusal::new("form_password_pwned").param("password"));
    }
    Ok(())
}

/// Counts a failed attempt.
pub(crate) fn fail(call: &mut Call<'_>, user_id: &str) {
    let (lockout, now) = (call.shared.options.lockout, call.now);
    if let Some(account) = call.world.accounts.get_mut(user_id) {
        account.fail(lockout, now);
    }
}

/// `POST /v1/client/sign_ins/{sign_in_id}/reset_password`
pub(crate) fn reset(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = own(call)?;
    let sign_in = call.world.sign_ins.get(&id).ok_or_else(Refusal::internal)?;
    if sign_in.status(call.now) != SignInStatus::NeedsNewPassword {
        return Err(Refusal::new("client_state_invalid"));
    }
    let user_id = sign_in.user_id.clone().ok_or_else(Refusal::internal)?;
    let password = call.form.required("password")?;
    if password.chars().count() < Password::FEWEST_CHARS {
        return Err(Refusal::new("form_password_length_too_short").param("password"));
    }
    if password.len() > Password::MOST_BYTES {
        return Err(Refusal::new("form_password_size_in_bytes_exceeded").param("password"));
    }
    if call.form.get("sign_out_of_other_sessions") == Some("true") {
        call.world
            .end_sessions_of_user(&user_id, SessionStatus::Ended, call.now);
    }
    let now = call.now;
    call.world.update_user(&user_id, now, |account| {
        account.replace_password(Password::new(password), now);
    });
    let next = next_status(call, &user_id)?;
    settle(call, &id, next)?;
    shown(call, &id)
}
