//! What every store promises, whatever is beneath it.

mod access;
pub(crate) mod dice;
pub(crate) mod filters;
mod imports;
mod keys;
pub(crate) mod logins;
mod outbox;
mod paging;
mod partners;
mod tokens;
pub(crate) mod workers;

use bytes::Bytes;
use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    pact::event::CloudEvent,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    EventReceipt, ImportKind, ImportObject, Page, PageQuery, ReceivedEvent, Store, StoreError,
};
use crate::{
    access::{AccessRule, Visibility},
    http::cursor,
    identity::{ClientId, Organization, Principal, Role, Scopes},
    import::{self, SAMPLE_FOOTPRINTS, SAMPLE_TADS},
};

/// Runs every case on a store that is empty.
pub(crate) async fn run(store: &dyn Store) {
    nothing_is_there_at_first(store).await;
    import::sample_data(store).await.unwrap();
    objects_leave_as_the_bytes_that_came(store).await;
    pages_neither_repeat_nor_skip(store).await;
    filters::agree_with_the_reference(store).await;
    filters::of_activities_agree_with_the_reference(store).await;
    roles_and_rules_bound_what_is_seen(store).await;
    hostile_text_finds_nothing_and_breaks_nothing(store).await;
    events_are_kept_once_per_sender(store).await;
    imports::are_whole_or_not_at_all(store).await;
    imports::that_are_dropped_never_were(store).await;
    imports::find_activities_by_their_last_version(store).await;
    imports::know_what_they_leave_open(store).await;
    pages_hold_while_objects_are_added(store).await;
    an_activity_id_fits_into_a_link(store).await;
    imports::follow_the_life_cycle(store).await;
    filters::hold_for_every_year_and_every_tick(store).await;
    filters::of_many_alternatives_agree_with_the_reference(store).await;
    paging::holds_while_objects_and_grants_change(store).await;
    access::rules_open_what_they_name(store).await;
    access::agrees_with_the_reference(store).await;
    logins::hold(store).await;
    tokens::hold(store).await;
    partners::are_kept(store).await;
    outbox::holds(store).await;
    keys::are_changed_by_one_at_a_time(store).await;
}

fn footprints() -> Vec<Value> {
    serde_json::from_str(SAMPLE_FOOTPRINTS).unwrap()
}

fn tads() -> Vec<Value> {
    serde_json::from_str(SAMPLE_TADS).unwrap()
}

fn all() -> FootprintFilter {
    FootprintFilter {
        comparisons: Vec::new(),
    }
}

fn every_tad() -> TadFilter {
    TadFilter::parse(&[]).unwrap()
}

fn first(limit: usize) -> PageQuery {
    PageQuery {
        offset: 0,
        limit,
        after: None,
    }
}

