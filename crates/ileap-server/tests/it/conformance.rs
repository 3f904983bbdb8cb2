//! The cases of iLEAP 1.0.0 Appendix C and the synchronous ones of the PACT v2 conformance service, by
//! their numbers.

use serde_json::{Value, json as json_value};

use crate::harness::{Caller, TestServer, header, json, refusal};

/// Footprints that carry the extension whose schema ends in `name`.
fn with_extension<'a>(footprints: &'a Value, name: &str) -> Vec<&'a Value> {
    let carries = |footprint: &&Value| {
        let schema = footprint
            .pointer("/extensions/0/dataSchema")
            .and_then(Value::as_str);
        schema.is_some_and(|schema| schema.ends_with(name))
    };
    footprints
        .as_array()
        .unwrap()
        .iter()
        .filter(carries)
        .collect()
}

/// The distinct values of one member of every TCE.
fn referenced(footprints: &Value, member: &str) -> Vec<String> {
    let mut ids: Vec<String> = with_extension(footprints, "/shipment-footprint.json")
        .iter()
        .flat_map(|shipment| {
            shipment
                .pointer("/extensions/0/data/tces")
                .unwrap()
                .as_array()
                .unwrap()
        })
        .filter_map(|tce| tce.get(member)?.as_str().map(str::to_owned))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

fn first_link(answer: &reqwest::Response) -> String {
    let link = header(answer, "link");
    link.strip_prefix('<')
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned()
}

async fn event(caller: &Caller<'_>, kind: &str, data: Value) -> reqwest::Response {
    let event = json_value!({
        "specversion": "1.0", "id": "b9e1c2f0-0000-4000-8000-000000000001/12", "source": "//partner.example/x",
        "time": "2026-01-01T00:00:00Z", "type": format!("org.wbcsd.pathfinder.{kind}.v1"), "data": data,
    });
    caller.send_event(&event).await
}

#[tokio::test]
async fn ileap_tc001_to_tc003_shipments_and_everything_they_refer_to_are_listed() {
    let server = TestServer::start().await;
    let footprints = server.as_client("hello").await.data("/2/footprints").await;
    let shipments = with_extension(&footprints, "/shipment-footprint.json");
    assert!(!shipments.is_empty());
    for shipment in shipments {
        assert_eq!(
            shipment.pointer("/extensions/0/specVersion"),
            Some(&json_value!("2.0.0"))
        );
        assert_eq!(shipment["productCategoryCpc"], "83117");
        assert_eq!(
            shipment.pointer("/pcf/packagingEmissionsIncluded"),
            Some(&json_value!(false))
        );
        assert_eq!(shipment["extensions"].as_array().unwrap().len(), 1);
    }
    for (schema, member) in [("/toc.json", "tocId"), ("/hoc.json", "hocId")] {
        let ids = referenced(&footprints, member);
        assert!(!ids.is_empty(), "{member}");
        let listed = with_extension(&footprints, schema);
        for id in ids {
            let found = listed
                .iter()
                .any(|footprint| footprint.pointer("/extensions/0/data").unwrap()[member] == id);
            assert!(found, "{member} {id}");
        }
    }
}

#[tokio::test]
async fn ileap_tc004_to_tc006_activity_data_is_listed_filtered_and_paged() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let all = caller.data("/2/ileap/tad").await;
    let all = all.as_array().unwrap();
    assert!(!all.is_empty());
    for tad in all {
        for member in [
            "activityId",
            "consignmentIds",
            "mode",
            "departureAt",
            "arrivalAt",
        ] {
            assert!(tad.get(member).is_some(), "{member}");
        }
        assert!(
            tad.pointer("/origin/country").is_some()
                && tad.pointer("/destination/country").is_some()
        );
    }
    for mode in ["Road", "Rail", "Air", "Sea", "InlandWaterway"] {
        let filtered = caller.data(&format!("/2/ileap/tad?mode={mode}")).await;
        assert!(!filtered.as_array().unwrap().is_empty(), "{mode}");
        assert!(
            filtered
                .as_array()
                .unwrap()
                .iter()
                .all(|tad| tad["mode"] == mode),
            "{mode}"
        );
    }
    let page = caller.get("/2/ileap/tad?limit=1").await;
    let next = first_link(&page);
    let next = caller.data(next.strip_prefix(&server.base).unwrap()).await;
    assert_eq!(next.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ileap_tc007_an_invalid_token_is_denied() {
    let server = TestServer::start().await;
    let answer = server
        .with_token("very-invalid-access-token-1")
        .get("/2/ileap/tad")
        .await;
    assert_eq!(refusal(answer).await, (403, "AccessDenied".into()));
}

#[tokio::test]
async fn ileap_tc008_an_expired_token_is_called_expired() {
    let server = TestServer::start().await;
    let expired = server.expired_token();
    for path in ["/2/ileap/tad", "/2/footprints", "/2/footprints/x"] {
        let answer = server.with_token(&expired).get(path).await;
        assert!(header(&answer, "www-authenticate").contains("invalid_token"));
        assert_eq!(
            refusal(answer).await,
            (401, "TokenExpired".into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_expired_token_with_a_bad_signature_is_invalid_not_expired() {
    let server = TestServer::start().await;
    let mut expired = server.expired_token();
    let last = if expired.ends_with('A') { 'Q' } else { 'A' };
    expired.pop();
    expired.push(last);
    let answer = server.with_token(&expired).get("/2/ileap/tad").await;
    assert_eq!(refusal(answer).await, (403, "AccessDenied".into()));
}

#[tokio::test]
async fn pact_tc1_and_tc2_right_credentials_open_and_random_ones_do_not() {
    let server = TestServer::start().await;
    assert_eq!(
        server
            .token_request("hello", "pathfinder")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let answer = server
        .token_request("random-1", "random-2")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn pact_tc3_to_tc5_get_list_and_pages() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let list = caller.data("/2/footprints").await;
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(caller.data(&format!("/2/footprints/{id}")).await["id"], id);
    let next = first_link(&caller.get("/2/footprints?limit=1").await);
    let next = caller.data(next.strip_prefix(&server.base).unwrap()).await;
    assert_eq!(next[0]["id"], list[1]["id"]);
}

#[tokio::test]
async fn pact_tc6_tc7_and_tc16_an_invalid_token_is_401_with_code_bad_request() {
    let server = TestServer::start().await;
    let caller = server.with_token("very-invalid-access-token-1");
    for path in [
        "/2/footprints",
        "/2/footprints/00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(
            refusal(caller.get(path).await).await,
            (401, "BadRequest".into()),
            "{path}"
        );
    }
    let data = json_value!({"pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"]});
    let answer = event(&caller, "ProductFootprint.Published", data).await;
    assert_eq!(refusal(answer).await, (401, "BadRequest".into()));
}

#[tokio::test]
async fn pact_tc8_a_footprint_that_does_not_exist() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for id in [
        "00000000-0000-0000-0000-000000000000",
        "random-string-as-id-7",
    ] {
        let answer = caller.get(&format!("/2/footprints/{id}")).await;
        assert_eq!(refusal(answer).await, (404, "NoSuchFootprint".into()));
    }
}

#[tokio::test]
async fn pact_tc12_tc14a_tc15_and_tc21_events_are_judged_at_once() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let list = caller.data("/2/footprints?limit=1").await;
    let asked = json_value!({"pf": {"productIds": list[0]["productIds"]}});
    let nobody = json_value!({"pf": {"productIds": ["urn:pact:null"]}});
    let published = json_value!({"pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"]});
    let broken = json_value!({"pfIds": ["urn:gtin:4712345060507"]});
    for (kind, data, status) in [
        ("ProductFootprintRequest.Created", asked, 200),
        ("ProductFootprintRequest.Created", nobody, 200),
        ("ProductFootprint.Published", published, 200),
        ("ProductFootprint.Published", broken, 400),
    ] {
        let answer = event(&caller, kind, data.clone()).await;
        assert_eq!(answer.status(), status, "{kind} {data}");
    }
}

#[tokio::test]
async fn pact_tc18_and_tc19_the_token_endpoint_is_found_by_discovery() {
    let server = TestServer::start().await;
    let document = json(
        server
            .get("/.well-known/openid-configuration")
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert!(
        document["jwks_uri"]
            .as_str()
            .is_some_and(|uri| !uri.is_empty())
    );
    let endpoint = document["token_endpoint"].as_str().unwrap();
    for (secret, status) in [("pathfinder", 200), ("wrong", 400)] {
        let request = server.http.post(endpoint).basic_auth("hello", Some(secret));
        let answer = request
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn pact_tc20_a_filter_on_created_holds_for_every_item() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let list = caller.data("/2/footprints").await;
    let created = list[3]["created"].as_str().unwrap();
    // The conformance service sends the literal unescaped.
    let found = caller
        .data(&format!("/2/footprints?$filter=created+ge+'{created}'"))
        .await;
    let found = found.as_array().unwrap();
    assert!(!found.is_empty() && found.len() < list.as_array().unwrap().len());
    assert!(
        found
            .iter()
            .all(|item| item["created"].as_str().unwrap() >= created)
    );
}

#[tokio::test]
async fn tokens_that_are_missing_malformed_or_too_narrow_have_their_own_answers() {
    let server = TestServer::start().await;
    for (path, missing, malformed) in [
        ("/2/footprints", (401, "BadRequest"), (400, "BadRequest")),
        ("/2/ileap/tad", (403, "AccessDenied"), (400, "BadRequest")),
    ] {
        let expect = |(status, code): (u16, &str)| (status, code.to_owned());
        let answer = server.get(path).send().await.unwrap();
        assert_eq!(refusal(answer).await, expect(missing), "{path}");
        let answer = server
            .get(path)
            .header("authorization", "Token abc")
            .send()
            .await
            .unwrap();
        assert_eq!(refusal(answer).await, expect(malformed), "{path}");
    }
    let narrow = server
        .http
        .post(format!("{}/auth/token", server.base))
        .basic_auth("hello", Some("pathfinder"))
        .form(&[
            ("grant_type", "client_credentials"),
            ("scope", "footprint:read"),
        ])
        .send()
        .await
        .unwrap();
    let token = json(narrow).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = server.with_token(&token).get("/2/footprints").await;
    assert_eq!(refusal(answer).await, (403, "AccessDenied".into()));
    let answer = server.with_token(&token).get("/2/footprints/x").await;
    assert_eq!(refusal(answer).await, (404, "NoSuchFootprint".into()));
}

#[tokio::test]
async fn the_token_is_judged_before_the_parameters() {
    let server = TestServer::start().await;
    for path in [
        "/2/footprints?limit=0",
        "/2/footprints?$filter=x",
        "/2/ileap/tad?nonsense=1&limit=x",
    ] {
        let answer = server.with_token("bad").get(path).await;
        assert!([401, 403].contains(&answer.status().as_u16()), "{path}");
    }
}
