use http::HeaderName;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The example that Svix publishes with its scheme.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_AT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn key() -> WebhookKey {
    WebhookKey::new(&WebhookSigningSecret::for_test(SECRET)).unwrap()
}

fn headers(family: &str, id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("id", id),
        ("timestamp", timestamp),
        ("signature", signature),
    ] {
        let name: HeaderName = format!("{family}-{name}").parse().unwrap();
        headers.insert(name, value.parse().unwrap());
    }
    headers
}

fn published() -> HeaderMap {
    headers("svix", ID, &SENT_AT.to_string(), SIGNATURE)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn webhook(event: &Value) -> Webhook {
    let body = event.to_string();
    let message = format!("{ID}.{SENT_AT}.{body}");
    let tag = hmac::sign(&key().0, message.as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag));
    let headers = headers("svix", ID, &SENT_AT.to_string(), &signature);
    let webhook = key().open(&headers, body.as_bytes(), at(SENT_AT));
    webhook.unwrap()
}

fn news(event: &Value) -> News {
    webhook(event).news
}

#[test]
fn the_published_example_is_accepted_in_both_families_of_headers() {
    for family in FAMILIES {
        let headers = headers(family, ID, &SENT_AT.to_string(), SIGNATURE);
        let webhook = key().open(&headers, BODY, at(SENT_AT)).unwrap();
        assert_eq!((webhook.id.as_str(), webhook.news), (ID, News::Irrelevant));
    }
}

#[test]
fn one_right_signature_among_several_is_enough() {
    let several = format!("v2,AAAA v1,bm9uZQ== {SIGNATURE} v1a,AAAA nonsense");
    let headers = headers("svix", ID, &SENT_AT.to_string(), &several);
    assert!(key().open(&headers, BODY, at(SENT_AT)).is_ok());
}

#[test]
fn what_was_not_signed_like_this_is_refused() {
    let wrong = |headers: &HeaderMap, body: &[u8]| key().open(headers, body, at(SENT_AT));
    let timestamp = SENT_AT.to_string();
    for headers in [
        headers("svix", "msg_other", &timestamp, SIGNATURE),
        headers("svix", ID, "1614265331", SIGNATURE),
        headers("svix", ID, &timestamp, SIGNATURE.trim_start_matches("v1,")),
        headers("svix", ID, &timestamp, "v1,"),
    ] {
        assert_eq!(wrong(&headers, BODY), Err(WebhookError::Signature));
    }
    assert_eq!(wrong(&published(), b"{}"), Err(WebhookError::Signature));
    let other = WebhookSigningSecret::for_test("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let other = WebhookKey::new(&other).unwrap();
    let answer = other.open(&published(), BODY, at(SENT_AT));
    assert_eq!(answer, Err(WebhookError::Signature));
}

#[test]
fn a_webhook_counts_for_five_minutes_either_way() {
    let open = |now| key().open(&published(), BODY, at(now)).map(|_| ());
    assert_eq!(open(SENT_AT + 300), Ok(()));
    assert_eq!(open(SENT_AT - 300), Ok(()));
    assert_eq!(open(SENT_AT + 301), Err(WebhookError::Stale));
    assert_eq!(open(SENT_AT - 301), Err(WebhookError::Stale));
}

/// What is signed does not say where the id ends.
#[test]
fn a_dot_in_the_id_cannot_move_the_timestamp_or_the_body() {
    let signed = format!("msg_1.{SENT_AT}.7.{{}}");
    let tag = hmac::sign(&key().0, signed.as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag));
    let open = |id: &str, sent_at: i64, body: &[u8]| {
        let headers = headers("svix", id, &sent_at.to_string(), &signature);
        key().open(&headers, body, at(sent_at)).map(|_| ())
    };
    assert_eq!(open("msg_1", SENT_AT, b"7.{}"), Ok(()));
    let moved = format!("msg_1.{SENT_AT}");
    assert_eq!(open(&moved, 7, b"{}"), Err(WebhookError::Headers));
}

