//! What is kept of one partner's has its bounds, and room comes back.

use ileap_types::pact::event::CloudEvent;
use jiff::Timestamp;
use serde_json::json;

use super::super::*;
use crate::{
    identity::Role,
    store::{
        contract,
        partners::{
            EVENT_BYTES_LIMIT, EVENTS_LIMIT, FOOTPRINT_BYTES_LIMIT, FOOTPRINTS_LIMIT,
            PartnerRecords as _, ReceivedFootprint,
        },
    },
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) async fn receive(store: &SqlStore, recipient: &str, id: &str) -> EventReceipt {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "https://partner.example",
        "type": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
        "data": { "pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"] },
    });
    let body = Bytes::from(event.to_string());
    let received = ReceivedEvent {
        event: &CloudEvent::parse_v2(&body).unwrap(),
        body: &body,
        sender: &contract::principal(&[Role::User], recipient),
        received_at: at(1),
    };
    store.record_event(&received, &[]).await.unwrap()
}

fn footprint(number: u32, json: &'static str) -> ReceivedFootprint {
    ReceivedFootprint {
        recipient: "org_full".to_owned(),
        id: format!("00000000-0000-4000-8000-{number:012}")
            .parse()
            .unwrap(),
        version: 1,
        received_at: at(1),
        json: Bytes::from_static(json.as_bytes()),
    }
}

/// As if so much were kept.
async fn fill(store: &SqlStore, column: &'static str, size: i64) {
    let text = format!("UPDATE received_sizes SET {column} = $1 WHERE recipient = 'org_full'");
    let filled = Statement::new(text, vec![size.into()]);
    assert_eq!(filled.execute(&store.writer).await.unwrap(), 1);
}

/// Runs the cases on a store that knows no `org_full`.
pub(super) async fn are_bounded(store: &SqlStore) {
    assert_eq!(receive(store, "org_full", "1").await, EventReceipt::Stored);
    for (column, most) in [("events", EVENTS_LIMIT), ("event_bytes", EVENT_BYTES_LIMIT)] {
        fill(store, column, most).await;
        assert_eq!(receive(store, "org_full", "2").await, EventReceipt::Full);
        assert_eq!(
            receive(store, "org_full", "1").await,
            EventReceipt::Duplicate
        );
        assert_eq!(
            receive(store, "org_other", column).await,
            EventReceipt::Stored
        );
        // What is old goes, and all is counted anew.
        store.prune_events(at(2), at(2)).await.unwrap();
        assert_eq!(receive(store, "org_full", "1").await, EventReceipt::Stored);
    }
    assert_eq!(receive(store, "org_full", "2").await, EventReceipt::Stored);

    let keep = async |footprint| store.keep_received(&[footprint]).await.unwrap();
    assert!(keep(footprint(1, "[1,2,3]")).await);
    for (column, most) in [
        ("footprints", FOOTPRINTS_LIMIT),
        ("footprint_bytes", FOOTPRINT_BYTES_LIMIT),
    ] {
        fill(store, column, most).await;
        assert!(!keep(footprint(2, "[]")).await, "{column}");
        assert!(keep(footprint(1, "[1,2]")).await, "{column}: less is taken");
        assert_eq!(store.forget_received("org_full", at(0)).await.unwrap(), 0);
    }
    assert!(keep(footprint(2, "[]")).await);
    let kept = store.received("org_full", None, 10).await.unwrap();
    assert_eq!(kept.len(), 2);
}
