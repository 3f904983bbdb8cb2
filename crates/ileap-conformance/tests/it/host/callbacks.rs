//! Events, and what follows from them.

use std::sync::Arc;

use axum::{body::Body, http::Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Host,
    answers::{error, status},
};

pub(super) fn client() -> reqwest::Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "a host of this test calls this test"
    )]
    let builder = reqwest::Client::builder();
    builder.no_proxy().tls_certs_only([]).build().unwrap()
}

pub(super) fn take(host: &Arc<Host>, event: &Value) -> Response<Body> {
    let kind = event["type"].as_str().unwrap_or_default();
    if event["specversion"] != "1.0" && !host.is("any-specversion") {
        return error(400, "BadRequest");
    }
    if !event["data"].is_object() && !host.is("data-optional") {
        return error(400, "BadRequest");
    }
    match kind {
        "org.wbcsd.pathfinder.ProductFootprint.Published.v1" => published(host, event),
        "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1" => {
            let id = &event["data"]["pf"]["productIds"][0];
            let is_unknown = *id == "urn:pact:null";
            match host.fault {
                "requests-refused" if !is_unknown => return error(400, "NotImplemented"),
                "unknown-products-refused" if is_unknown => return error(404, "NoSuchFootprint"),
                _ => {}
            }
            tokio::spawn(answer(Arc::clone(host), event.clone()));
            status(200)
        }
        _ if host.is("any-type") => status(200),
        _ => error(400, "BadRequest"),
    }
}

fn published(host: &Host, event: &Value) -> Response<Body> {
    let ids = event["data"]["pfIds"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let are_uuids = ids
        .iter()
        .all(|id| Uuid::parse_str(id.as_str().unwrap()).is_ok());
    match host.fault {
        "published-refused" => return error(400, "NotImplemented"),
        "events-chatty" => return super::answers::plain(200, "{}"),
        _ => {}
    }
    if are_uuids || host.is("any-ids") {
        status(200)
    } else {
        error(400, "BadRequest")
    }
}

async fn answer(host: Arc<Host>, event: Value) {
    if host.is("no-callbacks") {
        return;
    }
    let source = event["source"].as_str().unwrap().to_owned();
    let wanted = &event["data"]["pf"]["productIds"][0];
    let mut found = host.data.footprints.clone();
    found.retain(|footprint| footprint["productIds"][0] == *wanted);
    match host.fault {
        "callback-wrong-product" => found = vec![host.data.footprints[1].clone()],
        "callback-invalid" if !found.is_empty() => found[0]["status"] = json!("Gone"),
        _ => {}
    }
    let (kind, mut data) = if found.is_empty() || *wanted == "urn:pact:null" {
        (
            "Rejected",
            json!({"error": {"code": "NotFound", "message": "none"}}),
        )
    } else {
        ("Fulfilled", json!({"pfs": found}))
    };
    if host.is("rejection-silent") {
        data["error"] = Value::Null;
    }
    data["requestEventId"] = event["id"].clone();
    let request = host.http.post(format!("{source}/auth/token"));
    let request = request.basic_auth("test_client_id", Some("test_client_secret"));
    let answer = request.send().await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the suite's own listener answers in a line"
    )]
    let token: Value = answer.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let token = if host.is("callback-anonymous") {
        "nothing"
    } else {
        token
    };
    let times = if host.is("callback-twice") { 2 } else { 1 };
    for _ in 0..times {
        let event = json!({
            "type": format!("org.wbcsd.pathfinder.ProductFootprintRequest.{kind}.v1"),
            "specversion": "1.0",
            "id": Uuid::new_v4().to_string(),
            "source": host.base,
            "data": data,
        });
        let request = host
            .http
            .post(format!("{source}/2/events"))
            .bearer_auth(token);
        request.body(event.to_string()).send().await.unwrap();
    }
}
