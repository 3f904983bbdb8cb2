//! `POST /webhooks/clerk`: what Clerk tells about users and organizations.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
};
use http::StatusCode;

use crate::{
    clerk::webhook::{News, Webhook},
    http::{
        extract::body,
        failure::{Cause, Failure},
        layers::RequestContext,
        record,
        state::AppState,
    },
    store::StoreError,
    telemetry::WebhookOutcome,
};

/// The largest webhook taken.
const WEBHOOK_LIMIT_BYTES: usize = 256 * 1024;

/// 204 once it has taken effect everywhere; the same webhook again changes nothing. Anything else makes the
/// sender try again later.
pub(crate) async fn clerk(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<StatusCode, Failure> {
    let Some(key) = &state.webhook_key else {
        return Err(Cause::PathUnknown.into());
    };
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, WEBHOOK_LIMIT_BYTES).await?;
    let now = state.clock.now();
    let webhook = key
        .open(&parts.headers, &body, now)
        .inspect_err(|_| state.metrics.webhook(WebhookOutcome::Refused))
        .map_err(Cause::WebhookRefused)?;
    let outcome = match &webhook.news {
        News::Irrelevant => WebhookOutcome::Ignored,
        News::Nameless => {
            tracing::warn!(
                webhook.id = ?webhook.id,
                "a webhook of a known type does not say whom it is about, or in another form than known"
            );
            WebhookOutcome::Ignored
        }
        News::Invalidates(_) if is_no_news(&state, &webhook).await? => WebhookOutcome::Ignored,
        News::Invalidates(_) if state.store.knows_webhook(&webhook.id).await? => {
            WebhookOutcome::Repeated
        }
        News::Invalidates(invalidation) => {
            state.invalidations.publish(invalidation).await?;
            // In this order: whatever breaks off in between is done once more.
            let about = webhook.news.subject().map(|name| (name, webhook.likeness));
            state.store.record_webhook(&webhook.id, about, now).await?;
            record::cut_off(&state, &context, invalidation);
            tracing::info!(
                webhook.id = ?webhook.id,
                invalidated = ?invalidation,
                "Clerk told of a change: what was remembered is dropped, tokens are cut off"
            );
            WebhookOutcome::Applied
        }
    };
    state.metrics.webhook(outcome);
    Ok(StatusCode::NO_CONTENT)
}

/// Whether it tells of a user that has not changed since the last one that took effect, in any instance.
async fn is_no_news(state: &AppState, webhook: &Webhook) -> Result<bool, StoreError> {
    match (webhook.news.subject(), webhook.likeness) {
        (Some(subject), Some(likeness)) => {
            Ok(state.store.likeness(subject).await? == Some(likeness))
        }
        _ => Ok(false),
    }
}
