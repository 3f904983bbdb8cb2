//! Who belongs to which organization.

use serde_json::{Value, json};

use super::{organizations, users};
use crate::{errors::Refusal, frontend::Call, users::EmulatorMembership};

/// `GET /v1/users/{user_id}/organization_memberships`
pub(super) fn list_of_user(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let account = users::named(call)?;
    let page = call.query.page()?.of(account.memberships.iter());
    let page = page.map(|membership| call.view().backend_membership(account, membership));
    Ok(json!({
        "data": page.collect::<Vec<_>>(),
        "total_count": account.memberships.len(),
    }))
}

/// `GET /v1/organizations/{organization_id}/memberships`
pub(super) fn list(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = &organizations::named(call)?.id;
    let roles = users::values(&call.query, "role")?;
    let found: Vec<_> = users::found(call)?
        .into_iter()
        .filter_map(|account| Some((account, account.membership(id)?)))
        .filter(|(_, membership)| roles.is_empty() || roles.contains(&membership.role))
        .collect();
    let total = found.len();
    let page = call.query.page()?.of(found.into_iter());
    let page = page.map(|(account, found)| call.view().backend_membership(account, found));
    Ok(json!({"data": page.collect::<Vec<_>>(), "total_count": total}))
}

/// `POST /v1/organizations/{organization_id}/memberships`
pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let organization = organizations::named(call)?;
    let user_id = call.json.required("user_id")?.to_owned();
    let membership = EmulatorMembership::new(&organization.id, role(call)?);
    let metadata = [
        call.json.object("public_metadata")?,
        call.json.object("private_metadata")?,
        None,
    ];
    let account = call.world.accounts.get(&user_id);
    let account = account.ok_or_else(|| Refusal::new("resource_not_found").param("user_id"))?;
    if account.membership(&organization.id).is_some() {
        return Err(Refusal::new("already_a_member_in_organization"));
    }
    let most = organization.max_memberships;
    if most > 0 && organization.members >= most {
        return Err(Refusal::new("organization_membership_quota_exceeded"));
    }
    let (id, now) = (organization.id.clone(), call.now);
    call.world.create_membership(&user_id, membership, now);
    call.world
        .update_membership(&user_id, &id, now, |made| made.metadata.replace(metadata));
    shown(call, &user_id, &id)
}

/// `PATCH /v1/organizations/{organization_id}/memberships/{user_id}`
pub(super) fn update(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = organizations::named(call)?.id.clone();
    let (user_id, role) = (call.path_id(1).to_owned(), role(call)?.to_owned());
    let now = call.now;
    call.world
        .update_membership(&user_id, &id, now, |membership| membership.role = role);
    shown(call, &user_id, &id)
}

/// `DELETE /v1/organizations/{organization_id}/memberships/{user_id}`
pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = organizations::named(call)?.id.clone();
    let user_id = call.path_id(1).to_owned();
    let last_seen = shown(call, &user_id, &id)?;
    call.world.delete_membership(&user_id, &id, call.now);
    Ok(last_seen)
}

/// The key of a role. Which roles an instance has is not emulated, only what their keys look like.
fn role<'a>(call: &'a Call<'_>) -> Result<&'a str, Refusal> {
    let role = call.json.required("role")?;
    if role.starts_with("org:") {
        return Ok(role);
    }
    Err(Refusal::new("resource_not_found").param("role"))
}

fn shown(call: &Call<'_>, user_id: &str, organization_id: &str) -> Result<Value, Refusal> {
    let account = call.world.accounts.get(user_id);
    let found = account.and_then(|account| Some((account, account.membership(organization_id)?)));
    let (account, membership) = found.ok_or_else(|| Refusal::new("resource_not_found"))?;
    Ok(call.view().backend_membership(account, membership))
}
