//! Sessions: keeping them, ending them, tokens from them, and what a signed-in user may read.

use serde_json::{Value, json};

use super::{Call, completion::renew_token, mode::ClientReply};
use crate::{
    account::Account,
    errors::Refusal,
    session::{Session, SessionStatus},
    session_token::{self, LIFETIME},
};

/// The task that is done by choosing an organization.
const CHOOSE_ORGANIZATION: &str = "choose-organization";

/// `GET /v1/client/sessions/{session_id}`
pub(crate) fn get(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = own(call)?;
    shown(call, &id)
}

/// `POST /v1/client/sessions/{session_id}/touch`
pub(crate) fn touch(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = live(call)?;
    let wanted = call.form.get("active_organization_id").map(str::to_owned);
    let organization = match wanted.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(name) => Some(Some(organization_of(call, &id, name)?)),
    };
    let now = call.now;
    if let Some(session) = call.world.sessions.get_mut(&id) {
        session.last_active_at = now;
        session.updated_at = now;
        if let Some(organization) = organization {
            if organization.is_some() && session.task == Some(CHOOSE_ORGANIZATION) {
                session.status = SessionStatus::Active;
                session.task = None;
            }
            session.active_organization = organization;
        }
    }
    renew_token(call, &id)?;
    if let Some(client) = client_id(call).and_then(|client| call.world.clients.get_mut(&client)) {
        client.last_active_session_id = Some(id.clone());
    }
    shown(call, &id)
}

/// `POST /v1/client/sessions/{session_id}/end`
pub(crate) fn end(call: &mut Call<'_>) -> Result<Value, Refusal> {
    finish(call, SessionStatus::Ended)
}

/// `POST /v1/client/sessions/{session_id}/remove`
pub(crate) fn remove(call: &mut Call<'_>) -> Result<Value, Refusal> {
    finish(call, SessionStatus::Removed)
}

/// `DELETE /v1/client/sessions`: the client stays, and stays known.
pub(crate) fn remove_all(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = signed_in_client(call)?;
    call.world
        .end_sessions_of(&id, SessionStatus::Removed, call.now);
    call.reply = ClientReply::Keep;
    Ok(json!({"response": call.view().client(&id), "client": null}))
}

/// `POST /v1/client/sessions/{session_id}/tokens`: an organization asked for here does not become the
/// active one.
pub(crate) fn create_token(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = live(call)?;
    let wanted = call.form.get("organization_id").map(str::to_owned);
    let jwt = match wanted.as_deref() {
        None => renew_token(call, &id)?,
        Some("") => session_token::sign(call, &id, None, LIFETIME)?,
        Some(name) => {
            let organization = organization_of(call, &id, name)?;
            session_token::sign(call, &id, Some(&organization), LIFETIME)?
        }
    };
    Ok(json!({"object": "token", "jwt": jwt}))
}

/// `POST /v1/client/sessions/{session_id}/tokens/{template_name}`
pub(crate) fn create_template_token(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = live(call)?;
    let template = call.path_id(1);
    let mut templates = call.shared.options.jwt_templates.iter();
    if !templates.any(|known| known == template) {
        return Err(Refusal::new("resource_not_found"));
    }
    let jwt = session_token::sign_template(call, &id, LIFETIME)?;
    Ok(json!({"object": "token", "jwt": jwt}))
}

/// `GET /v1/me`
pub(crate) fn me(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let account = signed_in(call)?;
    Ok(call.wrapped(&call.view().user(account)))
}

/// `GET /v1/me/organization_memberships`
pub(crate) fn my_memberships(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let account = signed_in(call)?;
    let page = call.query.page()?.of(account.memberships.iter());
    let page = page.map(|membership| call.view().membership(account, membership));
    let page: Vec<_> = page.collect();
    Ok(call.wrapped(&match call.query.get("paginated") {
        Some("true") => json!({"data": page, "total_count": account.memberships.len()}),
        _ => Value::from(page),
    }))
}

fn finish(call: &mut Call<'_>, status: SessionStatus) -> Result<Value, Refusal> {
    let id = own(call)?;
    let now = call.now;
    if let Some(session) = call.world.sessions.get_mut(&id) {
        session.status = status;
        session.updated_at = now;
        session.token = None;
    }
    if let Some(client) = client_id(call).and_then(|client| call.world.clients.get_mut(&client)) {
        if client.last_active_session_id.as_ref() == Some(&id) {
            client.last_active_session_id = None;
        }
        if status == SessionStatus::Removed {
            client.session_ids.retain(|known| *known != id);
        }
        client.updated_at = now;
    }
    shown(call, &id)
}

fn shown(call: &Call<'_>, id: &str) -> Result<Value, Refusal> {
    let session = call.world.sessions.get(id).ok_or_else(Refusal::internal)?;
    Ok(call.wrapped(&call.view().session(session)))
}

fn client_id(call: &Call<'_>) -> Option<String> {
    call.client_id.clone()
}

/// The caller's client. A token that names none is treated like none at all.
fn signed_in_client(call: &Call<'_>) -> Result<String, Refusal> {
    client_id(call).ok_or_else(|| Refusal::new("signed_out"))
}

/// The session the path names, if it is on the caller's client.
fn own(call: &Call<'_>) -> Result<String, Refusal> {
    let client_id = signed_in_client(call)?;
    let session = call.world.sessions.get(call.path_id(0));
    let session = session.ok_or_else(|| Refusal::new("resource_not_found"))?;
    if session.client_id != client_id {
        return Err(Refusal::new("action_for_session_not_authorized"));
    }
    if session.status == SessionStatus::Removed {
        return Err(Refusal::new("resource_not_found"));
    }
    Ok(session.id.clone())
}

/// The same, if the session lives.
fn live(call: &Call<'_>) -> Result<String, Refusal> {
    let id = own(call)?;
    let session = call.world.sessions.get(&id);
    if session.is_none_or(|session| !session.is_live(call.now)) {
        return Err(Refusal::new("authentication_invalid"));
    }
    Ok(id)
}

/// The id of an organization that the session's user belongs to, by id or slug.
fn organization_of(call: &Call<'_>, session_id: &str, name: &str) -> Result<String, Refusal> {
    let session = call.world.sessions.get(session_id);
    let account = session.and_then(|session| call.world.accounts.get(&session.user_id));
    let organization = call.world.organizations.find(name);
    let is_member = account
        .zip(organization)
        .is_some_and(|(account, organization)| {
            let mut memberships = account.memberships.iter();
            memberships.any(|membership| membership.organization_id == organization.id)
        });
    organization
        .filter(|_| is_member)
        .map(|organization| organization.id.clone())
        .ok_or_else(|| Refusal::new("organization_not_found_or_unauthorized"))
}

/// The user of the session that the query names, or of the client's last active one.
fn signed_in<'a>(call: &'a Call<'_>) -> Result<&'a Account, Refusal> {
    let client_id = signed_in_client(call)?;
    let client = call.world.clients.get(&client_id);
    let last_active = client.and_then(|client| client.last_active_session_id.as_deref());
    let session_id = call.query.get("_clerk_session_id").or(last_active);
    let session = session_id.and_then(|id| call.world.sessions.get(id));
    let is_own = |session: &&Session| session.client_id == client_id && session.is_live(call.now);
    let session = session.filter(is_own);
    let account = session.and_then(|session| call.world.accounts.get(&session.user_id));
    account.ok_or_else(|| Refusal::new("authentication_invalid"))
}
