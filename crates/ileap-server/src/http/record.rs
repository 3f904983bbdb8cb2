//! What of requests and answers goes on record in the audit trail.

use std::sync::Arc;

use super::{
    endpoint::Endpoint,
    failure::{Cause, Failure},
    layers::RequestContext,
    state::AppState,
};
use crate::{
    audit::{DataAccess, Decision, Event},
    identity::{ClientId, Principal},
    store::logins::Invalidation,
};

/// A token that was issued.
pub(crate) fn issued(state: &AppState, context: &RequestContext, principal: &Principal) {
    let decision = Decision {
        status: Some(200),
        ..of_principal(Event::TokenRequest, "accepted", principal)
    };
    record(state, context, &decision);
}

/// A token that a client or resource server has revoked, or all of its subject's.
pub(crate) fn revoked(
    state: &AppState,
    context: &RequestContext,
    caller: &ClientId,
    (subject, change): (&str, &str),
) {
    let decision = Decision {
        change: Some(change),
        client_id: Some(caller.as_str()),
        status: Some(200),
        subject: Some(subject),
        ..Decision::new(Event::Revocation, "done")
    };
    record(state, context, &decision);
}

/// What Clerk told, once it has taken effect.
pub(crate) fn cut_off(state: &AppState, context: &RequestContext, invalidation: &Invalidation) {
    let change = "remembered credentials dropped, tokens cut off";
    let decision = Decision {
        change: Some(change),
        ..Decision::new(Event::Webhook, "done")
    };
    let decision = match invalidation {
        Invalidation::Account(account) => Decision {
            subject: Some(account.as_str()),
            ..decision
        },
        Invalidation::Organization(id) => Decision {
            organization: Some(id),
            ..decision
        },
        Invalidation::Subject(subject) => Decision {
            subject: Some(subject),
            ..decision
        },
    };
    record(state, context, &decision);
}

/// Whether anybody wants to know who asks for data.
pub(crate) fn wants_caller(state: &AppState, endpoint: Endpoint) -> bool {
    state.audit.data_access() != DataAccess::None && event(endpoint) == Some(Event::DataAccess)
}

/// How a request ended that is a decision by itself: one that failed, or one for data.
pub(crate) fn ended(
    state: &AppState,
    context: &RequestContext,
    caller: Option<&Arc<Principal>>,
    (status, failure): (u16, Option<&Failure>),
) {
    let Some(event) = event(context.endpoint) else {
        return;
    };
    let outcome = match failure {
        Some(failure) => outcome(&failure.cause),
        // Issuing and revoking a token, and a webhook's effect, are on record where they happen; a wrong method is no decision.
        None if event == Event::DataAccess && status < 400 => "accepted",
        None => return,
    };
    let is_wanted = match state.audit.data_access() {
        _ if event != Event::DataAccess => true,
        DataAccess::All => true,
        DataAccess::None => false,
        DataAccess::Refused => outcome == "refused",
    };
    if !is_wanted {
        return;
    }
    let decision = caller.map_or_else(
        || Decision::new(event, outcome),
        |caller| of_principal(event, outcome, caller),
    );
    let presented = failure.and_then(|failure| failure.client_id.as_deref());
    let decision = Decision {
        client_id: decision.client_id.or(presented),
        reason: failure.map(|failure| reason(&failure.cause)),
        status: Some(status),
        ..decision
    };
    record(state, context, &decision);
}

fn record(state: &AppState, context: &RequestContext, decision: &Decision<'_>) {
    let decision = Decision {
        client_address: Some(context.client_address),
        endpoint: Some(context.endpoint.as_str()),
        request_id: Some(context.request_id.as_str()),
        ..*decision
    };
    state.audit.record(state.clock.now(), &decision);
}

fn of_principal<'a>(event: Event, outcome: &'static str, principal: &'a Principal) -> Decision<'a> {
    Decision {
        client_id: Some(principal.client_id.as_str()),
        subject: Some(&principal.subject),
        organization: principal
            .organization
            .as_ref()
            .map(|organization| organization.id.as_str()),
        ..Decision::new(event, outcome)
    }
}

/// What is decided at an endpoint; nothing where everything is public.
fn event(endpoint: Endpoint) -> Option<Event> {
    match endpoint {
        Endpoint::Token => Some(Event::TokenRequest),
        Endpoint::Introspect => Some(Event::Introspection),
        Endpoint::Revoke => Some(Event::Revocation),
        Endpoint::Events
        | Endpoint::GetFootprint
        | Endpoint::ListFootprints
        | Endpoint::Tad
        | Endpoint::Verify(_) => Some(Event::DataAccess),
        Endpoint::Webhooks => Some(Event::Webhook),
        Endpoint::Discovery | Endpoint::Jwks | Endpoint::Unknown | Endpoint::UnknownAuth => None,
    }
}

/// A failure is a refusal unless it was let through, or could not be judged.
fn outcome(cause: &Cause) -> &'static str {
    match cause {
        Cause::FailuresThrottled { .. } => "held_back",
        Cause::Internal(_)
        | Cause::Overloaded
        | Cause::SourceUnavailable { .. }
        | Cause::StoreUnavailable(_)
        | Cause::TimedOut
        | Cause::VerifierUnavailable(_) => "unavailable",
        // Of a caller that was let in: what it asked for is not there, or not to be had like this.
        Cause::CursorInvalid
        | Cause::EventInvalid(_)
        | Cause::FilterMalformed(_)
        | Cause::FilterUnsupported(_)
        | Cause::FootprintNotFound
        | Cause::LimitInvalid
        | Cause::OffsetInvalid
        | Cause::QueryMalformed(_) => "accepted",
        _ => "refused",
    }
}

/// The finest word there is.
fn reason(cause: &Cause) -> &'static str {
    match cause {
        Cause::ClientRefused(reason) => reason.as_str(),
        Cause::ClientWithoutRole => "no_role",
        Cause::FailuresThrottled { budget, .. } => budget,
        Cause::TokenInvalid(reason) => reason,
        cause => cause.as_str(),
    }
}
