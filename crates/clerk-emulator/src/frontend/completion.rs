//! From a right factor to a session.

use super::{
    Call,
    mode::{Caller, ClientReply},
    sign_ins::account,
};
use crate::{
    account::Account,
    errors::Refusal,
    session::{NewSession, Session},
    session_token,
    sign_in::{SignInStatus, Trust},
    users::Scenario,
};

/// What the account has to do after a right first factor, before there is a session.
pub(crate) fn next_status(call: &Call<'_>, user_id: &str) -> Result<SignInStatus, Refusal> {
    let options = &call.shared.options;
    let account = account(call, user_id)?;
    let status = match account.user.scenario {
        _ if account.has_mfa() => SignInStatus::NeedsSecondFactor,
        Scenario::NeedsNewPassword => SignInStatus::NeedsNewPassword,
        Scenario::NeedsProtectCheck => SignInStatus::NeedsProtectCheck,
        Scenario::UnknownStatus => SignInStatus::Unheard,
        _ if is_distrusted(call, account) && options.legacy_status => {
            SignInStatus::NeedsSecondFactor
        }
        _ if is_distrusted(call, account) => SignInStatus::NeedsClientTrust,
        _ => SignInStatus::Complete,
    };
    if status == SignInStatus::Complete {
        check_room_for_session(call, account)?;
    }
    Ok(status)
}

/// Device Trust concerns passwords on unknown clients, of accounts that a code can be sent to.
fn is_distrusted(call: &Call<'_>, account: &Account) -> bool {
    let is_forced = account.user.scenario == Scenario::DeviceTrust;
    let applies = is_forced || (call.shared.options.device_trust && account.has_verified_email());
    applies && !account.user.bypass_client_trust && trust(call, account) != Trust::Known
}

pub(crate) fn trust(call: &Call<'_>, account: &Account) -> Trust {
    let client = call.client_id.as_deref();
    let client = client.and_then(|id| call.world.clients.get(id));
    let is_known = client.is_some_and(|client| client.known_users.contains(&account.id));
    if is_known { Trust::Known } else { Trust::New }
}

/// Where one session per client is the rule, a second one is refused.
pub(crate) fn check_room_for_session(call: &Call<'_>, account: &Account) -> Result<(), Refusal> {
    let is_full = call.shared.options.single_session && live_session(call, |_| true).is_some();
    if is_full || account.user.scenario == Scenario::SessionExists {
        return Err(Refusal::new("session_exists"));
    }
    Ok(())
}

/// Moves the attempt on. Complete means a session.
pub(crate) fn settle(call: &mut Call<'_>, id: &str, next: SignInStatus) -> Result<(), Refusal> {
    if next == SignInStatus::Complete {
        return complete(call, id);
    }
    let sign_in = call.world.sign_ins.get_mut(id);
    sign_in.ok_or_else(Refusal::internal)?.status = next;
    Ok(())
}

fn complete(call: &mut Call<'_>, id: &str) -> Result<(), Refusal> {
    let sign_in = call.world.sign_ins.get(id).ok_or_else(Refusal::internal)?;
    let user_id = sign_in.user_id.clone().ok_or_else(Refusal::internal)?;
    let client_id = sign_in.client_id.clone();
    let strategy = sign_in.first.map(|first| first.strategy.as_str());
    let has_second = sign_in.second.is_some_and(|second| second.verified);
    let task = pending_task(account(call, &user_id)?.user.scenario);
    let session = NewSession {
        client_id: client_id.clone(),
        user_id: user_id.clone(),
        task,
        active_organization: None,
        second_factor_at: has_second.then_some(call.now),
    };
    let session_id = call.world.create_session(session, call.now);
    renew_token(call, &session_id)?;
    if let Some(sign_in) = call.world.sign_ins.get_mut(id) {
        sign_in.status = SignInStatus::Complete;
        sign_in.created_session_id = Some(session_id);
    }
    if let Some(account) = call.world.accounts.get_mut(&user_id) {
        account.succeed();
        account.last_sign_in_at = Some(call.now);
    }
    if let Some(client) = call.world.clients.get_mut(&client_id) {
        client.sign_in_id = None;
        client.last_strategy = strategy;
    }
    call.world.rotate_client_token(&client_id);
    call.reply = ClientReply::Send;
    Ok(())
}

/// Gives the session a fresh token.
pub(crate) fn renew_token(call: &mut Call<'_>, session_id: &str) -> Result<String, Refusal> {
    let session = call.world.sessions.get(session_id);
    let session = session.ok_or_else(Refusal::internal)?;
    let organization = session.active_organization.clone();
    let token = session_token::sign(
        call,
        session_id,
        organization.as_deref(),
        session_token::LIFETIME,
    )?;
    if let Some(session) = call.world.sessions.get_mut(session_id) {
        session.token = Some(token.clone());
    }
    Ok(token)
}

/// The page a token is for: browsers only (claim `azp`).
pub(crate) fn authorized_party(call: &Call<'_>) -> Option<String> {
    match &call.caller {
        Caller::Browser { origin, .. } => Some(origin.clone()),
        Caller::Native | Caller::Anonymous => None,
    }
}

fn pending_task(scenario: Scenario) -> Option<&'static str> {
    match scenario {
        Scenario::PendingChooseOrganization => Some("choose-organization"),
        Scenario::PendingResetPassword => Some("reset-password"),
        Scenario::PendingSetupMfa => Some("setup-mfa"),
        _ => None,
    }
}

/// A session that lives on the caller's client.
pub(crate) fn live_session<'a>(
    call: &'a Call<'_>,
    wanted: impl Fn(&Session) -> bool,
) -> Option<&'a Session> {
    let client = call.world.clients.get(call.client_id.as_deref()?)?;
    let sessions = client.session_ids.iter();
    sessions
        .filter_map(|id| call.world.sessions.get(id))
        .find(|session| session.is_live(call.now) && wanted(session))
}
