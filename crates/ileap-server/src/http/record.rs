//! What of requests and answers goes on record in the audit trail.

use super::{
    caller::Caller,
    endpoint::Endpoint,
    failure::{Cause, Failure},
    layers::RequestContext,
    state::AppState,
};
use crate::{
    audit::{DataAccess, Decision, Event},
    identity::{ClientId, Principal},
    store::logins::Invalidation,
    token::VerifiedToken,
};

/// What is counted and recorded where nobody waits for the answer any more; nginx's name for it is known to operators.
pub(crate) const STATUS_GONE: u16 = 499;
/// Why.
pub(crate) const CLIENT_GONE: &str = "client_gone";

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

/// A question about a token that was answered, and changed nothing. Where the token stands for nothing, or for nothing
/// that concerns the caller, that may be somebody who has found it; answers to resource servers are as many as requests.
pub(crate) fn answered(
    state: &AppState,
    context: &RequestContext,
    caller: &ClientId,
    token: Option<&VerifiedToken>,
) {
    let Some(event) = event(context.endpoint) else {
        return;
    };
    if token.is_some() && state.audit.data_access() != DataAccess::All {
        return;
    }
    let decision = Decision {
        client_id: Some(caller.as_str()),
        reason: token.is_none().then_some("inactive"),
        status: Some(200),
        subject: token.map(|token| token.principal.subject.as_str()),
        ..Decision::new(event, "accepted")
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

/// Whether a request is worked on to its end though its client hang up: where that costs something elsewhere or changes
/// something here, and a guess would be off the record otherwise.
pub(crate) fn is_binding(endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Events
        | Endpoint::Introspect
        | Endpoint::Revoke
        | Endpoint::Token
        | Endpoint::Webhooks => true,
        Endpoint::Discovery
        | Endpoint::GetFootprint
        | Endpoint::Jwks
        | Endpoint::ListFootprints
        | Endpoint::Tad
        | Endpoint::Unknown
        | Endpoint::UnknownAuth
        | Endpoint::Verify(_) => false,
    }
}

/// A request that has not ended yet. However it ends, what it decides is on record: dropped, it was given up because the
/// client is gone.
pub(crate) struct Undecided<'a> {
    caller: Option<Caller>,
    context: &'a RequestContext,
    is_over: bool,
    state: &'a AppState,
}

impl<'a> Undecided<'a> {
    /// It begins.
    pub(crate) fn new(state: &'a AppState, context: &'a RequestContext) -> Self {
        let wants_caller = state.audit.data_access() != DataAccess::None
            && event(context.endpoint) == Some(Event::DataAccess);
        Self {
            caller: wants_caller.then(Caller::default),
            context,
            is_over: false,
            state,
        }
    }

    /// Runs `work`, and keeps who is found to be calling, where anybody wants to know.
    pub(crate) async fn heeding<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.caller {
            Some(caller) => caller.of(work).await,
            None => work.await,
        }
    }

    /// It has ended, with this status.
    pub(crate) fn ended(mut self, status: u16, failure: Option<&Failure>) {
        self.is_over = true;
        let Some(event) = event(self.context.endpoint) else {
            return;
        };
        let outcome = match failure {
            Some(failure) => outcome(&failure.cause),
            // Issuing and revoking a token, answers about one, and a webhook's effect are on record where they happen; a
            // wrong method is no decision.
            None if event == Event::DataAccess && status < 400 => "accepted",
            None => return,
        };
        let presented = failure.and_then(|failure| failure.client_id.as_deref());
        let decision = Decision {
            client_id: presented,
            reason: failure.map(|failure| reason(&failure.cause)),
            status: Some(status),
            ..Decision::new(event, outcome)
        };
        self.record(decision);
    }

    fn record(&self, decision: Decision<'_>) {
        let is_wanted = match self.state.audit.data_access() {
            _ if decision.event != Event::DataAccess => true,
            DataAccess::All => true,
            DataAccess::None => false,
            DataAccess::Refused => decision.outcome == "refused",
        };
        if !is_wanted {
            return;
        }
        let caller = self.caller.as_ref().and_then(Caller::known);
        let decision = caller.map_or(decision, |caller| Decision {
            reason: decision.reason,
            status: decision.status,
            ..of_principal(decision.event, decision.outcome, caller)
        });
        record(self.state, self.context, &decision);
    }
}

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let Some(event) = event(self.context.endpoint) else {
            return;
        };
        // Whose token counts was let in, and did not wait for what it asked for.
        let is_known = self.caller.as_ref().and_then(Caller::known).is_some();
        let outcome = if is_known { "accepted" } else { "unavailable" };
        self.record(Decision {
            reason: Some(CLIENT_GONE),
            status: Some(STATUS_GONE),
            ..Decision::new(event, outcome)
        });
    }
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
        | Cause::SignerMissing
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
