//! What workers of several processes on one database promise each other.

use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    outbox::{at, is_done, lease, names, receive, task},
    *,
};
use crate::store::outbox::{LeasedTask, NewTask};

const HOSTS: usize = 40;

/// Runs every case on two stores that share one database, which holds no tasks.
pub(crate) async fn share(stores: [&dyn Store; 2]) {
    no_task_is_leased_twice(stores).await;
    no_host_has_two_tasks_at_once(stores).await;
    a_lease_that_ended_goes_to_one_worker(stores).await;
    an_event_that_arrives_everywhere_has_its_tasks_once(stores).await;
}

/// What ten workers get that ask at once, half of them of each process.
async fn race(stores: [&dyn Store; 2], now: i64) -> Vec<LeasedTask> {
    let workers = (0..10).map(async |number: usize| lease(stores[number % 2], at(now)).await);
    join_all(workers).await.into_iter().flatten().collect()
}

fn unique(leased: &[LeasedTask]) -> Vec<Uuid> {
    let mut ids = names(leased);
    ids.sort();
    ids.dedup();
    ids
}

async fn finish(store: &dyn Store, leased: &[LeasedTask]) {
    for leased in leased {
        assert!(is_done(store, leased, at(0)).await);
    }
}

fn of_many_hosts() -> Vec<NewTask> {
    let host = |number| task("org_1", &format!("https://h{number}.example"));
    (0..HOSTS).map(host).collect()
}

async fn no_task_is_leased_twice(stores: [&dyn Store; 2]) {
    stores[0].add_tasks(&of_many_hosts(), at(0)).await.unwrap();
    let mut leased = Vec::new();
    while leased.len() < HOSTS {
        let more = race(stores, 1).await;
        assert!(!more.is_empty(), "every task is leased in the end");
        leased.extend(more);
    }
    assert_eq!(unique(&leased).len(), HOSTS);
    assert_eq!(leased.len(), HOSTS);
    assert!(race(stores, 2).await.is_empty());
    finish(stores[1], &leased).await;
}

async fn no_host_has_two_tasks_at_once(stores: [&dyn Store; 2]) {
    let tasks = [(); 12].map(|()| task("org_1", "https://slow.example"));
    stores[0].add_tasks(&tasks, at(100)).await.unwrap();
    for _ in &tasks {
        let leased = race(stores, 101).await;
        assert_eq!(leased.len(), 1);
        finish(stores[0], &leased).await;
    }
    assert!(race(stores, 101).await.is_empty());
}

async fn a_lease_that_ended_goes_to_one_worker(stores: [&dyn Store; 2]) {
    let tasks = &of_many_hosts()[..10];
    stores[0].add_tasks(tasks, at(200)).await.unwrap();
    let lost = lease(stores[0], at(200)).await;
    assert_eq!(lost.len(), tasks.len());
    let mut taken = Vec::new();
    while taken.len() < lost.len() {
        let more = race(stores, 300).await;
        assert!(!more.is_empty(), "every task is taken over in the end");
        taken.extend(more);
    }
    assert_eq!(unique(&taken).len(), taken.len());
    for lost in &lost {
        let body = Bytes::from_static(b"too late");
        assert!(!stores[0].fix_body(lost.held(), &body).await.unwrap());
        assert!(!is_done(stores[0], lost, at(301)).await);
    }
    finish(stores[1], &taken).await;
}

async fn an_event_that_arrives_everywhere_has_its_tasks_once(stores: [&dyn Store; 2]) {
    for number in 0..10 {
        let id = number.to_string();
        let arrivals = (0..6).map(async |arrival: usize| {
            let tasks = [task("org_1", &format!("https://h{number}.example"))];
            let received = receive(stores[arrival % 2], ("org_1", &id), &tasks);
            received.await.unwrap()
        });
        let receipts = join_all(arrivals).await;
        let is_new = |receipt: &&EventReceipt| **receipt == EventReceipt::Stored;
        assert_eq!(receipts.iter().filter(is_new).count(), 1);
    }
    assert_eq!(stores[0].depth().await.unwrap().open, 10);
    let leased = lease(stores[1], at(400)).await;
    assert_eq!(leased.len(), 10);
    finish(stores[1], &leased).await;
}
