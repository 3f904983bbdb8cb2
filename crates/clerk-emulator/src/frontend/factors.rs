//! First and second factors in calls of their own.

use serde_json::Value;

use super::{
    Call,
    completion::{check_room_for_session, next_status, settle},
    password::{self, fail},
    sign_ins::{account, check_access, own, shown},
};
use crate::{
    account::Account,
    errors::Refusal,
    sign_in::{CODE_ATTEMPTS, SignIn, SignInStatus, Strategy, Verification},
};

/// The code that test addresses and test numbers accept.
pub(crate) const TEST_CODE: &str = "424242";
/// What makes an e-mail address one for tests.
const TEST_ADDRESS_MARK: &str = "+clerk_test";

/// `POST /v1/client/sign_ins/{sign_in_id}/prepare_first_factor`
pub(crate) fn prepare_first(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (id, user_id) = waiting(call, &[SignInStatus::NeedsFirstFactor])?;
    let strategy = strategy(call)?;
    let is_offered = match &user_id {
        Some(user_id) => account(call, user_id)?.has_verified_email(),
        None => false,
    };
    if !is_offered
        || !matches!(
            strategy,
            Strategy::EmailCode | Strategy::ResetPasswordEmailCode
        )
    {
        return Err(Refusal::new("strategy_for_user_invalid"));
    }
    check_destination(call, user_id.as_deref(), "email_address_id")?;
    let sent = Verification::sent(strategy, call.now);
    sign_in(call, &id)?.first = Some(sent);
    shown(call, &id)
}

/// `POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor`
pub(crate) fn attempt_first(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (id, user_id) = match waiting(call, &[SignInStatus::NeedsFirstFactor]) {
        Err(Stopped::Abandoned(id)) => return shown(call, &id),
        waiting => waiting?,
    };
    let strategy = strategy(call)?;
    let Some(user_id) = user_id else {
        // Only strict enumeration protection lets an unknown account come this far.
        call.form.required("password")?;
        return Err(Refusal::new("form_password_or_identifier_incorrect"));
    };
    check_access(call, &user_id)?;
    let verification = if strategy == Strategy::Password {
        let password = call.form.required("password")?;
        password::verify(call, &user_id, &password)?;
        Verification::done(Strategy::Password)
    } else {
        let prepared = sign_in(call, &id)?.first;
        verify_code(call, &id, &user_id, (strategy, prepared))?
    };
    let next = if strategy == Strategy::ResetPasswordEmailCode {
        SignInStatus::NeedsNewPassword
    } else {
        next_status(call, &user_id)?
    };
    sign_in(call, &id)?.first = Some(verification);
    settle(call, &id, next)?;
    shown(call, &id)
}

/// `POST /v1/client/sign_ins/{sign_in_id}/prepare_second_factor`
pub(crate) fn prepare_second(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (id, user_id) = second(call)?;
    let strategy = strategy(call)?;
    let has_email = account(call, &user_id)?.has_verified_email();
    match strategy {
        Strategy::EmailCode if has_email => {
            check_destination(call, Some(&user_id), "email_address_id")?;
        }
        Strategy::PhoneCode => check_destination(call, Some(&user_id), "phone_number_id")?,
        _ => return Err(Refusal::new("form_param_value_invalid").param("strategy")),
    }
    let sent = Verification::sent(strategy, call.now);
    sign_in(call, &id)?.second = Some(sent);
    shown(call, &id)
}

/// `POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor`
pub(crate) fn attempt_second(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (id, user_id) = match second(call) {
        Err(Stopped::Abandoned(id)) => return shown(call, &id),
        second => second?,
    };
    let strategy = strategy(call)?;
    check_access(call, &user_id)?;
    let has_mfa = account(call, &user_id)?.has_mfa();
    if !strategy.is_sent() && !has_mfa {
        return Err(Refusal::new("no_second_factors"));
    }
    let prepared = if strategy.is_sent() {
        sign_in(call, &id)?.second
    } else {
        Some(Verification::sent(strategy, call.now))
    };
    let verification = verify_code(call, &id, &user_id, (strategy, prepared))?;
    check_room_for_session(call, account(call, &user_id)?)?;
    sign_in(call, &id)?.second = Some(verification);
    settle(call, &id, SignInStatus::Complete)?;
    shown(call, &id)
}

