//! The query string of a list: `limit`, `cursor`, and the filter parameters beside them.

use http::Uri;
use ileap_types::{
    page::{self, Limit},
    query::{self, QueryError, QueryPairs},
};

use crate::{
    data::Question,
    http::{cursor, failure::Cause, state::AppState},
    store::{Page, PageQuery},
};

/// The most that an offset passes over: whoever goes on from where a page ends costs less the further it gets, and
/// whoever counts from the beginning costs more.
const OFFSET_LIMIT: u32 = 10_000;

/// The parameters of one list request.
#[derive(Debug)]
pub(crate) struct ListQuery {
    pairs: QueryPairs,
    /// Which page is wanted.
    pub(crate) page: PageQuery,
    /// The offset is greater than any is; right all the same where the list has ended before.
    is_too_far: bool,
}

impl ListQuery {
    /// Parses the query of a request for the list at `path`.
    pub(crate) fn parse(state: &AppState, uri: &Uri, path: &'static str) -> Result<Self, Cause> {
        let pairs = QueryPairs::parse(uri.query()).map_err(Cause::from)?;
        let live = state.live.load();
        let limit = Limit::parse(pairs.single("limit")?, live.default_page, live.max_page)
            .map_err(|_| Cause::LimitInvalid)?;
        let offset = pairs.single("offset")?.map(parse_offset).transpose()?;
        let after = pairs
            .single("cursor")?
            .map(|text| cursor::open(state.store.cursor_key(), path, text))
            .transpose()?;
        // A cursor says where to go on; the offset has had its effect before.
        let offset = match after {
            Some(_) => 0,
            None => offset.unwrap_or(0),
        };
        Ok(Self {
            pairs,
            page: PageQuery {
                limit: limit.get() as usize,
                offset: offset.min(OFFSET_LIMIT),
                after,
            },
            is_too_far: offset > OFFSET_LIMIT,
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
    /// the cursor and the offset (RFC 8288; PACT v2 pagination). An error where the page itself begins too far from
    /// the beginning.
    pub(crate) fn next_link(
        &self,
        state: &AppState,
        path: &'static str,
        page: &Page,
    ) -> Result<Option<String>, Cause> {
        if self.is_too_far && !page.objects.is_empty() {
            return Err(Cause::OffsetInvalid);
        }
        let Some(next) = &page.next else {
            return Ok(None);
        };
        let cursor = cursor::seal(state.store.cursor_key(), path, next);
        let target = next_target(&self.pairs, path, &cursor);
        let base = &state.edge.public_base_url;
        Ok(Some(page::next_link(&format!("{base}{target}"))))
    }
}

fn next_target(pairs: &QueryPairs, path: &str, cursor: &str) -> String {
    let kept = pairs.without(&query::PLACE);
    let separator = if kept.is_empty() { "" } else { "&" };
    format!("{path}?{kept}{separator}cursor={cursor}")
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        http::layers::URI_LIMIT_BYTES,
        store::{CursorKey, Position},
    };

    const KEY: CursorKey = CursorKey([7; 32]);
    const PATH: &str = "/2/footprints";
    /// What a base URL may put before it.
    const PREFIX: usize = 200;
    /// The longest position of any source: a link of the operator's service, with the place in it.
    const LONGEST_POSITION: usize = 2048 + 48;

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            "[!-~&&[^&%#]]{0,40}",
            ("(a|%41|\\+|\u{e9}|\"|<){0,4}", 0..30_usize)
                .prop_map(|(text, times)| text.repeat(times)),
            "(cursor|c%75rsor|offset|limit)=[0-9a-z]{0,90}",
            (4900..5200_usize).prop_map(|length| format!("x={}", "a".repeat(length))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_link_is_accepted_again(
            parts in prop::collection::vec(part(), 0..70),
            position in 0..LONGEST_POSITION,
        ) {
            let asked = parts.join("&");
            let Ok(pairs) = QueryPairs::parse(Some(&asked)) else {
                return Ok(());
            };
            let position = Position("p".repeat(position));
            let sealed = cursor::seal(&KEY, PATH, &position);
            let link = page::next_link(&next_target(&pairs, PATH, &sealed));
            let target = page::parse_next_link(&link).unwrap();
            prop_assert!(target.len() + PREFIX <= URI_LIMIT_BYTES, "{}", target.len());
            let query = target.split_once('?').map(|(_, query)| query);
            let again = QueryPairs::parse(query).unwrap();
            let cursor = again.single("cursor").unwrap().unwrap();
            prop_assert_eq!(cursor::open(&KEY, PATH, cursor).unwrap(), position);
            let kept = |pairs: &QueryPairs| {
                let all = pairs.decoded().iter();
                let kept = all.filter(|(name, _)| !query::PLACE.contains(&name.as_str()));
                kept.cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(kept(&again), kept(&pairs));
        }
    }

    #[test]
    fn the_longest_link_is_still_a_target() {
        let parts = [
            "limit=1".to_owned(),
            format!("x={}", "a".repeat(query::MAX_KEPT_BYTES - 11)),
        ];
        let pairs = QueryPairs::parse(Some(&parts.join("&"))).unwrap();
        let longest = "c".repeat(cursor::CURSOR_LIMIT);
        let target = next_target(&pairs, PATH, &longest);
        assert!(target.len() + PREFIX <= URI_LIMIT_BYTES, "{}", target.len());
        assert!(
            target.len() > URI_LIMIT_BYTES - 2 * PREFIX,
            "no room is wasted"
        );
        let sealed = cursor::seal(&KEY, PATH, &Position("p".repeat(LONGEST_POSITION)));
        assert!(sealed.len() <= cursor::CURSOR_LIMIT, "{}", sealed.len());
    }
}
