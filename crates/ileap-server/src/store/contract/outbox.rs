//! Tasks for partners: kept with the event they follow from, done by one worker at a time, and to the end.

use std::time::Duration;

use uuid::Uuid;

use super::{partners::partner, *};
use crate::store::outbox::{
    Ending, HostState, Lease, LeasedTask, NewTask, OPEN_TASKS_LIMIT, Settlement, TaskKind,
};

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

pub(super) async fn lease(store: &dyn Store, now: Timestamp) -> Vec<LeasedTask> {
    lease_except(store, now, &[]).await
}

async fn lease_except(store: &dyn Store, now: Timestamp, except: &[Uuid]) -> Vec<LeasedTask> {
    let lease = Lease {
        id: Uuid::new_v4(),
        now,
        lasts: Duration::from_secs(30),
        limit: 10,
        except: except.to_vec(),
    };
    store.lease(&lease).await.unwrap()
}

pub(super) fn ending(settlement: Settlement, at: Timestamp) -> Ending {
    Ending {
        settlement,
        host: HostState::Unknown,
        is_unsure: false,
        at,
    }
}

pub(super) async fn is_done(store: &dyn Store, leased: &LeasedTask, at: Timestamp) -> bool {
    let ending = ending(Settlement::Done, at);
    store.settle(leased.held(), &ending).await.unwrap()
}

pub(super) fn names(leased: &[LeasedTask]) -> Vec<Uuid> {
    leased.iter().map(|leased| leased.task.id).collect()
}

pub(super) async fn holds(store: &dyn Store) {
    an_event_is_kept_with_its_tasks_or_not_at_all(store).await;
    what_fails_half_way_never_was(store).await;
    a_task_is_one_workers_until_its_lease_ends(store).await;
    a_host_that_does_not_answer_is_left_alone_with_all_its_tasks(store).await;
    a_host_gets_one_task_at_a_time_in_order(store).await;
    what_is_due_longest_comes_first(store).await;
    a_body_is_fixed_once_it_may_have_left(store).await;
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
    let first = lease(store, at(0)).await;
    assert_eq!(first.len(), 1);
    assert!(is_done(store, &first[0], at(1)).await);
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
    let leased = lease(store, at(0)).await;
    assert_eq!(names(&leased), [other.id]);
    assert!(is_done(store, &leased[0], at(1)).await);
}

