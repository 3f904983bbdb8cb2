//! What a list is asked for.

use std::num::NonZeroU32;

use url::Url;

/// The parameters of a list: a filter, and how many items a page may have.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Query {
    pairs: Vec<(String, String)>,
    limit: Option<NonZeroU32>,
}

impl Query {
    /// Everything, in pages as the host likes them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Footprints that a `$filter` expression covers (PACT v2.3 "Filtering", a subset of `OData` v4).
    #[must_use]
    pub fn filter(self, expression: &str) -> Self {
        self.matching("$filter", expression)
    }

    /// Activity data whose field has the value (iLEAP 1.0.0, TAD filters). Names may repeat.
    #[must_use]
    pub fn matching(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// At most this many items a page; the host may send fewer.
    #[must_use]
    pub fn page_size(mut self, limit: NonZeroU32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether the answer may be incomplete at first (PACT: 202 is allowed only beside a filter).
    pub(crate) fn is_filtered(&self) -> bool {
        !self.pairs.is_empty()
    }

    pub(crate) fn write(&self, url: &mut Url) {
        if self.pairs.is_empty() && self.limit.is_none() {
            return;
        }
        // `$filter` is sent as hosts that do not decode names want it; values are form-encoded, `+` as %2B.
        let mut query = String::new();
        let limit = self
            .limit
            .map(|limit| ("limit".to_owned(), limit.to_string()));
        for (name, value) in self.pairs.iter().chain(limit.as_ref()) {
            if !query.is_empty() {
                query.push('&');
            }
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            query.push_str(&name.replace("%24", "$"));
            query.push('=');
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            // A space as %20: `+` is not read as a space by everyone.
            query.push_str(&value.replace('+', "%20"));
        }
        url.set_query(Some(&query));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(query: &Query) -> String {
        let mut url = Url::parse("https://h/2/footprints").unwrap();
        query.write(&mut url);
        url.into()
    }

    #[test]
    fn a_filter_survives_hosts_that_do_not_decode_names_or_pluses() {
        let query = Query::new()
            .filter("created ge '2024-01-01T00:00:00+01:00' and productCategoryCpc eq '83117'")
            .page_size(NonZeroU32::new(10).unwrap());
        assert_eq!(
            written(&query),
            "https://h/2/footprints?$filter=created%20ge%20%272024-01-01T00%3A00%3A00%2B01%3A00%27%20and%20\
             productCategoryCpc%20eq%20%2783117%27&limit=10"
        );
    }

    #[test]
    fn without_parameters_there_is_no_question_mark() {
        assert_eq!(written(&Query::new()), "https://h/2/footprints");
    }
}
