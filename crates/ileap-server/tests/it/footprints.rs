//! `GET /2/footprints` and `GET /2/footprints/{id}`

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Caller, TestServer, header, json, refusal};

/// The URL in a Link header that names the next page.
pub(crate) fn next(link: &str) -> Option<String> {
    let (url, rest) = link.strip_prefix('<')?.split_once('>')?;
    assert_eq!(rest, "; rel=\"next\"");
    Some(url.to_owned())
}

/// Every id of a list, following its links.
pub(crate) async fn walk(
    server: &TestServer,
    caller: &Caller<'_>,
    path: &str,
    id: &str,
) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = path.to_owned();
    loop {
        let answer = caller.get(&path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let link = header(&answer, "link");
        let body = json(answer).await;
        let page = body["data"].as_array().unwrap();
        ids.extend(
            page.iter()
                .map(|item| item[id].as_str().unwrap().to_owned()),
        );
        match next(&link) {
            Some(url) => {
                path = url
                    .strip_prefix(&server.base)
                    .expect("links begin with our URL")
                    .to_owned();
            }
            None => return ids,
        }
    }
}

fn kinds(footprints: &Value) -> BTreeSet<String> {
    let schema = |footprint: &Value| match footprint.pointer("/extensions/0/dataSchema") {
        Some(schema) => schema
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned(),
        None => "generic".to_owned(),
    };
    footprints.as_array().unwrap().iter().map(schema).collect()
}

#[tokio::test]
async fn a_list_is_walked_page_by_page_without_repeats_or_gaps() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let all = walk(&server, &caller, "/2/footprints", "id").await;
    assert!(all.len() >= 13);
    for limit in [1, 3, 5] {
        let paged = walk(
            &server,
            &caller,
            &format!("/2/footprints?limit={limit}"),
            "id",
        )
        .await;
        assert_eq!(paged, all, "limit {limit}");
    }
}

#[tokio::test]
async fn a_link_keeps_every_other_parameter_as_it_was_sent() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let query = "x=%41&$filter=productCategoryCpc+eq+%2783117%27&limit=2";
    let answer = caller.get(&format!("/2/footprints?{query}")).await;
    let link = next(&header(&answer, "link")).unwrap();
    assert!(
        link.starts_with(&format!("{}/2/footprints?{query}&cursor=", server.base)),
        "{link}"
    );
    let filtered = walk(&server, &caller, &format!("/2/footprints?{query}"), "id").await;
    let unpaged = caller
        .data("/2/footprints?$filter=productCategoryCpc+eq+'83117'")
        .await;
    assert_eq!(filtered.len(), unpaged.as_array().unwrap().len());
}

#[tokio::test]
async fn the_last_page_has_no_link() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let answer = caller.get("/2/footprints?limit=1000").await;
    assert_eq!(header(&answer, "link"), "");
}

#[tokio::test]
async fn a_limit_must_be_a_positive_integer_and_is_capped() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for limit in ["0", "-1", "x", "1.5", "", "+1"] {
        let answer = caller
            .get(&format!(
                "/2/footprints?limit={}",
                limit.replace('+', "%2B")
            ))
            .await;
        assert_eq!(
            refusal(answer).await,
            (400, "BadRequest".to_owned()),
            "{limit:?}"
        );
    }
    let huge = caller
        .get("/2/footprints?limit=99999999999999999999999")
        .await;
    assert_eq!(huge.status(), 200);
}

#[tokio::test]
async fn a_cursor_of_someone_elses_making_is_refused() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let answer = caller.get("/2/ileap/tad?limit=1").await;
    let tad_link = next(&header(&answer, "link")).unwrap();
    let tad_cursor = tad_link.split_once("cursor=").unwrap().1;
    for cursor in ["", "abc", "AAAAAAAAAAAAAAAAAAAAAAAA", tad_cursor] {
        let answer = caller.get(&format!("/2/footprints?cursor={cursor}")).await;
        assert_eq!(
            refusal(answer).await,
            (400, "BadRequest".to_owned()),
            "{cursor}"
        );
    }
}

