//! What the service is asked, and for whom.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use ileap_types::query::QueryPairs;
use reqwest::{RequestBuilder, Response};
use secrecy::ExposeSecret as _;

use super::{UpstreamOptions, judgement::Judge, unavailable};
use crate::{
    data::SourceError,
    identity::{Principal, Role},
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
        for (name, value) in self.headers() {
            // Left out, it would say that there is none: without its organization a caller may get more.
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| unavailable("the caller cannot be named in a header"))?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let response = request.send().await;
        response.map_err(|error| unavailable(OutboundError::from(error).as_str()))
    }

    /// The caller, in the names that a proxy gets from forward authentication.
    fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let Self(principal) = self;
        let roles: Vec<&str> = principal
            .roles
            .iter()
            .map(|role| Role::as_str(*role))
            .collect();
        let organization = principal.organization.as_ref();
        let values = [
            ("x-ileap-subject", Some(principal.subject.clone())),
            (
                "x-ileap-client-id",
                Some(principal.client_id.as_str().to_owned()),
            ),
            (
                "x-ileap-organization",
                organization.map(|one| one.id.clone()),
            ),
            ("x-ileap-roles", Some(roles.join(" "))),
            ("x-ileap-scope", Some(principal.scopes.to_string())),
        ];
        let given = values.into_iter();
        given.filter_map(|(name, value)| Some((name, value?)))
    }
}
