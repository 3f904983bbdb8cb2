//! `GET /2/ileap/tad` (iLEAP 1.0.0, transport activity data).

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use ileap_types::filter::tad::TadFilter;

use super::data_list;
use crate::http::{
    endpoint::Endpoint,
    extract::{bearer, paging::ListQuery},
    failure::{Cause, Failure},
    state::AppState,
};

/// The list's public path; links and cursors carry it.
const LIST: &str = "/2/ileap/tad";

/// One page of the transport activity data the caller may see.
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, Failure> {
    let principal = bearer::principal(&state, request.headers(), Endpoint::Tad)?;
    let query = ListQuery::parse(&state, request.uri(), LIST)?;
    let filter = TadFilter::parse(query.pairs()).map_err(Cause::from)?;
    let page = state
        .data
        .tads(&principal, &query.question(&filter))
        .await?;
    Ok(data_list(
        &page.objects,
        query.next_link(&state, LIST, &page)?,
    ))
}
