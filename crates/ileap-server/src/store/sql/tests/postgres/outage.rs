//! What happens when PostgreSQL does not answer, and after.

use std::{future::Future, time::Duration};

use super::{super::sizes, database::TestDatabase, proxy::Proxy, server::Server, *};
use crate::store::{
    partners::PartnerRecords as _,
    sql::database::{Connections, Lock},
};

/// An answer, or a failed test where a call would go on for ever.
async fn in_time<T>(call: impl Future<Output = T>) -> T {
    let deadline = Duration::from_secs(30);
    tokio::time::timeout(deadline, call)
        .await
        .expect("no call waits for ever")
}

async fn ask(store: &SqlStore) -> Result<Option<Bytes>, StoreError> {
    let id = "3893bb5d-da16-4dc1-9185-11d97476c254";
    in_time(store.footprint(&Visibility::everything(), id)).await
}

#[tokio::test]
async fn a_store_outlives_its_server() {
    let mut server = Server::start();
    let store = SqlStore::open(&server.url("postgres")).await.unwrap();
    let event = event("https://a.example", "1");
    assert_eq!(record(&store, &event).await.unwrap(), EventReceipt::Stored);
    server.order("stop");
    assert_unavailable(&ask(&store).await);
    assert_unavailable(&in_time(record(&store, &event)).await);
    assert_unavailable(&in_time(store.check()).await);
    server.order("start");
    store.check().await.unwrap();
    ask(&store).await.unwrap();
    assert_eq!(
        record(&store, &event).await.unwrap(),
        EventReceipt::Duplicate,
        "what was acknowledged is there"
    );
}

#[tokio::test]
async fn an_import_that_its_server_leaves_never_was() {
    let mut server = Server::start();
    let store = SqlStore::open(&server.url("postgres")).await.unwrap();
    let mut import = store.begin_import().await.unwrap();
    import.write(&[activity("lost")]).await.unwrap();
    server.order("stop");
    assert_unavailable(&in_time(import.write(&[activity("more")])).await);
    assert_unavailable(&in_time(import.commit()).await);
    server.order("start");
    let mut again = store.begin_import().await.unwrap();
    assert!(!again.delete_tad("lost").await.unwrap());
}

#[tokio::test]
async fn a_network_that_falls_silent_is_given_up_and_found_again() {
    let server = Server::start();
    let proxy = Proxy::to(server.socket()).await;
    let store = SqlStore::open(&proxy.url("postgres")).await.unwrap();
    ask(&store).await.unwrap();
    let mut import = store.begin_import().await.unwrap();
    import.write(&[activity("lost")]).await.unwrap();
    drop(import);
    let account = Lock::Account("ops@acme.example");
    let mut transaction = store.writer.begin(account).await.unwrap();
    proxy.set_silent(true);
    let waiting = sql("SELECT 1").execute(&mut transaction);
    in_time(waiting).await.unwrap_err();
    drop(transaction);
    assert_unavailable(&ask(&store).await);
    proxy.set_silent(false);
    for _ in 0..4 {
        if ask(&store).await.is_ok() {
            return;
        }
    }
    ask(&store).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_somebody_keeps_does_not_keep_a_call() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let mut somebody = database.connect().await;
    somebody
        .execute("BEGIN; LOCK TABLE footprints IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    assert_unavailable(&ask(&store).await);
    somebody.execute("ROLLBACK").await.unwrap();
    ask(&store).await.unwrap();
}

#[tokio::test]
async fn an_account_that_somebody_keeps_locked_keeps_no_other_from_forgetting_old_events() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let moment = |second| Timestamp::from_second(second).unwrap();
    for recipient in ["org_a", "org_b", "org_c"] {
        sizes::receive(&store, recipient, "1").await;
    }
    let locked = store.writer.begin(Lock::Account("org_b")).await.unwrap();
    assert_unavailable(&in_time(store.prune_events(moment(2), moment(2))).await);
    drop(locked);
    let again = async |recipient| sizes::receive(&store, recipient, "1").await;
    assert_eq!(again("org_a").await, EventReceipt::Stored);
    assert_eq!(again("org_b").await, EventReceipt::Duplicate);
    assert_eq!(again("org_c").await, EventReceipt::Stored);
}

#[tokio::test]
async fn a_call_that_finds_every_connection_taken_is_told_so() {
    let database = TestDatabase::new().await;
    let store = open(&database).await;
    let mut taken = Vec::new();
    for number in 0..postgres::WRITERS {
        let account = number.to_string();
        let transaction = store.writer.begin(Lock::Account(&account)).await;
        taken.push(transaction.unwrap());
    }
    let event = event("https://a.example", "1");
    assert_unavailable(&in_time(record(&store, &event)).await);
    // Whoever reads has connections of its own, and the same end of its patience.
    let Connections::Postgres(readers) = &store.readers.connections else {
        panic!("{store:?}");
    };
    let mut reading = Vec::new();
    for _ in 0..postgres::READERS {
        ask(&store).await.unwrap();
        reading.push(readers.acquire().await.unwrap());
    }
    assert_unavailable(&ask(&store).await);
    reading.pop();
    ask(&store).await.unwrap();
    taken.pop();
    let recorded = record(&store, &event).await;
    assert_eq!(recorded.unwrap(), EventReceipt::Stored);
}