/// Why an attempt cannot go on.
enum Stopped {
    /// Its time is over; the answer shows it.
    Abandoned(String),
    Refused(Refusal),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Stopped> for Refusal {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Abandoned(_) => Self::new("client_state_invalid"),
            Stopped::Refused(refusal) => refusal,
        }
    }
}

/// The caller's attempt and its account, if the attempt waits for this.
fn waiting(
    call: &Call<'_>,
    statuses: &[SignInStatus],
) -> Result<(String, Option<String>), Stopped> {
    let id = own(call)?;
    let sign_in = call.world.sign_ins.get(&id);
    let sign_in = sign_in.ok_or_else(Refusal::internal)?;
    match sign_in.status(call.now) {
        SignInStatus::Abandoned => Err(Stopped::Abandoned(id)),
        status if statuses.contains(&status) => Ok((id, sign_in.user_id.clone())),
        _ => Err(Refusal::new("client_state_invalid").into()),
    }
}

fn second(call: &Call<'_>) -> Result<(String, String), Stopped> {
    let statuses = [
        SignInStatus::NeedsSecondFactor,
        SignInStatus::NeedsClientTrust,
    ];
    let (id, user_id) = waiting(call, &statuses)?;
    Ok((id, user_id.ok_or_else(Refusal::internal)?))
}

fn sign_in<'a>(call: &'a mut Call<'_>, id: &str) -> Result<&'a mut SignIn, Refusal> {
    call.world
        .sign_ins
        .get_mut(id)
        .ok_or_else(Refusal::internal)
}

fn strategy(call: &Call<'_>) -> Result<Strategy, Refusal> {
    let text = call.form.required("strategy")?;
    Strategy::parse(&text).ok_or_else(|| Refusal::new("form_param_value_invalid").param("strategy"))
}

/// Where a code goes must be the account's own. It may be left out: there is one only.
fn check_destination(call: &Call<'_>, user_id: Option<&str>, param: &str) -> Result<(), Refusal> {
    let own = user_id.and_then(|id| call.world.accounts.get(id));
    let own = own.map(|account| account.identification_id.as_str());
    match call.form.get(param) {
        Some(wanted) if Some(wanted) != own => {
            Err(Refusal::new("form_resource_not_found").param(param))
        }
        _ => Ok(()),
    }
}

/// Checks a code against what was prepared. A wrong one counts towards the lock.
fn verify_code(
    call: &mut Call<'_>,
    id: &str,
    user_id: &str,
    (strategy, prepared): (Strategy, Option<Verification>),
) -> Result<Verification, Refusal> {
    let Some(mut verification) = prepared else {
        return Err(Refusal::new("verification_missing"));
    };
    if verification.strategy != strategy {
        return Err(Refusal::new("verification_strategy_invalid"));
    }
    if verification.expire_at.is_some_and(|end| call.now >= end) {
        return Err(Refusal::new("verification_expired"));
    }
    if verification.attempts >= CODE_ATTEMPTS {
        return Err(Refusal::new("verification_failed"));
    }
    let code = call.form.required("code")?;
    verification.attempts += 1;
    if code == TEST_CODE && accepts_test_code(account(call, user_id)?, strategy) {
        verification.verified = true;
        return Ok(verification);
    }
    fail(call, user_id);
    let sign_in = sign_in(call, id)?;
    if sign_in.status == SignInStatus::NeedsFirstFactor {
        sign_in.first = Some(verification);
    } else if strategy.is_sent() {
        sign_in.second = Some(verification);
    }
    Err(Refusal::new("form_code_incorrect").param("code"))
}

/// No message is ever sent, so only addresses made for tests can be verified. The telephone number every
/// account is given is such a one, and so are its authenticator app and its backup codes.
fn accepts_test_code(account: &Account, strategy: Strategy) -> bool {
    match strategy {
        Strategy::EmailCode | Strategy::ResetPasswordEmailCode => account
            .user
            .email
            .as_ref()
            .is_some_and(|email| email.contains(TEST_ADDRESS_MARK)),
        _ => true,
    }
}