#[test]
fn headers_that_are_missing_doubled_or_odd_are_refused() {
    let refused = |headers: &HeaderMap| key().open(headers, BODY, at(SENT_AT));
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        let mut missing = published();
        missing.remove(name);
        assert_eq!(refused(&missing), Err(WebhookError::Headers), "{name}");
        let mut doubled = published();
        let value = doubled.get(name).unwrap().clone();
        doubled.append(name, value);
        assert_eq!(refused(&doubled), Err(WebhookError::Headers), "{name}");
    }
    let odd = headers("svix", ID, "yesterday", SIGNATURE);
    assert_eq!(refused(&odd), Err(WebhookError::Headers));
}

#[test]
fn events_name_whose_credentials_they_change() {
    let subject = |id: &str| News::Invalidates(Invalidation::Subject(format!("clerk|{id}")));
    let created = json!({"type": "user.created", "data": {"id": "user_1"}});
    let account = AccountKey::of_subject("clerk|user_1");
    assert_eq!(
        news(&created),
        News::Invalidates(Invalidation::Account(account))
    );
    for kind in ["user.updated", "user.deleted"] {
        let event = json!({"type": kind, "data": {"id": "user_1", "banned": true}});
        assert_eq!(news(&event), subject("user_1"));
    }
    for change in ["created", "updated", "deleted"] {
        let event = json!({
            "type": format!("organizationMembership.{change}"),
            "data": {"id": "orgmem_1", "public_user_data": {"user_id": "user_2"}},
        });
        assert_eq!(news(&event), subject("user_2"));
    }
    let event = json!({"type": "organization.deleted", "data": {"id": "org_1"}});
    let organization = Invalidation::Organization("org_1".to_owned());
    assert_eq!(news(&event), News::Invalidates(organization));
    assert_eq!(
        news(&json!({"type": "session.created", "data": {"id": "sess_1"}})),
        News::Irrelevant
    );
}

#[test]
fn a_thousand_signatures_cost_one_hash_and_are_refused() {
    let many = vec!["v1,"; 4000].join(" ");
    let refused = headers("svix", ID, &SENT_AT.to_string(), &many);
    let answer = key().open(&refused, BODY, at(SENT_AT));
    assert_eq!(answer, Err(WebhookError::Signature));
    let with_ours = headers(
        "svix",
        ID,
        &SENT_AT.to_string(),
        &format!("{many} {SIGNATURE}"),
    );
    assert!(key().open(&with_ours, BODY, at(SENT_AT)).is_ok());
}

#[test]
fn a_sign_in_does_not_change_how_a_user_looks() {
    let user = |signed_in: u64, password: Value, banned: bool| {
        json!({"type": "user.updated", "data": {
            "id": "user_1", "banned": banned, "password_last_updated_at": password,
            "last_sign_in_at": signed_in, "updated_at": signed_in,
        }})
    };
    let look = |event: Value| webhook(&event).likeness;
    let first = look(user(1, json!(7), false));
    assert!(first.is_some());
    assert_eq!(look(user(2, json!(7), false)), first);
    assert_ne!(look(user(2, json!(8), false)), first);
    // A ban counts whenever it is told, and where a changed password would not show, every update does.
    assert_eq!(look(user(2, json!(7), true)), None);
    assert_eq!(look(user(1, Value::Null, false)), None);
    let deleted = json!({"type": "user.deleted", "data": {"id": "user_1"}});
    assert_eq!(look(deleted), None);
}

#[test]
fn odd_content_is_no_error() {
    for event in [
        json!({"type": "user.updated"}),
        json!({"type": "user.updated", "data": null}),
        json!({"type": "user.updated", "data": {"id": "user_1\r\nforged"}}),
        json!({"type": "user.updated", "data": {"id": 7}}),
        json!({"type": "user.updated", "data": [7]}),
        json!({"type": "organizationMembership.created", "data": {"public_user_data": null}}),
        json!({"type": "organizationMembership.created", "data": {"public_user_data": "x"}}),
    ] {
        assert_eq!(news(&event), News::Nameless, "{event}");
    }
    for event in [json!(null), json!([1]), json!({"type": 7, "data": 7})] {
        assert_eq!(news(&event), News::Irrelevant, "{event}");
    }
}

proptest! {
    #[test]
    fn no_input_is_a_panic(
        id in "[ -~]{0,40}",
        timestamp in "[-+0-9]{0,20}",
        signature in "[ -~]{0,80}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let headers = headers("svix", &id, &timestamp, &signature);
        prop_assert!(key().open(&headers, &body, at(SENT_AT)).is_err());
    }
}
