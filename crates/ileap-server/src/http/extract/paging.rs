//! The query string of a list: `limit`, `cursor`, and the filter parameters beside them.

use http::Uri;
use ileap_types::{
    page::{self, Limit},
    query::{QueryError, QueryPairs},
};

use crate::{
    data::Question,
    http::{cursor, failure::Cause, state::AppState},
    store::{Page, PageQuery, Position},
};

/// The parameters of one list request.
#[derive(Debug)]
pub(crate) struct ListQuery {
    pairs: QueryPairs,
    /// Which page is wanted.
    pub(crate) page: PageQuery,
}

impl ListQuery {
    /// Parses the query of a request for the list at `path`.
    pub(crate) fn parse(state: &AppState, uri: &Uri, path: &'static str) -> Result<Self, Cause> {
        let pairs = QueryPairs::parse(uri.query()).map_err(Cause::from)?;
        let limit = Limit::parse(
            pairs.single("limit")?,
            state.edge.default_page,
            state.edge.max_page,
        )
        .map_err(|_| Cause::LimitInvalid)?;
        let offset = pairs.single("offset")?.map(parse_offset).transpose()?;
        let after = pairs
            .single("cursor")?
            .map(|text| cursor::open(state.store.cursor_key(), path, text))
            .transpose()?;
        Ok(Self {
            pairs,
            page: PageQuery {
                limit: limit.get() as usize,
                // A cursor says where to go on; the offset has had its effect before.
                offset: if after.is_some() {
                    0
                } else {
                    offset.unwrap_or(0)
                },
                after,
            },
        })
    }

    /// What is asked, given the filter that was read from these parameters.
    pub(crate) fn question<'a, F>(&'a self, filter: &'a F) -> Question<'a, F> {
        Question {
            filter,
            page: &self.page,
            query: &self.pairs,
        }
    }

    /// The value of a parameter that may appear once.
    pub(crate) fn single(&self, name: &str) -> Result<Option<&str>, Cause> {
        Ok(self.pairs.single(name)?)
    }

    /// Every parameter, decoded, in order.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        self.pairs.decoded()
    }

    /// The Link header for what comes after `page`: absolute, with every parameter of this request but
    /// the cursor and the offset (RFC 8288; PACT v2 pagination).
    pub(crate) fn next_link(
        &self,
        state: &AppState,
        path: &'static str,
        page: &Page,
    ) -> Option<String> {
        let next: &Position = page.next.as_ref()?;
        let cursor = cursor::seal(state.store.cursor_key(), path, next);
        let kept = self.pairs.without(&["cursor", "offset"]);
        let separator = if kept.is_empty() { "" } else { "&" };
        let base = &state.edge.public_base_url;
        Some(page::next_link(&format!(
            "{base}{path}?{kept}{separator}cursor={cursor}"
        )))
    }
}

/// An offset in decimal digits; one beyond any list is cut.
fn parse_offset(text: &str) -> Result<u32, Cause> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Cause::OffsetInvalid);
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

impl From<QueryError> for Cause {
    fn from(error: QueryError) -> Self {
        Self::QueryMalformed(error.to_string())
    }
}
