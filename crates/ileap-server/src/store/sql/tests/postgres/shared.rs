//! Several stores on one database act as one.

use std::time::Duration;

use futures_util::future::join_all;

use super::*;
use crate::{
    clock::SystemClock,
    invalidation::{Invalidations, tests::Forgetful},
    store::{
        logins::{Fate, Invalidation, LoginRecords as _, News},
        sql::database::Lock,
    },
    verify::AccountKey,
};

async fn two(database: &TestDatabase) -> [SqlStore; 2] {
    [open(database).await, open(database).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_database_may_be_opened_by_many_at_once() {
    let database = TestDatabase::new().await;
    let stores = join_all((0..5).map(|_| open(&database))).await;
    let mut keys: Vec<_> = stores.iter().map(|store| store.cursor_key.0).collect();
    keys.dedup();
    assert_eq!(keys.len(), 1, "all agree on the cursor key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_counted_together() {
    let database = TestDatabase::new().await;
    let stores = two(&database).await;
    let account = AccountKey::of_identifier("ops@acme.example");
    let now = Timestamp::UNIX_EPOCH;
    let attempts = (0..100).map(|attempt| stores[attempt % 2].reserve_failure(&account, 5, now));
    let mut granted = Vec::new();
    for attempt in join_all(attempts).await {
        granted.extend(attempt.unwrap());
    }
    assert_eq!(granted.len(), 5);
    let settled = granted
        .into_iter()
        .enumerate()
        .map(|(number, reservation)| {
            let fate = [Fate::Happened, Fate::Returned][number % 2];
            stores[number % 2].settle_failure(&account, reservation, fate, now)
        });
    for settled in join_all(settled).await {
        settled.unwrap();
    }
    for store in &stores {
        assert_eq!(store.login_record(&account).await.unwrap().failures, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_arrives_everywhere_is_kept_once() {
    let database = TestDatabase::new().await;
    let stores = two(&database).await;
    for number in 0..20 {
        let event = event("https://a.example", &number.to_string());
        let receipts = join_all((0..10).map(|number| record(&stores[number % 2], &event))).await;
        let receipts = receipts.into_iter().map(Result::unwrap);
        assert_eq!(
            receipts
                .filter(|receipt| *receipt == EventReceipt::Stored)
                .count(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_tasks_without_getting_in_each_others_way() {
    let database = TestDatabase::new().await;
    let [ours, theirs] = two(&database).await;
    contract::workers::share([&ours, &theirs]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_happen_one_after_the_other() {
    let database = TestDatabase::new().await;
    let stores = two(&database).await;
    let objects: Vec<_> = (0..30)
        .map(|number| contract::object(contract::another(number, "2024-01-01T00:00:00Z")))
        .collect();
    let backwards: Vec<_> = objects.iter().rev().cloned().collect();
    let imports = (0..6).map(|number| {
        let objects = [&objects, &backwards][number % 2];
        stores[number % 2].import(objects)
    });
    let summaries = join_all(imports).await;
    let mut added: Vec<_> = summaries
        .into_iter()
        .map(|summary| summary.unwrap().added)
        .collect();
    added.sort_unstable();
    assert_eq!(added, [0, 0, 0, 0, 0, 30]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_misses_no_invalidation() {
    let database = TestDatabase::new().await;
    let stores = two(&database).await;
    let (_, mut mark) = stores[0].invalidations(None).await.unwrap();
    let publish = (0..200).map(|number| {
        let subject = Invalidation::Subject(format!("clerk|{number}"));
        let store = &stores[number % 2];
        async move { store.invalidate(&subject, Timestamp::UNIX_EPOCH).await }
    });
    let publish = join_all(publish);
    let follow = async {
        let mut seen = Vec::new();
        while seen.len() < 200 {
            let (news, next) = stores[0].invalidations(Some(mark)).await.unwrap();
            mark = next;
            seen.extend(news);
        }
        seen
    };
    let deadline = Duration::from_secs(60);
    let (published, seen) = tokio::join!(publish, tokio::time::timeout(deadline, follow));
    for published in published {
        published.unwrap();
    }
    let mut seen = seen.expect("every invalidation is seen");
    seen.sort_by_key(|invalidation| format!("{invalidation:?}"));
    seen.dedup();
    assert_eq!(seen.len(), 200, "and none twice");
}

#[tokio::test]
async fn an_invalidation_is_not_overtaken_by_a_later_one() {
    let database = TestDatabase::new().await;
    let [ours, theirs] = two(&database).await;
    let (_, begin) = ours.invalidations(None).await.unwrap();
    let mut slow = ours.writer.begin(Lock::Invalidations).await.unwrap();
    sql("INSERT INTO invalidations (kind, name, at) VALUES ('subject', 'slow', 0)")
        .execute(&mut slow)
        .await
        .unwrap();
    let quick = Invalidation::Subject("quick".to_owned());
    let publish = theirs.invalidate(&quick, Timestamp::UNIX_EPOCH);
    let follow = async {
        // Long enough for the other to become visible, if nothing held it back.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (mut seen, mark) = ours.invalidations(Some(begin)).await.unwrap();
        slow.commit().await.unwrap();
        (std::mem::take(&mut seen), mark)
    };
    let (published, (mut seen, mark)) = tokio::join!(publish, follow);
    published.unwrap();
    seen.extend(ours.invalidations(Some(mark)).await.unwrap().0);
    let slow = Invalidation::Subject("slow".to_owned());
    assert_eq!(seen, [slow, quick].map(News::Invalidated));
}

#[tokio::test]
async fn only_where_others_may_be_on_the_store_are_they_given_the_time_to_hear() {
    let database = TestDatabase::new().await;
    let on = |store| Invalidations {
        clock: Arc::new(SystemClock),
        cutoffs: Arc::default(),
        store: Arc::new(store),
        verifier: Arc::<Forgetful>::default(),
    };
    let shared = on(open(&database).await);
    let own = on(SqlStore::open("sqlite::memory:").await.unwrap());
    tokio::time::pause();
    for (invalidations, seconds) in [(own, 0), (shared, 2)] {
        let began = tokio::time::Instant::now();
        invalidations.told_to_all().await;
        assert_eq!(began.elapsed().as_secs(), seconds);
    }
}