async fn a_task_is_one_workers_until_its_lease_ends(store: &dyn Store) {
    let [one, two] = ["https://one.example", "https://two.example"].map(|base| task("org_1", base));
    store
        .add_tasks(&[one.clone(), two.clone()], at(10))
        .await
        .unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    assert!(lease(store, at(9)).await.is_empty(), "not due yet");
    let leased = lease(store, at(10)).await;
    assert_eq!(leased.len(), 2);
    let held = |id: Uuid| leased.iter().find(|leased| leased.task.id == id).unwrap();
    let (first_one, first_two) = (held(one.id), held(two.id));
    assert_eq!(
        (first_one.task.kind, &first_one.task.input),
        (TaskKind::Answer, &one.input)
    );
    assert_eq!(
        (first_one.created_at, first_one.attempts, &first_one.body),
        (at(10), 0, &None)
    );
    assert!(lease(store, at(39)).await.is_empty());
    store.extend(&[first_one.held()], at(60)).await.unwrap();
    // What the first worker does not ask for time for, it has no say in any longer, though it has it again itself.
    let second_two = lease(store, at(40)).await;
    assert_eq!(names(&second_two), [two.id]);
    let late = [first_two.held()];
    store
        .extend(&[second_two[0].held()], at(100))
        .await
        .unwrap();
    store.extend(&late, at(200)).await.unwrap();
    // What it is still at, it does not get again: nor does its host get another call.
    let behind = task("org_1", "https://one.example");
    store
        .add_tasks(std::slice::from_ref(&behind), at(20))
        .await
        .unwrap();
    assert!(lease_except(store, at(60), &[one.id]).await.is_empty());
    let second_one = lease(store, at(60)).await;
    assert_eq!(names(&second_one), [one.id]);
    for lost in [first_one, first_two] {
        let body = Bytes::from_static(b"x");
        assert!(!is_done(store, lost, at(61)).await);
        assert!(!store.fix_body(lost.held(), &body).await.unwrap());
        assert!(!store.narrow(lost.held(), &body).await.unwrap());
        assert!(!store.confirm(lost.held(), at(900)).await.unwrap());
    }
    let retry = Settlement::Retry {
        due_at: at(100),
        refusals: 1,
        why: "rejected",
    };
    let retried = ending(retry, at(61));
    let settled = store.settle(second_one[0].held(), &retried).await;
    assert!(settled.unwrap());
    assert!(is_done(store, &second_two[0], at(61)).await);
    let next = lease(store, at(99)).await;
    assert_eq!(names(&next), [behind.id]);
    assert!(is_done(store, &next[0], at(99)).await);
    let again = lease(store, at(100)).await;
    assert_eq!(
        (names(&again), again[0].attempts, again[0].refusals),
        (vec![one.id], 1, 1)
    );
    // Given back, it is anybody's at once; what was confirmed is not.
    store.release(&[again[0].held()]).await.unwrap();
    let given = lease(store, at(100)).await;
    assert_eq!((names(&given), given[0].attempts), (vec![one.id], 1));
    assert!(store.confirm(given[0].held(), at(150)).await.unwrap());
    assert!(lease(store, at(149)).await.is_empty());
    assert!(is_done(store, &given[0], at(149)).await);
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn a_host_that_does_not_answer_is_left_alone_with_all_its_tasks(store: &dyn Store) {
    let slow = |recipient: &str, second| {
        let task = task(recipient, "https://away.example");
        async move {
            store
                .add_tasks(std::slice::from_ref(&task), at(second))
                .await
                .map(|()| task)
        }
    };
    let [first, second, other] = [
        slow("org_1", 160).await.unwrap(),
        slow("org_1", 161).await.unwrap(),
        slow("org_2", 162).await.unwrap(),
    ];
    let rests = |failures, until| Ending {
        host: HostState::Rests {
            failures,
            until: at(until),
            given_up_before: at(161),
        },
        ..ending(
            Settlement::Retry {
                due_at: at(163),
                refusals: 0,
                why: "connect",
            },
            at(162),
        )
    };
    let leased = lease(store, at(162)).await;
    assert_eq!(
        (names(&leased), leased[0].host_failures),
        (vec![first.id], 0)
    );
    assert!(
        store
            .settle(leased[0].held(), &rests(1, 180))
            .await
            .unwrap()
    );
    // What is new waits with the others; another account's tasks there do not.
    let new = slow("org_1", 163).await.unwrap();
    let leased = lease(store, at(179)).await;
    assert_eq!(names(&leased), [other.id]);
    assert!(is_done(store, &leased[0], at(179)).await);
    let dead = store.unsettled(10).await.unwrap();
    let dead: Vec<_> = dead.iter().filter(|task| task.state == "dead").collect();
    assert_eq!(dead.len(), 1, "the oldest has been tried for long enough");
    assert_eq!(
        (dead[0].id.clone(), dead[0].error.as_deref()),
        (first.id.to_string(), Some("connect"))
    );
    let leased = lease(store, at(180)).await;
    assert_eq!((leased.len(), leased[0].host_failures), (1, 1));
    assert!([second.id, new.id].contains(&leased[0].task.id));
    assert!(
        store
            .settle(leased[0].held(), &rests(2, 190))
            .await
            .unwrap()
    );
    assert!(lease(store, at(189)).await.is_empty());
    // Whoever registers the host anew has it tried at once.
    store
        .put_partner(&partner("org_1", "https://away.example"))
        .await
        .unwrap();
    let leased = lease(store, at(181)).await;
    assert_eq!((leased.len(), leased[0].host_failures), (1, 0));
    let answers = Ending {
        host: HostState::Answers,
        ..ending(Settlement::Done, at(182))
    };
    assert!(store.settle(leased[0].held(), &answers).await.unwrap());
    let leased = lease(store, at(182)).await;
    assert_eq!(leased.len(), 1);
    assert!(is_done(store, &leased[0], at(182)).await);
    store
        .remove_partner("org_1", "https://away.example")
        .await
        .unwrap();
    assert!(store.unsettled(10).await.unwrap().is_empty());
}

async fn a_host_gets_one_task_at_a_time_in_order(store: &dyn Store) {
    let tasks = [0, 1].map(|_| task("org_1", "https://slow.example"));
    store.add_tasks(&tasks[..1], at(200)).await.unwrap();
    store.add_tasks(&tasks[1..], at(201)).await.unwrap();
    for expected in &tasks {
        let leased = lease(store, at(210)).await;
        assert_eq!(names(&leased), [expected.id]);
        assert!(lease(store, at(211)).await.is_empty());
        assert!(is_done(store, &leased[0], at(212)).await);
    }
    // Two workers at once never get the same.
    let many: Vec<_> = (0..20)
        .map(|host| task("org_1", &format!("https://h{host}.example")))
        .collect();
    store.add_tasks(&many, at(220)).await.unwrap();
    let (one, two) = tokio::join!(lease(store, at(220)), lease(store, at(220)));
    let leased: Vec<_> = one.into_iter().chain(two).collect();
    let mut all = names(&leased);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), leased.len());
    assert!(leased.len() >= 10);
    for leased in &leased {
        assert!(is_done(store, leased, at(221)).await);
    }
    for left in lease(store, at(222)).await {
        assert!(is_done(store, &left, at(223)).await);
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
    for number in [1, 2, 0] {
        let one = Lease {
            id: Uuid::new_v4(),
            now: at(250),
            lasts: Duration::from_secs(30),
            limit: 1,
            except: Vec::new(),
        };
        let (_, expected) = &due[number];
        let leased = store.lease(&one).await.unwrap();
        assert_eq!(names(&leased), [expected.id]);
        assert!(is_done(store, &leased[0], at(251)).await);
    }
}

