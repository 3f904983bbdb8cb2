//! Pages over HTTP: what a link, a cursor and a filter may say, and to whom.

use ileap_server::access::AccessRule;

use crate::{
    footprints::{next, walk},
    harness::{Caller, TestServer, header, json, refusal},
};

/// The path of the link to the next page, if there is one.
async fn followed(server: &TestServer, caller: &Caller<'_>, path: &str) -> Option<String> {
    let answer = caller.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let url = next(&header(&answer, "link"))?;
    Some(url.strip_prefix(&server.base).unwrap().to_owned())
}

#[tokio::test]
async fn a_cursor_of_another_partner_opens_nothing_that_is_not_ones_own() {
    let server = TestServer::start().await;
    let all = server.as_client("hello").await;
    let link = followed(&server, &all, "/2/footprints?limit=3")
        .await
        .unwrap();
    let stranger = server.as_client("no_rule").await;
    assert_eq!(stranger.data(&link).await, serde_json::json!([]));
    server
        .allow(
            "stranger",
            &[AccessRule::Shipment("shipment-multi-modal-1".to_owned())],
        )
        .await;
    let whole = walk(&server, &stranger, "/2/footprints", "id").await;
    // It is a place in an order: what follows there of one's own, and no more.
    let rest = walk(&server, &stranger, &link, "id").await;
    assert!(whole.ends_with(&rest), "{rest:?} of {whole:?}");
}

#[tokio::test]
async fn beside_a_cursor_an_offset_has_had_its_effect() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for path in ["/2/footprints", "/2/ileap/tad"] {
        let link = followed(&server, &caller, &format!("{path}?limit=2&offset=1")).await;
        let link = link.unwrap();
        assert!(!link.contains("offset"), "{link}");
        let page = caller.data(&link).await;
        assert_eq!(caller.data(&format!("{link}&offset=3")).await, page);
        let all = caller.data(path).await;
        assert_eq!(page.as_array().unwrap()[..], all.as_array().unwrap()[3..5]);
    }
}

#[tokio::test]
async fn a_link_is_good_at_the_edge_of_what_a_query_may_be() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    // As many parameters as are taken, and as many bytes.
    let most = format!(
        "{}&limit=1",
        vec!["mode=Road&mode=Rail&mode=Sea"; 21].join("&")
    );
    assert_eq!(most.split('&').count(), 64);
    let longest = format!("limit=1&x={}", "a".repeat(5 * 1024 - 11));
    for (path, whole, id) in [
        (
            format!("/2/ileap/tad?{most}"),
            "/2/ileap/tad?mode=Road&mode=Rail&mode=Sea",
            "activityId",
        ),
        (format!("/2/footprints?{longest}"), "/2/footprints", "id"),
    ] {
        let found = walk(&server, &caller, &path, id).await;
        assert!(found.len() > 1);
        assert_eq!(found, walk(&server, &caller, whole, id).await);
        let beyond = if id == "id" {
            format!("{path}a")
        } else {
            format!("{path}&mode=Air")
        };
        let answer = caller.get(&beyond).await;
        assert_eq!(refusal(answer).await, (400, "BadRequest".to_owned()));
    }
}

#[tokio::test]
async fn a_filter_that_is_given_twice_is_refused_and_not_half_applied() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let one = "$filter=productCategoryCpc+eq+'83117'";
    for second in [
        one,
        "%24filter=created+ge+'2020-01-01T00:00:00Z'",
        "$filter=",
    ] {
        let answer = caller.get(&format!("/2/footprints?{one}&{second}")).await;
        assert_eq!(
            refusal(answer).await,
            (400, "BadRequest".to_owned()),
            "{second}"
        );
    }
}

#[tokio::test]
async fn an_unknown_option_of_odata_is_not_answered_with_everything() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for query in [
        "$fliter=productCategoryCpc+eq+'83117'",
        "%24orderby=created",
        "$top=1",
        "$FILTER=productCategoryCpc+eq+'83117'",
        "$filter=productCategoryCpc+eq+'83117'&$skip=2",
        "$=x",
    ] {
        let answer = caller.get(&format!("/2/footprints?{query}")).await;
        assert_eq!(
            refusal(answer).await,
            (400, "NotImplemented".to_owned()),
            "{query}"
        );
    }
    let all = caller.data("/2/footprints").await;
    assert_eq!(caller.data("/2/footprints?x=1&filter=y&top=1").await, all);
}

#[tokio::test]
async fn the_plus_of_an_offset_that_was_not_escaped_is_put_back() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let footprints = caller.data("/2/footprints").await;
    let created = footprints[0]["created"]
        .as_str()
        .unwrap()
        .replace('Z', "+00:00");
    let found = caller
        .data(&format!("/2/footprints?$filter=created+eq+'{created}'"))
        .await;
    assert!(
        found.as_array().unwrap().contains(&footprints[0]),
        "{created}"
    );
    let tads = caller.data("/2/ileap/tad").await;
    let departs = tads[0]["departureAt"]
        .as_str()
        .unwrap()
        .replace('Z', "+00:00");
    let found = caller
        .data(&format!("/2/ileap/tad?departureAt={departs}"))
        .await;
    assert!(found.as_array().unwrap().contains(&tads[0]), "{departs}");
}

/// The cases 004 to 006 of iLEAP's conformance tests, as each kind of partner.
#[tokio::test]
async fn each_account_passes_the_cases_about_activity_data() {
    let server = TestServer::start().await;
    let one = server
        .as_client("hello")
        .await
        .data("/2/ileap/tad?limit=1")
        .await;
    let one = one[0]["activityId"].as_str().unwrap().to_owned();
    server.allow("stranger", &[AccessRule::Tad(one)]).await;
    for id in [
        "hello",
        "transport_service_user",
        "transport_service_organizer",
        "operator",
        "no_rule",
    ] {
        let caller = server.as_client(id).await;
        let all = caller.data("/2/ileap/tad").await;
        let all = all.as_array().unwrap();
        assert!(!all.is_empty(), "{id}");
        for tad in all {
            for pointer in [
                "/activityId",
                "/consignmentIds/0",
                "/origin/country",
                "/destination/country",
                "/mode",
                "/departureAt",
                "/arrivalAt",
            ] {
                assert!(
                    tad.pointer(pointer)
                        .is_some_and(serde_json::Value::is_string),
                    "{pointer}"
                );
            }
        }
        let mut found = 0;
        for mode in ["Road", "Rail", "Air", "Sea", "InlandWaterway"] {
            let some = caller.data(&format!("/2/ileap/tad?mode={mode}")).await;
            let some = some.as_array().unwrap();
            assert!(some.iter().all(|tad| tad["mode"] == mode), "{id} {mode}");
            found += some.len();
        }
        assert!(found > 0, "{id}");
        let answer = caller.get("/2/ileap/tad?limit=1").await;
        let link = next(&header(&answer, "link"));
        assert_eq!(json(answer).await["data"].as_array().unwrap().len(), 1);
        match link {
            Some(url) => {
                let page = caller.data(url.strip_prefix(&server.base).unwrap()).await;
                assert!(!page.as_array().unwrap().is_empty());
            }
            None => assert_eq!(all.len(), 1, "{id}"),
        }
    }
}
