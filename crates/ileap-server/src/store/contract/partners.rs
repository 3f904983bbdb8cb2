//! Partners' hosts, and what they have shared.

use super::*;
use crate::{
    identity::{ClientCredentials, ClientSecret, SecretEncoding},
    store::partners::{Partner, ReceivedFootprint},
};

pub(super) fn partner(recipient: &str, base_url: &str) -> Partner {
    Partner {
        recipient: recipient.to_owned(),
        base_url: base_url.to_owned(),
        auth_base_url: None,
        credentials: ClientCredentials {
            client_id: ClientId::new("us").unwrap(),
            client_secret: ClientSecret::new("sesame open").unwrap(),
        },
        basic_encoding: SecretEncoding::FormEncoded,
        publish_as: None,
    }
}

pub(super) async fn are_kept(store: &dyn Store) {
    hosts_are_added_changed_and_removed(store).await;
    shared_footprints_are_kept_in_their_newest_version(store).await;
    events_are_forgotten_in_two_steps(store).await;
    answers_to_requests_are_listed_in_pages_to_whoever_asked(store).await;
}

async fn hosts_are_added_changed_and_removed(store: &dyn Store) {
    let mut one = partner("org_a", "https://a.example");
    store.put_partner(&one).await.unwrap();
    store
        .put_partner(&partner("org_a", "https://a.example/test"))
        .await
        .unwrap();
    store
        .put_partner(&partner("org_b", "https://a.example"))
        .await
        .unwrap();
    one.auth_base_url = Some("https://login.example".to_owned());
    one.credentials.client_secret = ClientSecret::new("another").unwrap();
    one.basic_encoding = SecretEncoding::Raw;
    one.publish_as = Some(Role::User);
    store.put_partner(&one).await.unwrap();
    let found = store.partners(Some("org_a")).await.unwrap();
    let bases: Vec<_> = found
        .iter()
        .map(|partner| partner.base_url.as_str())
        .collect();
    assert_eq!(bases, ["https://a.example", "https://a.example/test"]);
    assert_eq!(found[0].auth_base_url, one.auth_base_url);
    assert_eq!(found[0].credentials.client_secret.expose(), "another");
    assert_eq!(
        (found[0].basic_encoding, found[0].publish_as),
        (SecretEncoding::Raw, Some(Role::User))
    );
    assert_eq!(found[1].credentials.client_secret.expose(), "sesame open");
    assert_eq!(store.partners(None).await.unwrap().len(), 3);
    assert!(store.partners(Some("org_c")).await.unwrap().is_empty());
    assert!(!format!("{found:?}").contains("another"));
    assert!(
        store
            .remove_partner("org_a", "https://a.example")
            .await
            .unwrap()
    );
    assert!(
        !store
            .remove_partner("org_a", "https://a.example")
            .await
            .unwrap()
    );
    assert_eq!(store.partners(None).await.unwrap().len(), 2);
}

async fn shared_footprints_are_kept_in_their_newest_version(store: &dyn Store) {
    let id = "3893bb5d-da16-4dc1-9185-11d97476c254".parse().unwrap();
    let shared = |recipient: &str, version: u32, json: &'static str| ReceivedFootprint {
        recipient: recipient.to_owned(),
        id,
        version,
        received_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        json: Bytes::from_static(json.as_bytes()),
    };
    let keep = async |footprint| store.keep_received(&[footprint]).await.unwrap();
    for (version, json) in [
        (1, "{\"one\":1}"),
        (3, "{\"three\": 3}"),
        (2, "{\"two\":2}"),
    ] {
        assert!(keep(shared("org_a", version, json)).await);
    }
    assert!(keep(shared("org_b", 1, "{}")).await);
    assert!(store.keep_received(&[]).await.unwrap());
    let received = async |recipient| store.received(recipient, None, 10).await.unwrap();
    let kept = received("org_a").await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].version, kept[0].json.as_ref()),
        (3, b"{\"three\": 3}".as_slice())
    );
    assert!(
        store
            .received("org_a", Some(id), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let moment = kept[0].received_at;
    let before = moment - std::time::Duration::from_secs(1);
    for (until, count) in [(before, 0), (moment, 1)] {
        let forgotten = store.forget_received("org_a", until).await.unwrap();
        assert_eq!(forgotten, count);
    }
    assert!(received("org_a").await.is_empty());
    assert_eq!(received("org_b").await[0].version, 1);
}

async fn events_are_forgotten_in_two_steps(store: &dyn Store) {
    let receive = async |id: &str| outbox::receive(store, ("org_old", id), &[]).await.unwrap();
    assert_eq!(receive("1").await, EventReceipt::Stored);
    // Without its body it is still known.
    store
        .prune_events(outbox::at(1), outbox::at(0))
        .await
        .unwrap();
    assert_eq!(receive("1").await, EventReceipt::Duplicate);
    store
        .prune_events(outbox::at(1), outbox::at(1))
        .await
        .unwrap();
    assert_eq!(receive("1").await, EventReceipt::Stored);
}

async fn answers_to_requests_are_listed_in_pages_to_whoever_asked(store: &dyn Store) {
    let keep = async |id: &str, kind: &str, data: Value| {
        let body = json!({
            "specversion": "1.0", "id": id, "source": "https://answering.example",
            "type": format!("org.wbcsd.pathfinder.{kind}.v1"), "data": data,
        });
        let body = Bytes::from(body.to_string());
        let event = CloudEvent::parse_v2(&body).unwrap();
        let received = ReceivedEvent {
            event: &event,
            body: &body,
            sender: &principal(&[Role::User], "org_answering"),
            received_at: Timestamp::UNIX_EPOCH,
        };
        store.record_event(&received, &[]).await.unwrap();
        body
    };
    let error = json!({ "code": "NoSuchFootprint", "message": "None." });
    let rejected = json!({ "requestEventId": "r1", "error": error });
    let fulfilled = json!({ "requestEventId": "r2", "pfs": [] });
    let published = json!({ "pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"] });
    let first = keep("1", "ProductFootprintRequest.Rejected", rejected).await;
    keep("2", "ProductFootprint.Published", published).await;
    let second = keep("3", "ProductFootprintRequest.Fulfilled", fulfilled).await;
    let answers = async |recipient, after| {
        let page = store.received_answers(recipient, after, 1).await;
        page.unwrap()
    };
    let page = answers("org_answering", None).await;
    assert_eq!(page[0].json, first);
    let page = answers("org_answering", page.last()).await;
    assert_eq!((page[0].id.as_str(), &page[0].json), ("3", &second));
    assert!(answers("org_answering", page.last()).await.is_empty());
    assert!(answers("org_1", None).await.is_empty());
}
