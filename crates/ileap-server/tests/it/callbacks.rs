//! Events both ways: what a partner's host is sent, and what is fetched from it.

mod hosts;
mod partner;

use std::{collections::BTreeSet, time::Duration};

use ileap_server::{
    access::AccessRule,
    identity::{ClientCredentials, ClientId, ClientSecret, SecretEncoding},
    store::{ImportKind, ImportObject, partners::Partner as Registered},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};

use self::partner::{CLIENT_ID, CLIENT_SECRET, Partner};
use crate::harness::{Caller, Options, TestServer};

const CREATED: &str = "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1";
const FULFILLED: &str = "org.wbcsd.pathfinder.ProductFootprintRequest.Fulfilled.v1";
const PUBLISHED: &str = "org.wbcsd.pathfinder.ProductFootprint.Published.v1";
const REJECTED: &str = "org.wbcsd.pathfinder.ProductFootprintRequest.Rejected.v1";

/// `hello`'s organization has its host at `base`.
async fn register(server: &TestServer, base: &str) {
    let registered = Registered {
        recipient: server.clerk.organization_id("way").unwrap(),
        base_url: base.to_owned(),
        auth_base_url: None,
        credentials: ClientCredentials {
            client_id: ClientId::new(CLIENT_ID).unwrap(),
            client_secret: ClientSecret::new(CLIENT_SECRET).unwrap(),
        },
        basic_encoding: SecretEncoding::Raw,
        publish_as: None,
    };
    server.store().put_partner(&registered).await.unwrap();
}

async fn with_partner() -> (TestServer, Partner) {
    let server = TestServer::start().await;
    let partner = Partner::start().await;
    register(&server, &partner.base).await;
    (server, partner)
}

fn event(kind: &str, id: &str, source: &str, data: &Value) -> Value {
    json!({ "specversion": "1.0", "type": kind, "id": id, "source": source, "time": "2026-01-01T00:00:00Z", "data": data })
}

fn request(id: &str, source: &str, product: &str) -> Value {
    event(
        CREATED,
        id,
        source,
        &json!({ "pf": { "productIds": [product] } }),
    )
}

async fn send(caller: &Caller<'_>, event: &Value) {
    let answer = caller.send_event(event).await;
    assert_eq!(answer.status(), 200);
}

/// The base URL of a host that refuses connections until somebody listens in its place, which nobody else can take.
fn nobody_listens() -> (TcpSocket, String) {
    let place = TcpSocket::new_v4().unwrap();
    place.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("http://{}", place.local_addr().unwrap());
    (place, base)
}

/// A footprint that `hello` sees.
async fn sample(caller: &Caller<'_>) -> Value {
    caller.data("/2/footprints?limit=1").await[0].clone()
}

async fn depth(server: &TestServer) -> (u64, u64) {
    let depth = server.store().depth().await.unwrap();
    (depth.open, depth.dead)
}

