//! The controls of accounts.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::{post, put},
};
use serde::Deserialize;
use serde_json::json;

use super::{Body, done, refused, with};
use crate::{
    admin::{AdminError, EmulatorAdmin},
    routes::plain,
    state::Shared,
    users::{EmulatorMembership, EmulatorUser, Password, Scenario},
};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/__emulator/users", post(create))
        .route(
            "/__emulator/users/{identifier}",
            axum::routing::get(show).patch(change).delete(delete),
        )
        .route(
            "/__emulator/users/{identifier}/memberships/{organization}",
            put(set_membership).delete(remove_membership),
        )
}

/// A new account. It holds a password, so it gets no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    email: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(default)]
    scenario: Scenario,
    #[serde(default)]
    bypass_client_trust: bool,
    phone_number: Option<String>,
    external_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

impl From<CreateRequest> for EmulatorUser {
    fn from(request: CreateRequest) -> Self {
        Self {
            email: request.email,
            username: request.username,
            password: request.password.map(Password::new),
            memberships: Vec::new(),
            other_emails: Vec::new(),
            scenario: request.scenario,
            bypass_client_trust: request.bypass_client_trust,
            phone_number: request.phone_number,
            external_id: request.external_id,
            first_name: request.first_name,
            last_name: request.last_name,
        }
    }
}

/// What may be changed of an account. It holds a password, so it gets no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeRequest {
    scenario: Option<Scenario>,
    password: Option<String>,
    banned: Option<bool>,
    locked: Option<bool>,
    bypass_client_trust: Option<bool>,
    email_verified: Option<bool>,
    mfa: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MembershipRequest {
    role: String,
    #[serde(default)]
    permissions: Vec<String>,
}

async fn create(State(shared): State<Arc<Shared>>, body: Body<CreateRequest>) -> Response {
    let Ok(Json(request)) = body else {
        return with(shared, body, |_, _| Ok(()));
    };
    match (EmulatorAdmin { shared }).create_user(request.into()) {
        Ok(id) => plain(StatusCode::OK, &json!({"id": id})),
        Err(error) => refused(error),
    }
}

async fn show(State(shared): State<Arc<Shared>>, Path(identifier): Path<String>) -> Response {
    let (now, lockout) = (shared.clock().now_ms(), shared.options.lockout);
    let world = shared.world();
    let Some(account) = world.accounts.find(&identifier) else {
        return refused(AdminError::UnknownUser);
    };
    let body = json!({
        "id": account.id,
        "failures": account.failures(now),
        "attempts_remaining": account.attempts_left(lockout, now),
        "locked": account.is_locked(now),
        "banned": account.banned,
        "email_verified": account.has_verified_email(),
        "mfa": account.has_mfa(),
        "sessions_active": world.live_sessions(Some(account), now),
    });
    plain(StatusCode::OK, &body)
}

async fn delete(State(shared): State<Arc<Shared>>, Path(identifier): Path<String>) -> Response {
    done(EmulatorAdmin { shared }.delete_user(&identifier))
}

async fn set_membership(
    State(shared): State<Arc<Shared>>,
    Path((identifier, organization)): Path<(String, String)>,
    body: Body<MembershipRequest>,
) -> Response {
    with(shared, body, |admin, request| {
        let mut membership = EmulatorMembership::new(&organization, &request.role);
        membership.permissions = request.permissions;
        admin.set_membership(&identifier, membership)
    })
}

async fn remove_membership(
    State(shared): State<Arc<Shared>>,
    Path((identifier, organization)): Path<(String, String)>,
) -> Response {
    done(EmulatorAdmin { shared }.remove_membership(&identifier, &organization))
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Path(identifier): Path<String>,
    body: Body<ChangeRequest>,
) -> Response {
    with(shared, body, |admin, request| {
        let identifier = identifier.as_str();
        admin.sessions_active_of(identifier)?;
        if let Some(scenario) = request.scenario {
            admin.set_scenario(identifier, scenario)?;
        }
        if let Some(password) = &request.password {
            admin.set_password(identifier, password)?;
        }
        match request.banned {
            Some(true) => admin.ban(identifier)?,
            Some(false) => admin.unban(identifier)?,
            None => {}
        }
        match request.locked {
            Some(true) => admin.lock(identifier)?,
            Some(false) => admin.unlock(identifier)?,
            None => {}
        }
        match request.email_verified {
            Some(true) => admin.verify_email(identifier)?,
            Some(false) => admin.unverify_email(identifier)?,
            None => {}
        }
        match request.mfa {
            Some(true) => admin.set_up_mfa(identifier)?,
            Some(false) => admin.remove_mfa(identifier)?,
            None => {}
        }
        match request.bypass_client_trust {
            Some(true) => admin.trust_everywhere(identifier),
            Some(false) => admin.distrust(identifier),
            None => Ok(()),
        }
    })
}
