//! Sign-in attempts: how they begin, what they need next, how they end in a session.

use serde_json::Value;

use super::{
    Call,
    completion::{live_session, next_status, settle, trust},
    mode::ClientReply,
    password, tickets,
};
use crate::{
    account::Account,
    errors::Refusal,
    options::EnumerationProtection,
    sign_in::{ABANDON_MS, SignIn, SignInStatus, Strategy, Trust, Verification},
    users::Scenario,
};

/// The longest identifier (RFC 5321 §4.5.3.1.3 less the brackets).
const LONGEST_IDENTIFIER: usize = 254;

/// `POST /v1/client/sign_ins`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let password = call.form.filled("password")?;
    let strategy = call.form.filled("strategy")?;
    if strategy.as_deref() == Some(Strategy::Ticket.as_str()) {
        return tickets::redeem(call);
    }
    let Some(identifier) = call.form.filled("identifier")? else {
        if password.is_some() || strategy.is_some() {
            return Err(Refusal::new("form_conditional_param_missing").param("identifier"));
        }
        let id = begin(call, Attempt::default());
        return shown(call, &id);
    };
    check_format(&identifier)?;
    let user_id = find(call, &identifier, password.is_some())?;
    if let Some(user_id) = &user_id {
        check_access(call, user_id)?;
        check_not_signed_in(call, user_id)?;
    }
    let strategy = first_strategy(strategy.as_deref(), password.is_some())?;
    let mut attempt = Attempt {
        identifier: Some(identifier),
        user_id,
        first: None,
    };
    let next = if let (Some(password), Some(user_id)) = (&password, &attempt.user_id) {
        password::verify(call, user_id, password)?;
        attempt.first = Some(Verification::done(Strategy::Password));
        Some(next_status(call, user_id)?)
    } else {
        let sent = strategy.filter(|strategy| strategy.is_sent());
        attempt.first = sent.map(|strategy| Verification::sent(strategy, call.now));
        None
    };
    let id = begin(call, attempt);
    if let Some(next) = next {
        settle(call, &id, next)?;
    }
    shown(call, &id)
}

/// `GET /v1/client/sign_ins/{sign_in_id}`
pub(crate) fn get(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = own(call)?;
    let found = call.world.sign_ins.get(&id);
    if found.is_none_or(|found| found.status(call.now) == SignInStatus::Abandoned) {
        return Err(Refusal::new("resource_not_found"));
    }
    shown(call, &id)
}

/// The attempt the path names, if it is the caller's present one.
pub(crate) fn own(call: &Call<'_>) -> Result<String, Refusal> {
    let Some(client_id) = &call.client_id else {
        return Err(Refusal::new("client_not_found"));
    };
    let sign_in = call.world.sign_ins.get(call.path_id(0));
    let sign_in = sign_in.filter(|sign_in| sign_in.client_id == *client_id);
    let sign_in = sign_in.ok_or_else(|| Refusal::new("resource_not_found"))?;
    let client = call.world.clients.get(client_id);
    let present = client.and_then(|client| client.sign_in_id.as_ref());
    let is_done = sign_in.status == SignInStatus::Complete;
    if !is_done && present.is_some_and(|present| *present != sign_in.id) {
        return Err(Refusal::new("resource_forbidden"));
    }
    Ok(sign_in.id.clone())
}

/// The attempt as an answer.
pub(crate) fn shown(call: &Call<'_>, id: &str) -> Result<Value, Refusal> {
    let sign_in = call.world.sign_ins.get(id).ok_or_else(Refusal::internal)?;
    Ok(call.wrapped(&call.view().sign_in(sign_in)))
}

/// Whether the account may sign in at all. Comes before the password: a locked account answers so to the
/// right one, too.
pub(crate) fn check_access(call: &Call<'_>, user_id: &str) -> Result<(), Refusal> {
    let account = account(call, user_id)?;
    if account.banned {
        return Err(Refusal::new("user_banned"));
    }
    if account.is_locked(call.now) {
        let seconds = account.lock_seconds(call.now);
        return Err(Refusal::new("user_locked").meta("lockout_expires_in_seconds", seconds.into()));
    }
    match account.user.scenario {
        Scenario::Deprovisioned => Err(Refusal::new("deprovisioned")),
        Scenario::NotAllowed => {
            let identifiers = Value::from(vec![account.identifier()]);
            Err(Refusal::new("not_allowed_access").meta("identifiers", identifiers))
        }
        _ => Ok(()),
    }
}

/// The account of an attempt, which may have been deleted since.
pub(crate) fn account<'a>(call: &'a Call<'_>, user_id: &str) -> Result<&'a Account, Refusal> {
    call.world
        .accounts
        .get(user_id)
        .ok_or_else(|| Refusal::new("sign_in_identification_or_user_deleted"))
}

