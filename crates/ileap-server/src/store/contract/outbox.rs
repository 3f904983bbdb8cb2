//! Tasks for partners: kept with the event they follow from, done by one worker at a time, and to the end.

use std::time::Duration;

use uuid::Uuid;

use super::{partners::partner, *};
use crate::store::outbox::{Lease, LeasedTask, NewTask, OPEN_TASKS_LIMIT, Settlement, TaskKind};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(super) fn task(recipient: &str, base_url: &str) -> NewTask {
    NewTask {
        id: Uuid::new_v4(),
        kind: TaskKind::Answer,
        recipient: recipient.to_owned(),
        base_url: base_url.to_owned(),
        input: Bytes::from_static(b"{\"a\":1}"),
    }
}

pub(super) async fn lease(store: &dyn Store, worker: &str, now: Timestamp) -> Vec<LeasedTask> {
    let lease = Lease {
        worker: worker.to_owned(),
        now,
        lasts: Duration::from_secs(30),
        limit: 10,
    };
    store.lease(&lease).await.unwrap()
}

pub(super) fn names(leased: &[LeasedTask]) -> Vec<Uuid> {
    leased.iter().map(|leased| leased.task.id).collect()
}

pub(super) async fn holds(store: &dyn Store) {
    an_event_is_kept_with_its_tasks_or_not_at_all(store).await;
    what_fails_half_way_never_was(store).await;
    a_task_is_one_workers_until_its_lease_ends(store).await;
    a_host_gets_one_task_at_a_time_in_order(store).await;
    what_is_due_longest_comes_first(store).await;
    a_body_is_fixed_once(store).await;
    settled_tasks_are_left_alone_and_forgotten(store).await;
    a_removed_partner_gets_nothing_more(store).await;
}

/// Receives a request of this sender with this id.
pub(super) async fn receive(
    store: &dyn Store,
    (recipient, id): (&str, &str),
    tasks: &[NewTask],
) -> Result<EventReceipt, StoreError> {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "https://partner.example",
        "type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
        "data": { "pf": { "productIds": ["urn:x:y:1"] } },
    });
    let body = Bytes::from(event.to_string());
    let received = ReceivedEvent {
        event: &CloudEvent::parse_v2(&body).unwrap(),
        body: &body,
        sender: &principal(&[Role::User], recipient),
        received_at: at(0),
    };
    store.record_event(&received, tasks).await
}

async fn an_event_is_kept_with_its_tasks_or_not_at_all(store: &dyn Store) {
    let receive =
        async |id: &str, task: NewTask| receive(store, ("org_flood", id), &[task]).await.unwrap();
    let flood = || task("org_flood", "https://flood.example");
    assert_eq!(receive("0", flood()).await, EventReceipt::Stored);
    assert_eq!(receive("0", flood()).await, EventReceipt::Duplicate);
    assert_eq!(store.depth().await.unwrap().open, 1);
    let more: Vec<_> = (1..OPEN_TASKS_LIMIT).map(|_| flood()).collect();
    store.add_tasks(&more, at(0)).await.unwrap();
    assert_eq!(receive("1", flood()).await, EventReceipt::Full);
    // What was refused was not kept: it comes again, and is taken once there is room.
    let first = lease(store, "w", at(0)).await;
    assert_eq!(first.len(), 1);
    assert!(
        store
            .settle("w", first[0].task.id, Settlement::Done, at(1))
            .await
            .unwrap()
    );
    assert_eq!(receive("1", flood()).await, EventReceipt::Stored);
    assert!(
        store
            .put_partner(&partner("org_flood", "https://flood.example"))
            .await
            .is_ok()
    );
    store
        .remove_partner("org_flood", "https://flood.example")
        .await
        .unwrap();
    assert_eq!(store.depth().await.unwrap().open, 0);
}

