//! `POST /auth/token`: the client credentials grant (RFC 6749 §4.4).

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use ileap_types::oauth2::{AccessToken, TokenResponse};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::{
    http::{
        extract::{body, media_type::media_type, token_request::TokenRequest},
        failure::{Cause, Failure},
        layers::RequestContext,
        record,
        state::AppState,
    },
    identity::Principal,
    telemetry::{VerifyOutcome, traces},
    token::{IssueError, IssuedToken},
    verify::{Verdict, VerifiedClient, VerifyError, encodings::verify_presented},
};

/// The largest token request taken.
const FORM_LIMIT_BYTES: usize = 8 * 1024;
/// Verifications of one request, as long as webhooks overtake them.
const TRIES: u8 = 2;
const FORM: &str = "application/x-www-form-urlencoded";

/// Checks the client's credentials and issues an access token.
pub(crate) async fn issue(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    if media_type(&parts.headers).as_deref() != Some(FORM) {
        return Err(Cause::MediaTypeUnsupported(FORM).into());
    }
    let form = body::read(&parts.headers, body, FORM_LIMIT_BYTES).await?;
    // A caller that sends its body late gains nothing by it.
    let read_at = Instant::now();
    let request = TokenRequest::parse(&parts.headers, &form)?;
    let presented = request.credentials.raw.client_id.as_str();
    let of_client = |cause: Cause| Failure::from(cause).of_client(presented);
    let mut tries = 1..=TRIES;
    loop {
        tries.next();
        let since = state.issuer.mark();
        let verified = match verify(&state, &context, &request).await {
            Ok(verified) => verified,
            Err(cause) => {
                hold_back(state.edge.refusal_floor, read_at, &cause).await;
                return Err(of_client(cause));
            }
        };
        let principal = state
            .admission
            .admit(verified, request.scopes.clone())
            .ok_or_else(|| of_client(Cause::ClientWithoutRole))?;
        match state.issuer.issue(&principal, since).await {
            Ok(issued) => {
                log_issued(&principal, &context);
                record::issued(&state, &context, &principal);
                return Ok(answer(&issued));
            }
            // What was found has been forgotten meanwhile: the next verification asks afresh.
            Err(IssueError::Overtaken) if !tries.is_empty() => {}
            Err(error) => return Err(of_client(error.into())),
        }
    }
}

async fn verify(
    state: &AppState,
    context: &RequestContext,
    request: &TokenRequest,
) -> Result<VerifiedClient, Cause> {
    let began = state.clock.monotonic();
    let span = traces::verification(state.verifier.kind());
    let verdict = verify_presented(
        &*state.verifier,
        &request.credentials,
        context.client_address,
        &state.encodings,
    )
    .instrument(span.clone())
    .await;
    let outcome = match &verdict {
        Ok(Verdict::Accept(_)) => VerifyOutcome::Accepted,
        Ok(Verdict::Reject(_)) => VerifyOutcome::Refused,
        Err(VerifyError::OverBudget { .. }) => VerifyOutcome::HeldBack,
        Err(_) => VerifyOutcome::Unavailable,
    };
    traces::verified(&span, outcome);
    let elapsed = state.clock.monotonic().saturating_duration_since(began);
    state
        .metrics
        .verified(state.verifier.kind(), outcome, elapsed);
    match verdict? {
        Verdict::Accept(verified) => Ok(verified),
        Verdict::Reject(reason) => Err(Cause::ClientRefused(reason)),
    }
}

/// Keeps a refusal until a whole number of floors has passed since the request was there, so that how long
/// it took says nothing about the account: what takes longer than one floor is not told apart by a little more
/// or less. The jitter comes on top.
async fn hold_back(floor: Duration, read_at: Instant, cause: &Cause) {
    if !matches!(cause, Cause::ClientRefused(_)) || floor.is_zero() {
        return;
    }
    let floors = read_at.elapsed().as_nanos() / floor.as_nanos() + 1;
    let floors = u32::try_from(floors).unwrap_or(u32::MAX);
    let mut random = [0_u8; 1];
    let jitter = match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => floor.mul_f32(f32::from(random[0]) / 1024.0),
        Err(_) => Duration::ZERO,
    };
    tokio::time::sleep_until(read_at + floor.saturating_mul(floors) + jitter).await;
}

fn log_issued(principal: &Principal, context: &RequestContext) {
    tracing::info!(
        client.id = ?principal.client_id.as_str(),
        client.address = %context.client_address,
        organization.id = principal.organization.as_ref().map(|organization| organization.id.as_str()),
        request.id = %context.request_id,
        "token issued"
    );
}

/// RFC 6749 §5.1: never stored by caches, `expires_in` the true rest of the token's life.
fn answer(issued: &IssuedToken) -> Response {
    let body = TokenResponse {
        access_token: AccessToken::new(issued.access_token.expose().to_owned()),
        token_type: "Bearer".to_owned(),
        expires_in: Some(issued.expires_in.as_secs()),
        scope: Some(issued.scopes.to_string()),
    };
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (headers, Json(body)).into_response()
}
