//! `GET /auth/verify`: forward authentication, for proxies in front of other services.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::header;

use super::NO_STORE;
use crate::{
    http::{
        extract::bearer,
        failure::{Cause, Failure},
        layers::RequestContext,
        state::AppState,
    },
    identity::headers,
};

/// Room for all headers of the answer, those of the layers and of the connection included.
const ANSWER_HEADERS: usize = 12;

/// 200 with who is calling, for the proxy to pass on; nothing that the request says of itself but its token counts.
pub(crate) async fn verify(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, Failure> {
    let context = request.extensions().get::<RequestContext>();
    let context = context.ok_or_else(|| Cause::Internal("a request without context".to_owned()))?;
    let principal = bearer::principal(&state, request.headers(), context.endpoint)?;
    let mut response = Response::default();
    let answer = response.headers_mut();
    answer.reserve(ANSWER_HEADERS);
    let told = headers::of(&principal)
        .ok_or_else(|| Cause::Internal("a caller that cannot be written".to_owned()))?;
    answer.insert(header::CACHE_CONTROL, NO_STORE);
    answer.extend(told);
    Ok(response)
}