async fn what_fails_half_way_never_was(store: &dyn Store) {
    let [one, other] =
        ["https://one.example", "https://two.example"].map(|base| task("org_1", base));
    // Two of one name: the second cannot be kept.
    let twice = [one.clone(), other.clone(), one.clone()];
    assert!(store.add_tasks(&twice, at(0)).await.is_err());
    let sent = ("org_1", "half way");
    assert!(receive(store, sent, &twice).await.is_err());
    assert_eq!(store.depth().await.unwrap().open, 0);
    let again = receive(store, sent, std::slice::from_ref(&other)).await;
    assert_eq!(again.unwrap(), EventReceipt::Stored, "it was not kept");
    assert_eq!(names(&lease(store, "w", at(0)).await), [other.id]);
    let done = store.settle("w", other.id, Settlement::Done, at(1));
    assert!(done.await.unwrap());
}

async fn a_task_is_one_workers_until_its_lease_ends(store: &dyn Store) {
    let [one, two] = ["https://one.example", "https://two.example"].map(|base| task("org_1", base));
    store
        .add_tasks(&[one.clone(), two.clone()], at(10))
        .await
        .unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    assert!(lease(store, "w1", at(9)).await.is_empty(), "not due yet");
    let leased = lease(store, "w1", at(10)).await;
    assert_eq!(leased.len(), 2);
    let found = leased
        .iter()
        .find(|leased| leased.task.id == one.id)
        .unwrap();
    assert_eq!(
        (found.task.kind, &found.task.input),
        (TaskKind::Answer, &one.input)
    );
    assert_eq!(
        (found.created_at, found.attempts, &found.body),
        (at(10), 0, &None)
    );
    assert!(lease(store, "w2", at(39)).await.is_empty());
    store.extend("w1", &[one.id], at(60)).await.unwrap();
    // What the first worker does not ask for time for, it has no say in any longer.
    assert_eq!(names(&lease(store, "w2", at(40)).await), [two.id]);
    store.extend("w2", &[two.id], at(100)).await.unwrap();
    store.extend("w1", &[two.id], at(200)).await.unwrap();
    assert_eq!(names(&lease(store, "w2", at(60)).await), [one.id]);
    assert!(
        !store
            .settle("w1", one.id, Settlement::Done, at(61))
            .await
            .unwrap()
    );
    assert!(
        !store
            .fix_body("w1", one.id, &Bytes::from_static(b"x"))
            .await
            .unwrap()
    );
    let retry = Settlement::Retry {
        due_at: at(100),
        is_refusal: true,
        why: "rejected",
    };
    assert!(store.settle("w2", one.id, retry, at(61)).await.unwrap());
    assert!(
        store
            .settle("w2", two.id, Settlement::Done, at(61))
            .await
            .unwrap()
    );
    assert!(lease(store, "w2", at(99)).await.is_empty());
    let again = lease(store, "w3", at(100)).await;
    assert_eq!(
        (names(&again), again[0].attempts, again[0].refusals),
        (vec![one.id], 1, 1)
    );
    assert!(
        store
            .settle("w3", one.id, Settlement::Done, at(101))
            .await
            .unwrap()
    );
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn a_host_gets_one_task_at_a_time_in_order(store: &dyn Store) {
    let tasks = [0, 1].map(|_| task("org_1", "https://slow.example"));
    store.add_tasks(&tasks[..1], at(200)).await.unwrap();
    store.add_tasks(&tasks[1..], at(201)).await.unwrap();
    for expected in &tasks {
        assert_eq!(names(&lease(store, "w1", at(210)).await), [expected.id]);
        assert!(lease(store, "w2", at(211)).await.is_empty());
        store
            .settle("w1", expected.id, Settlement::Done, at(212))
            .await
            .unwrap();
    }
    // Two workers at once never get the same.
    let many: Vec<_> = (0..20)
        .map(|host| task("org_1", &format!("https://h{host}.example")))
        .collect();
    store.add_tasks(&many, at(220)).await.unwrap();
    let (one, two) = tokio::join!(lease(store, "w1", at(220)), lease(store, "w2", at(220)));
    let mut all: Vec<_> = names(&one).into_iter().chain(names(&two)).collect();
    let leased = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), leased);
    assert!(leased >= 10);
    for (worker, tasks) in [("w1", one), ("w2", two)] {
        for id in names(&tasks) {
            assert!(
                store
                    .settle(worker, id, Settlement::Done, at(221))
                    .await
                    .unwrap()
            );
        }
    }
    for left in lease(store, "w1", at(222)).await {
        store
            .settle("w1", left.task.id, Settlement::Done, at(223))
            .await
            .unwrap();
    }
    assert_eq!(store.depth().await.unwrap().open, 0);
}

