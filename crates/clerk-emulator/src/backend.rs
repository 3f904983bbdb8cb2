//! The Backend API: the caller holds the secret key. Its routes are those of [`Endpoint`](crate::Endpoint)
//! that start with `Backend`.

use axum::http::{HeaderMap, header};

use crate::{errors::Refusal, state::Shared};

/// Who may call: whoever presents the secret key as a bearer token (RFC 6750 §2.1).
pub(crate) fn check(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Err(Refusal::new("could_not_authenticate_request"));
    };
    let authorization = authorization.to_str().unwrap_or_default();
    let key = authorization
        .strip_prefix("Bearer ")
        .ok_or_else(|| Refusal::new("authorization_header_format_invalid"))?;
    if key != shared.secret_key {
        return Err(Refusal::new("clerk_key_invalid"));
    }
    Ok(())
}
