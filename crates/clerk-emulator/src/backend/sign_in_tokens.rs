//! Sign-in tokens: made here, redeemed at the Frontend API.

use serde_json::Value;

use crate::{
    errors::Refusal,
    frontend::Call,
    ticket::{LIFETIME, Ticket, TicketStatus},
};

/// The length of the secret.
const SECRET_LENGTH: usize = 60;

/// `POST /v1/sign_in_tokens`
pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let user_id = call.json.required("user_id")?.to_owned();
    let account = call.world.accounts.get(&user_id);
    let account = account.ok_or_else(|| Refusal::new("resource_not_found").param("user_id"))?;
    let organization = call.json.filled("org_id")?;
    if organization.is_some() && !call.shared.options.organizations {
        return Err(Refusal::new("organization_not_enabled_in_instance"));
    }
    if organization.is_some_and(|id| account.membership(id).is_none()) {
        return Err(Refusal::new("not_a_member_in_organization"));
    }
    let seconds = call.json.number("expires_in_seconds")?.unwrap_or(LIFETIME);
    if seconds == 0 {
        return Err(Refusal::new("form_param_value_invalid").param("expires_in_seconds"));
    }
    let ticket = Ticket {
        organization_id: organization.map(str::to_owned),
        id: call.world.ids.object("sit"),
        secret: call.world.ids.word(SECRET_LENGTH),
        user_id,
        status: TicketStatus::Pending,
        expires_at: call.now.saturating_add(seconds.saturating_mul(1_000)),
        created_at: call.now,
        updated_at: call.now,
    };
    let shape = ticket.shape(Some(&ticket.secret));
    call.world.tickets.put(ticket.id.clone(), ticket);
    Ok(shape)
}

/// `POST /v1/sign_in_tokens/{sign_in_token_id}/revoke`
pub(super) fn revoke(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = call.path_id(0).to_owned();
    let now = call.now;
    let ticket = call.world.tickets.get_mut(&id);
    let ticket = ticket.ok_or_else(|| Refusal::new("resource_not_found"))?;
    if ticket.status != TicketStatus::Pending {
        return Err(Refusal::new("bad_request"));
    }
    ticket.status = TicketStatus::Revoked;
    ticket.updated_at = now;
    Ok(ticket.shape(None))
}