fn ids(page: &Page, member: &str) -> Vec<String> {
    let list = [b"[", page.objects.as_ref(), b"]"].concat();
    let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
    list.iter()
        .map(|item| item[member].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn principal(roles: &[Role], recipient: &str) -> Principal {
    Principal {
        subject: "clerk|user_1".to_owned(),
        client_id: ClientId::new("ops@acme.example").unwrap(),
        organization: Some(Organization {
            id: recipient.to_owned(),
            slug: None,
        }),
        roles: roles.iter().copied().collect(),
        scopes: Scopes::all(),
    }
}

async fn walk(store: &dyn Store, filter: &FootprintFilter, limit: usize) -> Vec<String> {
    walk_as(store, &Visibility::everything(), filter, limit).await
}

async fn walk_as(
    store: &dyn Store,
    visibility: &Visibility,
    filter: &FootprintFilter,
    limit: usize,
) -> Vec<String> {
    let (mut found, mut query) = (Vec::new(), first(limit));
    loop {
        let page = store.footprints(visibility, filter, &query).await.unwrap();
        assert!(ids(&page, "id").len() <= limit);
        found.extend(ids(&page, "id"));
        match page.next {
            Some(position) => query.after = Some(position),
            None => return found,
        }
    }
}

async fn walk_activities(store: &dyn Store, filter: &TadFilter, limit: usize) -> Vec<String> {
    walk_activities_as(store, &Visibility::everything(), filter, limit).await
}

async fn walk_activities_as(
    store: &dyn Store,
    visibility: &Visibility,
    filter: &TadFilter,
    limit: usize,
) -> Vec<String> {
    let (mut found, mut query) = (Vec::new(), first(limit));
    loop {
        let page = store.tads(visibility, filter, &query).await.unwrap();
        assert!(ids(&page, "activityId").len() <= limit);
        found.extend(ids(&page, "activityId"));
        match page.next {
            Some(position) => query.after = Some(position),
            None => return found,
        }
    }
}

async fn nothing_is_there_at_first(store: &dyn Store) {
    store.check().await.unwrap();
    let page = store
        .footprints(&Visibility::everything(), &all(), &first(10))
        .await
        .unwrap();
    assert!(page.objects.is_empty() && page.next.is_none());
    assert_eq!(store.access_rules("org_1").await.unwrap(), []);
}

async fn objects_leave_as_the_bytes_that_came(store: &dyn Store) {
    for footprint in footprints() {
        let id = footprint["id"].as_str().unwrap().to_uppercase();
        let found = store
            .footprint(&Visibility::everything(), &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found, footprint.to_string().as_bytes(), "{id}");
    }
}

async fn pages_neither_repeat_nor_skip(store: &dyn Store) {
    let whole = walk(store, &all(), 1000).await;
    let mut expected = footprints();
    expected.sort_by_key(|footprint| {
        (
            footprint["created"].to_string(),
            footprint["id"].to_string(),
        )
    });
    let expected: Vec<_> = expected
        .iter()
        .map(|footprint| footprint["id"].as_str().unwrap())
        .collect();
    assert_eq!(whole, expected);
    for limit in 1..=expected.len() + 1 {
        assert_eq!(walk(store, &all(), limit).await, whole, "limit {limit}");
    }
    let found = walk_activities(store, &every_tad(), 3).await;
    let mut expected: Vec<_> = tads()
        .iter()
        .map(|tad| tad["activityId"].as_str().unwrap().to_owned())
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

async fn roles_and_rules_bound_what_is_seen(store: &dyn Store) {
    store
        .allow("org_granted", &[AccessRule::Everything])
        .await
        .unwrap();
    store
        .allow("org_granted", &[AccessRule::Everything])
        .await
        .unwrap();
    assert_eq!(
        store.access_rules("org_granted").await.unwrap(),
        [AccessRule::Everything]
    );
    store
        .allow("org_past", &[AccessRule::Everything])
        .await
        .unwrap();
    for there in [1, 0] {
        let removed = store.disallow("org_past", &[AccessRule::Everything]).await;
        assert_eq!(removed.unwrap(), there);
    }
    assert_eq!(store.access_rules("org_past").await.unwrap(), []);
    let seen = async |roles: &[Role], recipient: &str| {
        let visibility = Visibility::of(&principal(roles, recipient), store)
            .await
            .unwrap();
        let list = store
            .footprints(&visibility, &all(), &first(1000))
            .await
            .unwrap();
        let tads = store
            .tads(&visibility, &every_tad(), &first(1000))
            .await
            .unwrap();
        // What is listed can be fetched, and nothing else.
        let listed = ids(&list, "id");
        for footprint in footprints() {
            let id = footprint["id"].as_str().unwrap();
            let found = store.footprint(&visibility, id).await.unwrap().is_some();
            assert_eq!(
                found,
                listed.iter().any(|listed| listed == id),
                "{roles:?} {id}"
            );
        }
        (listed.len(), ids(&tads, "activityId").len())
    };
    let count = |name: &str| {
        footprints()
            .iter()
            .filter(|footprint| footprint.to_string().contains(name))
            .count()
    };
    let (shipments, tocs, hocs) = (
        count("/shipment-footprint.json"),
        count("/toc.json"),
        count("/hoc.json"),
    );
    let activities = tads().len();
    assert_eq!(
        seen(&[Role::All], "org_stranger").await,
        (footprints().len(), activities)
    );
    assert_eq!(
        seen(&[Role::Organizer], "org_granted").await,
        (tocs + hocs, activities)
    );
    assert_eq!(
        seen(&[Role::Operator], "org_granted").await,
        (shipments + tocs + hocs, activities)
    );
    let referenced = footprints()
        .iter()
        .filter(|footprint| is_referenced(footprint))
        .count();
    assert_eq!(
        seen(&[Role::User], "org_granted").await,
        (shipments + referenced, activities)
    );
    assert_eq!(
        seen(&[Role::User, Role::Organizer], "org_granted").await,
        (shipments + tocs + hocs, activities)
    );
    assert_eq!(seen(&[], "org_granted").await, (0, 0));
    assert_eq!(
        seen(&[Role::User, Role::Operator], "org_stranger").await,
        (0, 0)
    );
}

/// Whether a shipment of the samples refers to this TOC or HOC.
fn is_referenced(footprint: &Value) -> bool {
    let member = |name: &str| {
        footprint
            .pointer(&format!("/extensions/0/data/{name}"))
            .cloned()
    };
    let all = footprints();
    let mut tces = all
        .iter()
        .filter_map(|other| other.pointer("/extensions/0/data/tces")?.as_array())
        .flatten();
    let (toc, hoc) = (member("tocId"), member("hocId"));
    (toc.is_some() || hoc.is_some())
        && tces.any(|tce| {
            (toc.is_some() && tce.get("tocId") == toc.as_ref())
                || (hoc.is_some() && tce.get("hocId") == hoc.as_ref())
        })
}

async fn hostile_text_finds_nothing_and_breaks_nothing(store: &dyn Store) {
    for text in [
        "'; DROP TABLE footprints; --",
        "%",
        "_",
        "\u{0}",
        "' OR '1'='1",
    ] {
        assert!(
            store
                .footprint(&Visibility::everything(), text)
                .await
                .unwrap()
                .is_none(),
            "{text}"
        );
        let filter = FootprintFilter::parse(&format!(
            "productCategoryCpc eq '{}'",
            text.replace('\'', "''")
        ));
        assert_eq!(
            walk(store, &filter.unwrap(), 10).await,
            Vec::<String>::new(),
            "{text}"
        );
    }
    let lost = PageQuery {
        offset: 0,
        limit: 1,
        after: Some(super::Position("elsewhere".to_owned())),
    };
    let page: Result<Page, _> = store
        .footprints(&Visibility::everything(), &all(), &lost)
        .await;
    assert!(matches!(page, Err(StoreError::UnknownPosition)));
    let page = store
        .tads(&Visibility::everything(), &every_tad(), &lost)
        .await;
    assert!(matches!(page, Err(StoreError::UnknownPosition)));
    assert_eq!(walk(store, &all(), 100).await.len(), footprints().len());
}

async fn events_are_kept_once_per_sender(store: &dyn Store) {
    let body = Bytes::from(
        json!({
            "specversion": "1.0", "id": "1", "source": "https://partner.example",
            "type": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
            "data": {"pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"]},
        })
        .to_string(),
    );
    let event = CloudEvent::parse_v2(&body).unwrap();
    for (recipient, receipt) in [
        ("org_1", EventReceipt::Stored),
        ("org_1", EventReceipt::Duplicate),
        // One partner cannot use up another's event ids.
        ("org_2", EventReceipt::Stored),
    ] {
        let sender = principal(&[Role::User], recipient);
        let received = ReceivedEvent {
            event: &event,
            body: &body,
            sender: &sender,
            received_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(
            store.record_event(&received, &[]).await.unwrap(),
            receipt,
            "{recipient}"
        );
    }
}

pub(crate) fn object(value: Value) -> ImportObject {
    let json = Bytes::from(value.to_string());
    ImportObject {
        kind: ImportKind::Footprint,
        value,
        json,
    }
}

/// A footprint like the first sample, with its own id and moment of creation.
pub(crate) fn another(number: u32, created: &str) -> Value {
    let mut footprint = footprints()[0].clone();
    footprint["id"] = json!(format!("{number:08x}-0000-4000-8000-000000000000"));
    footprint["created"] = json!(created);
    footprint
}

async fn pages_hold_while_objects_are_added(store: &dyn Store) {
    let before = walk(store, &all(), 1000).await;
    let (mut found, mut query, mut number) = (Vec::new(), first(2), 0);
    loop {
        let page = store
            .footprints(&Visibility::everything(), &all(), &query)
            .await
            .unwrap();
        found.extend(ids(&page, "id"));
        number += 1;
        // Early, in the middle and late in the order.
        let created = [
            "2001-01-01T00:00:00Z",
            "2024-06-01T00:00:00Z",
            "2099-01-01T00:00:00Z",
        ][number % 3];
        store
            .import(&[object(another(u32::try_from(number).unwrap(), created))])
            .await
            .unwrap();
        match page.next {
            Some(position) if number < 100 => query.after = Some(position),
            _ => break,
        }
    }
    let mut unique = found.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), found.len(), "nothing twice");
    assert!(before.iter().all(|id| found.contains(id)), "nothing missed");
}

async fn an_activity_id_fits_into_a_link(store: &dyn Store) {
    let with_id = |length: usize| {
        let mut value = tads()[0].clone();
        value["activityId"] = json!("a".repeat(length));
        ImportObject {
            kind: ImportKind::Tad,
            json: Bytes::from(value.to_string()),
            value,
        }
    };
    let refused = store.import(&[with_id(512), with_id(513)]).await;
    assert!(matches!(
        refused,
        Err(StoreError::Unacceptable { index: 1, .. })
    ));
    assert_eq!(store.import(&[with_id(512)]).await.unwrap().added, 1);
    let query = first(1);
    let page = store
        .tads(&Visibility::everything(), &every_tad(), &query)
        .await
        .unwrap();
    let mut position = page.next.unwrap();
    let mut longest = 0;
    loop {
        let sealed = cursor::seal(store.cursor_key(), "tad", &position);
        assert_eq!(
            cursor::open(store.cursor_key(), "tad", &sealed).unwrap(),
            position
        );
        longest = longest.max(position.0.len());
        let query = PageQuery {
            offset: 0,
            limit: 1,
            after: Some(position),
        };
        let page = store
            .tads(&Visibility::everything(), &every_tad(), &query)
            .await
            .unwrap();
        let Some(next) = page.next else { break };
        position = next;
    }
    assert!(longest >= 512, "the long id began a page");
}
