//! Hosts that fail in all the ways hosts do, restarts of ours, and access that ends meanwhile.

use ileap_server::store::outbox::{NewTask, OPEN_TASKS_LIMIT, TaskKind};

use super::{partner::eventually, *};
use crate::harness::{header, refusal};

async fn error(server: &TestServer) -> Option<String> {
    let records = server.store().unsettled(10).await.unwrap();
    records.first().and_then(|record| record.error.clone())
}

async fn attempts(server: &TestServer) -> u32 {
    server.store().unsettled(10).await.unwrap()[0].attempts
}

/// `transport_service_user`'s organization has its host there, and a request of its product is under way.
async fn shipper_asks(server: &TestServer, base: &str) -> String {
    register(server, base).await;
    let mut registered = server.store().partners(None).await.unwrap().remove(0);
    registered.recipient = server.clerk.organization_id("shipper").unwrap();
    server.store().put_partner(&registered).await.unwrap();
    let shipper = server.as_client("transport_service_user").await;
    let footprint = sample(&shipper).await;
    let product = footprint["productIds"][0].as_str().unwrap();
    send(&shipper, &request("1", base, product)).await;
    registered.recipient
}

#[tokio::test]
async fn what_may_have_arrived_is_sent_as_it_was_after_a_restart() {
    let (server, partner) = with_partner().await;
    partner.with(|inner| inner.next = [500; 3].into());
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    eventually(|| partner.with(|inner| !inner.events.is_empty())).await;
    let server = server.restarted().await;
    partner.has_acknowledged(1).await;
    all_is_done(&server).await;
    partner.with(|inner| {
        let sent = inner.events.iter().map(|(event, _)| event.to_string());
        assert_eq!(sent.collect::<BTreeSet<_>>().len(), 1);
        assert!(inner.events.len() >= 2);
    });
}

