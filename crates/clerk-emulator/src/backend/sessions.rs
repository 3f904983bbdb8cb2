//! Sessions and their tokens.

use serde_json::{Value, json};

use crate::{
    errors::Refusal,
    frontend::{Call, renew_token},
    options::InstanceKind,
    session::{NewSession, Session, SessionStatus},
    session_token,
};

/// How long a token may be asked to live, in seconds.
const TOKEN_LIFETIMES: std::ops::RangeInclusive<u64> = 30..=315_360_000;
/// What can be asked for.
const STATUSES: [&str; 8] = [
    "abandoned",
    "active",
    "ended",
    "expired",
    "pending",
    "removed",
    "replaced",
    "revoked",
];

/// `GET /v1/sessions`
pub(super) fn list(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (query, now) = (&call.query, call.now);
    let status = query.get("status");
    if status.is_some_and(|status| !STATUSES.contains(&status)) {
        return Err(Refusal::new("form_param_value_invalid").param("status"));
    }
    let is_wanted = |wanted: Option<&str>, own: &str| wanted.is_none_or(|wanted| wanted == own);
    let sessions = call.world.sessions.newest_first();
    let found: Vec<_> = sessions
        .filter(|session| is_wanted(query.get("user_id"), &session.user_id))
        .filter(|session| is_wanted(query.get("client_id"), &session.client_id))
        .filter(|session| is_wanted(status, session.status(now).as_str()))
        .collect();
    let total = found.len();
    let page = query.page()?.of(found.into_iter());
    let page: Vec<_> = page
        .map(|session| call.view().backend_session(session))
        .collect();
    Ok(match query.get("paginated") {
        Some("true") => json!({"data": page, "total_count": total}),
        _ => Value::from(page),
    })
}

/// `POST /v1/sessions`, which is for tests: a production instance has none of it.
pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    if call.shared.options.instance_kind == InstanceKind::Production {
        return Err(Refusal::new("request_invalid_for_environment"));
    }
    let user_id = call.json.required("user_id")?.to_owned();
    let account = call.world.accounts.get(&user_id);
    let account = account.ok_or_else(|| Refusal::new("resource_not_found").param("user_id"))?;
    if account.banned {
        return Err(Refusal::new("user_banned"));
    }
    let organization = call.json.filled("active_organization_id")?;
    if organization.is_some_and(|id| account.membership(id).is_none()) {
        return Err(Refusal::new("organization_not_found_or_unauthorized"));
    }
    let organization = organization.map(str::to_owned);
    let session = NewSession {
        client_id: call.world.create_client(call.now),
        user_id,
        active_organization: organization,
        task: None,
        second_factor_at: None,
    };
    let id = call.world.create_session(session, call.now);
    renew_token(call, &id)?;
    shown(call, &id)
}

/// `GET /v1/sessions/{session_id}`
pub(super) fn get(call: &mut Call<'_>) -> Result<Value, Refusal> {
    Ok(call.view().backend_session(named(call)?))
}

/// `POST /v1/sessions/{session_id}/revoke`
pub(super) fn revoke(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let session = named(call)?;
    if !session.is_live(call.now) {
        return Err(Refusal::new("bad_request"));
    }
    let id = session.id.clone();
    let now = call.now;
    call.world.end_session(&id, SessionStatus::Revoked, now);
    shown(call, &id)
}

/// `POST /v1/sessions/{session_id}/tokens`
pub(super) fn create_token(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (id, seconds) = token_request(call)?;
    let session = call.world.sessions.get(&id);
    let organization = session.and_then(|session| session.active_organization.clone());
    let jwt = session_token::sign(call, &id, organization.as_deref(), seconds)?;
    Ok(json!({"object": "token", "jwt": jwt}))
}

/// `POST /v1/sessions/{session_id}/tokens/{template_name}`
pub(super) fn create_template_token(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let (id, seconds) = token_request(call)?;
    let template = call.path_id(1);
    if !call
        .shared
        .options
        .jwt_templates
        .iter()
        .any(|known| known == template)
    {
        return Err(Refusal::new("resource_not_found"));
    }
    let jwt = session_token::sign_template(call, &id, seconds)?;
    Ok(json!({"object": "token", "jwt": jwt}))
}

/// The live session that the path names and how many seconds its token shall live.
fn token_request(call: &Call<'_>) -> Result<(String, u64), Refusal> {
    let session = named(call)?;
    if !session.is_live(call.now) {
        return Err(Refusal::new("resource_not_found"));
    }
    let seconds = call.json.number("expires_in_seconds")?;
    let seconds = seconds.unwrap_or(session_token::LIFETIME);
    if !TOKEN_LIFETIMES.contains(&seconds) {
        return Err(Refusal::new("form_param_value_invalid").param("expires_in_seconds"));
    }
    Ok((session.id.clone(), seconds))
}

fn named<'a>(call: &'a Call<'_>) -> Result<&'a Session, Refusal> {
    let session = call.world.sessions.get(call.path_id(0));
    session.ok_or_else(|| Refusal::new("resource_not_found"))
}

fn shown(call: &Call<'_>, id: &str) -> Result<Value, Refusal> {
    let session = call.world.sessions.get(id).ok_or_else(Refusal::internal)?;
    Ok(call.view().backend_session(session))
}
