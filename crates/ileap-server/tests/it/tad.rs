//! `GET /2/ileap/tad`

use ileap_server::store::{ImportKind, ImportObject};
use serde_json::json;

use crate::{
    footprints::walk,
    harness::{TestServer, header, json, refusal},
};

#[tokio::test]
async fn activity_data_is_walked_page_by_page_without_repeats_or_gaps() {
    let server = TestServer::start().await;
    let caller = server.as_client("transport_service_user").await;
    let all = walk(&server, &caller, "/2/ileap/tad", "activityId").await;
    assert!(all.len() >= 10);
    assert_eq!(
        walk(&server, &caller, "/2/ileap/tad?limit=1", "activityId").await,
        all
    );
    let roads = walk(&server, &caller, "/2/ileap/tad?mode=Road", "activityId").await;
    assert!(roads.len() > 1);
    assert_eq!(
        walk(
            &server,
            &caller,
            "/2/ileap/tad?mode=Road&limit=1",
            "activityId"
        )
        .await,
        roads
    );
}

#[tokio::test]
async fn different_names_narrow_and_a_repeated_name_widens() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let count = async |query: &str| {
        caller
            .data(&format!("/2/ileap/tad?{query}"))
            .await
            .as_array()
            .unwrap()
            .len()
    };
    let (road, rail) = (count("mode=Road").await, count("mode=Rail").await);
    assert!(road > 0 && rail > 0);
    assert_eq!(count("mode=road&mode=RAIL").await, road + rail);
    assert_eq!(count("mode=Road&origin.country=XX").await, 0);
    assert_eq!(count("mode=Bicycle").await, 0);
}

#[tokio::test]
async fn an_unknown_name_is_not_answered_with_everything() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let answer = caller.get("/2/ileap/tad?mdoe=Road").await;
    assert_eq!(refusal(answer).await, (400, "NotImplemented".to_owned()));
}

#[tokio::test]
async fn every_role_sees_activity_data_but_not_without_a_rule() {
    let server = TestServer::start().await;
    for (id, sees) in [
        ("hello", true),
        ("transport_service_user", true),
        ("transport_service_organizer", true),
        ("operator", true),
        ("no_rule", false),
    ] {
        let data = server.as_client(id).await.data("/2/ileap/tad").await;
        assert_eq!(!data.as_array().unwrap().is_empty(), sees, "{id}");
    }
}

#[tokio::test]
async fn an_offset_counts_from_the_start_and_the_link_goes_on_from_there() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let all = caller.data("/2/ileap/tad").await;
    let all = all.as_array().unwrap();
    let answer = caller.get("/2/ileap/tad?offset=2&limit=3").await;
    let link = header(&answer, "link");
    assert_eq!(
        json(answer).await["data"].as_array().unwrap()[..],
        all[2..5]
    );
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    assert!(!next.contains("offset"), "{next}");
    let rest = caller.data(next.strip_prefix(&server.base).unwrap()).await;
    assert_eq!(rest.as_array().unwrap()[..], all[5..8]);
    let beyond = caller
        .data("/2/ileap/tad?offset=99999999999999999999")
        .await;
    assert_eq!(beyond, serde_json::json!([]));
    for bad in ["", "-1", "1.5", "many"] {
        let answer = caller.get(&format!("/2/footprints?offset={bad}")).await;
        assert_eq!(refusal(answer).await, (400, "BadRequest".to_owned()));
    }
}

#[tokio::test]
async fn an_offset_that_leaves_too_much_behind_is_refused_and_the_link_goes_on_from_there() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let one = caller.data("/2/ileap/tad?limit=1").await[0].clone();
    let copy = |number: u32| {
        let mut value = one.clone();
        value["activityId"] = json!(format!("copy-{number}"));
        let (kind, json) = (ImportKind::Tad, value.to_string().into());
        ImportObject { kind, value, json }
    };
    let copies: Vec<_> = (0..10_010).map(copy).collect();
    server.store().import(&copies).await.unwrap();
    let far = caller.get("/2/ileap/tad?offset=10000&limit=1").await;
    let next = header(&far, "link");
    let next = next.trim_start_matches('<').split('>').next().unwrap();
    let further = caller.get(next.strip_prefix(&server.base).unwrap()).await;
    assert_eq!(further.status(), 200);
    for offset in ["10001", "4294967296"] {
        let path = format!("/2/ileap/tad?offset={offset}&limit=1");
        let answer = refusal(caller.get(&path).await).await;
        assert_eq!(answer, (400, "BadRequest".to_owned()));
    }
}
