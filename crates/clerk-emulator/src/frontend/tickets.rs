//! Signing in with a sign-in token instead of an identifier and a password.

use serde_json::Value;

use super::{
    Call,
    completion::{check_room_for_session, renew_token, settle},
    sign_ins::{self, Attempt, account, begin, shown},
};
use crate::{
    errors::Refusal,
    sign_in::{SignInStatus, Strategy, Verification},
    ticket::{Ticket, TicketStatus},
};

/// Redeems a sign-in token. Device Trust asks nothing then: it is about passwords. A second factor does.
pub(super) fn redeem(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let secret = call.form.required("ticket")?;
    let ticket = usable(call, &secret)?;
    let (ticket_id, user_id) = (ticket.id.clone(), ticket.user_id.clone());
    let organization_id = ticket.organization_id.clone();
    sign_ins::check_access(call, &user_id)?;
    sign_ins::check_not_signed_in(call, &user_id)?;
    let account = account(call, &user_id)?;
    let identifier = account.identifier().to_owned();
    let next = if account.has_mfa() {
        SignInStatus::NeedsSecondFactor
    } else {
        check_room_for_session(call, account)?;
        SignInStatus::Complete
    };
    let id = begin(
        call,
        Attempt {
            identifier: Some(identifier),
            user_id: Some(user_id),
            first: Some(Verification::done(Strategy::Ticket)),
        },
    );
    if let Some(ticket) = call.world.tickets.get_mut(&ticket_id) {
        ticket.status = TicketStatus::Accepted;
        ticket.updated_at = call.now;
    }
    settle(call, &id, next)?;
    activate(call, &id, organization_id)?;
    shown(call, &id)
}

fn usable<'a>(call: &'a Call<'_>, secret: &str) -> Result<&'a Ticket, Refusal> {
    let mut tickets = call.world.tickets.values();
    let ticket = tickets.find(|ticket| ticket.secret == secret);
    let ticket = ticket.ok_or_else(|| Refusal::new("ticket_invalid_code").param("ticket"))?;
    match ticket.status {
        TicketStatus::Accepted => Err(Refusal::new("sign_in_token_already_used_code")),
        TicketStatus::Revoked => Err(Refusal::new("sign_in_token_revoked_code")),
        TicketStatus::Pending if call.now >= ticket.expires_at => {
            Err(Refusal::new("ticket_expired_code"))
        }
        TicketStatus::Pending => Ok(ticket),
    }
}

/// Makes the ticket's organization active in the session that was created, if the user still belongs to it.
fn activate(call: &mut Call<'_>, id: &str, organization_id: Option<String>) -> Result<(), Refusal> {
    let sign_in = call.world.sign_ins.get(id);
    let session_id = sign_in.and_then(|sign_in| sign_in.created_session_id.clone());
    let (Some(session_id), Some(organization_id)) = (session_id, organization_id) else {
        return Ok(());
    };
    let sessions = &mut call.world.sessions;
    let session = sessions
        .get_mut(&session_id)
        .ok_or_else(Refusal::internal)?;
    let account = call.world.accounts.get(&session.user_id);
    if account.is_some_and(|account| account.membership(&organization_id).is_some()) {
        session.active_organization = Some(organization_id);
    }
    renew_token(call, &session_id)?;
    Ok(())
}