async fn what_is_due_longest_comes_first(store: &dyn Store) {
    let due = [242, 240, 241]
        .map(|second| (second, task("org_1", &format!("https://h{second}.example"))));
    for (second, task) in &due {
        let added = store.add_tasks(std::slice::from_ref(task), at(*second));
        added.await.unwrap();
    }
    let one = Lease {
        worker: "w1".to_owned(),
        now: at(250),
        lasts: Duration::from_secs(30),
        limit: 1,
    };
    for number in [1, 2, 0] {
        let (_, expected) = &due[number];
        assert_eq!(names(&store.lease(&one).await.unwrap()), [expected.id]);
    }
    for (_, task) in &due {
        let done = store.settle("w1", task.id, Settlement::Done, at(251));
        assert!(done.await.unwrap());
    }
}

async fn a_body_is_fixed_once(store: &dyn Store) {
    let one = task("org_1", "https://one.example");
    store
        .add_tasks(std::slice::from_ref(&one), at(300))
        .await
        .unwrap();
    lease(store, "w1", at(300)).await;
    let (first, other) = (Bytes::from_static(b"first"), Bytes::from_static(b"other"));
    assert!(store.fix_body("w1", one.id, &first).await.unwrap());
    assert!(!store.fix_body("w1", one.id, &other).await.unwrap());
    let again = lease(store, "w2", at(400)).await;
    assert_eq!(again[0].body, Some(first));
    store
        .settle("w2", one.id, Settlement::Done, at(401))
        .await
        .unwrap();
}

async fn settled_tasks_are_left_alone_and_forgotten(store: &dyn Store) {
    let tasks = ["https://one.example", "https://two.example"].map(|base| task("org_dead", base));
    store.add_tasks(&tasks, at(500)).await.unwrap();
    lease(store, "w1", at(500)).await;
    let dead = Settlement::Dead { why: "rejected" };
    store
        .settle("w1", tasks[0].id, dead, at(501))
        .await
        .unwrap();
    store
        .settle("w1", tasks[1].id, Settlement::Done, at(501))
        .await
        .unwrap();
    assert!(lease(store, "w1", at(1000)).await.is_empty());
    let records = store.unsettled(10).await.unwrap();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(
        (
            record.state.as_str(),
            record.error.as_deref(),
            record.attempts
        ),
        ("dead", Some("rejected"), 1)
    );
    assert_eq!(record.id, tasks[0].id.to_string());
    let depth = store.depth().await.unwrap();
    assert_eq!((depth.open, depth.dead), (0, 1));
    // Whoever has mended what was wrong has it tried again, with all that belongs to it.
    assert_eq!(store.revive("org_dead", at(1000)).await.unwrap(), 1);
    let again = lease(store, "w1", at(1000)).await;
    assert_eq!(
        (names(&again), &again[0].task.input),
        (vec![tasks[0].id], &tasks[0].input)
    );
    store
        .settle("w1", tasks[0].id, dead, at(1001))
        .await
        .unwrap();
    store.prune(at(501), at(1001)).await.unwrap();
    assert_eq!(store.depth().await.unwrap().dead, 1);
    store.prune(at(502), at(1002)).await.unwrap();
    assert_eq!(store.depth().await.unwrap().dead, 0);
}

async fn a_removed_partner_gets_nothing_more(store: &dyn Store) {
    let gone = partner("org_gone", "https://gone.example");
    store.put_partner(&gone).await.unwrap();
    let tasks = [
        task("org_gone", "https://gone.example"),
        task("org_other", "https://gone.example"),
    ];
    store.add_tasks(&tasks[..1], at(2000)).await.unwrap();
    store.add_tasks(&tasks[1..], at(2001)).await.unwrap();
    store
        .remove_partner("org_gone", "https://gone.example")
        .await
        .unwrap();
    assert_eq!(names(&lease(store, "w1", at(2001)).await), [tasks[1].id]);
    store
        .settle("w1", tasks[1].id, Settlement::Done, at(2002))
        .await
        .unwrap();
}
