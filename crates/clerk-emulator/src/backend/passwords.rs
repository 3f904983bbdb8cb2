//! Checking what a user presents, without a sign-in.

use serde_json::{Value, json};

use super::users;
use crate::{errors::Refusal, frontend::Call, options::WrongPassword};

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