#[tokio::test]
async fn a_server_that_stops_sends_what_it_is_sending_to_its_end() {
    let (server, partner) = with_partner().await;
    partner.with(|inner| inner.delay = Duration::from_secs(7));
    let caller = server.as_client("hello").await;
    send(&caller, &request("1", &partner.base, "urn:pact:null")).await;
    eventually(|| partner.with(|inner| inner.tokens > 0)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let server = server.restarted().await;
    all_is_done(&server).await;
    assert_eq!(partner.acknowledged().len(), 1);
    assert_eq!(depth(&server).await, (0, 0));
}

#[tokio::test]
async fn an_answer_that_is_known_there_perhaps_is_given_up_when_access_to_it_ends() {
    let server = TestServer::start().await;
    let partner = Partner::start().await;
    partner.with(|inner| inner.next = [503; 100].into());
    let recipient = shipper_asks(&server, &partner.base).await;
    eventually(|| partner.with(|inner| !inner.events.is_empty())).await;
    let rules = [AccessRule::Everything];
    server.store().disallow(&recipient, &rules).await.unwrap();
    all_is_done(&server).await;
    assert_eq!(error(&server).await.as_deref(), Some("access_withdrawn"));
    assert!(partner.acknowledged().is_empty());
}

#[tokio::test]
async fn an_answer_that_has_never_left_is_judged_anew_before_it_does() {
    let server = TestServer::start().await;
    let (place, base) = nobody_listens();
    let recipient = shipper_asks(&server, &base).await;
    while error(&server).await.as_deref() != Some("connect") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rules = [AccessRule::Everything];
    server.store().disallow(&recipient, &rules).await.unwrap();
    // An attempt that began before may have judged it before, too.
    let begun = attempts(&server).await;
    while attempts(&server).await == begun {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let partner = Partner::on(place.listen(128).unwrap());
    let events = partner.has_acknowledged(1).await;
    assert_eq!(events[0]["type"], REJECTED);
}

#[tokio::test]
async fn one_bad_footprint_keeps_nobody_from_the_others_and_none_is_fetched_again() {
    let (server, partner) = with_partner().await;
    let caller = server.as_client("hello").await;
    let footprints = caller.data("/2/footprints?limit=5").await;
    let ids: Vec<_> = footprints
        .as_array()
        .unwrap()
        .iter()
        .map(|pf| pf["id"].as_str().unwrap().to_owned())
        .collect();
    partner.with(|inner| {
        for (number, id) in ids.iter().enumerate() {
            inner
                .footprints
                .insert(id.clone(), footprints[number].clone());
        }
        inner
            .footprints
            .insert(ids[3].clone(), json!({ "no": "footprint" }));
        for (number, statuses) in [(0, vec![400]), (1, vec![410]), (4, vec![503, 429])] {
            inner
                .fetch_statuses
                .insert(ids[number].clone(), statuses.into());
        }
    });
    let twice = [ids.clone(), ids.clone()].concat();
    let published = event(PUBLISHED, "1", &partner.base, &json!({ "pfIds": twice }));
    send(&caller, &published).await;
    all_is_done(&server).await;
    assert_eq!(depth(&server).await, (0, 0));
    let recipient = server.clerk.organization_id("way").unwrap();
    let kept = server.store().received(&recipient, None, 10).await.unwrap();
    let kept: BTreeSet<_> = kept.iter().map(|pf| pf.id.to_string()).collect();
    assert_eq!(kept, BTreeSet::from([ids[2].clone(), ids[4].clone()]));
    partner.with(|inner| {
        let again = [ids[4].clone(), ids[4].clone()];
        assert_eq!(inner.fetches, [ids.clone(), again.to_vec()].concat());
    });
}

#[tokio::test]
async fn hosts_that_hang_keep_nobody_else_waiting_however_much_there_is_for_them() {
    let server = TestServer::start().await;
    let quick = Partner::start().await;
    let caller = server.as_client("hello").await;
    let mut hanging = Vec::new();
    for host in 0..17 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        // It takes connections, as long as this test goes on, and says nothing.
        hanging.push(listener);
        register(&server, &base).await;
        for number in 0..5 {
            let id = format!("{host}/{number}");
            send(&caller, &request(&id, &base, "urn:pact:null")).await;
        }
    }
    register(&server, &quick.base).await;
    send(&caller, &request("q", &quick.base, "urn:pact:null")).await;
    quick.has_acknowledged(1).await;
}

#[tokio::test]
async fn an_account_that_is_refused_is_not_tried_for_every_task() {
    let mut options = Options::default();
    let (short, long) = (Duration::from_millis(50), Duration::from_secs(3600));
    options.delivery.pauses_after_refusal = [short, long, long, long];
    let server = TestServer::start_with(options).await;
    let partner = Partner::start().await;
    register(&server, &partner.base).await;
    let mut registered = server.store().partners(None).await.unwrap().remove(0);
    let right = registered.clone();
    registered.credentials.client_secret = ClientSecret::new("wrong").unwrap();
    server.store().put_partner(&registered).await.unwrap();
    let caller = server.as_client("hello").await;
    for number in 0..10 {
        let id = number.to_string();
        send(&caller, &request(&id, &partner.base, "urn:pact:null")).await;
    }
    eventually(|| partner.with(|inner| inner.refused_logins >= 2)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(partner.with(|inner| inner.refused_logins), 2);
    assert_eq!(depth(&server).await, (10, 0));
    // Who registers it with the right secret need not wait.
    server.store().put_partner(&right).await.unwrap();
    partner.has_acknowledged(10).await;
}

#[tokio::test]
async fn a_sender_for_whom_too_much_is_open_is_told_when_to_come_back() {
    let (server, partner) = with_partner().await;
    partner.with(|inner| inner.delay = Duration::from_secs(3600));
    let recipient = server.clerk.organization_id("way").unwrap();
    let task = |_| NewTask {
        id: uuid::Uuid::new_v4(),
        kind: TaskKind::Publish,
        recipient: recipient.clone(),
        base_url: partner.base.clone(),
        input: bytes::Bytes::from_static(b"{\"pf_ids\":[]}"),
    };
    let tasks: Vec<_> = (0..OPEN_TASKS_LIMIT).map(task).collect();
    server
        .store()
        .add_tasks(&tasks, jiff::Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let caller = server.as_client("hello").await;
    let answer = caller
        .send_event(&request("1", &partner.base, "urn:pact:null"))
        .await;
    assert_eq!(header(&answer, "retry-after"), "1");
    assert_eq!(refusal(answer).await.0, 503);
    // What nothing follows from is taken.
    send(
        &caller,
        &request("2", "https://elsewhere.example", "urn:pact:null"),
    )
    .await;
}
