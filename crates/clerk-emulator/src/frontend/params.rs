//! Parameters of query and form, and the version of the API they belong to.

use axum::http::{HeaderMap, header};

use super::Call;
use crate::{endpoint::Endpoint, errors::Refusal};

/// The dated versions that exist.
const VERSIONS: [&str; 6] = [
    "2021-02-05",
    "2024-10-01",
    "2025-03-12",
    "2025-04-10",
    "2025-11-10",
    NEWEST_VERSION,
];
const NEWEST_VERSION: &str = "2026-05-12";
const VERSION_HEADER: &str = "clerk-api-version";
const VERSION_PARAM: &str = "__clerk_api_version";
/// More than any call needs: filters of users can be repeated.
const MOST_PARAMS: usize = 1_000;

/// How long a page is unless another length is asked for, and at most.
const PAGE: usize = 10;
const LONGEST_PAGE: usize = 500;

/// Names and values, percent-decoded, in their order.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded).into_owned();
        Self(pairs.take(MOST_PARAMS).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter that may be left out but not be empty.
    pub(crate) fn filled(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.get(name) {
            Some("") => Err(Refusal::new("form_param_nil").param(name)),
            value => Ok(value.map(str::to_owned)),
        }
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<String, Refusal> {
        self.filled(name)?
            .ok_or_else(|| Refusal::new("form_param_missing").param(name))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The values of a parameter that can be repeated.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The part of a list that `limit` and `offset` ask for.
    pub(crate) fn page(&self) -> Result<Page, Refusal> {
        let limit = self.number("limit")?.unwrap_or(PAGE);
        let offset = self.number("offset")?.unwrap_or_default();
        if !(1..=LONGEST_PAGE).contains(&limit) {
            return Err(Refusal::new("form_param_value_invalid").param("limit"));
        }
        Ok(Page { limit, offset })
    }

    fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let number = self.get(name).map(str::parse).transpose();
        number.map_err(|_| Refusal::new("form_param_type_invalid").param(name))
    }

    fn repeated(&self) -> Option<&str> {
        let mut seen = std::collections::HashSet::new();
        self.names().find(|name| !seen.insert(*name))
    }
}

/// A part of a list.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    limit: usize,
    offset: usize,
}

impl Page {
    pub(crate) fn of<T>(self, list: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        list.skip(self.offset).take(self.limit)
    }
}

/// Either the header or the query pins a version; both, or one that does not exist, are refused.
pub(crate) fn check_version(headers: &HeaderMap, query: &Params) -> Result<(), Refusal> {
    match (headers.get(VERSION_HEADER), query.get(VERSION_PARAM)) {
        (Some(_), Some(_)) => Err(Refusal::new("bad_request")),
        (Some(version), None) if !VERSIONS.iter().any(|known| version == known) => {
            Err(Refusal::new("bad_request"))
        }
        (None, Some(version)) if !VERSIONS.contains(&version) => {
            Err(Refusal::new("invalid_query_parameter_value").param(VERSION_PARAM))
        }
        _ => Ok(()),
    }
}

/// The form, if the route takes one: its media type, then its parameters are checked.
pub(crate) fn form(call: &Call<'_>) -> Result<Params, Refusal> {
    let body = &call.incoming.body;
    if body.is_empty() {
        return Ok(Params::default());
    }
    if !is_form(&call.incoming.headers) {
        return Err(Refusal::new("unsupported_content_type"));
    }
    let form = Params::parse(body);
    if let Some(unknown) = form.names().find(|name| !is_known(call, name)) {
        return Err(Refusal::new("form_param_unknown").param(unknown));
    }
    if let Some(repeated) = form.repeated() {
        return Err(Refusal::new("form_param_duplicate").param(repeated));
    }
    Ok(form)
}

pub(super) fn is_known(call: &Call<'_>, name: &str) -> bool {
    let endpoint = call.incoming.endpoint;
    if endpoint == Endpoint::CreateSignIn && call.shared.options.two_step_only && name == "password"
    {
        return false;
    }
    let is_newest = call.query.get(VERSION_PARAM) == Some(NEWEST_VERSION)
        || call
            .incoming
            .headers
            .get(VERSION_HEADER)
            .is_some_and(|version| version == NEWEST_VERSION);
    if is_newest && endpoint.params_until_2026().contains(&name) {
        return false;
    }
    endpoint.params().contains(&name)
        || endpoint.own_params().contains(&name)
        || (is_newest && endpoint.params_of_2026().contains(&name))
}

fn is_form(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| {
        essence
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}
