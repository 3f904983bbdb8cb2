use proptest::prelude::*;
use serde_json::json;

use super::*;

const UUID: &str = "3893bb5d-da16-4dc1-9185-11d97476c254";

fn event(event_type: EventType, data: &Value) -> Value {
    json!({
        "specversion": "1.0",
        "type": event_type.as_str(),
        "id": "848dcf00-2c18-400d-bcb8-11e45bbf7ebd/12",
        "source": "//event.host/path",
        "time": "2025-05-27T09:00:00Z",
        "data": data,
    })
}

fn published() -> Value {
    event(EventType::Published, &json!({"pfIds": [UUID]}))
}

fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}

fn parse(event: &Value) -> Result<CloudEvent, EventError> {
    CloudEvent::parse_v2(event.to_string().as_bytes())
}

fn refusal(event: &Value) -> String {
    parse(event).unwrap_err().to_string()
}

#[test]
fn a_published_event_is_read() {
    let event = parse(&published()).unwrap();
    assert_eq!(event.id, "848dcf00-2c18-400d-bcb8-11e45bbf7ebd/12");
    assert_eq!(event.source, "//event.host/path");
    assert_eq!(event.event_type, EventType::Published);
    assert_eq!(event.time.unwrap().as_str(), "2025-05-27T09:00:00Z");
    assert_eq!(
        event.data,
        EventData::Published {
            pf_ids: vec![UUID.parse().unwrap()]
        }
    );
}

#[test]
fn a_request_keeps_its_fragment() {
    let data = json!({"pf": {"productIds": ["urn:pact:null"]}, "comment": "please"});
    let event = parse(&event(EventType::RequestCreated, &data)).unwrap();
    let EventData::RequestCreated { pf, comment } = event.data else {
        panic!("another type")
    };
    assert_eq!(Value::Object(pf), json!({"productIds": ["urn:pact:null"]}));
    assert_eq!(comment.as_deref(), Some("please"));
}

#[test]
fn answers_are_read() {
    let data = json!({"requestEventId": "abc-12", "pfs": []});
    let fulfilled = parse(&event(EventType::RequestFulfilled, &data))
        .unwrap()
        .data;
    let expected = EventData::RequestFulfilled {
        request_event_id: "abc-12".to_owned(),
        pfs: vec![],
    };
    assert_eq!(fulfilled, expected);

    let data = json!({"requestEventId": "abc-12", "error": {"code": "Whatever", "message": "no"}});
    let rejected = parse(&event(EventType::RequestRejected, &data))
        .unwrap()
        .data;
    let error = Rejection {
        code: "Whatever".to_owned(),
        message: "no".to_owned(),
    };
    let expected = EventData::RequestRejected {
        request_event_id: "abc-12".to_owned(),
        error,
    };
    assert_eq!(rejected, expected);
}

#[test]
fn a_written_event_is_read_back() {
    let rejection = json!({"requestEventId": "x", "error": {"code": "c", "message": "m"}});
    for (event_type, data) in [
        (EventType::Published, json!({"pfIds": [UUID]})),
        (
            EventType::RequestCreated,
            json!({"pf": {"productIds": ["urn:x"]}}),
        ),
        (
            EventType::RequestCreated,
            json!({"pf": {}, "comment": "please"}),
        ),
        (
            EventType::RequestFulfilled,
            json!({"requestEventId": "x", "pfs": [{"id": UUID}]}),
        ),
        (EventType::RequestRejected, rejection),
    ] {
        let sent = event(event_type, &data);
        assert_eq!(parse(&sent).unwrap().to_json(), sent);
    }
    let mut timeless = published();
    timeless.as_object_mut().unwrap().remove("time");
    assert_eq!(parse(&timeless).unwrap().to_json(), timeless);
}

#[test]
fn time_and_unknown_members_are_optional() {
    for value in [json!(null), json!("2025-05-27T09:00:00+02:00")] {
        assert!(parse(&with(published(), "/time", value)).is_ok());
    }
    assert!(
        parse(&with(
            published(),
            "/datacontenttype",
            json!("application/json")
        ))
        .is_ok()
    );
}