async fn a_body_is_fixed_once_it_may_have_left(store: &dyn Store) {
    let one = task("org_1", "https://one.example");
    store
        .add_tasks(std::slice::from_ref(&one), at(300))
        .await
        .unwrap();
    let bodies = ["first", "second", "third"].map(|text| Bytes::from_static(text.as_bytes()));
    let leased = lease(store, at(300)).await;
    assert!(store.fix_body(leased[0].held(), &bodies[0]).await.unwrap());
    let again = lease(store, at(400)).await;
    assert_eq!(
        (&again[0].body, again[0].is_unsure),
        (&Some(bodies[0].clone()), false)
    );
    assert!(store.fix_body(again[0].held(), &bodies[1]).await.unwrap());
    assert!(store.confirm(again[0].held(), at(430)).await.unwrap());
    assert!(!store.fix_body(again[0].held(), &bodies[2]).await.unwrap());
    // A worker that is gone in that moment leaves it at that.
    let last = lease(store, at(430)).await;
    assert_eq!(
        (&last[0].body, last[0].is_unsure),
        (&Some(bodies[1].clone()), true)
    );
    // Who knows that nothing has left says so.
    let dead = Settlement::Dead { why: "connect" };
    let sure = ending(dead, at(431));
    assert!(store.settle(last[0].held(), &sure).await.unwrap());
    assert_eq!(store.revive("org_1", at(432)).await.unwrap(), 1);
    let anew = lease(store, at(432)).await;
    assert_eq!((&anew[0].body, anew[0].is_unsure), (&None, false));
    assert!(store.fix_body(anew[0].held(), &bodies[2]).await.unwrap());
    let unsure = Ending {
        is_unsure: true,
        ..ending(dead, at(433))
    };
    assert!(store.settle(anew[0].held(), &unsure).await.unwrap());
    assert_eq!(store.revive("org_1", at(434)).await.unwrap(), 1);
    let kept = lease(store, at(434)).await;
    assert_eq!(
        (&kept[0].body, kept[0].is_unsure),
        (&Some(bodies[2].clone()), true)
    );
    let less = Bytes::from_static(b"less");
    assert!(store.narrow(kept[0].held(), &less).await.unwrap());
    store.release(&[kept[0].held()]).await.unwrap();
    let narrowed = lease(store, at(434)).await;
    assert_eq!(narrowed[0].task.input, less);
    assert!(is_done(store, &narrowed[0], at(435)).await);
}

async fn settled_tasks_are_left_alone_and_forgotten(store: &dyn Store) {
    let tasks = ["https://one.example", "https://two.example"].map(|base| task("org_dead", base));
    store.add_tasks(&tasks, at(500)).await.unwrap();
    let leased = lease(store, at(500)).await;
    let held = |id: Uuid| leased.iter().find(|leased| leased.task.id == id).unwrap();
    let dead = |second| ending(Settlement::Dead { why: "rejected" }, at(second));
    let first = held(tasks[0].id).held();
    assert!(store.settle(first, &dead(501)).await.unwrap());
    assert!(is_done(store, held(tasks[1].id), at(501)).await);
    assert!(lease(store, at(1000)).await.is_empty());
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
    let again = lease(store, at(1000)).await;
    assert_eq!(
        (names(&again), &again[0].task.input),
        (vec![tasks[0].id], &tasks[0].input)
    );
    let again = again[0].held();
    assert!(store.settle(again, &dead(1001)).await.unwrap());
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
    let leased = lease(store, at(2001)).await;
    assert_eq!(names(&leased), [tasks[1].id]);
    assert!(is_done(store, &leased[0], at(2002)).await);
}
