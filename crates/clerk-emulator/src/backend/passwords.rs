//! Checking what a user presents, without a sign-in.

use serde_json::{Value, json};

use super::users;
use crate::{
    errors::Refusal,
    frontend::{Call, TEST_CODE},
    options::WrongPassword,
};

const TOTP_DIGITS: usize = 6;

/// `POST /v1/users/{user_id}/verify_password`
///
/// A lock does not show here: the published errors of this route have none for it.
pub(super) fn verify_password(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let account = users::named(call)?;
    let password = call.json.required("password")?;
    if !account.has_password() {
        return Err(Refusal::new("no_password_set"));
    }
    let (id, is_right) = (account.id.clone(), account.is_password(password));
    count(call, &id, is_right);
    if is_right {
        return Ok(json!({"verified": true}));
    }
    let code = match call.shared.options.wrong_password {
        WrongPassword::Documented => "incorrect_password",
        WrongPassword::Observed => "form_password_incorrect",
    };
    Err(Refusal::new(code).param("password"))
}

/// `POST /v1/users/{user_id}/verify_totp`
///
/// Takes the code that is right for every test authenticator, and each backup code once.
pub(super) fn verify_totp(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let account = users::named(call)?;
    let code = call.json.required("code")?.to_owned();
    let Some(backup_codes) = &account.mfa else {
        return Err(Refusal::new("totp_disabled"));
    };
    let id = account.id.clone();
    if backup_codes.contains(&code) {
        count(call, &id, true);
        call.world.update_user(&id, call.now, |account| {
            account
                .mfa
                .iter_mut()
                .for_each(|codes| codes.retain(|own| *own != code));
        });
        return Ok(json!({"verified": true, "code_type": "backup_code"}));
    }
    let is_right = code == TEST_CODE;
    count(call, &id, is_right);
    match code.len() {
        _ if is_right => Ok(json!({"verified": true, "code_type": "totp"})),
        TOTP_DIGITS => Err(Refusal::new("totp_incorrect_code").param("code")),
        _ => Err(Refusal::new("totp_invalid_length").param("code")),
    }
}

/// Counts an attempt, in the same place as those at the Frontend API.
fn count(call: &mut Call<'_>, user_id: &str, is_right: bool) {
    if !call.shared.options.verify_password_counts {
        return;
    }
    let (lockout, now) = (call.shared.options.lockout, call.now);
    if let Some(account) = call.world.accounts.get_mut(user_id) {
        if is_right {
            account.succeed();
        } else {
            account.fail(lockout, now);
        }
    }
}
