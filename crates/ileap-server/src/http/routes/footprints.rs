//! `GET /2/footprints` and `GET /2/footprints/{id}` (PACT v2 `ListFootprints` and `GetFootprint`).

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use ileap_types::filter::{FilterError, odata::FootprintFilter};

use super::{data_list, data_object};
use crate::http::{
    endpoint::Endpoint,
    extract::{bearer, paging::ListQuery},
    failure::{Cause, Failure},
    state::AppState,
};

/// The list's public path; links and cursors carry it.
const LIST: &str = "/2/footprints";

/// One page of the footprints the caller may see.
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, Failure> {
    let principal = bearer::principal(&state, request.headers(), Endpoint::ListFootprints)?;
    let query = ListQuery::parse(&state, request.uri(), LIST)?;
    refuse_other_options(&query)?;
    let filter = match query.single("$filter")? {
        Some(text) => FootprintFilter::parse(text).map_err(Cause::from)?,
        None => FootprintFilter {
            comparisons: Vec::new(),
        },
    };
    let page = state
        .data
        .footprints(&principal, &query.question(&filter))
        .await?;
    Ok(data_list(
        &page.objects,
        query.next_link(&state, LIST, &page)?,
    ))
}

/// Query options of `OData` that change which footprints are meant are refused: without them, the answer would be one
/// to another question. Names without `$` are nobody's, and passed over.
fn refuse_other_options(query: &ListQuery) -> Result<(), Cause> {
    let mut names = query.pairs().iter().map(|(name, _)| name.as_str());
    match names.find(|name| name.starts_with('$') && *name != "$filter") {
        None => Ok(()),
        Some(name) => Err(FilterError::unsupported_option(name).into()),
    }
}

/// The latest version of one footprint. Any id that names none the caller may see is simply not found.
pub(crate) async fn one(
    State(state): State<Arc<AppState>>,
    id: Result<Path<String>, axum::extract::rejection::PathRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let principal = bearer::principal(&state, request.headers(), Endpoint::GetFootprint)?;
    // An id that is not even UTF-8 names nothing.
    let Path(id) = id.map_err(|_| Cause::FootprintNotFound)?;
    match state.data.footprint(&principal, &id).await? {
        Some(footprint) => Ok(data_object(&footprint)),
        None => Err(Cause::FootprintNotFound.into()),
    }
}

impl From<FilterError> for Cause {
    fn from(error: FilterError) -> Self {
        match error {
            FilterError::BadRequest(what) => Self::FilterMalformed(what),
            FilterError::NotImplemented(what) => Self::FilterUnsupported(what),
        }
    }
}
