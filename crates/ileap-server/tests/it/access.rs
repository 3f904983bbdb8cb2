//! What access rules let a partner see over HTTP, and that nothing tells of the rest.

use std::collections::BTreeSet;

use ileap_server::access::AccessRule;
use serde_json::Value;

use crate::{
    footprints::walk,
    harness::{Caller, TestServer, header, json, refusal},
};

const SHIPMENT: &str = "shipment-multi-modal-1";
const CONSIGNMENT: &str = "consignment-multi-modal-1-1";

async fn everything(server: &TestServer) -> Vec<Value> {
    let data = server.as_client("hello").await.data("/2/footprints").await;
    data.as_array().unwrap().clone()
}

/// The ids of one shipment and of the TOCs and HOCs it refers to.
async fn shipment_with_references(server: &TestServer) -> BTreeSet<String> {
    let all = everything(server).await;
    let data = |footprint: &Value| footprint["extensions"][0]["data"].clone();
    let shipment = all
        .iter()
        .find(|one| data(one)["shipmentId"] == SHIPMENT)
        .unwrap();
    let tces = data(shipment)["tces"].as_array().unwrap().clone();
    let belongs = |footprint: &&Value| {
        let data = data(footprint);
        data["shipmentId"] == SHIPMENT
            || tces.iter().any(|tce| {
                (data["tocId"].is_string() && tce["tocId"] == data["tocId"])
                    || (data["hocId"].is_string() && tce["hocId"] == data["hocId"])
            })
    };
    let ids = all.iter().filter(belongs);
    ids.map(|footprint| footprint["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn listed(server: &TestServer, caller: &Caller<'_>, path: &str) -> BTreeSet<String> {
    walk(server, caller, path, "id").await.into_iter().collect()
}

#[tokio::test]
async fn a_partner_sees_a_granted_shipment_with_what_it_refers_to_and_nothing_else() {
    let server = TestServer::start().await;
    let expected = shipment_with_references(&server).await;
    assert_eq!(expected.len(), 4);
    let caller = server.as_client("no_rule").await;
    assert!(listed(&server, &caller, "/2/footprints").await.is_empty());
    // A token that is there sees a new rule at once.
    server
        .allow("stranger", &[AccessRule::Shipment(SHIPMENT.to_owned())])
        .await;
    for path in [
        "/2/footprints",
        "/2/footprints?limit=1",
        "/2/footprints?limit=3",
    ] {
        assert_eq!(listed(&server, &caller, path).await, expected, "{path}");
    }
    for footprint in everything(&server).await {
        let id = footprint["id"].as_str().unwrap();
        let status = caller.get(&format!("/2/footprints/{id}")).await.status();
        assert_eq!(status == 200, expected.contains(id), "{id}");
    }
    assert!(
        walk(&server, &caller, "/2/ileap/tad", "activityId")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_granted_consignment_opens_its_shipments_and_its_activity_data() {
    let server = TestServer::start().await;
    let caller = server.as_client("no_rule").await;
    let all = server
        .as_client("hello")
        .await
        .data("/2/ileap/tad?limit=100")
        .await;
    let tads = all.as_array().unwrap();
    let consignment = tads[0]["consignmentIds"][0].as_str().unwrap().to_owned();
    let about = |tad: &&Value| {
        let ids = tad["consignmentIds"].as_array().unwrap();
        ids.iter()
            .any(|id| *id == *consignment || id == CONSIGNMENT)
    };
    let expected: BTreeSet<_> = tads
        .iter()
        .filter(about)
        .map(|tad| tad["activityId"].as_str().unwrap().to_owned())
        .collect();
    let rules =
        [consignment.as_str(), CONSIGNMENT].map(|id| AccessRule::Consignment(id.to_owned()));
    server.allow("stranger", &rules).await;
    let seen = walk(&server, &caller, "/2/ileap/tad?limit=1", "activityId").await;
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
    let shipments = listed(&server, &caller, "/2/footprints").await;
    assert!(shipments.is_superset(&shipment_with_references(&server).await));
}

#[tokio::test]
async fn an_object_outside_the_rules_cannot_be_told_from_one_that_is_not_there() {
    let server = TestServer::start().await;
    server
        .allow("stranger", &[AccessRule::Shipment(SHIPMENT.to_owned())])
        .await;
    let visible = shipment_with_references(&server).await;
    let caller = server.as_client("no_rule").await;
    let hidden: Vec<_> = everything(&server)
        .await
        .into_iter()
        .filter(|one| !visible.contains(one["id"].as_str().unwrap()))
        .collect();
    assert!(hidden.len() > 10);
    let absent = "/2/footprints/00000000-0000-4000-8000-000000000000";
    let absent = refusal(caller.get(absent).await).await;
    for footprint in &hidden {
        let id = footprint["id"].as_str().unwrap();
        let answer = caller.get(&format!("/2/footprints/{id}")).await;
        assert_eq!(refusal(answer).await, absent);
        // Nor by what a filter finds: neither an item nor a link to more of them.
        let product = footprint["productIds"][0].as_str().unwrap();
        if product_is_visible(&server, &visible, product).await {
            continue;
        }
        for product in [product, "urn:nobody:has:this"] {
            let filter = format!("productIds/any(p:(p eq '{product}'))");
            let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let answer = caller
                .get(&format!("/2/footprints?$filter={filter}&limit=1"))
                .await;
            assert_eq!(answer.status(), 200);
            assert_eq!(header(&answer, "link"), "");
            assert_eq!(
                json(answer).await.to_string(),
                r#"{"data":[]}"#,
                "{product}"
            );
        }
    }
}

async fn product_is_visible(
    server: &TestServer,
    visible: &BTreeSet<String>,
    product: &str,
) -> bool {
    everything(server).await.iter().any(|footprint| {
        let ids = footprint["productIds"].as_array().unwrap();
        visible.contains(footprint["id"].as_str().unwrap()) && ids.iter().any(|id| id == product)
    })
}