#[tokio::test]
async fn one_footprint_is_found_by_its_id_in_any_case() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let listed = caller.data("/2/footprints?limit=1").await;
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(caller.data(&format!("/2/footprints/{id}")).await, listed[0]);
    assert_eq!(
        caller
            .data(&format!("/2/footprints/{}", id.to_uppercase()))
            .await,
        listed[0]
    );
}

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found_whatever_it_looks_like() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for id in [
        "00000000-0000-0000-0000-000000000000",
        "non-existent-id",
        "random-string-as-id-1",
        "'%20OR%20'1'='1",
        "%00",
        "%ff",
        "..%2f..%2fetc",
    ] {
        let answer = caller.get(&format!("/2/footprints/{id}")).await;
        assert_eq!(
            refusal(answer).await,
            (404, "NoSuchFootprint".to_owned()),
            "{id}"
        );
    }
}

#[tokio::test]
async fn each_role_sees_its_kinds_and_no_others() {
    let server = TestServer::start().await;
    let set = |kinds: &[&str]| {
        kinds
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect::<BTreeSet<_>>()
    };
    for (id, expected) in [
        (
            "hello",
            set(&["generic", "shipment-footprint.json", "toc.json", "hoc.json"]),
        ),
        (
            "transport_service_user",
            set(&["shipment-footprint.json", "toc.json", "hoc.json"]),
        ),
        (
            "transport_service_organizer",
            set(&["toc.json", "hoc.json"]),
        ),
        (
            "operator",
            set(&["shipment-footprint.json", "toc.json", "hoc.json"]),
        ),
        ("no_rule", set(&[])),
    ] {
        let caller = server.as_client(id).await;
        assert_eq!(kinds(&caller.data("/2/footprints").await), expected, "{id}");
    }
}

#[tokio::test]
async fn what_a_role_does_not_see_cannot_be_told_from_what_is_not_there() {
    let server = TestServer::start().await;
    let everything = server.as_client("hello").await.data("/2/footprints").await;
    let generic = everything
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item.get("extensions").is_none());
    let id = generic.unwrap()["id"].as_str().unwrap().to_owned();
    let caller = server.as_client("transport_service_organizer").await;
    let hidden = caller.get(&format!("/2/footprints/{id}")).await;
    let absent = caller
        .get("/2/footprints/00000000-0000-4000-8000-000000000000")
        .await;
    assert_eq!(refusal(hidden).await, refusal(absent).await);
}

#[tokio::test]
async fn filters_are_applied_together() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let count = async |filter: &str| {
        let query = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let data = caller
            .data(&format!("/2/footprints?%24filter={query}"))
            .await;
        data.as_array().unwrap().len()
    };
    let all = count("created ge '1990-01-01T00:00:00Z'").await;
    let logistics = count("productCategoryCpc eq '83117'").await;
    assert!(0 < logistics && logistics < all);
    assert_eq!(
        count("productCategoryCpc eq '83117' and created lt '1990-01-01T00:00:00Z'").await,
        0
    );
    assert_eq!(
        count("(productCategoryCpc eq '83117') and (created ge '1990-01-01T00:00:00Z')").await,
        logistics
    );
}

#[tokio::test]
async fn a_filter_that_is_not_offered_and_one_that_is_broken_are_told_apart() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for (filter, code) in [
        (
            "productCategoryCpc eq '1' or productCategoryCpc eq '2'",
            "NotImplemented",
        ),
        ("companyName eq 'x'", "NotImplemented"),
        ("created eq '", "BadRequest"),
        ("created", "BadRequest"),
        ("", "BadRequest"),
    ] {
        let query = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
        let answer = caller.get(&format!("/2/footprints?$filter={query}")).await;
        assert_eq!(refusal(answer).await, (400, code.to_owned()), "{filter}");
    }
}