/// The same user cannot sign in twice on one client. Comes before the password, so it proves nothing.
pub(crate) fn check_not_signed_in(call: &Call<'_>, user_id: &str) -> Result<(), Refusal> {
    let refused = |session_id: &str| {
        Refusal::new("identifier_already_signed_in").meta("session_id", session_id.into())
    };
    if account(call, user_id)?.user.scenario == Scenario::IdentifierAlreadySignedIn {
        return Err(refused("sess_of_another_sign_in"));
    }
    // Where there is room for one session only, that is what will be said, after the password.
    if call.shared.options.single_session {
        return Ok(());
    }
    match live_session(call, |session| session.user_id == user_id) {
        Some(session) => Err(refused(&session.id)),
        None => Ok(()),
    }
}

/// How an attempt begins.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) identifier: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) first: Option<Verification>,
}

/// A new attempt, which takes the place of the client's last one. Without a client, one is made for it.
pub(super) fn begin(call: &mut Call<'_>, attempt: Attempt) -> String {
    let client_id = if let Some(id) = &call.client_id {
        id.clone()
    } else {
        let id = call.world.create_client(call.now);
        call.reply = ClientReply::Send;
        call.client_id = Some(id.clone());
        id
    };
    let id = call.world.ids.object("sia");
    let account = attempt.user_id.as_deref();
    let account = account.and_then(|id| call.world.accounts.get(id));
    let (status, trust) = match &attempt.identifier {
        None => (SignInStatus::NeedsIdentifier, Trust::Pending),
        Some(_) => (
            SignInStatus::NeedsFirstFactor,
            account.map_or(Trust::New, |account| trust(call, account)),
        ),
    };
    let sign_in = SignIn {
        id: id.clone(),
        client_id: client_id.clone(),
        user_id: attempt.user_id,
        identifier: attempt.identifier,
        status,
        first: attempt.first,
        second: None,
        created_session_id: None,
        trust,
        abandon_at: call.now.saturating_add(ABANDON_MS),
    };
    call.world.sign_ins.put(id.clone(), sign_in);
    if let Some(client) = call.world.clients.get_mut(&client_id) {
        client.sign_in_id = Some(id.clone());
        client.updated_at = call.now;
    }
    id
}

/// The account of `identifier`. `None` is one that must not be told from a known one.
fn find(call: &Call<'_>, identifier: &str, with_password: bool) -> Result<Option<String>, Refusal> {
    let account = call.world.accounts.find(identifier);
    // An address that was never verified identifies nobody.
    let account = account.filter(|account| account.signs_in_with(identifier));
    if let Some(account) = account {
        return Ok(Some(account.id.clone()));
    }
    match call.shared.options.enumeration_protection {
        EnumerationProtection::Strict if with_password => {
            Err(Refusal::new("form_password_or_identifier_incorrect"))
        }
        EnumerationProtection::Strict => Ok(None),
        EnumerationProtection::Off => {
            Err(Refusal::new("form_identifier_not_found").param("identifier"))
        }
    }
}

fn first_strategy(
    strategy: Option<&str>,
    with_password: bool,
) -> Result<Option<Strategy>, Refusal> {
    let Some(text) = strategy else {
        return Ok(with_password.then_some(Strategy::Password));
    };
    match Strategy::parse(text) {
        Some(Strategy::Password) if !with_password => {
            Err(Refusal::new("form_conditional_param_missing").param("password"))
        }
        Some(strategy) if with_password && strategy != Strategy::Password => {
            Err(Refusal::new("form_conditional_param_value_disallowed").param("strategy"))
        }
        Some(Strategy::Password) => Ok(Some(Strategy::Password)),
        Some(strategy) if strategy.is_sent() => Ok(Some(strategy)),
        _ => Err(Refusal::new("form_param_value_invalid").param("strategy")),
    }
}

/// An e-mail address, a telephone number (E.164) or a username.
fn check_format(identifier: &str) -> Result<(), Refusal> {
    if identifier.len() > LONGEST_IDENTIFIER {
        return Err(Refusal::new("form_param_max_length_exceeded").param("identifier"));
    }
    let is_sound = if let Some((name, domain)) = identifier.split_once('@') {
        let is_plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        !name.is_empty() && domain.contains('.') && is_plain(identifier) && !domain.contains('@')
    } else if let Some(digits) = identifier.strip_prefix('+') {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    } else {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        identifier.chars().all(allowed)
    };
    if is_sound {
        return Ok(());
    }
    Err(Refusal::new("form_param_format_invalid").param("identifier"))
}
