//! Which footprints a request asks for, as far as the requester may see them.

use bytes::Bytes;
use ileap_types::{
    datetime::DateTime, decimal::Decimal, filter::odata::FootprintFilter, query::QueryPairs,
};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    data::{DataSource, Question, SourceError},
    identity::Principal,
    store::{Page, PageQuery},
};

/// The most ids of one list that are looked for.
const LOOKED_FOR: usize = 100;
/// The most members and elements of a request: each is compared with every footprint that is looked at.
const ASKED: usize = 500;
/// How many footprints are read at a time.
const PAGE: usize = 100;
/// The most footprints that are looked at for one request.
const LOOKED_AT: usize = 10_000;
/// The most pages that are read for one: those of an upstream may hold nothing, and lead back to where they began.
const PAGES: usize = 200;
/// The most footprints of an answer.
const ANSWERED: usize = 1000;
/// The most bytes of the footprints of an answer: with its envelope it stays under what we take ourselves.
const ANSWERED_BYTES: usize = 1000 * 1024;

/// Every footprint.
const EVERY: FootprintFilter = FootprintFilter {
    comparisons: Vec::new(),
};

/// What a request leads to.
#[derive(Debug)]
pub(super) enum Answer {
    /// Footprints, as they are stored.
    Found(Vec<Box<RawValue>>),
    /// None: the code and the text for people.
    Rejected(&'static str, &'static str),
}

/// Looks for footprints that agree with `fragment` (PACT v2.3 `ProductFootprintFragment`).
pub(super) async fn evaluate(
    data: &dyn DataSource,
    requester: &Principal,
    fragment: &Map<String, Value>,
) -> Result<Answer, SourceError> {
    let filters = match filters(fragment) {
        Ok(filters) => filters,
        Err(message) => return Ok(Answer::Rejected("BadRequest", message)),
    };
    let mut search = Search::new(fragment);
    let is_whole = match search.follow_all(data, requester, &filters).await {
        // Then every footprint is looked at here.
        Err(SourceError::FilterUnsupported) => search.follow(data, requester, None).await,
        other => other,
    };
    Ok(match is_whole {
        Ok(true) if search.found.is_empty() => Answer::Rejected(
            "NoSuchFootprint",
            "No footprint you have access to matches the request.",
        ),
        Ok(true) => Answer::Found(search.found.into_iter().map(|(_, json)| json).collect()),
        Ok(false) => Answer::Rejected(
            "BadRequest",
            "The request asks for too many footprints at once; ask for fewer, or list them.",
        ),
        Err(SourceError::FilterUnsupported) => Answer::Rejected(
            "NotImplemented",
            "Requests cannot be answered here; list the footprints instead.",
        ),
        Err(error) => return Err(error),
    })
}

/// The lists to look through, narrowed by what lists can be narrowed by; none for the list of all. The error says
/// what to change.
pub(super) fn filters(fragment: &Map<String, Value>) -> Result<Vec<String>, &'static str> {
    if fragment.values().map(size).sum::<usize>() > ASKED {
        return Err("The request has more than 500 members and elements; ask for fewer.");
    }
    for member in ["productIds", "companyIds"] {
        let ids = texts(fragment.get(member));
        if ids.len() > LOOKED_FOR {
            return Err("The request has a list of more than 100 ids; send several requests.");
        }
        if !ids.is_empty() {
            let quoted = ids.iter().map(|id| id.replace('\'', "''"));
            return Ok(quoted
                .map(|id| format!("{member}/any(id:(id eq '{id}'))"))
                .collect());
        }
    }
    let cpc = fragment.get("productCategoryCpc").and_then(Value::as_str);
    if let Some(cpc) = cpc {
        let cpc = cpc.replace('\'', "''");
        return Ok(vec![format!("productCategoryCpc eq '{cpc}'")]);
    }
    if fragment.values().all(Value::is_null) {
        return Err("The request names no product; put at least one id into pf.productIds.");
    }
    Ok(Vec::new())
}

/// How many values there are in one.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

/// The texts of an array, or a text alone.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text],
        _ => Vec::new(),
    }
}