async fn all_is_done(server: &TestServer) {
    for _ in 0..1500 {
        if depth(server).await.0 == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("tasks stay open: {:?}", server.store().unsettled(10).await);
}

#[tokio::test]
async fn pact_tc12_and_tc13_a_request_is_answered_with_exactly_one_fulfilled_event() {
    let (server, partner) = with_partner().await;
    let caller = server.as_client("hello").await;
    let footprint = sample(&caller).await;
    let product = footprint["productIds"][0].as_str().unwrap();
    let source = format!("{}/", partner.base);
    let request = request("5f7c1d5e-7e1c-4b0c-8a52-1d1a6b0b2c33/12", &source, product);
    // The same request again, as partners send it who have missed the first answer.
    for _ in 0..3 {
        send(&caller, &request).await;
    }
    let events = partner.has_acknowledged(1).await;
    all_is_done(&server).await;
    assert_eq!(partner.acknowledged().len(), 1);
    let fulfilled = &events[0];
    assert_eq!(fulfilled["type"], FULFILLED);
    assert_eq!(fulfilled["specversion"], "1.0");
    assert_eq!(fulfilled["source"], *server.base);
    assert_eq!(fulfilled["data"]["requestEventId"], request["id"]);
    let pfs = fulfilled["data"]["pfs"].as_array().unwrap();
    assert!(pfs.contains(&footprint));
    for pf in pfs {
        assert!(
            pf["productIds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|id| id == product)
        );
    }
    assert_ne!(fulfilled["id"], request["id"]);
    partner.with(|inner| {
        assert_eq!(
            inner.content_types,
            ["application/cloudevents+json; charset=UTF-8"]
        );
        assert_eq!(inner.tokens, 1);
    });
}

#[tokio::test]
async fn pact_tc14b_a_request_for_an_unknown_product_is_rejected_by_an_event() {
    let (server, partner) = with_partner().await;
    // The conformance service has no discovery document.
    partner.with(|inner| inner.has_discovery = false);
    let caller = server.as_client("hello").await;
    send(&caller, &request("a/14", &partner.base, "urn:pact:null")).await;
    let events = partner.has_acknowledged(1).await;
    assert_eq!(events[0]["type"], REJECTED);
    assert_eq!(events[0]["data"]["requestEventId"], "a/14");
    for member in ["code", "message"] {
        let text = events[0]["data"]["error"][member].as_str().unwrap();
        assert!(!text.is_empty());
    }
}

#[tokio::test]
async fn a_requester_is_answered_only_with_what_it_may_see() {
    let server = TestServer::start().await;
    let partner = Partner::start().await;
    let footprint = sample(&server.as_client("hello").await).await;
    let product = footprint["productIds"][0].as_str().unwrap();
    let registered = Registered {
        recipient: server.clerk.organization_id("stranger").unwrap(),
        ..{
            register(&server, &partner.base).await;
            server.store().partners(None).await.unwrap().remove(0)
        }
    };
    server.store().put_partner(&registered).await.unwrap();
    let stranger = server.as_client("no_rule").await;
    send(&stranger, &request("1", &partner.base, product)).await;
    let events = partner.has_acknowledged(1).await;
    assert_eq!(events[0]["type"], REJECTED);
}

#[tokio::test]
async fn an_event_is_sent_until_the_partner_acknowledges_it_and_is_the_same_each_time() {
    let (server, partner) = with_partner().await;
    partner.with(|inner| inner.next = [503, 500, 429, 404, 301].into());
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    partner.has_acknowledged(1).await;
    all_is_done(&server).await;
    partner.with(|inner| {
        assert_eq!(inner.events.len(), 6);
        let distinct: BTreeSet<_> = inner
            .events
            .iter()
            .map(|(event, _)| event.to_string())
            .collect();
        assert_eq!(distinct.len(), 1);
        assert_eq!(inner.tokens, 1, "one token serves them all");
    });
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_replaced_once_and_at_once() {
    let (server, partner) = with_partner().await;
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    partner.has_acknowledged(1).await;
    partner.with(|inner| inner.has_lost_tokens = true);
    send(&caller, &request("2", &partner.base, "urn:pact:null")).await;
    partner.has_acknowledged(2).await;
    partner.with(|inner| {
        let statuses: Vec<_> = inner.events.iter().map(|(_, status)| *status).collect();
        assert_eq!((statuses, inner.tokens), (vec![200, 401, 200], 2));
    });
}

#[tokio::test]
async fn a_partner_that_refuses_gets_five_attempts_and_the_operator_can_try_again() {
    let (server, partner) = with_partner().await;
    partner.with(|inner| inner.next = [400; 5].into());
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    all_is_done(&server).await;
    assert_eq!(depth(&server).await, (0, 1));
    let records = server.store().unsettled(10).await.unwrap();
    assert_eq!(
        (records[0].attempts, records[0].error.as_deref()),
        (5, Some("rejected"))
    );
    let recipient = server.clerk.organization_id("way").unwrap();
    let revived = server
        .store()
        .revive(&recipient, jiff::Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(revived.unwrap(), 1);
    // Nobody is told: it is found by looking.
    partner.has_acknowledged(1).await;
}

#[tokio::test]
async fn wrong_credentials_at_the_partner_end_as_such() {
    let (server, partner) = with_partner().await;
    let mut registered = server.store().partners(None).await.unwrap().remove(0);
    registered.credentials.client_secret = ClientSecret::new("wrong").unwrap();
    server.store().put_partner(&registered).await.unwrap();
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    all_is_done(&server).await;
    let records = server.store().unsettled(10).await.unwrap();
    assert_eq!(records[0].error.as_deref(), Some("credentials_refused"));
    partner.with(|inner| assert!(inner.events.is_empty()));
}

#[tokio::test]
async fn nothing_goes_to_a_host_that_is_not_registered_for_the_sender() {
    let (server, partner) = with_partner().await;
    let other = Partner::start().await;
    let caller = server.as_client("hello").await;
    let footprint = "6ead964a-9ff1-44f5-8b62-6d6fd9bdefee";
    for (number, source) in [
        other.base.clone(),
        format!(
            "{}@{}",
            partner.base,
            other.base.trim_start_matches("http://")
        ),
        partner.base.replace("127.0.0.1", "localhost"),
        "//169.254.169.254/latest/meta-data".to_owned(),
        partner.base.replace("http://", "https://"),
    ]
    .iter()
    .enumerate()
    {
        send(
            &caller,
            &request(&number.to_string(), source, "urn:pact:null"),
        )
        .await;
        let published = event(
            PUBLISHED,
            &format!("p{number}"),
            source,
            &json!({ "pfIds": [footprint] }),
        );
        send(&caller, &published).await;
    }
    // Another client's registration is of no use either.
    let shipper = server.as_client("transport_service_user").await;
    send(&shipper, &request("1", &partner.base, "urn:pact:null")).await;
    assert_eq!(depth(&server).await, (0, 0));
    // A later request to the registered host shows that the others were not merely slow.
    send(&caller, &request("last", &partner.base, "urn:pact:null")).await;
    partner.has_acknowledged(1).await;
    other.with(|inner| {
        assert!(inner.events.is_empty() && inner.tokens == 0 && inner.fetches.is_empty());
    });
    partner.with(|inner| assert!(inner.events.len() == 1 && inner.fetches.is_empty()));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (server, partner) = with_partner().await;
    let other = Partner::start().await;
    partner.with(|inner| inner.redirects_to = Some(format!("{}/2/events", other.base)));
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    all_is_done(&server).await;
    assert_eq!(depth(&server).await, (0, 1));
    other.with(|inner| assert!(inner.events.is_empty()));
}

#[tokio::test]
async fn an_answer_waits_for_a_partner_that_is_down_and_for_a_restart_of_ours() {
    let server = TestServer::start().await;
    let (place, base) = nobody_listens();
    register(&server, &base).await;
    send(
        &server.as_client("hello").await,
        &request("1", &base, "urn:pact:null"),
    )
    .await;
    let server = server.restarted().await;
    assert_eq!(depth(&server).await, (1, 0));
    let partner = Partner::on(place.listen(128).unwrap());
    let events = partner.has_acknowledged(1).await;
    assert_eq!(events[0]["data"]["requestEventId"], "1");
    all_is_done(&server).await;
    assert_eq!(partner.acknowledged().len(), 1);
}

#[tokio::test]
async fn a_slow_partner_keeps_no_other_waiting() {
    let (server, slow) = with_partner().await;
    slow.with(|inner| inner.delay = Duration::from_secs(10));
    let quick = Partner::start().await;
    register(&server, &quick.base).await;
    let caller = server.as_client("hello").await;
    for number in 0..20 {
        send(
            &caller,
            &request(&format!("s{number}"), &slow.base, "urn:pact:null"),
        )
        .await;
    }
    send(&caller, &request("q", &quick.base, "urn:pact:null")).await;
    quick.has_acknowledged(1).await;
    assert!(slow.acknowledged().is_empty());
}

#[tokio::test]
async fn two_servers_on_one_store_answer_each_request_once() {
    let (server, partner) = with_partner().await;
    let beside = server.beside().await;
    let (one, two) = (
        server.as_client("hello").await,
        beside.as_client("hello").await,
    );
    for number in 0..20 {
        let caller = if number % 2 == 0 { &one } else { &two };
        send(
            caller,
            &request(&number.to_string(), &partner.base, "urn:pact:null"),
        )
        .await;
    }
    let events = partner.has_acknowledged(20).await;
    all_is_done(&server).await;
    let answered: BTreeSet<_> = events
        .iter()
        .map(|event| event["data"]["requestEventId"].to_string())
        .collect();
    assert_eq!((partner.acknowledged().len(), answered.len()), (20, 20));
}

#[tokio::test]
async fn published_footprints_are_fetched_and_answers_are_kept() {
    let (server, partner) = with_partner().await;
    let caller = server.as_client("hello").await;
    let footprints = caller.data("/2/footprints?limit=4").await;
    let id = |number: usize| footprints[number]["id"].as_str().unwrap().to_owned();
    partner.with(|inner| {
        inner.footprints.insert(id(0), footprints[0].clone());
        // Another footprint than the one asked for, as only a confused or hostile host sends it.
        inner.footprints.insert(id(3), footprints[1].clone());
    });
    let gone = "00000000-0000-4000-8000-000000000000";
    let published = event(
        PUBLISHED,
        "1",
        &partner.base,
        &json!({ "pfIds": [gone, id(0)] }),
    );
    send(&caller, &published).await;
    let fulfilled =
        json!({ "requestEventId": "ours", "pfs": [footprints[2], { "id": "not a footprint" }] });
    send(&caller, &event(FULFILLED, "2", &partner.base, &fulfilled)).await;
    send(
        &caller,
        &event(PUBLISHED, "3", &partner.base, &json!({ "pfIds": [id(3)] })),
    )
    .await;
    all_is_done(&server).await;
    let recipient = server.clerk.organization_id("way").unwrap();
    let received = server.store().received(&recipient, None, 10).await.unwrap();
    let kept: BTreeSet<_> = received
        .iter()
        .map(|footprint| footprint.id.to_string())
        .collect();
    assert_eq!(kept, BTreeSet::from([id(0), id(2)]));
    for footprint in received {
        let kept: Value = serde_json::from_slice(&footprint.json).unwrap();
        assert!(footprints.as_array().unwrap().contains(&kept));
    }
    assert_eq!(
        depth(&server).await,
        (0, 0),
        "the confused answer is passed over"
    );
}

#[tokio::test]
async fn an_event_with_an_id_or_a_source_of_unbearable_length_is_refused() {
    let (server, partner) = with_partner().await;
    let caller = server.as_client("hello").await;
    for (id, source) in [
        ("x".repeat(1025), partner.base.clone()),
        (
            "1".to_owned(),
            format!("{}/{}", partner.base, "x".repeat(2048)),
        ),
    ] {
        let answer = caller
            .send_event(&request(&id, &source, "urn:pact:null"))
            .await;
        assert_eq!(answer.status(), 400);
    }
    let answer = caller
        .send_event(&request(&"x".repeat(1024), &partner.base, "urn:pact:null"))
        .await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn only_public_hosts_are_called_unless_private_networks_are_allowed() {
    let mut options = Options::default();
    options.delivery.reach = ileap_server::partner::Reach::Public;
    let server = TestServer::start_with(options).await;
    let partner = Partner::start().await;
    register(&server, &partner.base).await;
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    all_is_done(&server).await;
    let records = server.store().unsettled(10).await.unwrap();
    assert_eq!(records[0].error.as_deref(), Some("address_refused"));
    partner.with(|inner| assert_eq!(inner.tokens, 0));
}

#[tokio::test]
async fn a_partner_is_told_of_new_and_changed_footprints_that_it_may_see() {
    let (server, partner) = with_partner().await;
    let mut follower = server.store().partners(None).await.unwrap().remove(0);
    follower.recipient = server.clerk.organization_id("stranger").unwrap();
    follower.publish_as = Some(ileap_server::identity::Role::User);
    server.store().put_partner(&follower).await.unwrap();
    server
        .allow(
            "stranger",
            &[AccessRule::Shipment("shipment-air-1".to_owned())],
        )
        .await;
    let all = server
        .as_client("hello")
        .await
        .data("/2/footprints?limit=100")
        .await;
    let mut objects: Vec<ImportObject> = Vec::new();
    // What is deprecated does not change any more.
    let is_active = |footprint: &&Value| footprint["status"] == "Active";
    for footprint in all.as_array().unwrap().iter().filter(is_active) {
        let mut changed = footprint.clone();
        changed["version"] = json!(footprint["version"].as_u64().unwrap() + 1);
        changed["updated"] = json!("2030-01-01T00:00:00Z");
        let json = bytes::Bytes::from(changed.to_string());
        let kind = ImportKind::Footprint;
        objects.push(ImportObject {
            kind,
            value: changed,
            json,
        });
    }
    server.store().import(&objects).await.unwrap();
    let events = partner.has_acknowledged(1).await;
    all_is_done(&server).await;
    assert_eq!(partner.acknowledged().len(), 1);
    assert_eq!(events[0]["type"], PUBLISHED);
    let visible = server
        .as_client("no_rule")
        .await
        .data("/2/footprints")
        .await;
    let visible: BTreeSet<_> = visible
        .as_array()
        .unwrap()
        .iter()
        .map(|footprint| footprint["id"].to_string())
        .collect();
    let told = events[0]["data"]["pfIds"].as_array().unwrap();
    assert_eq!(
        told.iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>(),
        visible
    );
    assert_eq!(visible.len(), 3);
    // The same file again changes nothing, and says nothing.
    server.store().import(&objects).await.unwrap();
    assert!(
        !server
            .store()
            .publish_changes(jiff::Timestamp::UNIX_EPOCH)
            .await
            .unwrap()
    );
}