#[test]
fn the_envelope_is_checked() {
    for (member, values) in [
        (
            "specversion",
            vec![json!("0.3"), json!("1.0.0"), json!(1.0), json!(null)],
        ),
        (
            "type",
            vec![
                json!("org.wbcsd.pact.ProductFootprint.PublishedEvent.3"),
                json!(""),
                json!(null),
            ],
        ),
        ("id", vec![json!(""), json!(7), json!(null)]),
        (
            "source",
            vec![
                json!(""),
                json!("host/path"),
                json!("/path"),
                json!("//"),
                json!("mailto:a@b.c"),
                json!("urn:x:y"),
                json!("https://a b/"),
                json!("https://h/\n"),
                json!("///h/p"),
                json!("https:h"),
                json!("https:/h"),
                json!("https:///h"),
                json!("//h\\p"),
                json!("https:"),
                json!("://h"),
                json!(null),
            ],
        ),
        (
            "time",
            vec![json!("yesterday"), json!("2025-05-27"), json!(1)],
        ),
        (
            "data",
            vec![json!(null), json!([]), json!("e30="), json!(1)],
        ),
    ] {
        for value in values {
            let refusal = refusal(&with(published(), &format!("/{member}"), value.clone()));
            assert!(refusal.starts_with(member), "{member} = {value}: {refusal}");
        }
    }
}

#[test]
fn both_forms_of_source_are_accepted() {
    for source in [
        "https://h",
        "http://h:8080/p?x=1",
        "//h",
        "//h/p",
        "https://[::1]/2/events",
    ] {
        assert!(
            parse(&with(published(), "/source", json!(source))).is_ok(),
            "{source}"
        );
    }
}

#[test]
fn published_ids_must_be_uuids() {
    for ids in [
        json!([]),
        json!(["urn:gtin:4712345060507"]),
        json!([UUID, "x"]),
        json!([UUID, 1]),
        json!(UUID),
        json!({}),
        json!([format!("{{{UUID}}}")]),
        json!([UUID.replace('-', "")]),
        json!(null),
    ] {
        let refusal = refusal(&event(EventType::Published, &json!({"pfIds": ids})));
        assert!(refusal.starts_with("data.pfIds"), "{refusal}");
    }
}

#[test]
fn the_data_of_the_other_types_is_checked() {
    use EventType::{RequestCreated, RequestFulfilled, RequestRejected};
    for (event_type, data, member) in [
        (RequestCreated, json!({}), "data.pf"),
        (RequestCreated, json!({"pf": []}), "data.pf"),
        (
            RequestCreated,
            json!({"pf": {}, "comment": 1}),
            "data.comment",
        ),
        (RequestFulfilled, json!({"pfs": []}), "data.requestEventId"),
        (
            RequestFulfilled,
            json!({"requestEventId": "", "pfs": []}),
            "data.requestEventId",
        ),
        (RequestFulfilled, json!({"requestEventId": "x"}), "data.pfs"),
        (
            RequestFulfilled,
            json!({"requestEventId": "x", "pfs": {}}),
            "data.pfs",
        ),
        (
            RequestFulfilled,
            json!({"requestEventId": "x", "pfs": [1]}),
            "data.pfs",
        ),
        (RequestRejected, json!({"error": {}}), "data.requestEventId"),
        (
            RequestRejected,
            json!({"requestEventId": "x"}),
            "data.error",
        ),
        (
            RequestRejected,
            json!({"requestEventId": "x", "error": {"code": "c"}}),
            "data.error.message",
        ),
        (
            RequestRejected,
            json!({"requestEventId": "x", "error": {"code": "", "message": "m"}}),
            "data.error.code",
        ),
    ] {
        let refusal = refusal(&event(event_type, &data));
        assert!(refusal.starts_with(member), "{data}: {refusal}");
    }
}

#[test]
fn a_batch_is_refused_as_such() {
    assert!(matches!(
        parse(&json!([published()])),
        Err(EventError::Batch)
    ));
    assert!(matches!(parse(&json!("x")), Err(EventError::NotObject)));
}

#[test]
fn ambiguous_or_bottomless_json_is_refused() {
    let twice = published()
        .to_string()
        .replacen('{', "{\"id\":\"other\",", 1);
    assert!(matches!(
        CloudEvent::parse_v2(twice.as_bytes()),
        Err(EventError::NotJson(_))
    ));
    let mut deep = json!({});
    for _ in 0..70 {
        deep = json!({ "x": deep });
    }
    let deep = event(EventType::RequestCreated, &json!({ "pf": deep }));
    assert!(matches!(parse(&deep), Err(EventError::NotJson(_))));
    assert!(matches!(
        CloudEvent::parse_v2(b""),
        Err(EventError::NotJson(_))
    ));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(text in "\\{(\"(id|type|data|source)\":(\"[a-z]{0,3}\"|null|\\{\\}|\\[\\]),?){0,4}\\}|.{0,40}") {
        let _ = CloudEvent::parse_v2(text.as_bytes());
    }

    #[test]
    fn any_source_is_accepted_or_refused(source in ".{0,30}") {
        let _ = parse(&with(published(), "/source", json!(source)));
    }
}
