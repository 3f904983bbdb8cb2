//! `POST /2/events`

use serde_json::{Value, json as json_value};

use crate::harness::{TestServer, header, refusal, text};

fn published(id: &str, pf_ids: &Value) -> Value {
    json_value!({
        "specversion": "1.0",
        "id": id,
        "source": "https://partner.example",
        "type": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
        "time": "2026-01-01T00:00:00Z",
        "data": { "pfIds": pf_ids },
    })
}

#[tokio::test]
async fn a_good_event_is_acknowledged_with_nothing() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let event = published(
        "1/2",
        &json_value!(["0d1f7a42-6b1c-4a57-9c2a-7b0f0b6b1c11"]),
    );
    for attempt in ["first", "repeated"] {
        let answer = caller.send_event(&event).await;
        assert_eq!(answer.status(), 200, "{attempt}");
        assert_eq!(header(&answer, "content-length"), "0");
        assert_eq!(text(answer).await, "");
    }
}

#[tokio::test]
async fn each_type_of_event_is_taken() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    for (kind, data) in [
        (
            "ProductFootprintRequest.Created",
            json_value!({"pf": {"productIds": ["urn:pact:null"]}}),
        ),
        (
            "ProductFootprintRequest.Fulfilled",
            json_value!({"requestEventId": "a/1", "pfs": []}),
        ),
        (
            "ProductFootprintRequest.Rejected",
            json_value!({"requestEventId": "a/1", "error": {"code": "NotFound", "message": "none"}}),
        ),
    ] {
        let mut event = published(kind, &json_value!([]));
        event["type"] = format!("org.wbcsd.pathfinder.{kind}.v1").into();
        event["data"] = data;
        assert_eq!(caller.send_event(&event).await.status(), 200, "{kind}");
    }
}

#[tokio::test]
async fn a_bad_event_is_named_and_not_kept() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let good = published("x", &json_value!(["0d1f7a42-6b1c-4a57-9c2a-7b0f0b6b1c11"]));
    for (member, value) in [
        ("/specversion", json_value!("0.3")),
        ("/type", json_value!("org.example.other")),
        ("/id", json_value!("")),
        ("/source", json_value!("")),
        ("/data", Value::Null),
        ("/data/pfIds", json_value!([])),
        ("/data/pfIds", json_value!(["urn:gtin:4712345060507"])),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(member).unwrap() = value;
        let answer = caller.send_event(&event).await;
        assert_eq!(
            refusal(answer).await,
            (400, "BadRequest".to_owned()),
            "{member}"
        );
    }
    let batch = caller.send_event(&json_value!([good])).await;
    assert_eq!(refusal(batch).await, (400, "BadRequest".to_owned()));
}

#[tokio::test]
async fn an_event_of_another_media_type_is_refused_and_so_is_a_batch() {
    let server = TestServer::start().await;
    let token = server.as_client("hello").await.token;
    let good = published("x", &json_value!(["0d1f7a42-6b1c-4a57-9c2a-7b0f0b6b1c11"]));
    for (media_type, body) in [
        ("text/plain", json_value!({})),
        ("application/cloudevents-batch+json", json_value!([good])),
        ("application/cloudevents-batch+json; charset=UTF-8", good),
    ] {
        let answer = server
            .http
            .post(format!("{}/2/events", server.base))
            .bearer_auth(&token)
            .header("content-type", media_type)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(
            refusal(answer).await,
            (400, "BadRequest".to_owned()),
            "{media_type}"
        );
    }
}

#[tokio::test]
async fn an_event_names_five_thousand_footprints_at_most() {
    let server = TestServer::start().await;
    let caller = server.as_client("hello").await;
    let ids = |count: u64| -> Value {
        let id = |number| format!("00000000-0000-4000-8000-{number:012}");
        (0..count).map(id).collect::<Vec<_>>().into()
    };
    let most = published("most", &ids(5000));
    assert_eq!(caller.send_event(&most).await.status(), 200);
    let more = caller.send_event(&published("more", &ids(5001))).await;
    assert_eq!(refusal(more).await, (400, "BadRequest".to_owned()));
}

#[tokio::test]
async fn an_event_over_a_mebibyte_is_refused_before_it_is_read() {
    let server = TestServer::start().await;
    let token = server.as_client("hello").await.token;
    let answer = server
        .http
        .post(format!("{}/2/events", server.base))
        .bearer_auth(token)
        .header("content-type", "application/cloudevents+json")
        .body(vec![b' '; 1024 * 1024 + 1])
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await, (413, "BadRequest".to_owned()));
}