pub(super) struct Search<'a> {
    fragment: &'a Map<String, Value>,
    pub(super) found: Vec<(Value, Box<RawValue>)>,
    bytes: usize,
    looked_at: usize,
    pages: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(fragment: &'a Map<String, Value>) -> Self {
        Self {
            fragment,
            found: Vec::new(),
            bytes: 0,
            looked_at: 0,
            pages: 0,
        }
    }

    /// Adds what these lists have, or the list of all; `false` when that is too much.
    async fn follow_all(
        &mut self,
        data: &dyn DataSource,
        requester: &Principal,
        filters: &[String],
    ) -> Result<bool, SourceError> {
        if filters.is_empty() {
            return self.follow(data, requester, None).await;
        }
        for filter in filters {
            if !self.follow(data, requester, Some(filter.as_str())).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds what one list has; `false` when that is too much.
    async fn follow(
        &mut self,
        data: &dyn DataSource,
        requester: &Principal,
        filter: Option<&str>,
    ) -> Result<bool, SourceError> {
        let (filter, query) = match filter {
            Some(text) => {
                let Ok(filter) = FootprintFilter::parse(text) else {
                    return Ok(true);
                };
                let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                let query = QueryPairs::parse(Some(&format!("$filter={text}")));
                (filter, query.unwrap_or_default())
            }
            None => (EVERY, QueryPairs::default()),
        };
        let mut page = PageQuery {
            limit: PAGE,
            offset: 0,
            after: None,
        };
        loop {
            self.pages += 1;
            if self.pages > PAGES {
                return Ok(false);
            }
            let question = Question {
                filter: &filter,
                page: &page,
                query: &query,
            };
            let Page { objects, next } = data.footprints(requester, &question).await?;
            if !self.take(&objects) {
                return Ok(false);
            }
            match next {
                Some(position) => page.after = Some(position),
                None => return Ok(true),
            }
        }
    }

    pub(super) fn take(&mut self, objects: &Bytes) -> bool {
        let list = [b"[", objects.as_ref(), b"]"].concat();
        let list: Vec<Box<RawValue>> = serde_json::from_slice(&list).unwrap_or_default();
        for json in list {
            self.looked_at += 1;
            let Ok(Value::Object(footprint)) = serde_json::from_str(json.get()) else {
                continue;
            };
            let id = footprint.get("id").cloned().unwrap_or_default();
            let is_new = self.found.iter().all(|(known, _)| *known != id);
            if is_new && agrees(self.fragment, &footprint) {
                self.bytes += json.get().len();
                self.found.push((id, json));
            }
        }
        self.looked_at <= LOOKED_AT && self.found.len() <= ANSWERED && self.bytes <= ANSWERED_BYTES
    }
}

/// Whether every member that is asked for is there: texts without regard to case, lists with at least one
/// element in common, objects member by member.
pub(super) fn agrees(fragment: &Map<String, Value>, footprint: &Map<String, Value>) -> bool {
    let wanted = fragment.iter().filter(|(_, value)| !value.is_null());
    wanted.into_iter().all(|(name, wanted)| {
        footprint
            .get(name)
            .is_some_and(|value| value_agrees(wanted, value))
    })
}

fn value_agrees(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => agrees(wanted, value),
        (Value::Array(wanted), Value::Array(values)) => {
            let has = |wanted| values.iter().any(|value| value_agrees(wanted, value));
            wanted.is_empty() || wanted.iter().any(has)
        }
        (wanted, Value::Array(values)) => values.iter().any(|value| value_agrees(wanted, value)),
        (Value::String(wanted), Value::String(value)) => {
            wanted.eq_ignore_ascii_case(value) || means_the_same(wanted, value)
        }
        (Value::Number(wanted), Value::Number(value)) => {
            wanted == value || means_the_same(&wanted.to_string(), &value.to_string())
        }
        (wanted, value) => wanted == value,
    }
}

/// Whether both are the same decimal, or the same moment. Codes may begin with a zero and are none.
fn means_the_same(one: &str, other: &str) -> bool {
    // Most texts are ids, and every footprint's are compared.
    let begins_with_a_digit =
        |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if !begins_with_a_digit(one) || !begins_with_a_digit(other) {
        return false;
    }
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let is_code = matches!(digits, [b'0', b'0'..=b'9', ..]);
        text.parse::<Decimal>().ok().filter(|_| !is_code)
    };
    let moment = |text: &str| text.parse::<DateTime>().ok();
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        _ => moment(one).is_some_and(|one| moment(other) == Some(one)),
    }
}

#[cfg(test)]
mod tests;
