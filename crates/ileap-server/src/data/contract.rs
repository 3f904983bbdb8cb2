//! What every data source promises, wherever its answers come from.

use std::collections::BTreeSet;

use bytes::Bytes;
use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    query::QueryPairs,
};
use serde_json::Value;

use super::{DataSource, Question, SourceError};
use crate::{
    identity::{ClientId, Principal, Role, Scopes},
    import::{SAMPLE_FOOTPRINTS, SAMPLE_TADS},
    store::{Page, PageQuery, Position, StoreError},
};

/// The caller of every case, in one role.
pub(super) fn caller(role: Role) -> Principal {
    Principal {
        subject: "clerk|user_contract".to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: None,
        roles: BTreeSet::from([role]),
        scopes: Scopes::all(),
    }
}

/// Runs every case on a source of the sample data, which [`caller`] may see all of.
pub(super) async fn run(source: &dyn DataSource) {
    pages_neither_repeat_nor_skip(source).await;
    an_offset_passes_over_what_comes_first(source).await;
    filters_agree_with_the_reference(source).await;
    roles_bound_the_kinds(source).await;
    one_footprint_is_found_by_its_id_alone(source).await;
    a_position_of_another_maker_is_refused(source).await;
}

fn samples(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn ids(objects: &[Value]) -> BTreeSet<String> {
    let id = |object: &Value| object.get("id").or(object.get("activityId")).cloned();
    let ids = objects
        .iter()
        .map(|object| id(object).unwrap().as_str().unwrap().to_owned());
    ids.collect()
}

fn objects(objects: &Bytes) -> Vec<Value> {
    serde_json::from_str(&format!("[{}]", std::str::from_utf8(objects).unwrap())).unwrap()
}

/// A query string for this filter, as a client writes it.
fn query_of(name: &str, value: &str) -> QueryPairs {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    QueryPairs::parse(Some(&query)).unwrap()
}

/// Every object of a list, in the pages of `limit`.
async fn walk<F>(
    query: &QueryPairs,
    filter: &F,
    limit: usize,
    ask: impl AsyncFn(Question<'_, F>) -> Result<Page, SourceError>,
) -> Vec<Value> {
    let mut all = Vec::new();
    let mut page = PageQuery {
        offset: 0,
        limit,
        after: None,
    };
    loop {
        let question = Question {
            filter,
            page: &page,
            query,
        };
        let answer = ask(question).await.unwrap();
        let found = objects(&answer.objects);
        assert!(found.len() <= limit);
        all.extend(found);
        assert!(all.len() < 100, "a list that never ends");
        let Some(next) = answer.next else { return all };
        page.after = Some(next);
    }
}

async fn footprints(
    source: &dyn DataSource,
    role: Role,
    text: Option<&str>,
    limit: usize,
) -> Vec<Value> {
    let (filter, query) = match text {
        Some(text) => (
            FootprintFilter::parse(text).unwrap(),
            query_of("$filter", text),
        ),
        None => (
            FootprintFilter {
                comparisons: Vec::new(),
            },
            QueryPairs::parse(None).unwrap(),
        ),
    };
    let caller = caller(role);
    walk(&query, &filter, limit, async |question| {
        source.footprints(&caller, &question).await
    })
    .await
}

async fn tads(source: &dyn DataSource, name: &str, value: &str, limit: usize) -> Vec<Value> {
    let query = query_of(name, value);
    let filter = TadFilter::parse(query.decoded()).unwrap();
    let caller = caller(Role::User);
    walk(&query, &filter, limit, async |question| {
        source.tads(&caller, &question).await
    })
    .await
}

async fn pages_neither_repeat_nor_skip(source: &dyn DataSource) {
    let (all_footprints, all_tads) = (samples(SAMPLE_FOOTPRINTS), samples(SAMPLE_TADS));
    for limit in [1, 2, 3, 50] {
        let found = footprints(source, Role::All, None, limit).await;
        assert_eq!(found.len(), all_footprints.len(), "pages of {limit}");
        assert_eq!(ids(&found), ids(&all_footprints), "pages of {limit}");
        let found = tads(source, "limit", "7", limit).await;
        assert_eq!(found.len(), all_tads.len(), "pages of {limit}");
        assert_eq!(ids(&found), ids(&all_tads), "pages of {limit}");
    }
}

async fn an_offset_passes_over_what_comes_first(source: &dyn DataSource) {
    let all = tads(source, "limit", "7", 50).await;
    let query = QueryPairs::parse(None).unwrap();
    for offset in [0, 1, 3, 9, 10, 11, u32::MAX] {
        let mut page = PageQuery {
            offset,
            limit: 2,
            after: None,
        };
        let mut found = Vec::new();
        loop {
            let question = Question {
                filter: &TadFilter::default(),
                page: &page,
                query: &query,
            };
            let answer = source.tads(&caller(Role::User), &question).await.unwrap();
            found.extend(objects(&answer.objects));
            page.offset = 0;
            let Some(next) = answer.next else { break };
            page.after = Some(next);
        }
        let rest = all.get(usize::try_from(offset).unwrap()..);
        assert!(found == rest.unwrap_or_default(), "offset {offset}");
    }
}

async fn filters_agree_with_the_reference(source: &dyn DataSource) {
    for text in [
        "productCategoryCpc eq '83117'",
        "productCategoryCpc ne '83117'",
        "created ge '2023-01-01T00:00:00Z'",
        "created lt '2023-01-01T00:00:00Z' and productCategoryCpc eq '83117'",
        "pcf/geographyCountry eq 'FR'",
        "companyIds/any(c:(c eq 'urn:nobody'))",
    ] {
        let filter = FootprintFilter::parse(text).unwrap();
        let mut expected = samples(SAMPLE_FOOTPRINTS);
        expected.retain(|footprint| filter.matches(footprint));
        for limit in [1, 50] {
            let found = footprints(source, Role::All, Some(text), limit).await;
            assert_eq!(ids(&found), ids(&expected), "{text}, pages of {limit}");
        }
    }
    for (name, value) in [("mode", "road"), ("feedstock", "Fossil"), ("mass", "abc")] {
        let filter = TadFilter::parse(&[(name.to_owned(), value.to_owned())]).unwrap();
        let mut expected = samples(SAMPLE_TADS);
        expected.retain(|tad| filter.matches(tad));
        let found = tads(source, name, value, 2).await;
        assert_eq!(ids(&found), ids(&expected), "{name}={value}");
    }
}

async fn roles_bound_the_kinds(source: &dyn DataSource) {
    let schemas = |footprints: Vec<Value>| {
        let schema = |footprint: Value| footprint["extensions"][0]["dataSchema"].to_string();
        footprints.into_iter().map(schema).collect::<Vec<_>>()
    };
    let seen = schemas(footprints(source, Role::Organizer, None, 3).await);
    assert!(!seen.is_empty());
    for schema in seen {
        assert!(
            schema.contains("toc.json") || schema.contains("hoc.json"),
            "{schema}"
        );
    }
    for role in [Role::User, Role::Operator] {
        let seen = schemas(footprints(source, role, None, 3).await);
        assert!(!seen.is_empty());
        assert!(!seen.contains(&"null".to_owned()), "{role:?}");
    }
    let generic = samples(SAMPLE_FOOTPRINTS)
        .into_iter()
        .find(|footprint| footprint.get("extensions").is_none())
        .unwrap();
    let id = generic["id"].as_str().unwrap();
    for role in [Role::User, Role::Organizer, Role::Operator] {
        let answer = source.footprint(&caller(role), id).await.unwrap();
        assert_eq!(answer, None, "{role:?}");
    }
}

async fn one_footprint_is_found_by_its_id_alone(source: &dyn DataSource) {
    for footprint in samples(SAMPLE_FOOTPRINTS) {
        let id = footprint["id"].as_str().unwrap();
        for id in [id.to_owned(), id.to_ascii_uppercase()] {
            let found = source.footprint(&caller(Role::All), &id).await.unwrap();
            let found: Value = serde_json::from_slice(&found.unwrap()).unwrap();
            assert_eq!(found, footprint);
        }
    }
    for id in [
        "",
        ".",
        "..",
        "nobody",
        "../footprints",
        "a/b?c=d#e",
        "\u{0}",
    ] {
        let found = source.footprint(&caller(Role::All), id).await.unwrap();
        assert_eq!(found, None, "{id:?}");
    }
}

async fn a_position_of_another_maker_is_refused(source: &dyn DataSource) {
    let query = QueryPairs::parse(None).unwrap();
    let filter = TadFilter::default();
    for position in [
        "",
        "x",
        "upstream/x/0/limit=1",
        "upstream/0/limit=1",
        "upstreams/0/0/",
        "tads/x",
    ] {
        let page = PageQuery {
            offset: 0,
            limit: 1,
            after: Some(Position(position.to_owned())),
        };
        let question = Question {
            filter: &filter,
            page: &page,
            query: &query,
        };
        let answer = source.tads(&caller(Role::All), &question).await;
        assert!(
            matches!(answer, Err(SourceError::Store(StoreError::UnknownPosition))),
            "{position}: {answer:?}"
        );
    }
}
