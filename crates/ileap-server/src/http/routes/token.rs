//! `POST /auth/token`: the client credentials grant (RFC 6749 §4.4).

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use ileap_types::oauth2::{AccessToken, TokenResponse};

use crate::{
    http::{
        client_authentication::authenticate,
        extract::token_request::TokenRequest,
        failure::{Cause, Failure},
        layers::RequestContext,
        record,
        state::AppState,
    },
    identity::Principal,
    token::{IssueError, IssuedToken},
};

/// Verifications of one request, as long as webhooks overtake them.
const TRIES: u8 = 2;

/// Checks the client's credentials and issues an access token.
pub(crate) async fn issue(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, Failure> {
    let request = TokenRequest::read(request).await?;
    let presented = request.form.credentials.raw.client_id.as_str();
    let of_client = |cause: Cause| Failure::from(cause).of_client(presented);
    let mut tries = 1..=TRIES;
    loop {
        tries.next();
        let since = state.issuer.mark();
        let verified = authenticate(&state, &context, &request.form).await?;
        let live = state.live.load_full();
        let principal = live
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

fn log_issued(principal: &Principal, context: &RequestContext) {
    tracing::info!(
        client.id = ?principal.client_id.as_str(),
        client.address = %context.client_address,
        subject = principal.subject,
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
