//! `POST /auth/introspect` (RFC 7662) and `POST /auth/revoke` (RFC 7009): what becomes of a token that was issued.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::json;
use crate::{
    http::{
        client_authentication::authenticate,
        extract::client_form::ClientForm,
        failure::{Cause, Failure},
        layers::RequestContext,
        record,
        state::AppState,
    },
    store::tokens::Revocation,
    telemetry::RevocationOutcome,
    token::{RevokedToken, UnverifiedToken, VerifiedToken},
    verify::VerifiedClient,
};

/// The parameters that are read besides those of the credentials. There is one type of token here, so that the hint is
/// of no use, and an unknown one no mistake (RFC 7009 §2.1, RFC 7662 §2.1).
const PARAMETERS: [&str; 2] = ["token", "token_type_hint"];

/// Says what a token stands for, to those it concerns; to others, and of any other text, that it is not active and
/// nothing more (RFC 7662 §2.2).
pub(crate) async fn introspect(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, Failure> {
    let (caller, token) = ask(&state, &context, request).await?;
    state.metrics.introspected(token.is_some());
    record::answered(&state, &context, &caller.client_id, token.as_deref());
    let body = match &token {
        Some(token) => serde_json::to_vec(&Introspection::of(token, &state)),
        None => Ok(br#"{"active":false}"#.to_vec()),
    };
    let body = body.map_err(|error| Cause::Internal(error.to_string()))?;
    Ok(json(body.into()))
}

/// Revokes a token for those it concerns, to whom 200 says that it does not count any longer, on any instance. Any other
/// text is answered likewise (RFC 7009 §2.2), and so is somebody else's token, which is left as it is: the refusal of
/// §2.1 would tell whoever came by it that it counts.
pub(crate) async fn revoke(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Result<Response, Failure> {
    let (caller, token) = ask(&state, &context, request).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let Some(revoked) = token.as_deref().map(RevokedToken::from) else {
        state.metrics.revoked(RevocationOutcome::NothingToDo);
        record::answered(&state, &context, &caller.client_id, None);
        return Ok((StatusCode::OK, no_store).into_response());
    };
    let revocation = state.invalidations.revoke(&revoked).await;
    let revocation =
        revocation.map_err(|error| Failure::from(error).of_client(caller.client_id.as_str()))?;
    state.metrics.revoked(match revocation {
        Revocation::OfSubject(_) => RevocationOutcome::Subject,
        Revocation::OfToken => RevocationOutcome::Token,
    });
    tracing::info!(
        client.id = ?caller.client_id.as_str(),
        client.address = %context.client_address,
        request.id = %context.request_id,
        subject = revoked.subject,
        token.id = revoked.id,
        is_whole_subject = matches!(revocation, Revocation::OfSubject(_)),
        "token revoked"
    );
    let change = revocation.change(&revoked.id);
    let what = (revoked.subject.as_str(), change.as_str());
    record::revoked(&state, &context, &caller.client_id, what);
    // Whoever has this answer and logs in again must not get the same token from an instance that has not heard yet.
    state.invalidations.told_to_all().await;
    Ok((StatusCode::OK, no_store).into_response())
}

/// The caller, and the token it asks about where that is good and concerns the caller: its own, or anybody's for a
/// resource server.
async fn ask(
    state: &AppState,
    context: &RequestContext,
    request: Request,
) -> Result<(VerifiedClient, Option<Arc<VerifiedToken>>), Failure> {
    let form = ClientForm::read(request, &PARAMETERS).await?;
    let token = form.get("token").ok_or(Cause::ParameterMissing("token"))?;
    let caller = authenticate(state, context, &form).await?;
    let examined = state.validator.examine(UnverifiedToken::new(token)).ok();
    let is_resource_server = state.live.load().admission.is_resource_server(&caller);
    let token =
        examined.filter(|token| is_resource_server || token.principal.subject == caller.subject);
    Ok((caller, token))
}

/// RFC 7662 §2.2, with the claims of our own tokens.
#[derive(Serialize)]
struct Introspection<'a> {
    active: bool,
    scope: String,
    client_id: &'a str,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    nbf: i64,
    sub: &'a str,
    aud: &'a str,
    iss: &'a str,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_slug: Option<&'a str>,
    roles: BTreeSet<&'static str>,
}

impl<'a> Introspection<'a> {
    fn of(token: &'a VerifiedToken, state: &'a AppState) -> Self {
        let principal = &*token.principal;
        let organization = principal.organization.as_ref();
        Self {
            active: true,
            scope: principal.scopes.to_string(),
            client_id: principal.client_id.as_str(),
            token_type: "Bearer",
            exp: token.expires_at,
            iat: token.issued_at,
            nbf: token.not_before,
            sub: &principal.subject,
            aud: state.validator.audience(),
            iss: state.validator.issuer(),
            jti: &token.id,
            org_id: organization.map(|organization| organization.id.as_str()),
            org_slug: organization.and_then(|organization| organization.slug.as_deref()),
            roles: principal.roles.iter().map(|role| role.as_str()).collect(),
        }
    }
}
