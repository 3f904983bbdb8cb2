//! The Backend API: the caller holds the secret key. Its routes are those of [`Endpoint`] that start with
//! `Backend`.

use axum::http::{HeaderMap, header};
use serde_json::Value;

use crate::{
    endpoint::Endpoint,
    errors::Refusal,
    frontend::{Call, params},
    limits::Bucket,
    options::InstanceKind,
    state::Shared,
};
use body::Body;

pub(crate) mod body;
mod memberships;
mod organizations;
mod passwords;
mod sessions;
mod sign_in_tokens;
mod user_changes;
mod users;

/// What one key may do in ten seconds.
const CALLS_IN_DEVELOPMENT: u32 = 100;
const CALLS_IN_PRODUCTION: u32 = 1_000;
/// How often one user may be changed in ten seconds.
const CHANGES: u32 = 10;

/// The checks every call passes.
pub(crate) fn check(call: &mut Call<'_>) -> Result<(), Refusal> {
    check_key(call.shared, &call.incoming.headers)?;
    params::check_version(&call.incoming.headers, &call.query)?;
    check_limits(call)?;
    if call.incoming.endpoint.needs_organizations() && !call.shared.options.organizations {
        return Err(Refusal::new("organization_not_enabled_in_instance"));
    }
    call.json = Body::read(call)?;
    Ok(())
}

/// The routes.
pub(crate) fn route(call: &mut Call<'_>) -> Result<Value, Refusal> {
    match call.incoming.endpoint {
        Endpoint::BackendGetJwks => Ok(call.world.key.key_set(&call.shared.instance_id)),
        Endpoint::BackendListUsers => users::list(call),
        Endpoint::BackendGetUser => users::get(call),
        Endpoint::BackendVerifyPassword => passwords::verify_password(call),
        Endpoint::BackendListUserMemberships => memberships::list_of_user(call),
        Endpoint::BackendListOrganizations => organizations::list(call),
        Endpoint::BackendCreateOrganization => organizations::create(call),
        Endpoint::BackendGetOrganization => organizations::get(call),
        Endpoint::BackendUpdateOrganization => organizations::update(call),
        Endpoint::BackendDeleteOrganization => organizations::delete(call),
        Endpoint::BackendListMemberships => memberships::list(call),
        Endpoint::BackendCreateMembership => memberships::create(call),
        Endpoint::BackendUpdateMembership => memberships::update(call),
        Endpoint::BackendDeleteMembership => memberships::delete(call),
        Endpoint::BackendListSessions => sessions::list(call),
        Endpoint::BackendCreateSession => sessions::create(call),
        Endpoint::BackendGetSession => sessions::get(call),
        Endpoint::BackendRevokeSession => sessions::revoke(call),
        Endpoint::BackendCreateSessionToken => sessions::create_token(call),
        Endpoint::BackendCreateTemplateToken => sessions::create_template_token(call),
        Endpoint::BackendCreateSignInToken => sign_in_tokens::create(call),
        Endpoint::BackendRevokeSignInToken => sign_in_tokens::revoke(call),
        Endpoint::BackendCountUsers => users::count(call),
        Endpoint::BackendCreateUser => user_changes::create(call),
        Endpoint::BackendUpdateUser => user_changes::update(call),
        Endpoint::BackendDeleteUser => user_changes::delete(call),
        Endpoint::BackendVerifyTotp => passwords::verify_totp(call),
        Endpoint::BackendLockUser
        | Endpoint::BackendUnlockUser
        | Endpoint::BackendBanUser
        | Endpoint::BackendUnbanUser => user_changes::change_state(call),
        // The others are the Frontend API's.
        _ => Err(Refusal::internal()),
    }
}

/// Who may call: whoever presents the secret key as a bearer token (RFC 6750 §2.1).
fn check_key(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Err(Refusal::new("could_not_authenticate_request"));
    };
    let authorization = authorization.to_str().unwrap_or_default();
    let key = authorization
        .strip_prefix("Bearer ")
        .ok_or_else(|| Refusal::new("authorization_header_format_invalid"))?;
    if key != shared.secret_key {
        return Err(Refusal::new("clerk_key_invalid"));
    }
    Ok(())
}

/// One window for all calls of the key, but for its public keys, and one for the changes of each user.
fn check_limits(call: &mut Call<'_>) -> Result<(), Refusal> {
    let endpoint = call.incoming.endpoint;
    if endpoint == Endpoint::BackendGetJwks {
        return Ok(());
    }
    let most = match call.shared.options.instance_kind {
        InstanceKind::Development => CALLS_IN_DEVELOPMENT,
        InstanceKind::Production => CALLS_IN_PRODUCTION,
    };
    call.count(Bucket::SecretKey, most)?;
    if endpoint == Endpoint::BackendUpdateUser {
        let bucket = Bucket::User(call.path_id(0).to_owned());
        call.count(bucket, CHANGES)?;
    }
    Ok(())
}
