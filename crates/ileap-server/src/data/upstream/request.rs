//! What the service is asked, and for whom.

use std::sync::Arc;

use http::header;
use ileap_types::query::QueryPairs;
use reqwest::{RequestBuilder, Response};
use secrecy::ExposeSecret as _;

use super::{UpstreamOptions, judgement::Judge, unavailable};
use crate::{
    data::SourceError,
    identity::{Principal, headers},
    outbound::OutboundError,
};

/// A question about a list, with everything that answering it takes.
pub(super) struct Asked<'a> {
    pub(super) path: &'static str,
    pub(super) caller: Caller<'a>,
    /// The caller's own query.
    pub(super) query: &'a QueryPairs,
    pub(super) judge: Arc<Judge>,
}

impl Asked<'_> {
    /// The query of the first page: the caller's filters as they came, and how much we want.
    pub(super) fn first_query(&self, limit: usize) -> String {
        let filters = self.query.without(&["limit", "cursor", "offset"]);
        let separator = if filters.is_empty() { "" } else { "&" };
        format!("{filters}{separator}limit={limit}")
    }

    pub(super) fn list_url(&self, base: &str, query: &str) -> String {
        format!("{base}{}?{query}", self.path)
    }
}

/// Where the service has one object of a list.
pub(super) fn object_url(base: &str, path: &str, id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    // In a path a space is %20, not +, and a lone dot would be taken for a step.
    let id = id.replace('+', "%20").replace('.', "%2E");
    format!("{base}{path}/{id}")
}

/// For whom we ask.
pub(super) struct Caller<'a>(pub(super) &'a Principal);

impl Caller<'_> {
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        options: &UpstreamOptions,
    ) -> Result<Response, SourceError> {
        let mut request = request.header(header::ACCEPT, "application/json");
        if let Some(token) = &options.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let Self(principal) = self;
        let told = headers::of(principal)
            .ok_or_else(|| unavailable("the caller cannot be named in a header"))?;
        for (name, value) in told {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let response = request.send().await;
        response.map_err(|error| unavailable(OutboundError::from(error).as_str()))
    }
}
